"""DESED_task's TSV, read as its data sets and its encoder read it."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
import pytest
from export_support import framed_targets, given, positives, rows_of
from export_support import sample_targets as sample
from export_support import strange_targets as strange
from hypothesis import given as forall
from hypothesis import strategies as st

from audiolabels import Events, Targets, expand, export, load_vocabulary, read_events
from audiolabels.errors import OptionError
from audiolabels.schemes.event_spans import merge_events

TOY = load_vocabulary(["Bell", "Church bell", "Guitar", "Bicycle, tricycle"])


def classes_of(path: Path) -> tuple[list[str], set[str]]:
    """The list of classes that the encoder is made with, and the set that a data set trains."""
    table = pd.read_csv(path.with_name(f"{path.stem}_classes.tsv"), sep="\t")
    return table["label"].tolist(), set(table["label"][table["known"] == 1])


def read_weak(path: Path, column: str = "event_labels") -> tuple[list[str], npt.NDArray[Any]]:
    classes, _ = classes_of(path)
    rows: dict[str, npt.NDArray[Any]] = {}
    table = pd.read_csv(path, sep="\t")
    if column == "masked":
        table = table.fillna({"masked": ""})
    for _, row in table.iterrows():
        labels = [text for text in row[column].split(",") if text or column != "masked"]
        made = np.zeros(len(classes))
        made[[classes.index(label) for label in labels]] = 1
        rows.setdefault(row["filename"], made)
    return list(rows), np.array(list(rows.values())).reshape(len(rows), len(classes))


def read_strong(path: Path, beside: str = "", hop: float = 0.04) -> dict[str, npt.NDArray[Any]]:
    """Frames of 40 ms; an event fills each that it touches. Rows with an empty cell are dropped."""
    classes, _ = classes_of(path)
    frames: dict[str, npt.NDArray[Any]] = {}
    count = round(10 / hop)
    for _, row in (
        pd.read_csv(path.with_name(path.stem + beside + ".tsv"), sep="\t").dropna().iterrows()
    ):
        made = frames.setdefault(row["filename"], np.zeros((count, len(classes))))
        onset, offset = max(0, row["onset"]), min(10, row["offset"])
        # Rounded away: what seconds in floating point add to a frame's edge.
        first, stop = (round(np.clip(t / hop, 0, count), 6) for t in (onset, offset))
        made[int(first) : int(np.ceil(stop)), classes.index(row["event_label"])] = 1
    return frames


@pytest.mark.parametrize("vocabulary", ["audioset", "audioset-strong", "fsd50k"])
@pytest.mark.parametrize("make", [sample, strange])
def test_weak_labels_are_read(
    tmp_path: Path, make: Callable[..., Targets], vocabulary: str
) -> None:
    targets, path = make("pe-cml", vocabulary), tmp_path / "weak.tsv"
    done = export(targets, "desed", path, files="{clip}")
    clips, target = read_weak(path)
    assert clips == list(given(targets))
    wanted, mask = rows_of(targets, clips)
    assert (target == wanted).all()
    assert (read_weak(path, "masked")[1] == 1 - mask).all()
    classes, known = classes_of(path)
    assert classes == list(targets.vocabulary.ids)
    assert known == {id_ for id_, some in zip(classes, mask.any(0), strict=True) if some}
    assert done.files[path] == len(clips) == len(targets) - sum(done.left_out.values())


def test_names_with_commas_are_refused_in_weak_labels(tmp_path: Path) -> None:
    with pytest.raises(
        OptionError, match=r"(?s)\d+ names have one: 'Male speech, man.*names=False"
    ):
        export(sample(), "desed", tmp_path / "weak.tsv", names=True)
    with pytest.raises(OptionError, match="vocabulary and parents are for events"):
        export(sample(), "desed", tmp_path / "weak.tsv", parents="all")
    assert not list(tmp_path.iterdir())
    plain = sample().select(load_vocabulary(["Speech", "Rain", "Animal"]))
    export(plain, "desed", tmp_path / "weak.tsv", names=True)
    assert classes_of(tmp_path / "weak.tsv")[0] == ["Speech", "Rain", "Animal"]
    assert len(read_weak(tmp_path / "weak.tsv")[0]) == len(given(plain))


def assert_frames(path: Path, targets: Targets) -> None:
    """At every step of 40 ms within a frame DESED_task finds that frame's classes."""
    strong, masked = read_strong(path), read_strong(path, "_masked")
    ends = pd.read_csv(path.with_name(f"{path.stem}_durations.tsv"), sep="\t")
    assert list(ends["filename"]) == [f"{clip}.wav" for clip in dict.fromkeys(given(targets))]
    assert set(strong) == set(ends["filename"])
    frame = targets.to_pandas()
    target, mask = targets.to_numpy()
    for name, end in zip(ends["filename"], ends["duration"], strict=True):
        rows = np.flatnonzero(frame["clip_id"] == name.removesuffix(".wav"))
        assert end == frame["offset"][rows[-1]]
        steps = round(end / 0.04)
        repeat = steps // len(rows)
        nothing = np.zeros_like(strong[name])
        for found, right in (
            (strong[name], target[rows]),
            (masked.get(name, nothing), 1 - mask[rows]),
        ):
            assert (found[:steps] == np.repeat(right, repeat, axis=0)).all()
            assert not found[steps:].any()


@pytest.mark.parametrize("negatives", ["all", "both"])
def test_frames_become_strong_labels(tmp_path: Path, negatives: str) -> None:
    targets, path = framed_targets(TOY, negatives=negatives), tmp_path / "strong.tsv"
    done = export(targets, "desed", path, names=True)
    assert_frames(path, targets)
    assert pd.read_csv(path, sep="\t").to_numpy().tolist() == [
        ["abcdefghijk_30000.wav", 2.88, 3.84, "Bell"],
        ["abcdefghijk_30000.wav", 8.64, 9.6, "Bell"],
        ["abcdefghijk_30000.wav", 0.0, 2.88, "Guitar"],
    ]
    _, known = classes_of(path)
    assert known == (set(TOY.names) if negatives == "all" else {"Bell", "Guitar"})
    assert sum(done.left_out.values()) == 3


@forall(
    st.lists(
        st.tuples(
            st.sampled_from(["a", "b", "c"]),
            st.sampled_from(TOY.names),
            st.integers(0, 9900),
            st.integers(1, 4000),
        ),
        min_size=1,
        max_size=12,
    ),
    st.sampled_from([0.96, 0.4]),
    st.sampled_from(["all", "both", "explicit"]),
)
def test_any_frames_come_back(
    tmp_path_factory: pytest.TempPathFactory,
    spans: list[tuple[str, str, int, int]],
    hop: float,
    negatives: str,
) -> None:
    clips: dict[str, list[tuple[str, float, float]]] = {}
    for clip, name, start, length in spans:
        clips.setdefault(clip, []).append((name, start / 1000, (start + length) / 1000))
    framing = {"vocabulary": TOY, "frame_length": hop}
    targets = expand(Events.from_dict(dict(clips)), "strong-framed", negatives=negatives, **framing)
    path = tmp_path_factory.mktemp("desed") / "strong.tsv"
    if not export(targets, "desed", path).files[path]:
        return
    assert_frames(path, targets)
    events = read_events(path, clip_durations=path.with_name("strong_durations.tsv"))
    again = expand(events, "strong-framed", **framing)
    first, second = (t.to_pandas()[["clip_id", "onset", "positive"]] for t in (targets, again))
    kept = first["clip_id"].isin(set(second["clip_id"]))
    assert first[kept].reset_index(drop=True).equals(second)


def test_events_become_strong_labels(tmp_path: Path) -> None:
    events = Events.from_dict(
        {
            "abcdefghijk_0": [("Church bell", 1, 2), ("Church bell", 2, 3.5), ("Rain", 0, 1)],
            "bbcdefghijk_0": [("Guitar", 5.0, 20.0)],
            "bbcdefghijk_9000": [("Guitar", 0.0, 1.0)],
            "only rain": [("Rain", 0, 1)],
            "verified empty": [],
            "nobody listened": None,
        }
    )
    path = tmp_path / "strong.tsv"
    classes = load_vocabulary(["Church bell", "Bell", "Music", "Guitar"])
    done = export(events, "desed", path, vocabulary=classes, names=True, parents="certain")
    assert pd.read_csv(path, sep="\t").to_numpy().tolist()[:2] == [
        ["abcdefghijk_0.wav", 1.0, 3.5, "Church bell"],
        ["abcdefghijk_0.wav", 1.0, 3.5, "Bell"],
    ]
    masked = read_strong(path, "_masked")["abcdefghijk_0.wav"]
    assert masked.any(0).tolist() == [False, False, True, False]
    assert np.flatnonzero(masked[:, 2]).tolist() == list(range(25, 88))
    assert read_strong(path)["bbcdefghijk_0.wav"][:, 3].sum() == 125
    assert done.files[tmp_path / "strong_durations.tsv"] == 3
    assert {reason: names.to_pylist() for reason, names in done.names.items()} == {
        "unannotated clips": ["nobody listened"],
        "clips without events": ["only rain", "verified empty"],
    }
    assert done.left_out["events of classes outside the vocabulary"] == 2
    done = export(events, "desed", path, vocabulary=classes, files="Y{id}.wav")
    assert done.names["clips that share their name"].to_pylist() == [
        "bbcdefghijk_0",
        "bbcdefghijk_9000",
    ]
    assert set(read_strong(path)) == {"Yabcdefghijk.wav"}


def test_a_class_with_an_impossible_event_is_masked(tmp_path: Path) -> None:
    (tmp_path / "a.tsv").write_text(
        "filename\tonset\toffset\tevent_label\na.wav\t1\t2\tBell\na.wav\t5\t4\tGuitar\n"
    )
    path = tmp_path / "strong.tsv"
    export(read_events(tmp_path / "a.tsv"), "desed", path, vocabulary=TOY, names=True)
    masked = read_strong(path, "_masked")["a.wav"]
    assert masked.all(0).tolist() == [False, False, True, False]
    assert not masked[:, [0, 1, 3]].any()
    assert classes_of(path) == (list(TOY.names), set(TOY.names) - {"Guitar"})


@pytest.mark.parametrize("make", [sample, strange])
def test_weak_labels_come_back(tmp_path: Path, make: Callable[..., Targets]) -> None:
    export(make(), "desed", tmp_path / "weak.tsv")
    assert positives(tmp_path / "weak.tsv") == given(make())


@pytest.mark.shared
def test_real_events_come_back(shared_data: Path, tmp_path: Path) -> None:
    events = read_events(shared_data / "audioset" / "strong_eval_110_classes.tsv.gz")
    path = tmp_path / "strong.tsv"
    done = export(events, "desed", path)
    again = read_events(path, clip_durations=tmp_path / "strong_durations.tsv")
    assert again.report.findings == []
    vocabulary = load_vocabulary("audioset-strong")
    sets = []
    for those in (events, again):
        ids, runs = those.clip_id.to_pylist(), merge_events(those, vocabulary)
        rows = zip(*(part.tolist() for part in runs), strict=True)
        sets.append({(ids[clip], *rest) for clip, *rest in rows})
    assert sets[0] == sets[1]
    assert len(sets[0]) == done.files[path] == 103_113
