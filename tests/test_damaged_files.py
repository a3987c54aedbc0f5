"""Damaged and hostile files, each refused with file and cause, or read as far as it can be.

`tests/fuzz` tries many more; these are the ones that used to end in another exception.
"""

import faulthandler
import io
import json
import pickle
import struct
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from fuzz.mutations import npy_file
from score_files import write_efficientat, write_hdf5, write_npz

import audiolabels
from audiolabels import Annotations, AudioLabelsError, Events, LabelSource, expand, read_scores
from audiolabels.errors import (
    FeaturesFileError,
    InputTypeError,
    LabelFileError,
    OntologyError,
    OptionError,
    ScoresFileError,
    TargetsFileError,
    guarded,
)
from audiolabels.features import open_features

CLIPS = ["a", "b", "c"]


# The guard.


@pytest.mark.parametrize(
    ("raised", "reason"),
    [
        (ValueError("two\n  lines"), "two lines"),
        (KeyError("scores"), "no 'scores'"),
        (KeyError('Field "x" exists 2 times'), 'Field "x" exists 2 times'),
        (FileNotFoundError(2, "No such file or directory", "x.npz"), "No such file or directory"),
        (MemoryError(), "MemoryError"),
        (RecursionError("too deep"), "too deep"),
        (RuntimeError("x" * 1000), "x{300}$"),
    ],
)
def test_what_a_library_raises_becomes_one_error(raised: Exception, reason: str) -> None:
    with (
        pytest.raises(ScoresFileError, match=f"x.npz: broken: {reason}"),
        guarded(Path("x.npz"), ScoresFileError, "broken"),
    ):
        raise raised


@pytest.mark.parametrize("message", ["no column 'y'", "x.csv: no column 'y'"])
def test_errors_of_the_library_keep_their_class_and_name_the_file(message: str) -> None:
    with (
        pytest.raises(OptionError, match=r"^(a/)?x\.csv: no column 'y'$"),
        guarded(Path("a/x.csv"), LabelFileError),
    ):
        raise OptionError(message)


# Archives and arrays.


def archive(method: int, content: bytes) -> bytearray:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", method) as file:
        file.writestr("labels.csv", content)
    return bytearray(out.getvalue())


def test_corrupt_lzma_is_refused(tmp_path: Path) -> None:
    content = archive(zipfile.ZIP_LZMA, b"clip_id,labels\n" + b"a,Dog\n" * 99)
    content[60:70] = bytes(10)
    (tmp_path / "l.zip").write_bytes(content)
    with pytest.raises(LabelFileError, match=r"l\.zip: cannot be read: "):
        audiolabels.read_labels(tmp_path / "l.zip")


def test_an_archive_that_declares_more_than_it_can_hold_is_refused(tmp_path: Path) -> None:
    content = archive(zipfile.ZIP_DEFLATED, b"clip_id,labels\na,Dog\n")
    place = content.index(b"PK\1\2")
    content[place + 24 : place + 28] = struct.pack("<I", 2**31)
    (tmp_path / "l.zip").write_bytes(content)
    with pytest.raises(LabelFileError, match="declare 2,147,483,648 bytes of data"):
        audiolabels.read_labels(tmp_path / "l.zip")


@pytest.mark.parametrize(
    "header", ["{'descr': '<f2', 'shape': (2,", "{'descr': '''", "((((((", "{'descr': 'O'}", "\0"]
)
def test_headers_of_arrays_are_refused(tmp_path: Path, header: str) -> None:
    path = write_efficientat(tmp_path, np.zeros((2, 527)), {"a.mp3": 0})
    path.write_bytes(npy_file(header, bytes(99)))
    with pytest.raises(ScoresFileError, match=r"ensemble_logits.npy: broken, or not what it seems"):
        read_scores(path)


def lying_archive(path: Path, name: str, descr: str, shape: str) -> Path:
    """An archive of clips, scores and embeddings, in which the header of one array lies."""
    arrays = {
        "clip_id": ("<U1", "(3,)", "abc".encode("utf-32-le")),
        "scores": ("<f4", "(3, 527)", bytes(4 * 3 * 527)),
        "embedding": ("<f4", "(3, 2)", bytes(24)),
    }
    arrays[name] = (descr, shape, arrays[name][2])
    with zipfile.ZipFile(path, "w") as file:
        for key, (kind, size, data) in arrays.items():
            text = f"{{'descr': {kind!r}, 'fortran_order': False, 'shape': {size}}}"
            file.writestr(f"{key}.npy", npy_file(text, data))
    return path


@pytest.mark.parametrize("shape", ["(300000, 200000)", "(3, 40000000000)", "(2**60, 527)"])
def test_shapes_that_no_memory_holds_are_refused(tmp_path: Path, shape: str) -> None:
    path = tmp_path / "x.npz"
    with pytest.raises(ScoresFileError, match=r"x\.npz: broken.*: (scores of shape|malformed)"):
        read_scores(lying_archive(path, "scores", "<f4", shape.replace("2**60", str(2**60))))
    with pytest.raises(FeaturesFileError, match=r"x\.npz: no npz file .*: embedding of shape"):
        open_features(lying_archive(path, "embedding", "<f4", shape.replace("2**60", str(2**60))))


def test_texts_of_arrays_beyond_unicode_are_refused(tmp_path: Path) -> None:
    path = lying_archive(tmp_path / "x.npz", "clip_id", ">U1", "(3,)")
    with pytest.raises(ScoresFileError, match=r"x\.npz: broken.*: clip_id holds what is no text"):
        read_scores(path)


HOSTILE = {
    "memo": b"\x80\x02Nr\xff\xff\xff\x7f.",  # took 4 GB
    "bytes": b"\x80\x05\x96\x00\x00\x00\x00\x02\x00\x00\x00.",
    "call": b"\x80\x04cos\nsystem\n(X\x04\0\0\0truetR.",
    "hash": b"\x80\x02}N" + b"2\x86" * 60 + b"K\x01s.",  # took years
    "state": b"\x80\x02cnumpy\ndtype\n}X\1\0\0\0aK\1sb.",
    "cut": b"\x80\x04}(",
}


@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_indexes_are_refused(tmp_path: Path, name: str) -> None:
    path = write_efficientat(tmp_path, np.zeros((2, 527)), {"a.mp3": 0})
    (tmp_path / "fname_to_index.pkl").write_bytes(HOSTILE[name])
    with pytest.raises(ScoresFileError, match=r"fname_to_index\.pkl: no index of names and rows"):
        read_scores(path)


@pytest.mark.parametrize("protocol", range(2, pickle.HIGHEST_PROTOCOL + 1))
def test_indexes_of_integers_of_numpy_are_read(tmp_path: Path, protocol: int) -> None:
    rows = {"a.mp3": np.int64(2), "b.mp3": np.uint8(0), "c.mp3": np.dtype(">i4").type(1)}
    path = write_efficientat(tmp_path, np.zeros((3, 527)), {})
    (tmp_path / "fname_to_index.pkl").write_bytes(pickle.dumps(rows, protocol))
    assert read_scores(path).clip_id.to_pylist() == ["b", "c", "a"]


# HDF5.


def self_link(file: Any) -> None:
    file["scores"] = h5py.SoftLink("/scores")
    file["embedding"] = h5py.SoftLink("/embedding")


def huge(file: Any) -> None:
    for name in ("scores", "embedding"):
        file.create_dataset(name, (3, 2**40), "f4", chunks=(1, 1000))


def group(file: Any) -> None:
    for name in ("scores", "embedding"):
        file[f"{name}/x"] = 1


def empty(file: Any) -> None:
    file["scores"] = file["embedding"] = h5py.Empty("f4")


def corrupt(file: Any) -> None:
    for name in ("scores", "embedding"):
        data = file.create_dataset(
            name, data=np.ones((3, 527)), chunks=(3, 527), compression="gzip"
        )
        data.id.write_direct_chunk((0, 0), b"no deflate")


def complex_numbers(file: Any) -> None:
    file["scores"] = file["embedding"] = np.ones((3, 527), np.complex64)


@pytest.mark.parametrize("damage", [complex_numbers, self_link, huge, group, empty, corrupt])
def test_data_sets_that_cannot_be_are_refused(
    tmp_path: Path, damage: Callable[[Any], None]
) -> None:
    path = write_hdf5(tmp_path / "x.h5", clip_id=CLIPS)
    with h5py.File(path, "r+") as file:
        damage(file)
    with pytest.raises(ScoresFileError, match=r"x\.h5: "):
        read_scores(path)
    with pytest.raises(FeaturesFileError, match=r"x\.h5: "):
        open_features(path).read([0, 1, 2], [0.0] * 3, [np.inf] * 3)


@pytest.mark.parametrize("virtual", [False, True])
def test_data_sets_in_other_files_may_be_larger_than_their_file(
    tmp_path: Path, virtual: bool
) -> None:
    shape = (3, 4_000_000)
    with h5py.File(tmp_path / "data.h5", "w") as file:
        file.create_dataset("embedding", data=np.ones(shape, np.float32), compression="gzip")
    path = write_hdf5(tmp_path / "x.h5", clip_id=CLIPS)
    with h5py.File(path, "r+") as file:
        if virtual:
            layout = h5py.VirtualLayout(shape, np.float32)
            layout[:] = h5py.VirtualSource("data.h5", "embedding", shape, np.float32)
            file.create_virtual_dataset("embedding", layout)
        else:
            file["embedding"] = h5py.ExternalLink("data.h5", "embedding")
    assert path.stat().st_size * 2000 < 3 * 4_000_000 * 4
    assert open_features(path).read([2], [0.0], [np.inf]).values.sum() == 4_000_000


# Targets.


@pytest.fixture
def targets(tmp_path: Path) -> Path:
    made = expand(Annotations.from_dict({"a": ["Dog"], "b": []}), "weak", vocabulary=["Dog"])
    audiolabels.write_targets(made, tmp_path / "t.parquet")
    return tmp_path / "t.parquet"


def test_an_empty_row_group_is_read(targets: Path) -> None:
    whole = pq.read_table(targets)
    with pq.ParquetWriter(targets, whole.schema) as writer:
        for rows in (whole[:0], whole, whole[:0]):
            writer.write_table(rows)
    assert audiolabels.read_targets(targets).clip_id.to_pylist() == ["a", "b"]


def replaced(name: str, values: Any) -> Callable[[pa.Table], pa.Table]:
    return lambda table: table.set_column(table.column_names.index(name), name, pa.array(values))


def stated(**facts: Any) -> Callable[[pa.Table], pa.Table]:
    """Other metadata; without a key whose value is None."""

    def change(table: pa.Table) -> pa.Table:
        old = json.loads(table.schema.metadata[b"audiolabels"]) | facts
        text = json.dumps({key: value for key, value in old.items() if value is not None})
        return table.replace_schema_metadata({"audiolabels": text.replace('"@"', "[" * 9999)})

    return change


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda table: table.drop_columns(["clip_id"]), "columns or rows do not match"),
        (lambda table: table.append_column("clip_id", table["clip_id"]), "columns or rows do not"),
        (replaced("clip_id", [1, 2]), "columns or rows do not match"),
        (replaced("clip_id", ["a", None]), "broken: it has nulls"),
        (replaced("onset", [1e308, 0.0]), "broken: onset is no time in seconds"),
        (replaced("offset", [0.0, float("nan")]), "broken: offset is no time in seconds"),
        (stated(format_version="1"), "broken metadata: format_version"),
        (stated(vocabulary={"ids": [], "names": []}), "broken metadata: no vocabulary with name"),
        (stated(vocabulary={"name": "x", "ids": [[]], "names": [""]}), "broken metadata: no voc"),
        (stated(vocabulary={"name": "x", "ids": [], "names": []}), "broken metadata: .* 0 classes"),
        (stated(options=1, scheme=[]), "broken metadata: options, scheme"),
        (stated(rows=None), "columns or rows do not match"),
        (stated(scheme="\ud800"), "broken metadata: .*surrogates"),
        (stated(scheme="@"), "broken metadata: .*recursion"),
    ],
)
def test_targets_that_cannot_be_are_refused(
    targets: Path, change: Callable[[pa.Table], pa.Table], message: str
) -> None:
    pq.write_table(change(pq.read_table(targets)), targets)
    with pytest.raises(TargetsFileError, match=rf"t\.parquet: {message}"):
        audiolabels.open(targets)


def test_texts_of_targets_that_are_no_utf_8_are_refused(targets: Path) -> None:
    table = pq.read_table(targets)
    offsets, data = pa.array([0, 1, 2], pa.int32()).buffers()[1], pa.py_buffer(b"a\xff")
    ids = pa.StringArray.from_buffers(2, offsets, data)
    pq.write_table(table.set_column(0, "clip_id", ids), targets)
    with pytest.raises(TargetsFileError, match=r"t\.parquet: broken: .*UTF"):
        audiolabels.read_targets(targets)


# Events and times.


def stream(path: Path, *columns: tuple[str, Any]) -> Path:
    table = pa.Table.from_arrays([pa.array(v) for _, v in columns], [name for name, _ in columns])
    with pa.ipc.new_stream(path, table.schema) as writer:
        writer.write_table(table)
    return path


EVENT = {"event_label_id": ["/m/0bt9lr"], "onset": [0.0], "offset": [1.0]}


@pytest.mark.parametrize(
    ("columns", "message"),
    [
        ([("filename", ["a"]), ("filename", ["a"]), ("events", [EVENT])], "exists 2 times|exist"),
        (
            [("filename", ["a"]), ("events", [EVENT]), ("events", [EVENT])],
            "does not exist|exists 2",
        ),
        ([("filename", ["a"]), ("events", [EVENT | {"onset": [1e308]}])], "no time in seconds"),
        ([("filename", ["a"]), ("events", [EVENT | {"offset": [float("nan")]}])], "no time in sec"),
        ([("filename", ["a"]), ("events", [EVENT | {"onset": []}])], "another number of labels"),
        ([("filename", ["a", "b"]), ("events", [EVENT, None])], "nulls"),
        ([("filename", [1]), ("events", [EVENT])], ""),
    ],
)
def test_streams_of_events_that_cannot_be_are_refused(
    tmp_path: Path, columns: list[tuple[str, Any]], message: str
) -> None:
    path = stream(tmp_path / "e.arrow", *columns)
    with pytest.raises(LabelFileError, match=rf"e\.arrow: broken Arrow stream: .*({message})"):
        audiolabels.read_events(path)


@pytest.mark.parametrize("time", [1e15, 1e308, float("inf")])
def test_times_beyond_all_clips_are_refused(tmp_path: Path, time: float) -> None:
    arrays = {"clip_id": np.array(["a"]), "scores": np.zeros((1, 527)), "onset": np.array([time])}
    with pytest.raises(ScoresFileError, match="onset holds a time that is no number of seconds"):
        read_scores(write_npz(tmp_path / "s.npz", **arrays))
    with pytest.raises(InputTypeError, match=r"clip 'a': expected an event .* times in seconds"):
        Events.from_dict({"a": [("Dog", 0.0, time)]})


def test_a_clip_of_too_many_frames_is_refused() -> None:
    events = Events.from_dict({"a": [("Dog", 0.0, 1.0)]}, duration=999_999_999)
    with pytest.raises(OptionError, match=r"a lasts 999,999,999 s, which is 1,041,666,6.. frames"):
        expand(events, "strong-framed")


def test_a_clip_with_a_million_events(tmp_path: Path, alarm: None) -> None:
    lines = (f"a.wav\t{i / 100:.2f}\t{i / 100 + 0.5:.2f}\tSpeech\n" for i in range(1_000_000))
    path = tmp_path / "e.tsv"
    with path.open("w") as file:
        file.write("filename\tonset\toffset\tevent_label\n")
        file.writelines(lines)
    made = audiolabels.expand_files(
        path, tmp_path / "t.parquet", scheme="strong-framed", clip_duration=10_000
    )
    assert (made.counts.clips, made.counts.events) == (1, 1_000_000)


# Ontologies.


@pytest.fixture
def alarm() -> Iterator[None]:
    """Ends a test that takes minutes instead of seconds."""
    faulthandler.dump_traceback_later(240, exit=True)
    yield
    faulthandler.cancel_dump_traceback_later()


def ontology(path: Path, children: Callable[[int], list[int]], count: int = 10_000) -> Path:
    classes = [
        {
            "id": f"/x/{i}",
            "name": f"{i}",
            "child_ids": [f"/x/{c}" for c in children(i) if c < count],
        }
        for i in range(count)
    ]
    path.write_text(json.dumps(classes))
    return path


@pytest.mark.parametrize(
    ("children", "message"),
    [
        (lambda i: [i + 1], "a chain of 10,000 classes.*; up to 1,000 are read"),
        (lambda i: [(i + 1) % 10_000], r"cycles: 0 \(/x/0\) > .* > … \(10,000 classes\)"),
        (lambda i: [i ^ 1], r"cycles: 0 \(/x/0\) > 1 \(/x/1\), .*, and perhaps more"),
    ],
)
def test_graphs_without_end_are_refused(
    tmp_path: Path, alarm: None, children: Callable[[int], list[int]], message: str
) -> None:
    with pytest.raises(OntologyError, match=rf"o\.json: {message}"):
        audiolabels.load_ontology(ontology(tmp_path / "o.json", children))


def test_a_chain_of_a_thousand_classes_is_read(tmp_path: Path) -> None:
    path = ontology(tmp_path / "o.json", lambda i: [i + 1], 1000)
    assert len(audiolabels.load_ontology(path).ancestors("/x/999")) == 999


@pytest.mark.parametrize("text", ['[{"id": "/a", "name": "\\ud800", "child_ids": []}]', "[" * 9999])
def test_ontologies_that_cannot_be_written_again_are_refused(tmp_path: Path, text: str) -> None:
    (tmp_path / "o.json").write_text(text)
    with pytest.raises(OntologyError, match=r"o\.json: not valid JSON: .*(surrogates|recursion)"):
        audiolabels.load_ontology(tmp_path / "o.json")


# Names and audio.


def test_half_a_character_in_a_name_is_a_name_that_is_not_found() -> None:
    source = LabelSource(expand(Annotations.from_dict({"abc": ["Dog"], "b": []}), "weak"))
    rows, missing = source.find(["a\ud800b", "abc\ud800", "b", "\udcff/abc.wav"])
    assert (rows.tolist(), missing) == ([-1, -1, 1, 0], ["a\ud800b", "abc\ud800"])
    assert "\ud800" not in source
    with pytest.raises(InputTypeError, match=r"'a\\ud800': half of a character"):
        Annotations.from_dict({"a\ud800": ["Dog"]})


@pytest.mark.parametrize("path", ["x" * 9999, "a\0b", "\ud800", "loop/x"])
def test_paths_that_cannot_be_are_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, path: str
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("loop").symlink_to("loop")
    Path("l.csv").write_text("clip_id,labels\na,Dog\n")
    Path("e.tsv").write_text("filename\tonset\toffset\tevent_label\na\t0\t1\tDog\n")
    made = expand(audiolabels.read_labels("l.csv"), "weak")
    calls: list[Callable[[], Any]] = [
        lambda: audiolabels.read_labels(path),
        lambda: audiolabels.read_labels("l.csv", aliases=path),
        lambda: audiolabels.read_events(path),
        lambda: audiolabels.read_events("e.tsv", clip_durations=path),
        lambda: read_scores(path),
        lambda: audiolabels.open(path),
        lambda: open_features(path),
        lambda: audiolabels.load_ontology(path),
        lambda: audiolabels.load_vocabulary(path),
        lambda: audiolabels.write_targets(made, path),
        lambda: audiolabels.expand_files("l.csv", path),
        lambda: audiolabels.expand_files(path, "t.parquet"),
        lambda: audiolabels.export(made, "passt", path),
        lambda: audiolabels.export(made, "passt", "x.h5", audio=path),
    ]
    for call in calls:
        with pytest.raises(
            AudioLabelsError, match=r"no such|cannot be read|not written|broken|neither"
        ):
            call()


def test_headers_of_audio_that_lie_are_refused(tmp_path: Path) -> None:
    import soundfile

    soundfile.write(tmp_path / "a.flac", np.zeros(1000), 16_000)
    content = bytearray((tmp_path / "a.flac").read_bytes())
    content[21:26] = b"\x0f" + b"\xff" * 4  # 36 bits: the number of samples
    content[21] |= 0xF0
    (tmp_path / "a.flac").write_bytes(content)
    soundfile.write(tmp_path / "b.wav", np.zeros(1000), 16_000)
    content = bytearray((tmp_path / "b.wav").read_bytes())
    content[24:28] = struct.pack("<I", 1 << 30)
    (tmp_path / "b.wav").write_bytes(content)
    with pytest.raises(FeaturesFileError, match=r"a sampling rate of 1,073.* Hz, .* samples in"):
        open_features(tmp_path)
    (tmp_path / "t.csv").write_text(f"path\n{'x' * 9999}.wav\n")
    with pytest.raises(FeaturesFileError, match=r"t\.csv: no audio file of use"):
        open_features(tmp_path / "t.csv")


def test_an_ontology_that_is_too_large_is_refused_unread(tmp_path: Path) -> None:
    with (tmp_path / "o.json").open("wb") as file:
        file.truncate(1 << 30)  # sparse
    with pytest.raises(OntologyError, match="1,073,741,824 bytes are too many for an ontology"):
        audiolabels.load_ontology(tmp_path / "o.json")


@pytest.mark.parametrize("method", [zipfile.ZIP_LZMA, zipfile.ZIP_BZIP2])
def test_members_that_numpy_does_not_write_are_refused(tmp_path: Path, method: int) -> None:
    path = write_npz(tmp_path / "s.npz", clip_id=["a"], scores=[[0.5]], classes=["Dog"])
    with zipfile.ZipFile(path) as archive:
        members = {name: archive.read(name) for name in archive.namelist()}
    with zipfile.ZipFile(path, "w", method) as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    with pytest.raises(ScoresFileError, match="compressed in a way that numpy does not write"):
        read_scores(path)
