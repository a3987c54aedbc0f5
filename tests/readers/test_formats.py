"""Each format in small: how it is detected, read and reported."""

import gzip
import hashlib
from collections.abc import Callable
from pathlib import Path

import pyarrow as pa
import pytest
from reader_support import (
    DOG,
    GUITAR,
    MUSIC,
    ONTOLOGY,
    SEGMENTS,
    SPEECH,
    Reader,
    Refuser,
    by_clip,
    findings,
    ids,
    parquet_bytes,
    refuse,
    write,
    zipped,
)

from audiolabels import expand, toy_ontology, write_targets
from audiolabels.clips.duplicates import SeenClips
from audiolabels.errors import AudioLabelsError, OptionError, UnknownLabelError
from audiolabels.labels.report import Finding
from audiolabels.readers import (
    LABEL_FORMATS,
    BlockSizes,
    ReadOptions,
    read_labels,
    stream_labels,
)

# The same two clips, Speech with Music and Guitar, in every format.
EXAMPLES: dict[str, bytes] = {
    "audioset-segments": b"# Segments csv created Sun Mar  5 10:54:31 2017\n"
    b"# num_ytids=2, num_segs=2, num_unique_labels=3, num_positive_labels=3\n"
    b"# YTID, start_seconds, end_seconds, positive_labels\n"
    b'-aaaaaaaaaa, 30.000, 40.000, "/m/04rlf,/m/09x0r"\n'
    b'bbbbbbbbbb_, 0.000, 10.000, "/m/0342h"\n',
    "long": b"filename\tonset\toffset\tevent_label\n"
    b"Y-aaaaaaaaaa_30.000_40.000.wav\t0.0\t10.0\tMusic\n"
    b"Ybbbbbbbbbb__0.000_10.000.wav\t2.5\t7.25\tGuitar\n"
    b"Y-aaaaaaaaaa_30.000_40.000.wav\t1.0\t2.0\tSpeech\n"
    b"Y-aaaaaaaaaa_30.000_40.000.wav\t3.0\t4.0\tSpeech\n",
    "clip-labels": b'clip_id,labels\n-aaaaaaaaaa_30000,"Speech,Music"\nbbbbbbbbbb__0,Guitar\n',
    "psl": b"filename\tlabels\tduration\thdf5path\n"
    b"-aaaaaaaaaa_30_40.wav\t0;137\t10.0\tdata/1.h5\n"
    b"bbbbbbbbbb__0_10.wav\t140\t10.0\tdata/1.h5\n",
    "fsd50k": b"fname,labels,mids\n"
    b'-aaaaaaaaaa_30000,"Speech,Music","/m/09x0r,/m/04rlf"\n'
    b"bbbbbbbbbb__0,Guitar,/m/0342h\n",
    "ast-json": b'{"data": [{"wav": "/x/Y-aaaaaaaaaa_30.000.flac", "labels": "/m/04rlf,/m/09x0r"},'
    b' {"wav": "/x/Ybbbbbbbbbb__0.000.flac", "labels": "/m/0342h", "extra": 1}]}',
    "parquet": parquet_bytes(
        {
            "video_id": ["-aaaaaaaaaa_30000", "bbbbbbbbbb__0"],
            "labels": [["/m/04rlf", "/m/09x0r"], ["/m/0342h"]],
        }
    ),
}
RIGHT = {"-aaaaaaaaaa_30000": {SPEECH, MUSIC}, "bbbbbbbbbb__0": {GUITAR}}
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
    "clip-labels": (b"clip_id,labels\naaaaaaaaaaa_0,\nbbbbbbbbbbb_0,Music\n", 2),
    "psl": (
        b"filename\tlabels\tduration\nbbbbbbbbbbb_0_9.wav\t137\t9\naaaaaaaaaaa_0_9.wav\t\t9\n",
        3,
    ),
    "fsd50k": (b"fname,labels,mids\naaaaaaaaaaa_0,,\nbbbbbbbbbbb_0,Music,/m/04rlf\n", 2),
    "ast-json": (
        b'{"data": [{"wav": "aaaaaaaaaaa_0.wav", "labels": ""},'
        b' {"wav": "bbbbbbbbbbb_0", "labels": "/m/04rlf"}]}',
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
    assert set(EXAMPLES) == set(ALL_CLASSES_UNKNOWN) == set(LABEL_FORMATS)


@pytest.mark.parametrize("container", CONTAINERS)
@pytest.mark.parametrize("format_", EXAMPLES)
def test_a_format_is_detected_and_read_in_any_container(
    format_: str, container: str, read: Reader
) -> None:
    labels = read(CONTAINERS[container](EXAMPLES[format_]), "given")
    assert by_clip(labels) == RIGHT
    assert labels.report.sources[0]["format"] == format_
    assert labels.report.findings == []


@pytest.mark.parametrize("container", ["plain", "gzip"])
@pytest.mark.parametrize("format_", [f for f in EXAMPLES if f != "parquet"])
def test_the_report_says_what_was_read(format_: str, container: str, read: Reader) -> None:
    content = CONTAINERS[container](EXAMPLES[format_])
    report = read(content, "some.file").report
    count = 4 if format_ == "long" else 2
    assert report.notes[0].startswith(
        f"some.file was read as {format_} ({LABEL_FORMATS[format_].summary})"
    )
    digest = hashlib.sha256(content).hexdigest()
    facts = {"name": "some.file", "format": format_, "sha256": digest, "rows": count}
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


# Several files


def test_files_are_read_in_their_order(tmp_path: Path) -> None:
    second = write(
        tmp_path, EXAMPLES["fsd50k"].replace(b"-aaa", b"-ccc").replace(b"bbb", b"ddd"), "2"
    )
    first = write(tmp_path, gzip.compress(EXAMPLES["psl"]), "1")
    labels = read_labels([first, second], ontology=ONTOLOGY)
    assert labels.clip_id.to_pylist() == [
        "-aaaaaaaaaa_30000",
        "bbbbbbbbbb__0",
        "-cccaaaaaaa_30000",
        "dddddddddb__0",
    ]
    assert [s["name"] for s in labels.report.sources] == ["1", "2"]
    assert [s["format"] for s in labels.report.sources] == ["psl", "fsd50k"]
    assert (labels.report.rows, labels.report.rows_used) == (4, 4)
    assert labels.offset.to_pylist() == [10.0, 10.0, None, None]
    assert [ids(labels, row) for row in range(4)] == [{SPEECH, MUSIC}, {GUITAR}] * 2


def test_clips_that_occur_again_are_kept_and_reported_where_they_stand(tmp_path: Path) -> None:
    one = write(tmp_path, "clip_id,labels\na,Music\nb,Music\na,Guitar\n", "one.csv")
    two = write(
        tmp_path, '{"data": [{"wav": "c", "labels": "Music"}, {"wav": "b", "labels": "Music"}]}'
    )
    labels = read_labels([one, two], ontology=ONTOLOGY)
    assert labels.clip_id.to_pylist() == ["a", "b", "a", "c", "b"]
    assert [ids(labels, row) for row in (0, 2)] == [{MUSIC}, {GUITAR}]
    reason = "the clip occurs more than once"
    assert labels.report.findings == [
        Finding("one.csv", 4, "a", "duplicate clip", reason),
        Finding("labels.csv", 2, "b", "duplicate clip", reason),
    ]


def test_the_same_file_twice_doubles_its_clips(tmp_path: Path) -> None:
    path = write(tmp_path, EXAMPLES["audioset-segments"])
    labels = read_labels([path, path], ontology=ONTOLOGY)
    assert [(f.source, f.row, f.kind) for f in labels.report.findings] == [
        ("labels.csv", 4, "duplicate clip"),
        ("labels.csv", 5, "duplicate clip"),
    ]


def test_one_bad_file_among_several_is_named(tmp_path: Path) -> None:
    good = write(tmp_path, EXAMPLES["clip-labels"], "good.csv")
    bad = write(tmp_path, "<html>", "bad.csv")
    with pytest.raises(AudioLabelsError, match=r"bad\.csv: an HTML or XML page"):
        read_labels([good, bad], ontology=ONTOLOGY)


def test_no_file_at_all_is_refused() -> None:
    with pytest.raises(AudioLabelsError, match=r"no rows|no file"):
        read_labels([])


def test_the_last_part_of_a_stream_holds_no_clips_and_names_the_source(tmp_path: Path) -> None:
    path = write(tmp_path, EXAMPLES["audioset-segments"])
    *parts, last = stream_labels([path], ONTOLOGY, ReadOptions(), seen=SeenClips())
    assert [len(part) for part in parts] == [2]
    assert (len(last), last.report.sources[0]["rows"]) == (0, 2)
    assert all(not part.report.sources for part in parts)


# PSL


def test_psl_labels_are_columns_of_the_weak_vocabulary(read: Reader) -> None:
    text = "filename\tlabels\tduration\thdf5path\na.wav\t0;137;526\t10.0\tx\nb.wav\t74\t9.5\tx\n"
    labels = read(text)
    field_recording = ONTOLOGY.resolve("Field recording")
    assert by_clip(labels) == {"a": {SPEECH, MUSIC, field_recording}, "b": {DOG}}


@pytest.mark.parametrize("number", ["527", "-1", "007", "1.0"])
def test_psl_numbers_that_are_no_column_are_unknown(number: str, read: Reader) -> None:
    text = f"filename\tlabels\tduration\na.wav\t0\t9\nb.wav\t0;{number}\t9\n"
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


# Parquet


@pytest.mark.parametrize(
    "column",
    [
        pa.array([["/m/04rlf", "/m/09x0r"], ["Guitar"]]),
        pa.array([["/m/04rlf", "/m/09x0r"], ["Guitar"]], pa.large_list(pa.large_string())),
        pa.array([["/m/04rlf", "/m/09x0r"], ["Guitar", None]], pa.list_(pa.string(), 2)),
        pa.array(["/m/04rlf,/m/09x0r", "Guitar"]),
        pa.array(["/m/04rlf;/m/09x0r", "Guitar"], pa.large_string()),
        pa.array([["Music", "Speech"], [None, "Guitar", ""]]),
    ],
    ids=lambda column: str(column.type),
)
def test_parquet_labels_may_be_lists_or_texts(column: pa.Array, read: Reader) -> None:
    names = ["-aaaaaaaaaa_30000", "bbbbbbbbbb__0"]
    assert by_clip(read(parquet_bytes({"video_id": names, "labels": column}))) == RIGHT


def test_parquet_names_with_commas_stay_whole(read: Reader) -> None:
    given = [["Whack, thwack", "Male speech, man speaking"], ["Whack, thwack"]]
    labels = read(parquet_bytes({"video_id": ["a", "b"], "labels": given}))
    whack, male = (ONTOLOGY.resolve(name) for name in given[0])
    assert by_clip(labels) == {"a": {whack, male}, "b": {whack}}


def test_parquet_ids_are_read_rather_than_the_names_beside_them(read: Reader) -> None:
    columns = {"video_id": ["a"], "labels": [["/m/04rlf"]], "human_labels": [["Musik"]]}
    assert by_clip(read(parquet_bytes(columns))) == {"a": {MUSIC}}


def test_parquet_says_nothing_with_null_or_an_empty_list(read: Reader) -> None:
    labels = read(parquet_bytes({"video_id": ["a", "b", "c"], "labels": [None, [], ["Music"]]}))
    assert by_clip(labels) == {"a": None, "b": None, "c": {MUSIC}}
    assert findings(labels) == [
        (1, "a", "clip unlabelled", "no label"),
        (2, "b", "clip unlabelled", "no label"),
    ]


def test_parquet_rows_without_a_clip_are_reported(read: Reader) -> None:
    labels = read(parquet_bytes({"clip_id": [None, "a", ""], "labels": [["Music"]] * 3}))
    assert by_clip(labels) == {"a": {MUSIC}}
    assert [(f.row, f.kind) for f in labels.report.findings] == [
        (1, "row unused"),
        (3, "row unused"),
    ]
    assert (labels.report.rows, labels.report.rows_used) == (3, 1)


def test_parquet_rows_are_counted_through_all_batches(read: Reader) -> None:
    sizes = BlockSizes(parquet=2)
    names = ["a", "b", None, "c", "a", "b"]
    labels = read(
        parquet_bytes({"video_id": names, "labels": [["Music"]] * 6}),
        "p.parquet",
        block_sizes=sizes,
    )
    assert labels.rows.tolist() == [1, 2, 4, 5, 6]
    assert [(f.row, f.kind) for f in labels.report.findings] == [
        (3, "row unused"),
        (5, "duplicate clip"),
        (6, "duplicate clip"),
    ]


@pytest.mark.parametrize(
    ("columns", "match"),
    [
        ({"clip": ["a"], "x": [1]}, "no column of clips .* and of labels .*columns are clip, x"),
        ({"labels": [["Music"]]}, "no column of clips"),
        ({"video_id": ["a"], "labels": [[1, 2]]}, "texts or lists of texts"),
        ({"clip_id": ["a"], "labels": [{"x": 1}]}, "texts or lists of texts"),
    ],
)
def test_parquet_without_the_columns_is_refused(
    columns: dict[str, list[object]], match: str, refuse_content: Refuser
) -> None:
    refuse_content(parquet_bytes(columns), match, "x.parquet")


def test_parquet_with_a_column_twice_is_refused(refuse_content: Refuser) -> None:
    arrays = [pa.array(["a"]), pa.array([["Music"]]), pa.array([["Guitar"]])]
    table = pa.Table.from_arrays(arrays, names=["video_id", "labels", "labels"])
    refuse_content(parquet_bytes(table), "labels", "twice.parquet")


@pytest.mark.parametrize("layout", ["lists", "packed", "dense"])
def test_targets_are_no_labels(layout: str, tmp_path: Path) -> None:
    path = tmp_path / "targets.parquet"
    write_targets(expand(read_labels(write(tmp_path, EXAMPLES["psl"]))), path, layout=layout)
    refuse(path, "targets that were written before, not labels; 'audiolabels info' shows them")


# JSON


def test_json_entries_that_are_none_are_reported(read: Reader) -> None:
    labels = read(
        '{"data": [{"wav": "/a/Yaaaaaaaaaaa.wav", "labels": "Music"}, {"wav": 3, "labels": ""}, 7,'
        ' {"labels": "Music"}, {"wav": "b.wav", "labels": ["Music"]}, {"wav": "", "labels": ""},'
        ' {"wav": "c.wav", "labels": "Guitar"}]}'
    )
    assert by_clip(labels) == {"aaaaaaaaaaa": {MUSIC}, "c": {GUITAR}}
    assert labels.rows.tolist() == [1, 7]
    assert [(f.row, f.kind) for f in labels.report.findings] == [
        (row, "row unused") for row in range(2, 7)
    ]
    assert (labels.report.rows, labels.report.rows_used) == (7, 2)


@pytest.mark.parametrize(
    "entry", ['{"wav": "\\ud800.wav", "labels": "Music"}', '{"wav": "b.wav", "labels": "\\udfff"}']
)
def test_json_entries_with_half_a_character_are_reported(entry: str, read: Reader) -> None:
    text = f'{{"data": [{{"wav": "a.wav", "labels": "Music"}}, {entry}]}}'
    labels = read(text, unknown="drop")
    assert labels.report.rows == 2
    assert ids(labels, 0) == {MUSIC}
    assert {f.row for f in labels.report.findings} == {2}


def test_json_may_begin_with_a_byte_order_mark(read: Reader) -> None:
    assert by_clip(read(b"\xef\xbb\xbf" + EXAMPLES["ast-json"])) == RIGHT


# Options


@pytest.mark.parametrize(
    ("options", "match"),
    [
        ({"unknown": "ignore"}, "unknown 'ignore' is not offered; choose one of error, drop"),
        ({"time_unit": "h"}, "time_unit 'h' is not offered; choose one of auto, s, ms"),
    ],
)
def test_options_that_are_not_offered_are_refused(
    options: dict[str, str], match: str, read: Reader
) -> None:
    with pytest.raises(OptionError, match=match):
        read(EXAMPLES["psl"], **options)


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
