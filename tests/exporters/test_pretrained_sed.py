"""PretrainedSED's data set, read from disk and encoded as its transforms do it."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from audiolabels import (
    Events,
    expand,
    export,
    load_vocabulary,
    read_events,
    read_labels,
    sample_path,
)
from audiolabels.errors import LabelFileError, OptionError, TargetsFileError
from audiolabels.exporters.pretrained_sed import by_name
from audiolabels.schemes.event_spans import implied_events

CLASSES = by_name(load_vocabulary("audioset-strong-train"))
EVENTS = Events.from_dict(
    {
        "Yb-defghijk_30000": [("Bark", 0.0, 0.9), ("Bark", 0.9, 1.3), ("Church bell", 4.01, 4.02)],
        "-_cdefghijk_0": [("Bell", 9.5, 12.0), ("Duck call (hunting tool)", 0.28, 0.4)],
        "bbcdefghijk_0": [("Bark", 0.0, 1.0), ("Bark", 10.0, 11.0)],
        "bbcdefghijk_9000": [("Bark", 0.0, 1.0)],
        "only music": [("Guitar", 0.0, 1.0)],
        "verified empty": [],
        "nobody listened": None,
    }
)


def read_split(path: Path) -> pd.DataFrame:
    """Rows as `datasets` gives them; without it, as they stand in the Arrow stream."""
    datasets = pytest.importorskip("datasets")
    with pa.OSFile(str(path / "data-00000-of-00001.arrow")) as file:
        stream = pa.ipc.open_stream(file).read_all().to_pylist()
    splits = datasets.load_from_disk(str(path.parent))
    assert list(splits) == json.loads((path.parent / "dataset_dict.json").read_text())["splits"]
    rows = list(splits[path.name])
    assert rows == stream
    return pd.DataFrame(rows)


def encode(events: dict[str, list[Any]]) -> npt.NDArray[Any]:
    """Targets (447, 250): events merged by label, then each fills the frames that it touches."""
    frame = pd.DataFrame(events).sort_values(by="onset")
    classes = list(CLASSES.names)
    made = np.zeros((250, 447))
    for label in frame["event_label"].unique():
        merged: list[list[float]] = []
        for onset, offset in frame.loc[
            frame["event_label"] == label, ["onset", "offset"]
        ].to_numpy():
            if merged and merged[-1][1] >= onset:
                merged[-1][1] = max(merged[-1][1], offset)
            else:
                merged.append([onset, offset])
        for onset, offset in merged:
            start, stop = (np.clip(t * 16_000 / 160 / 4, 0, 250) for t in (onset, offset))
            made[int(round(start, 3)) : int(np.ceil(round(stop, 3))), classes.index(label)] = 1
    return made.T


def touched(events: Events, clip: int) -> npt.NDArray[Any]:
    """The same from the events, millisecond by millisecond."""
    made = np.zeros((447, 250))
    for name, onset, offset in events.events(clip) or ():
        if name in CLASSES.names:
            for ms in range(round(onset * 1000), min(round(offset * 1000), 10_000)):
                made[CLASSES.names.index(name), ms // 40] = 1
    return made


def test_pretrained_sed_reads_it(tmp_path: Path) -> None:
    path = tmp_path / "balanced_train"
    done = export(EVENTS, "pretrained-sed", path)
    rows = read_split(path)
    assert rows["filename"].tolist() == ["YYb-defghijk.mp3", "Y-_cdefghijk.mp3"]
    for clip, events in enumerate(rows["events"]):
        assert (encode(events) == touched(EVENTS, clip)).all()
    assert rows["events"][0]["event_label_id"] == ["/m/05tny_", "/m/05tny_", "/m/03w41f"]
    assert rows["events"][1]["offset"] == [12.0, pytest.approx(0.4)]  # the encoder cuts it
    assert rows["labels"][0] == ["Bark", "Church bell"]
    assert rows["label_ids"][0] == ["/m/05tny_", "/m/03w41f"]
    assert done.files[path] == len(rows)
    assert {reason: names.to_pylist() for reason, names in done.names.items()} == {
        "unannotated clips": ["nobody listened"],
        "clips without events": ["only music", "verified empty"],
        "clips that share their name": ["bbcdefghijk_0", "bbcdefghijk_9000"],
    }
    assert done.left_out["events of classes outside the vocabulary"] == 1
    assert done.left_out["events outside their clips"] == 1


def test_classes_are_in_the_order_of_their_names(tmp_path: Path) -> None:
    export(EVENTS, "pretrained-sed", tmp_path / "eval")
    table = pd.read_csv(tmp_path / "class_labels_indices.csv")
    names = table["display_name"].tolist()
    assert names == sorted(names)
    assert [names[i] for i in (0, 1, 39, 40, 446)] == [
        "Accelerating, revving, vroom",
        "Air brake",
        "Boiling",
        "Boing",
        "Zipper (clothing)",
    ]
    assert len(names) == 447
    assert table["index"].tolist() == list(range(447))


@settings(max_examples=25)
@given(
    st.lists(
        st.tuples(
            st.sampled_from(["a", "b"]),
            st.sampled_from(["Bark", "Bell", "Church bell"]),
            st.integers(0, 9900),
            st.integers(1, 4000),
        ),
        min_size=1,
        max_size=8,
    )
)
def test_any_events_come_back(
    tmp_path_factory: pytest.TempPathFactory, spans: list[tuple[str, str, int, int]]
) -> None:
    clips: dict[str, list[tuple[str, float, float]]] = {}
    for clip, name, start, length in spans:
        clips.setdefault(clip, []).append((name, start / 1000, (start + length) / 1000))
    events = Events.from_dict(dict(clips))
    path = tmp_path_factory.mktemp("sed") / "eval"
    export(events, "pretrained-sed", path)
    with pa.OSFile(str(path / "data-00000-of-00001.arrow")) as file:
        rows = pa.ipc.open_stream(file).read_all().to_pylist()
    for clip, row in enumerate(rows):
        assert (encode(row["events"]) == touched(events, clip)).all()
    keys = ("event_label_id", "onset", "offset")
    again = Events.from_dict(
        {
            row["filename"][1:-4]: list(zip(*(row["events"][key] for key in keys), strict=True))
            for row in rows
        }
    )
    first, second = (
        expand(e, "strong-framed", vocabulary=CLASSES, frame_length=0.04) for e in (events, again)
    )
    assert first.clip_id.equals(second.clip_id)
    assert (first.to_numpy()[0] == second.to_numpy()[0]).all()


def test_what_is_unknown_is_beside_the_events(tmp_path: Path) -> None:
    export(EVENTS, "pretrained-sed", tmp_path / "eval", parents="certain")
    masked = [json.loads(text) for text in read_split(tmp_path / "eval")["masked"]]
    assert masked[0] == [["/m/04rlf", 4.01, 4.02]]
    assert ["/m/04rlf", 9.5, 10.0] in masked[1]
    (tmp_path / "a.tsv").write_text(
        "filename\tonset\toffset\tevent_label\na.wav\t1\t2\tBell\na.wav\t5\t4\tBark\n"
    )
    export(read_events(tmp_path / "a.tsv"), "pretrained-sed", tmp_path / "balanced_train")
    assert read_split(tmp_path / "balanced_train")["masked"].tolist() == [
        '[["/m/05tny_", 0.0, 10.0]]'
    ]


def test_batches_of_masks_can_be_put_together(tmp_path: Path) -> None:
    collate = pytest.importorskip("torch.utils.data").default_collate
    export(EVENTS, "pretrained-sed", tmp_path / "eval", parents="certain")
    rows = read_split(tmp_path / "eval")
    batch = collate(
        [
            {"filename": f, "masked": m}
            for f, m in zip(rows["filename"], rows["masked"], strict=True)
        ]
    )
    assert batch["masked"] == rows["masked"].tolist()


def test_audio_is_copied(tmp_path: Path) -> None:
    h5py = pytest.importorskip("h5py")
    sounds = {"-_cdefghijk": b"one", "zzzzzzzzzzz": b"three"}
    with h5py.File(tmp_path / "mp3.hdf", "w") as file:
        file["audio_name"] = np.array([f"Y{name}.mp3" for name in sounds], "S20")
        mp3 = file.create_dataset("mp3", len(sounds), h5py.vlen_dtype(np.uint8))
        for i, sound in enumerate(sounds.values()):
            mp3[i] = np.frombuffer(sound, np.uint8)
    done = export(EVENTS, "pretrained-sed", tmp_path / "eval", audio=tmp_path / "mp3.hdf")
    rows = read_split(tmp_path / "eval")
    assert rows[["filename", "mp3_bytes"]].to_numpy().tolist() == [["Y-_cdefghijk.mp3", b"one"]]
    assert (encode(rows["events"][0]) == touched(EVENTS, 1)).all()
    assert done.names["targets without audio"].to_pylist() == ["Yb-defghijk"]
    assert done.names["clips of the audio file without targets"].to_pylist() == ["zzzzzzzzzzz"]


def test_audio_that_comes_twice_is_refused(tmp_path: Path) -> None:
    h5py = pytest.importorskip("h5py")
    with h5py.File(tmp_path / "mp3.hdf", "w") as file:
        file["audio_name"] = np.array(["Y-_cdefghijk.mp3", "a/-_cdefghijk.wav"], "S20")
        file["mp3"] = np.zeros((2, 1), np.uint8)
    with pytest.raises(OptionError, match="several rows of the audio are one clip: -_cdefghijk"):
        export(EVENTS, "pretrained-sed", tmp_path / "eval", audio=tmp_path / "mp3.hdf")
    assert not (tmp_path / "eval").exists()


def test_nothing_that_is_there_is_replaced(tmp_path: Path) -> None:
    for split in ("balanced_train", "eval"):
        export(EVENTS, "pretrained-sed", tmp_path / split)
    assert len(read_split(tmp_path / "eval")) == 2
    listed = (tmp_path / "dataset_dict.json").read_text()
    assert json.loads(listed) == {"splits": ["balanced_train", "eval"]}
    with pytest.raises(OptionError, match="a folder is never replaced"):
        export(EVENTS, "pretrained-sed", tmp_path / "eval")
    with pytest.raises(OptionError, match="cannot be read as HDF5"):
        export(EVENTS, "pretrained-sed", tmp_path / "new", audio=tmp_path / "none.hdf")
    assert {p.name for p in tmp_path.iterdir()} == {
        *("balanced_train", "eval"),
        *("dataset_dict.json", "class_labels_indices.csv"),
    }
    with pytest.raises(OptionError, match="'balanced-train' cannot be the name of a split"):
        export(EVENTS, "pretrained-sed", tmp_path / "balanced-train")
    (tmp_path / "dataset_dict.json").write_text("[]")
    with pytest.raises(OptionError, match="no list of splits"):
        export(EVENTS, "pretrained-sed", tmp_path / "new")
    with pytest.raises(TargetsFileError, match="no such folder"):
        export(EVENTS, "pretrained-sed", tmp_path / "none" / "eval")


def test_a_split_may_be_empty(tmp_path: Path) -> None:
    nothing = Events.from_dict({"a": None, "b": []})
    done = export(nothing, "pretrained-sed", tmp_path / "eval")
    assert len(read_split(tmp_path / "eval")) == done.files[tmp_path / "eval"] == 0


def test_equal_events_give_equal_bytes(tmp_path: Path) -> None:
    events = read_events(sample_path(events=True))
    for name in ("a", "b"):
        (tmp_path / name).mkdir()
        export(events, "pretrained-sed", tmp_path / name / "eval")
    for file in (tmp_path / "a" / "eval").iterdir():
        assert file.read_bytes() == (tmp_path / "b" / "eval" / file.name).read_bytes()


def frames(events: Events) -> tuple[list[str], npt.NDArray[Any], npt.NDArray[Any]]:
    made = expand(events, "strong-framed", vocabulary=CLASSES, frame_length=0.04)
    return [clip[:11] for clip in made.clip_id.to_pylist()], *made.to_numpy()


def test_a_split_comes_back_as_events(tmp_path: Path) -> None:
    (tmp_path / "a.tsv").write_text(
        "filename\tonset\toffset\tevent_label\n"
        "aaaaaaaaaaa_0.wav\t1\t2\tBell\naaaaaaaaaaa_0.wav\t5\t4\tBark\n"
        "-bbbbbbbbbb_0.wav\t0.305\t9.999\tBell\n-bbbbbbbbbb_0.wav\t0.305\t12\tBark\n"
    )
    events = read_events(tmp_path / "a.tsv")
    export(events, "pretrained-sed", tmp_path / "eval")
    again = read_events(tmp_path / "eval" / "data-00000-of-00001.arrow")
    for mine, other in zip(frames(again), frames(events), strict=True):
        assert np.array_equal(mine, other)
    assert (frames(again)[2] == 0).any()  # Bark in the first clip
    assert again.report.sources[0]["format"] == "pretrained-sed"
    export(again, "pretrained-sed", tmp_path / "unbalanced_train")
    assert read_split(tmp_path / "eval").equals(read_split(tmp_path / "unbalanced_train"))


def test_spans_of_a_clip_that_are_unknown_are_named(tmp_path: Path) -> None:
    export(EVENTS, "pretrained-sed", tmp_path / "eval", parents="certain")
    again = read_events(tmp_path / "eval" / "data-00000-of-00001.arrow")
    spans = [span for text in read_split(tmp_path / "eval")["masked"] for span in json.loads(text)]
    named = [f for f in again.report.findings if "--parents certain" in f.reason]
    assert len(named) == len(spans) > 0


def test_a_clip_without_events_is_empty(tmp_path: Path) -> None:
    path = tmp_path / "a.arrow"
    events = {"event_label_id": [], "onset": [], "offset": []}
    bark = {"event_label_id": ["/m/05tny_"], "onset": [1.0], "offset": [2.0]}
    names = ["Yaaaaaaaaaaa.mp3", "Ybbbbbbbbbbb.mp3", ""]
    table = pa.table({"filename": names, "events": [events, bark, bark]})
    with pa.OSFile(str(path), "wb") as sink, pa.ipc.new_stream(sink, table.schema) as writer:
        writer.write_table(table)
    found = read_events(path)
    assert [found.events(i) for i in range(2)] == [(), (("Bark", 1.0, 2.0),)]
    assert found.report.counts() == {("row unused", "the clip's id is lost"): 1}


def test_what_is_no_such_stream_is_refused(tmp_path: Path) -> None:
    export(EVENTS, "pretrained-sed", tmp_path / "eval")
    data = tmp_path / "eval" / "data-00000-of-00001.arrow"
    with pytest.raises(LabelFileError, match=r"eval: a folder; give the data in it: .*\.arrow"):
        read_events(tmp_path / "eval")
    with pytest.raises(LabelFileError, match=r"events, not labels of clips"):
        read_labels(data)
    short = tmp_path / "short.arrow"
    short.write_bytes(data.read_bytes()[:-400])
    with pytest.raises(LabelFileError, match="broken Arrow stream"):
        read_events(short)
    table = pa.table({"filename": ["a"], "text": ["b"]})
    with pa.OSFile(str(short), "wb") as sink, pa.ipc.new_stream(sink, table.schema) as writer:
        writer.write_table(table)
    with pytest.raises(LabelFileError, match="without events; expected filename, and events"):
        read_events(short)


@pytest.mark.shared
def test_real_events_come_back(shared_data: Path, tmp_path: Path) -> None:
    events = read_events(shared_data / "audioset" / "strong_eval_110_classes.tsv.gz")
    export(events, "pretrained-sed", tmp_path / "eval")
    ids = events.clip_id.to_pylist()
    rows = zip(*(part.tolist() for part in implied_events(events, CLASSES)), strict=True)
    given_ = {(ids[clip][:11], CLASSES.ids[c], *times) for clip, c, *times in rows}
    found = {
        (row["filename"][1:-4], id_, round(onset * 1000), round(offset * 1000))
        for row in read_split(tmp_path / "eval").to_dict("records")
        for id_, onset, offset in zip(
            *(row["events"][key] for key in ("event_label_id", "onset", "offset")), strict=True
        )
    }
    assert found == given_
    again = read_events(tmp_path / "eval" / "data-00000-of-00001.arrow")
    read = {
        (again.clip_id[int(clip)].as_py(), again.ontology.ids[c], first, stop)
        for clip, c, first, stop in zip(
            again.clip, again.classes, again.onset_ms, again.offset_ms, strict=True
        )
    }
    assert read == {(clip, again.ontology.resolve(id_), *span) for clip, id_, *span in found}
