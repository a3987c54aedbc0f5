"""CSV and TSV label files: clip ids, times and column numbers."""

from pathlib import Path

import pytest
from label_examples import EXAMPLES
from reader_support import (
    DOG,
    MUSIC,
    ONTOLOGY,
    SEGMENTS,
    SPEECH,
    Reader,
    Refuser,
    by_clip,
    ids,
    write,
)

from audiolabels import toy_ontology
from audiolabels.clips.names import parse_clip_name
from audiolabels.errors import UnknownLabelError
from audiolabels.readers import (
    read_labels,
)


@pytest.mark.parametrize("column", ["YTID", "video_id"])
def test_times_beside_a_video_are_its_place(column: str, read: Reader) -> None:
    labels = read(f"{column},start,end,label\naaaaaaaaaaa,0,10,Dog\naaaaaaaaaaa,30,40,Music\n")
    assert by_clip(labels) == {"aaaaaaaaaaa_0": {DOG}, "aaaaaaaaaaa_30000": {MUSIC}}


@pytest.mark.parametrize("name", ["session_001_02", "field_rec_1_003_010", "song_2019_05"])
def test_numbers_with_leading_zeros_are_no_times(name: str) -> None:
    assert parse_clip_name(f"{name}.wav").clip_id == name


def test_an_event_without_a_time_keeps_its_clip(read: Reader) -> None:
    labels = read("filename\tonset\toffset\tevent_label\na\t\t\t\nc\tNA\tNA\tDog\nb\t0\t1\tMusic\n")
    assert by_clip(labels) == {"a": None, "c": None, "b": {MUSIC}}
    assert (3, "label dropped", "a time is not a number of seconds") in {
        (f.row, f.kind, f.reason) for f in labels.report.findings
    }


def test_psl_labels_are_columns_of_the_weak_vocabulary(read: Reader) -> None:
    text = "filename\tlabels\tduration\thdf5path\na.wav\t0;137;526\t10.0\tx\nb.wav\t74\t9.5\tx\n"
    labels = read(text)
    field_recording = ONTOLOGY.resolve("Field recording")
    assert by_clip(labels) == {"a": {SPEECH, MUSIC, field_recording}, "b": {DOG}}


@pytest.mark.parametrize("number", ["527", "-1", "007", "1.0"])
def test_psl_numbers_that_are_no_column_are_unknown(number: str, read: Reader) -> None:
    text = f"filename\tlabels\thdf5path\na.wav\t0\t9\nb.wav\t0;{number}\t9\n"
    with pytest.raises(UnknownLabelError, match=rf"'{number}' \(row 3\)"):
        read(text)
    assert by_clip(read(text, unknown="drop")) == {"a": {SPEECH}, "b": {SPEECH}}


def test_numbers_are_no_labels_in_other_formats(read: Reader) -> None:
    with pytest.raises(UnknownLabelError, match=r"'137' \(row 2\)"):
        read("clip_id,labels\na,137\n")


def test_psl_is_recognised_though_its_first_row_has_no_label(read: Reader) -> None:
    text = "filename\tlabels\tduration\thdf5path\na.wav\t\t9\tx\nb.wav\t0;137\t9\tx\n"
    labels = read(text)
    assert by_clip(labels) == {"a": None, "b": {SPEECH, MUSIC}}
    assert labels.report.sources[0]["format"] == "psl"


def test_psl_numbers_need_the_classes_of_audioset(tmp_path: Path) -> None:
    path = write(tmp_path, EXAMPLES["psl"])
    with pytest.raises(UnknownLabelError, match=r"labels\.csv: .*'/m/09x0r' \(row 2"):
        read_labels(path, ontology=toy_ontology())


def test_psl_chunks_have_their_own_length_and_labels(read: Reader) -> None:
    text = (
        "filename\tfrom\tto\tlabels\thdf5path\naaaaaaaaaaa_30_40.wav\t0.0\t2.0\t0;137\tx\n"
        "bbbbbbbbbbb_30_40.wav\t5.0\t8.0\t137\tx\n"
    )
    labels = read(text)
    assert labels.report.sources[0]["format"] == "psl"
    lengths = [
        b - a for a, b in zip(labels.onset.to_pylist(), labels.offset.to_pylist(), strict=True)
    ]
    assert lengths == [2.0, 3.0]
    assert [ids(labels, row) for row in range(2)] == [{SPEECH, MUSIC}, {MUSIC}]


@pytest.mark.parametrize(
    "text",
    [
        "filename\tfrom\tto\tlabels\naaaaaaaaaaa_30_40.wav\t0\t2\t0\naaaaaaaaaaa_30_40.wav\t2\t4\t0\n",
        "filename,start,end,labels\nsong.wav,0,10,Music\nsong.wav,10,20,Music\n",
    ],
)
def test_pieces_of_one_recording_keep_their_places(text: str, read: Reader) -> None:
    labels = read(text)
    places = set(zip(labels.clip_id.to_pylist(), labels.onset.to_pylist(), strict=True))
    assert len(places) == 2
    assert labels.report.findings == []


def test_segments_with_one_row_a_label_are_not_merged_into_their_video(read: Reader) -> None:
    header = "YTID,start_seconds,end_seconds,label\n"
    rows = "aaaaaaaaaaa,0,10,Music\naaaaaaaaaaa,30,40,Speech\naaaaaaaaaaa,0,10,Dog\n"
    assert by_clip(read(header + rows)) == {
        "aaaaaaaaaaa_0": {MUSIC, DOG},
        "aaaaaaaaaaa_30000": {SPEECH},
    }


def test_milliseconds_are_read_as_such(read: Reader) -> None:
    labels = read(SEGMENTS + b"aaaaaaaaaaa,30000,40500,/m/04rlf\n", time_unit="ms")
    assert labels.clip_id.to_pylist() == ["aaaaaaaaaaa_30000"]
    assert labels.offset.to_pylist() == [10.5]


def test_official_files_in_milliseconds_are_read_as_such(read: Reader) -> None:
    text = b'# YTID, start_seconds, end_seconds, positive_labels\naaaaaaaaaaa, 3.0, 9.0, "Music"\n'
    labels = read(text, time_unit="ms")
    assert labels.clip_id.to_pylist() == ["aaaaaaaaaaa_3"]
    assert labels.offset.to_pylist() == [0.006]


@pytest.mark.parametrize(
    "content",
    [
        SEGMENTS + b"aaaaaaaaaaa,30000,40000,Music\n",
        b'# YTID, start_seconds, end_seconds, positive_labels\naaaaaaaaaaa, 0.0, 9000.0, "Music"\n',
        b"filename\tonset\toffset\tevent_label\na.wav\t0\t10000\tMusic\n",
    ],
    ids=["segments", "official", "long"],
)
def test_times_a_thousandfold_are_refused(content: bytes, refuse_content: Refuser) -> None:
    refuse_content(content, "a thousandfold too long.* use --time-unit ms")


def test_a_single_long_clip_is_no_thousandfold(read: Reader) -> None:
    text = SEGMENTS + b"aaaaaaaaaaa,0,10,Music\nbbbbbbbbbbb,0,9,Music\nccccccccccc,0,1200,Music\n"
    assert read(text).offset.to_pylist() == [10.0, 9.0, 1200.0]
