"""Soft targets in every form: read as the project reads them, scores and mask beside the labels."""

import ast
import csv
import json
from base64 import b64decode
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
import pyarrow.parquet as pq
import pytest
from export_support import backwards, framed_targets, read_samples
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from lhotse import SupervisionSet

from audiolabels import (
    Scores,
    SoftTargets,
    Targets,
    Vocabulary,
    expand,
    export,
    load_vocabulary,
    read_scores,
)
from audiolabels.errors import OptionError, TargetsFileError, VocabularyError
from audiolabels.exporters import EXPORTERS
from audiolabels.exporters.panns import write_panns
from audiolabels.exporters.pretrained_sed import by_name
from audiolabels.exporters.soft_columns import binarise

h5py = pytest.importorskip("h5py")

AUDIOSET = load_vocabulary("audioset")
STRONG = by_name(load_vocabulary("audioset-strong-train"))
CLIPS = ["aaaaaaaaaaa_30000", "-_ccccccccc_0", "Ybbbbbbbbbb_10000"]
Tables = dict[str, npt.NDArray[Any]]


def soft_targets(
    vocabulary: Vocabulary = AUDIOSET, segments: int = 1, seconds: float = 10, **options: Any
) -> SoftTargets:
    """Scores of three clips; the teacher tells nothing of the last two classes."""
    rng, count = np.random.default_rng(5), len(CLIPS) * segments
    onset = np.tile(np.arange(segments) * seconds, len(CLIPS))
    scores = Scores.from_arrays(
        np.repeat(CLIPS, segments).tolist(),
        rng.random((count, len(vocabulary) - 2)) ** 3,
        classes=vocabulary.ids[:-2],
        onset=onset.tolist(),
        offset=(onset + seconds).tolist(),
    )
    made = expand(scores, "pseudo-strong", vocabulary=vocabulary, **options)
    assert isinstance(made, SoftTargets | Targets)
    return made  # type: ignore[return-value]


SOFT = soft_targets()
SCORES, MASK = SOFT.to_numpy()


def scores_of(text: str) -> npt.NDArray[Any]:
    return np.frombuffer(b64decode(text), "<f2")


def ones(rows: Any, index: dict[Any, int]) -> npt.NDArray[Any]:
    table = np.zeros((len(rows), len(index)), np.float32)
    for line, row in zip(table, rows, strict=True):
        line[[index[label] for label in row]] = 1
    return table


def split(column: Any, separator: str) -> list[list[str]]:
    return [[label for label in text.split(separator) if label] for text in column]


def positions(ids: tuple[str, ...]) -> dict[str, int]:
    return {id_: i for i, id_ in enumerate(ids)}


def read_hdf5(path: Path, ids: tuple[str, ...] = AUDIOSET.ids) -> Tables:
    with h5py.File(path) as file:
        tables = {key: file[key][:] for key in ("target", "mask", "soft") if key in file}
    if tables["target"].dtype == np.uint8:
        for key in ("target", "mask"):
            tables[key] = np.unpackbits(tables[key], axis=1, count=len(ids))
    return tables


def read_json(path: Path, ids: tuple[str, ...] = AUDIOSET.ids) -> Tables:
    with path.with_name("class_labels_indices.csv").open() as file:
        index = {row["mid"]: int(row["index"]) for row in csv.DictReader(file)}
    assert index == positions(ids)
    data = json.loads(path.read_text())["data"]
    texts = {key: [entry[key] for entry in data] for key in (data[0] if data else ())}
    return tables_of(texts, ",", index)


def tables_of(
    texts: Any, separator: str, index: dict[Any, int], key: str = "labels", name: str = "wav"
) -> Tables:
    """The clips' names, their classes, what is known, and the scores where the file has them."""
    if not len(texts):
        return {"name": np.array([], str)}
    tables = {
        "name": np.array(texts[name]),
        "target": ones(split(texts[key], separator), index),
        "mask": 1 - ones(split(texts["masked"], separator), index),
    }
    if "soft" in texts:
        tables["soft"] = np.array([scores_of(text) for text in texts["soft"]])
    return tables


def read_psl(path: Path, ids: tuple[str, ...] = AUDIOSET.ids) -> Tables:
    table = pd.read_csv(path, sep="\t", dtype={"labels": str, "masked": str}, keep_default_na=False)
    numbers = {str(i): i for i in range(len(ids))}
    tables = tables_of(table, ";", numbers, name="filename")
    return tables | {key: table[key].to_numpy() for key in ("from", "to") if key in table}


def read_fsd50k(path: Path, ids: tuple[str, ...] = AUDIOSET.ids) -> Tables:
    table = pd.read_csv(path, dtype={"fname": str}, keep_default_na=False)
    return tables_of(table, ",", positions(ids), "mids", "fname")


def read_desed(path: Path, ids: tuple[str, ...] = AUDIOSET.ids) -> Tables:
    table = pd.read_csv(path, sep="\t", keep_default_na=False)
    return tables_of(table, ",", positions(ids), "event_labels", "filename")


def read_eat(path: Path, ids: tuple[str, ...] = AUDIOSET.ids) -> Tables:
    files = {"labels": ".lbl", "masked": ".masked", "soft": ".soft"}
    names = [line.split()[0] for line in path.read_text().splitlines()[1:]]
    texts: dict[str, list[str]] = {"wav": names} if names else {}
    for key, suffix in files.items():
        file = path.with_suffix(suffix)
        if names and file.exists():
            lines = [line.split("\t") for line in file.read_text().splitlines()]
            assert [name for name, _ in lines] == names
            texts[key] = [text for _, text in lines]
    return tables_of(texts, ",", positions(ids))


def read_hugging_face(path: Path, ids: tuple[str, ...] = AUDIOSET.ids) -> Tables:
    table = pq.read_table(path).to_pydict()
    tables = {
        "name": np.array(table["video_id"]),
        "target": ones(table["labels"], positions(ids)),
        "mask": 1 - ones(table["masked"], positions(ids)),
    }
    if "soft" in table:
        tables["soft"] = np.array(table["soft"], np.float16)
    return tables


def read_lhotse(path: Path, ids: tuple[str, ...] = AUDIOSET.ids) -> Tables:
    found = list(SupervisionSet.from_jsonl_lazy(path))
    texts = {"wav": [supervision.recording_id for supervision in found]} if found else {}
    for key in found[0].custom if found else ():
        texts[key] = [supervision.custom[key] for supervision in found]
    numbers = {str(i): i for i in range(len(ids))}
    return tables_of(texts, ";", numbers, "audio_event")


def read_espnet(path: Path, ids: tuple[str, ...] = AUDIOSET.ids) -> Tables:
    texts: dict[str, list[str]] = {}
    for key in ("text", "masked", "soft"):
        file = path.with_name(key)
        if file.exists() and (lines := file.read_text().splitlines()):
            pairs = dict(line.split(" ", 1) for line in lines)
            texts["wav"] = sorted(pairs, key=lambda c: CLIPS.index(c) if c in CLIPS else c)
            texts[key] = [pairs[clip].replace("<blank>", "") for clip in texts["wav"]]
    names = [AUDIOSET.names[AUDIOSET.index[id_]].replace(" ", "_") for id_ in ids]
    assert path.with_name("token_list").read_text().split() == [*names, "<blank>", "<unk>"]
    return tables_of(texts, " ", positions(tuple(names)), "text")


def read_webdataset(path: Path, ids: tuple[str, ...] = AUDIOSET.ids) -> Tables:
    found = read_samples(path)
    texts = {"wav": [sample["__key__"] for sample in found]} if found else {}
    for key in found[0]["json"] if found else ():
        texts[key] = [sample["json"][key] for sample in found]
    return tables_of(texts, ";", positions(ids))


def read_flexsed(path: Path, ids: tuple[str, ...] = AUDIOSET.ids) -> Tables:
    numbers = pd.read_csv(path.with_name("label_to_id.csv")).set_index("label")["id"]
    table = pd.read_csv(path, dtype={"soft": str})
    order = numbers[[AUDIOSET.names[AUDIOSET.index[id_]] for id_ in ids]].tolist()
    column = {number: place for place, number in enumerate(order)}
    listed = {key: map(ast.literal_eval, table[key]) for key in table if key.endswith("_ids")}
    made = {key: ones(list(lists), column) for key, lists in listed.items()}
    assert not made["removed_ids"].any()
    assert (made["pos_ids"] + made["neg_ids"] + made["masked_ids"] == 1).all()
    tables = {"name": table["file_name"].to_numpy(str), "target": made["pos_ids"]}
    tables["mask"] = 1 - made["masked_ids"]
    if "soft" in table:
        scores = [scores_of(text)[order] for text in table["soft"]]
        tables["soft"] = np.array(scores, np.float16)
    return tables


# Form: name of the file, options, how the project reads it.
FORMS: dict[str, tuple[str, dict[str, Any], Callable[..., Tables]]] = {
    "panns": ("a.h5", {}, read_hdf5),
    "passt": ("a.hdf", {}, read_hdf5),
    "ast": ("a.json", {"files": "{clip}.wav"}, read_json),
    "psl": ("a.csv", {}, read_psl),
    "eat": ("a.tsv", {"files": "{clip}.wav", "sample_rate": 16_000}, read_eat),
    "fsd50k": ("a.csv", {}, read_fsd50k),
    "desed": ("a.tsv", {}, read_desed),
    "huggingface": ("a.parquet", {}, read_hugging_face),
    "lhotse": ("a.jsonl.gz", {}, read_lhotse),
    "espnet": ("text", {}, read_espnet),
    "webdataset": ("a.tar", {}, read_webdataset),
    "flexsed": ("a.csv", {}, read_flexsed),
}
EACH = pytest.mark.parametrize("form", FORMS)


def test_every_form_with_labels_and_scores_is_tried_here() -> None:
    takers = [name for name, form in EXPORTERS.items() if "threshold" in form.options]
    assert sorted(takers) == sorted(FORMS)
    assert all(EXPORTERS[name].soft for name in takers)
    soft = {name for name, form in EXPORTERS.items() if SoftTargets in form.sources}
    assert soft - set(takers) == {"ced", "efficientat", "pretrained-sed", "wide-csv"}


@EACH
@pytest.mark.parametrize("threshold", [0.5, 0.02])
def test_the_project_reads_labels_scores_and_mask(
    tmp_path: Path, form: str, threshold: float
) -> None:
    name, options, read = FORMS[form]
    done = export(SOFT, form, tmp_path / name, threshold=threshold, **options)
    tables = read(tmp_path / name)
    np.testing.assert_array_equal(tables["target"], np.float16(threshold) <= SCORES)
    assert tables["soft"].dtype == np.float16
    np.testing.assert_array_equal(tables["soft"].astype(np.float32), SCORES)
    np.testing.assert_array_equal(tables["mask"], MASK)
    assert not done.left_out
    assert f"scores from {threshold} on; the scores: {EXPORTERS[form].soft}" in done.notes[-1]


@EACH
def test_the_project_reads_hard_targets_with_their_mask(tmp_path: Path, form: str) -> None:
    hard = soft_targets(threshold=0.7)
    assert isinstance(hard, Targets)
    name, options, read = FORMS[form]
    export(hard, form, tmp_path / name, **options)
    tables = read(tmp_path / name)
    for key, mine in zip(("target", "mask"), hard.to_numpy(), strict=True):
        np.testing.assert_array_equal(tables[key], mine)
    assert "soft" not in tables


@EACH
def test_what_is_needed_is_said(tmp_path: Path, form: str) -> None:
    name, options, _ = FORMS[form]
    with pytest.raises(OptionError, match=rf"{form} is read as hard labels.*--threshold 0.5"):
        export(SOFT, form, tmp_path / name, **options)
    for bad in (0, 1.1, "half", float("nan")):
        with pytest.raises(OptionError, match=r"threshold .*give a number from above 0 to 1"):
            export(SOFT, form, tmp_path / name, threshold=bad, **options)
    with pytest.raises(OptionError, match="a threshold is for soft targets only"):
        export(soft_targets(threshold=0.7), form, tmp_path / name, threshold=0.5, **options)
    if form not in ("psl", "lhotse"):
        with pytest.raises(OptionError, match=rf"{form} holds one row of scores.*psl, ced"):
            export(soft_targets(segments=2), form, tmp_path / name, threshold=0.5, **options)
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("form", ["hear", "framed-release", "raven", "audacity"])
def test_forms_without_a_place_for_scores_refuse_them(tmp_path: Path, form: str) -> None:
    with pytest.raises(OptionError, match=r"cannot hold scores: expand them with a threshold"):
        export(SOFT, form, tmp_path / "a")


def test_ceds_lists_hold_hard_targets(tmp_path: Path) -> None:
    hard = soft_targets(threshold=0.7)
    export(hard, "ced", tmp_path / "a.tsv", files="{clip}.wav")
    table = pd.read_csv(tmp_path / "a.tsv", sep="\t", dtype=str, keep_default_na=False)
    numbers = {str(i): i for i in range(527)}
    tables = tables_of(table, ";", numbers, name="filename")
    for key, mine in zip(("target", "mask"), hard.to_numpy(), strict=True):
        np.testing.assert_array_equal(tables[key], mine)


def test_what_no_score_reaches_is_left_out_where_the_form_needs_a_class(tmp_path: Path) -> None:
    soft = soft_targets()
    soft.scores[1] = np.minimum(soft.scores[1], 0.25)
    for form, (name, options, read) in FORMS.items():
        done = export(soft, form, tmp_path / name, threshold=0.5, **options)
        holds = form in ("panns", "passt", "huggingface", "espnet", "flexsed")
        assert len(read(tmp_path / name)["soft"]) == (3 if holds else 2)
        assert done.left_out == ({} if holds else {"clips without a positive class": 1})
        for file in tmp_path.iterdir():
            file.unlink()


def test_columns_are_put_in_order_with_their_scores(tmp_path: Path) -> None:
    soft = SOFT.select(backwards(AUDIOSET))
    export(soft, "panns", tmp_path / "a.h5", threshold=0.5)
    tables = read_hdf5(tmp_path / "a.h5")
    np.testing.assert_array_equal(tables["soft"].astype(np.float32), SCORES)
    np.testing.assert_array_equal(tables["mask"], MASK)


def test_clips_of_one_name_are_told_apart_by_their_scores(tmp_path: Path) -> None:
    values = [[0.9, 0.1], [0.9, 0.1], [0.9, 0.2]]
    for rows, kept in (([0, 1], 1), ([0, 2], 0)):
        scores = Scores.from_arrays(["a", "a"], [values[i] for i in rows], classes=AUDIOSET.ids[:2])
        soft = expand(scores, "pseudo-strong", vocabulary=AUDIOSET.ids[:2])
        done = export(soft, "fsd50k", tmp_path / "a.csv", threshold=0.5)
        assert done.files[tmp_path / "a.csv"] == kept


def test_a_tiny_threshold_makes_nothing_unknown_positive(tmp_path: Path) -> None:
    soft = soft_targets()
    soft.scores[0, :5] = 0
    export(soft, "panns", tmp_path / "a.h5", threshold=1e-12)
    target = read_hdf5(tmp_path / "a.h5")["target"]
    assert (target == (soft.scores > 0)).all()
    assert not target[:, -2:].any()


def test_a_part_of_hardened_targets_keeps_its_scores(tmp_path: Path) -> None:
    part = binarise(SOFT, "panns", 0.5).slice(1, 3)
    write_panns(part, tmp_path / "a.h5")
    np.testing.assert_array_equal(read_hdf5(tmp_path / "a.h5")["soft"], SOFT.scores[1:])


def test_segments_of_psl(tmp_path: Path) -> None:
    soft = soft_targets(segments=5, seconds=2)
    export(soft, "psl", tmp_path / "a.csv", clip_duration=10, threshold=0.3)
    tables, (scores, mask) = read_psl(tmp_path / "a.csv"), soft.to_numpy()
    np.testing.assert_array_equal(tables["target"], scores >= np.float16(0.3))
    np.testing.assert_array_equal(tables["soft"].astype(np.float32), scores)
    np.testing.assert_array_equal(tables["mask"], mask)
    assert tables["from"].tolist() == soft.onset.to_pylist()
    assert tables["to"].tolist() == soft.offset.to_pylist()


def test_ceds_scores_come_back_with_their_mask(tmp_path: Path) -> None:
    soft = soft_targets(segments=2, seconds=5)
    path = tmp_path / "logits_ep1_0.h5"
    export(soft, "ced", path, files="{clip}.wav")
    scores, mask = soft.to_numpy()
    kept = np.zeros(scores.shape, bool)
    np.put_along_axis(kept, np.argsort(-scores, axis=1, kind="stable")[:, :20], True, axis=1)
    for beyond, known in (("zero", mask > 0), ("unknown", kept)):
        made = expand(read_scores(path, beyond_top=beyond), "pseudo-strong", vocabulary="audioset")
        np.testing.assert_array_equal(made.to_numpy()[0], np.where(kept, scores, 0))
        np.testing.assert_array_equal(made.to_numpy()[1], known)


def looked_up(filename: str) -> str:
    """The key by which PretrainedSED looks for the pseudo labels of an audio file."""
    return filename.rstrip(".mp3")


def read_pseudo_labels(path: Path) -> tuple[list[str], npt.NDArray[Any], npt.NDArray[Any]]:
    """Names, what the sigmoid makes of the logits of 447 classes over 250 frames, and the mask."""
    with h5py.File(path) as file:
        names = [name.decode() for name in file["filenames"]]
        assert file["strong_logits"].dtype == np.float16
        logits = file["strong_logits"][:].astype(np.float32)
        known = np.unpackbits(file["mask"][:], axis=2, count=250)
    return names, 1 / (1 + np.exp(-logits)), known


@pytest.mark.parametrize(("segments", "seconds"), [(1, 10), (5, 2), (250, 0.04)])
def test_pretrained_sed_reads_pseudo_labels(tmp_path: Path, segments: int, seconds: float) -> None:
    soft = soft_targets(STRONG, segments, seconds)
    soft.scores[:, :3] = [0, 1, 0.5]
    path = tmp_path / "pseudo.h5"
    done = export(soft, "pretrained-sed", path)
    names, found, known = read_pseudo_labels(path)
    assert names == [looked_up(f"Y{clip[:11]}.mp3") for clip in CLIPS]
    assert found.shape == (3, 447, 250)
    scores, mask = (table.reshape(3, segments, 447) for table in soft.to_numpy())
    frame = np.arange(250) * segments // 250
    np.testing.assert_allclose(found, scores[:, frame].transpose(0, 2, 1), rtol=0.005, atol=1e-7)
    np.testing.assert_array_equal(known, mask[:, frame].transpose(0, 2, 1))
    assert done.files[path] == 3
    again = expand(read_scores(path), "pseudo-strong", vocabulary=STRONG)
    values, told = again.to_numpy()
    assert (values[:, :3] == [0, 1, 0.5]).all()
    np.testing.assert_allclose(values.reshape(3, 250, 447), scores[:, frame], rtol=0.005, atol=1e-7)
    np.testing.assert_array_equal(told.reshape(3, 250, 447), mask[:, frame])


def test_pseudo_labels_are_found_whatever_an_id_ends_in(tmp_path: Path) -> None:
    ids = ["abcdefghijm_0", "abcdefgh_p3_0", "abcdefghi.3", "abcdefghijk_30000"]
    scores = Scores.from_arrays(ids, np.zeros((4, 447)), classes="audioset-strong-train")
    soft = expand(scores, "pseudo-strong", vocabulary="audioset-strong-train")
    path = tmp_path / "pseudo.h5"
    export(soft, "pretrained-sed", path)
    names, _, _ = read_pseudo_labels(path)
    for clip in ("abcdefghijm", "abcdefgh_p3", "abcdefghijk"):
        assert looked_up(f"Y{clip}.mp3") in names
    assert "abcdefgh_p3" in read_scores(path).clip_id.to_pylist()


def test_ids_that_are_one_to_its_look_up_are_refused(tmp_path: Path) -> None:
    ids = ["abcdefghijm_0", "abcdefghijp_0"]
    scores = Scores.from_arrays(ids, np.zeros((2, 447)), classes="audioset-strong-train")
    soft = expand(scores, "pseudo-strong", vocabulary="audioset-strong-train")
    with pytest.raises(OptionError, match=r"one to it: Yabcdefghijm.mp3, Yabcdefghijp.mp3"):
        export(soft, "pretrained-sed", tmp_path / "pseudo.h5")
    assert not (tmp_path / "pseudo.h5").exists()


def test_frames_without_a_segment_are_unknown(tmp_path: Path) -> None:
    scores = Scores.from_arrays(
        ["a", "a", "a", "bbbbbbbbbbb_0", "bbbbbbbbbbb_10000"],
        np.full((5, 447), 0.5),
        classes=STRONG.ids,
        onset=[1, 4, 10, 0, 0],
        offset=[3, 5, 12, 1, 1],
    )
    soft = expand(scores, "pseudo-strong", vocabulary=STRONG)
    done = export(soft, "pretrained-sed", tmp_path / "a.h5")
    names, _, known = read_pseudo_labels(tmp_path / "a.h5")
    assert names == ["Ya"]
    assert np.flatnonzero(known[0, 0]).tolist() == [*range(25, 75), *range(100, 125)]
    assert done.left_out == {
        "segments after the 250 frames": 1,
        "clips that share their name": 2,
    }


def test_pseudo_labels_take_what_fits(tmp_path: Path) -> None:
    with pytest.raises(VocabularyError, match="pretrained-sed is read with the 447 classes"):
        export(SOFT, "pretrained-sed", tmp_path / "a.h5")
    with pytest.raises(OptionError, match="audio and parents are for events"):
        export(soft_targets(STRONG), "pretrained-sed", tmp_path / "a.h5", parents="all")
    with pytest.raises(OptionError, match="made from Events or SoftTargets, not Targets"):
        export(framed_targets(), "pretrained-sed", tmp_path / "a.h5")
    with pytest.raises(TargetsFileError, match="no such folder"):
        export(soft_targets(STRONG), "pretrained-sed", tmp_path / "none" / "a.h5")
    assert not list(tmp_path.iterdir())


ANY_CLASSES = sorted(set(FORMS) - {"panns", "passt", "psl"})


@given(data=st.data())
@settings(max_examples=40, deadline=None)
def test_whatever_the_scores_the_project_reads_them(
    tmp_path_factory: pytest.TempPathFactory, data: st.DataObject
) -> None:
    form = data.draw(st.sampled_from(ANY_CLASSES))
    name, options, read = FORMS[form]
    rows, columns = data.draw(st.integers(1, 4)), data.draw(st.integers(1, 9))
    cells = st.integers(0, 2**10).map(lambda i: i / 2**10)
    values = data.draw(arrays(np.float16, (rows, columns), elements=cells))
    unknown = data.draw(arrays(np.bool_, (rows, columns)))
    values[unknown] = 0
    ids = AUDIOSET.ids[100 : 100 + columns]
    base = expand(
        Scores.from_arrays(
            [f"{i:011}_0" for i in range(rows)], values, classes=ids, offset=[10.0] * rows
        ),
        "pseudo-strong",
        vocabulary=ids,
    )
    assert isinstance(base, SoftTargets)
    soft = replace(base, masked=np.packbits(unknown, axis=1))
    folder = tmp_path_factory.mktemp("soft")
    done = export(soft, form, folder / name, threshold=0.25, **options)
    if not done.files[folder / name]:
        return
    tables = read(folder / name, ids)
    names = {text[:11] for text in tables["name"].tolist()}
    kept = np.array([id_[:11] in names for id_ in soft.clip_id.to_pylist()])
    assert tables["soft"].astype("<f2").tobytes() == soft.scores[kept].tobytes()
    np.testing.assert_array_equal(tables["mask"], 1 - unknown[kept])
    assert (~kept).sum() == sum(done.left_out.values())


@pytest.mark.parametrize("form", [*FORMS, "ced", "pretrained-sed"])
def test_no_clips_make_an_empty_file(tmp_path: Path, form: str) -> None:
    vocabulary = STRONG if form == "pretrained-sed" else AUDIOSET
    nothing = soft_targets(vocabulary).slice(0, 0)
    name, options, *_ = FORMS.get(form, ("logits_ep1_0.h5", {}))
    if form in FORMS:
        options = {**options, "threshold": 0.5}
    done = export(nothing, form, tmp_path / name, **options)
    assert done.files[tmp_path / name] == 0
