"""Headers, comments and columns: how the layout of a delimited file is recognised."""

import pytest
from reader_support import (
    DOG,
    GUITAR,
    MUSIC,
    SEGMENTS,
    Reader,
    by_clip,
    findings,
    ids,
)


def test_a_header_in_the_middle_is_a_row_that_is_reported(read: Reader) -> None:
    labels = read(SEGMENTS + b"aaaaaaaaaaa,0,9,Music\n" + SEGMENTS + b"bbbbbbbbbbb,0,9,Dog\n")
    assert by_clip(labels) == {"aaaaaaaaaaa_0": {MUSIC}, "bbbbbbbbbbb_0": {DOG}}
    assert [(f.row, f.clip, f.kind) for f in labels.report.findings] == [(3, "YTID", "row unused")]


@pytest.mark.parametrize("comment", ["# labels", "# audio", "# file, path", "# a file of labels"])
def test_a_comment_is_no_header_where_a_header_follows(comment: str, read: Reader) -> None:
    labels = read(f"{comment}\nclip_id,labels\na,Music\n")
    assert by_clip(labels) == {"a": {MUSIC}}
    assert labels.rows.tolist() == [3]


def test_a_comment_after_the_header_changes_no_column(read: Reader) -> None:
    labels = read("labels,clip_id\n# clip, label\nMusic,a\n")
    assert by_clip(labels) == {"a": {MUSIC}}


def test_a_name_that_begins_with_a_hash_is_a_row(read: Reader) -> None:
    labels = read("clip_id,labels\nb,Dog\n#1 hit.wav,Music\n# a remark\n")
    assert by_clip(labels) == {"b": {DOG}, "#1 hit": {MUSIC}}
    assert labels.report.rows == 2


def test_a_header_that_stands_there_again_is_reported(read: Reader) -> None:
    labels = read("YTID,start,end,labels\nYTID,start,end,labels\naaaaaaaaaaa,0,9,Music\n")
    assert by_clip(labels) == {"aaaaaaaaaaa_0": {MUSIC}}
    assert [(f[0], f[2]) for f in findings(labels)] == [(2, "row unused")]


def test_names_that_begin_with_a_hash_may_come_first(read: Reader) -> None:
    labels = read("clip_id,labels\n#1 song.wav,Dog\n#2 song.wav,Music\nx.wav,Dog\n")
    assert by_clip(labels) == {"#1 song": {DOG}, "#2 song": {MUSIC}, "x": {DOG}}


def test_columns_that_are_not_used_are_named(read: Reader) -> None:
    assert read("clip_id,labels,fold,split\na,Speech,1,train\n").report.notes == [
        "labels.csv was read as clip-labels (one row per clip: clip_id, labels; CSV or TSV); "
        "columns not used: fold, split"
    ]


@pytest.mark.parametrize(
    ("content", "format_"),
    [
        ("aaaaaaaaaaa, 0.000, 10.000, Music\n", "audioset-segments"),
        ("aaaaaaaaaaa;0;10;Music\n", "audioset-segments"),
        ("aaaaaaaaaaa\t0\t10\tMusic\n", "audioset-segments"),
        ("#NAME?,0,10,Music\naaaaaaaaaaa,0,10,Music\n", "audioset-segments"),
        ("aaaaaaaaaaa.wav\t1.5\t2.5\tMusic\n", "long"),
        ("aaaaaaaaaaa.wav\tMusic\n", "clip-labels"),
        ("aaaaaaaaaaa.wav,Music\n", "clip-labels"),
        ("aaaaaaaaaaa.wav,/m/04rlf\n", "clip-labels"),
        ("aaaaaaaaaaa.wav\t/m/04rlf\n", "clip-labels"),
    ],
)
def test_a_file_without_header_is_known_by_its_first_row(
    content: str, format_: str, read: Reader
) -> None:
    labels = read(content)
    assert labels.report.sources[0]["format"] == format_
    assert ids(labels, 0) == {MUSIC}


@pytest.mark.parametrize(
    "header",
    [
        "clip_id,labels",
        "CLIP_ID,Labels",
        '"clip_id","labels"',
        "# clip_id, labels",
        "filename;tags",
        "audio_id\tevent_labels",
        "fname    labels",
    ],
)
def test_known_headers_are_read_however_they_are_written(header: str, read: Reader) -> None:
    separator = next((s for s in ("\t", ";", "    ") if s in header), ",")
    labels = read(f"{header}\nsome clip{separator}Music\nb{separator}Guitar\n")
    assert by_clip(labels) == {"some clip": {MUSIC}, "b": {GUITAR}}


def test_ids_are_read_rather_than_names_beside_them(read: Reader) -> None:
    text = "YTID,labels,start_seconds,end_seconds,positive_labels\naaaaaaaaaaa,?,0,10,/m/04rlf\n"
    assert by_clip(read(text)) == {"aaaaaaaaaaa_0": {MUSIC}}
