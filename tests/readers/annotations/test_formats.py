"""Each format of labels in small: how it is detected, read and reported."""

import gzip
import hashlib
from collections.abc import Callable

import pytest
from label_examples import EXAMPLES, segment, shard, tfrecord
from reader_support import (
    GUITAR,
    MUSIC,
    SPEECH,
    Reader,
    by_clip,
    parquet_bytes,
    zipped,
)

from audiolabels.readers import (
    LABEL_FORMATS,
)

RIGHT = {"-aaaaaaaaaa_30000": {SPEECH, MUSIC}, "bbbbbbbbbb__0": {GUITAR}}
ONE_CLIP = {"jams": {"given": {SPEECH, MUSIC}}}  # formats of a file for each clip
ROWS = {"long": 4, "label-studio": 3, "lhotse": 3}  # of formats with a row for each label
CONTAINERS: dict[str, Callable[[bytes], bytes]] = {
    "plain": bytes,
    "gzip": gzip.compress,
    "zip": lambda content: zipped(("folder/", b""), ("folder/labels", content)),
}
ALL_CLASSES_UNKNOWN = {
    "audioset-segments": (
        b'# YTID, start_seconds, end_seconds, positive_labels\naaaaaaaaaaa, 0.000, 9.000, ""\n'
        b'bbbbbbbbbbb, 0.000, 9.000, "/m/04rlf"\n',
        2,
    ),
    "long": (b"clip,label\naaaaaaaaaaa_0,\nbbbbbbbbbbb_0,Music\n", 2),
    "wide": (b"clip,Dog,Music\naaaaaaaaaaa_0,nan,-1\nbbbbbbbbbbb_0,0,1\n", 2),
    "clip-labels": (b"clip_id,labels\naaaaaaaaaaa_0,\nbbbbbbbbbbb_0,Music\n", 2),
    "psl": (
        b"filename\tlabels\thdf5path\nbbbbbbbbbbb_0_9.wav\t137\tx\naaaaaaaaaaa_0_9.wav\t\tx\n",
        3,
    ),
    "fsd50k": (b"fname,labels,mids\naaaaaaaaaaa_0,,\nbbbbbbbbbbb_0,Music,/m/04rlf\n", 2),
    "ast-json": (
        b'{"data": [{"wav": "aaaaaaaaaaa_0.wav", "labels": ""},'
        b' {"wav": "bbbbbbbbbbb_0", "labels": "/m/04rlf"}]}',
        1,
    ),
    "json-lines": (
        b'{"video_id": "aaaaaaaaaaa_0", "labels": null}\n'
        b'{"video_id": "bbbbbbbbbbb_0", "labels": ["/m/04rlf"]}\n',
        1,
    ),
    "label-studio": (
        b'[{"data": {"audio": "aaaaaaaaaaa_0.wav"}, "annotations": [{"result": []}]},'
        b' {"data": {"audio": "bbbbbbbbbbb_0.wav"}, "annotations": [{"result": ['
        b'{"type": "choices", "value": {"choices": ["Music"]}}]}]}]',
        1,
    ),
    "lhotse": (
        b'{"id": "0", "recording_id": "aaaaaaaaaaa_0", "start": 0, "duration": 10,'
        b' "custom": {"audio_event": ""}}\n{"id": "1", "recording_id": "bbbbbbbbbbb_0",'
        b' "start": 0, "duration": 10, "custom": {"audio_event": "Music"}}\n',
        1,
    ),
    "webdataset": (
        shard(
            {"aaaaaaaaaaa_0.json": {"labels": None}, "bbbbbbbbbbb_0.json": {"labels": ["Music"]}}
        ),
        1,
    ),
    "audioset-tfrecord": (
        tfrecord(segment("aaaaaaaaaaa", 0, 10, []), segment("bbbbbbbbbbb", 0, 10, [137])),
        1,
    ),
    "parquet": (
        parquet_bytes(
            {"video_id": ["aaaaaaaaaaa_0", "bbbbbbbbbbb_0"], "labels": [None, ["/m/04rlf"]]}
        ),
        1,
    ),
}


def test_every_format_has_an_example() -> None:
    of_files = set(LABEL_FORMATS) - {"table"}  # which is in memory
    assert set(EXAMPLES) == of_files
    assert set(ALL_CLASSES_UNKNOWN) == of_files - set(ONE_CLIP)


@pytest.mark.parametrize("container", CONTAINERS)
@pytest.mark.parametrize("format_", EXAMPLES)
def test_a_format_is_detected_and_read_in_any_container(
    format_: str, container: str, read: Reader
) -> None:
    labels = read(CONTAINERS[container](EXAMPLES[format_]), "given")
    assert by_clip(labels) == ONE_CLIP.get(format_, RIGHT)
    assert labels.report.sources[0]["format"] == format_
    assert labels.report.findings == []


@pytest.mark.parametrize("container", ["plain", "gzip"])
@pytest.mark.parametrize("format_", [f for f in EXAMPLES if f != "parquet"])
def test_the_report_says_what_was_read(format_: str, container: str, read: Reader) -> None:
    content = CONTAINERS[container](EXAMPLES[format_])
    report = read(content, "some.file").report
    count = ROWS.get(format_, 2)
    assert report.notes[0].startswith(
        f"some.file was read as {format_} ({LABEL_FORMATS[format_].summary})"
    )
    digest = hashlib.sha256(content).hexdigest()
    facts = {"name": "some.file", "format": format_, "sha256": digest, "rows": count}
    if format_ == "wide":
        facts["annotated"] = {"name": "its columns"}
    assert report.sources == [facts]
    assert (report.rows, report.rows_used) == (count, count)


@pytest.mark.parametrize("format_", ["audioset-segments", "long", "psl"])
def test_clips_have_their_length_where_the_format_says_it(format_: str, read: Reader) -> None:
    labels = read(EXAMPLES[format_])
    assert labels.onset.to_pylist() == [0.0, 0.0]
    assert labels.offset.to_pylist() == [10.0, 10.0]


@pytest.mark.parametrize("format_", ["clip-labels", "fsd50k", "ast-json", "parquet"])
def test_clips_have_no_length_where_the_format_is_silent(format_: str, read: Reader) -> None:
    assert read(EXAMPLES[format_]).offset.to_pylist() == [None, None]


@pytest.mark.parametrize(
    ("format_", "numbers"),
    [
        ("audioset-segments", [4, 5]),
        ("long", [2, 3]),
        ("clip-labels", [2, 3]),
        ("psl", [2, 3]),
        ("fsd50k", [2, 3]),
        ("ast-json", [1, 2]),
        ("parquet", [1, 2]),
    ],
)
def test_rows_are_lines_or_entries_from_one(format_: str, numbers: list[int], read: Reader) -> None:
    assert read(EXAMPLES[format_]).rows.tolist() == numbers


@pytest.mark.parametrize("format_", ALL_CLASSES_UNKNOWN)
def test_an_empty_label_field_is_reported_and_leaves_all_classes_unknown(
    format_: str, read: Reader
) -> None:
    content, row = ALL_CLASSES_UNKNOWN[format_]
    labels = read(content)
    assert by_clip(labels) == {"aaaaaaaaaaa_0": None, "bbbbbbbbbbb_0": {MUSIC}}
    assert {(f.row, f.clip) for f in labels.report.findings} == {(row, "aaaaaaaaaaa_0")}
    assert [f.kind for f in labels.report.findings].count("clip unlabelled") == 1
    assert (labels.report.rows, labels.report.rows_used) == (2, 2)
