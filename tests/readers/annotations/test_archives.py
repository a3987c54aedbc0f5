"""Label members of webdataset's shards, and the labels of AudioSet's TFRecord files."""

import gzip
import struct
from pathlib import Path
from typing import Any

import pytest
import webdataset
from label_examples import context, message, segment, shard, tfrecord
from reader_support import by_clip, findings, write

from audiolabels import read_events, read_labels
from audiolabels.errors import LabelFileError
from audiolabels.readers.annotations.tfrecord import masked_checksum

SPEECH, MUSIC, DOG = "/m/09x0r", "/m/04rlf", "/m/0bt9lr"


def test_a_shard_as_webdataset_writes_it(tmp_path: Path) -> None:
    path = tmp_path / "train-000.tar"
    with webdataset.TarWriter(str(path)) as sink:
        for key, label in (("a", "Dog;Male speech, man speaking"), ("sub/b", "Music")):
            sink.write({"__key__": key, "wav": b"RIFF", "json": {"labels": label, "fold": 3}})
    labels = read_labels(path)
    assert by_clip(labels) == {"a": {DOG, "/m/05zppz"}, "b": {MUSIC}}
    assert labels.report.notes[0].endswith("columns not used: fold")


def test_a_field_of_a_member_that_is_no_time_is_a_finding(tmp_path: Path) -> None:
    members = {"a.json": {"labels": "Dog", "start": "x"}, "b.json": {"labels": "Music", "start": 2}}
    path = write(tmp_path, shard(members), "s.tar")
    labels = read_labels(path)
    assert by_clip(labels) == {"b": {MUSIC}}
    assert findings(labels) == [(1, "a", "row unused", "a time is not a number of seconds")]
    assert len(read_labels(path, columns="ignored=start")) == 2


@pytest.mark.parametrize("pack", [bytes, gzip.compress])
def test_members_that_are_no_label_members_are_findings(pack: type[bytes], tmp_path: Path) -> None:
    content = shard(
        {
            "a.json": {"tags": ["Dog", "Music"]},
            "x_1.5.json": {"tags": ["Dog"]},
            "b.json": b"{",
            "c.json": [1],
            "d.wav": b"RIFF",
            "e.json": {"tags": None},
        }
    )
    labels = read_labels(write(tmp_path, pack(content), "t.tar"))
    assert by_clip(labels) == {"a": {DOG, MUSIC}, "e": None}
    assert labels.rows.tolist() == [1, 5]
    assert findings(labels)[:3] == [
        (
            2,
            "x_1.5.json",
            "row unused",
            "no label member, since its key ends at the first dot: x_1",
        ),
        (3, "b.json", "row unused", "no JSON object"),
        (4, "c.json", "row unused", "no JSON object"),
    ]


def test_columns_of_members_may_be_given(tmp_path: Path) -> None:
    path = write(tmp_path, shard({"a.json": {"cls": "Dog;Music", "file": "b.wav"}}), "t.tar")
    with pytest.raises(LabelFileError, match="no column of labels; columns are __key__, cls"):
        read_labels(path)
    assert by_clip(read_labels(path, columns="labels=cls")) == {"a": {DOG, MUSIC}}
    assert by_clip(read_labels(path, columns="labels=cls,clip=file")) == {"b": {DOG, MUSIC}}


@pytest.mark.parametrize(
    ("content", "match"),
    [
        (shard({"a.wav": b"RIFF"}), r"no labels \(read as webdataset\): no entries"),
        (shard({"a.json": {"labels": "Dog", "sure": 0.4}}), "column sure may change what"),
        (shard({"a.json": {"labels": "Dog"}, "b.json": {"labels": 3}}), "lack, in 1 row .*'3'"),
        (shard({"a.json": {"labels": "Dog"}, "b.json": {"labels": []}}), "a list in some members"),
        (shard({"a.json": {"labels": "Dog"}})[:515], "broken, or not the form of webdataset"),
    ],
)
def test_shards_that_are_refused(content: bytes, match: str, tmp_path: Path) -> None:
    with pytest.raises(LabelFileError, match=match):
        read_labels(write(tmp_path, content, "t.tar"))


def test_a_shard_holds_no_events(tmp_path: Path) -> None:
    path = write(tmp_path, shard({"a.json": {"labels": "Dog"}}), "t.tar")
    with pytest.raises(LabelFileError, match="no events: labels of whole clips, read as webdata"):
        read_events(path)


def test_the_checksum_is_that_of_the_published_check_value() -> None:
    value = 0xE3069283  # CRC-32C of these digits, as catalogues of checksums list it
    masked = ((value >> 15 | value << 17) + 0xA282EAD8) & 0xFFFFFFFF
    assert masked_checksum(b"123456789") == masked


def test_labels_of_tfrecord(tmp_path: Path) -> None:
    content = tfrecord(
        segment("aaaaaaaaaaa", 30, 40, [0, 137, 526]), segment("-bbbbbbbbb_", 0, 8.5, [74])
    )
    labels = read_labels(write(tmp_path, content, "00.tfrecord"))
    assert by_clip(labels) == {
        "aaaaaaaaaaa_30000": {SPEECH, MUSIC, "/m/07hvw1"},
        "-bbbbbbbbb__0": {DOG},
    }
    assert labels.offset.to_pylist() == [10.0, 8.5]
    assert labels.report.notes[0].endswith("columns not used: features")


def test_lists_that_are_not_packed(tmp_path: Path) -> None:
    times = {
        name: (2, message(1, struct.pack("<f", seconds)))
        for name, seconds in (("start_time_seconds", 30.0), ("end_time_seconds", 40.0))
    }
    video = {"video_id": (1, message(1, b"aaaaaaaaaaa"))}
    record = context({**video, **times, "labels": (3, b"\x08\x00\x08\x89\x01")})
    labels = read_labels(write(tmp_path, tfrecord(record), "00.tfrecord"))
    assert by_clip(labels) == {"aaaaaaaaaaa_30000": {SPEECH, MUSIC}}


WHOLE = tfrecord(segment("aaaaaaaaaaa", 0, 10, [0]), segment("bbbbbbbbbbb", 0, 10, [1]))


@pytest.mark.parametrize(
    ("content", "match"),
    [
        (WHOLE[:-6], "cut off in record 2"),
        (WHOLE[: len(WHOLE) // 2 + 5], "record 2 has no length"),
        (b"\1" + WHOLE[1:], "record 1 has no length with its checksum"),
        (tfrecord(b"\x0a\x7f" + bytes(20)), "no protocol buffer"),
        (tfrecord(context({"id": (1, message(1, b"x"))})), "no 'video_id'"),
        (tfrecord(segment("aaaaaaaaaaa", 0, 10, [600])), "'600'"),
    ],
)
def test_records_that_are_refused(content: bytes, match: str, tmp_path: Path) -> None:
    with pytest.raises(LabelFileError, match=match):
        read_labels(write(tmp_path, content, "00.tfrecord"))


@pytest.mark.parametrize("labels", [{"Dog": 1}, [["Dog"]]])
def test_labels_of_a_member_that_are_none_are_refused(labels: Any, tmp_path: Path) -> None:
    path = write(tmp_path, shard({"a.json": {"labels": labels}}), "a.tar")
    with pytest.raises(LabelFileError, match=r"a.tar: .*labels of a.json is .*; expected a text"):
        read_labels(path)
