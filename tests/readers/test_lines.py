"""Lines of delimited files that editors, tools and accidents have changed."""

from pathlib import Path

import pytest
from reader_support import (
    DOG,
    GUITAR,
    MUSIC,
    ONTOLOGY,
    SEGMENTS,
    SPEECH,
    Reader,
    by_clip,
    findings,
    ids,
    write,
)

from audiolabels.errors import LabelFileError
from audiolabels.readers import read_labels

ROWS = "".join(f"{i:011},{i},{i + 9},/m/04rlf\n" for i in range(2000))
LONG_FILE = SEGMENTS + ROWS.encode()


def test_windows_line_ends_and_a_byte_order_mark_change_nothing(read: Reader) -> None:
    text = b'clip_id,labels\na,"/m/04rlf,/m/09x0r"\n\nb,Dog\n'
    plain = read(text)
    windows = read(b"\xef\xbb\xbf" + text.replace(b"\n", b"\r\n"))
    assert by_clip(windows) == by_clip(plain) == {"a": {MUSIC, SPEECH}, "b": {DOG}}
    assert windows.rows.tolist() == plain.rows.tolist() == [2, 4]


def test_a_byte_order_mark_before_the_first_row_is_no_part_of_its_id(read: Reader) -> None:
    labels = read(b'\xef\xbb\xbfaaaaaaaaaaa, 0.000, 9.000, "/m/04rlf"\n')
    assert by_clip(labels) == {"aaaaaaaaaaa_0": {MUSIC}}


@pytest.mark.parametrize(
    "header", ["clip_id,labels", "# YTID, start_seconds, end_seconds, positive_labels"]
)
def test_lines_that_end_with_a_lone_carriage_return_do_not_run_together(
    header: str, tmp_path: Path
) -> None:
    row = "{},{}" if header[0] == "c" else '{}, 0.000, 9.000, "{}"'
    given = {"a" * 11: "Music", "b" * 11: "Dog", "c" * 11: "Guitar,Speech"}
    lines = [header, *(row.format(clip, labels) for clip, labels in given.items())]
    path = write(tmp_path, "\r".join(lines) + "\r")
    try:
        labels = read_labels(path, ontology=ONTOLOGY, unknown="drop")
    except LabelFileError:
        return
    assert [clip[:11] for clip in labels.clip_id.to_pylist()] == list(given)
    assert [ids(labels, row) for row in range(3)] == [{MUSIC}, {DOG}, {GUITAR, SPEECH}]


@pytest.mark.parametrize("line_end", ["\r", "\r\r"])
def test_a_row_never_takes_labels_of_the_next(line_end: str, tmp_path: Path) -> None:
    text = f"clip_id,labels\na,Music{line_end}b,Speech,Dog\nc,Guitar\n"
    path = write(tmp_path, text)
    try:
        labels = read_labels(path, ontology=ONTOLOGY, unknown="drop")
    except LabelFileError:
        return
    assert not (ids(labels, 0) or frozenset()) & {SPEECH, DOG}


@pytest.mark.parametrize("blank", ["", "   ", ",,,", ";", "\t", "# a comment", "#", "\r"])
def test_blank_lines_and_comments_are_no_rows(blank: str, read: Reader) -> None:
    labels = read(f"clip_id,labels\n{blank}\na,Music\n{blank}\nb,Dog\n{blank}\n")
    assert by_clip(labels) == {"a": {MUSIC}, "b": {DOG}}
    assert labels.rows.tolist() == [3, 5]
    assert (labels.report.rows, labels.report.findings) == (2, [])


def test_a_last_line_needs_no_end(read: Reader) -> None:
    assert by_clip(read("clip_id,labels\na,Music\nb,Dog")) == {"a": {MUSIC}, "b": {DOG}}


def test_rows_in_another_encoding_are_reported(read: Reader) -> None:
    labels = read(b"clip_id,labels\na,Music\ncaf\xe9,Dog\nb,Dog\xff\nd,Dog\n")
    assert by_clip(labels) == {"a": {MUSIC}, "d": {DOG}}
    assert findings(labels) == [(row, "", "row unused", "not UTF-8") for row in (3, 4)]
    assert (labels.report.rows, labels.report.rows_used) == (4, 2)


def test_names_in_any_script_are_kept(read: Reader) -> None:
    assert read("clip_id,labels\ncafé 鳥,Music\n").clip_id.to_pylist() == ["café 鳥"]


def test_a_nul_byte_far_into_the_file_spoils_its_row_only(read: Reader) -> None:
    late = b"aaaaaaaaa\0a,0,9,Music\nbbbbbbbbbbb,0,9,Mu\0sic\nccccccccccc,0,9,Dog\n"
    labels = read(LONG_FILE * 2 + late, unknown="drop")
    assert [(f.row, f.kind) for f in labels.report.findings if f.row > 4002] == [
        (4003, "row unused"),
        (4004, "label dropped"),
        (4004, "clip unlabelled"),
    ]
    assert ids(labels, len(labels) - 1) == {DOG}


@pytest.mark.parametrize(
    "line",
    [
        "aaaaaaaaaaa,0,9," + ",".join(["/m/04rlf"] * 40_000),
        'aaaaaaaaaaa,0,9,"' + ",".join(["/m/04rlf"] * 40_000) + '"',
        "a" * 200_000,
        '"' + "a" * 200_000,
        "aaaaaaaaaaa,0," + "9" * 200_000 + ",Music",
    ],
    ids=["labels", "quoted", "one word", "one quote", "digits"],
)
@pytest.mark.parametrize("place", ["first", "last"])
def test_an_over_long_line_is_read_or_reported(line: str, place: str, read: Reader) -> None:
    lines = [line, "bbbbbbbbbbb,0,9,Dog"]
    content = SEGMENTS.decode() + "\n".join(lines if place == "first" else lines[::-1])
    if place == "first" and not line.startswith("aaaaaaaaaaa,"):
        content = content.replace(line, "ccccccccccc,0,9,Dog\n" + line)
    labels = read(content)
    number = content[: content.index(line)].count("\n") + 1
    assert by_clip(labels)["bbbbbbbbbbb_0"] == {DOG}
    assert number in {f.row for f in labels.report.findings}
    unused = sum(f.kind == "row unused" for f in labels.report.findings)
    assert labels.report.rows == labels.report.rows_used + unused == content.count("\n")


@pytest.mark.parametrize(
    "line",
    [
        'aaaaaaaaaaa,0,9," ""/m/04rlf",/m/09x0r',
        'aaaaaaaaaaa,0,9," ""/m/04rlf"',
        'aaaaaaaaaaa,0,9,"/m/04rlf"""',
        'aaaaaaaaaaa,0,9,"/m/04rlf,/m/09x0r',
        'aaaaaaaaaaa,0,9,"/m/04rlf,"/m/09x0r"',
        'aaaaaaaaaaa,0,9,/m/04rlf"',
    ],
)
def test_labels_that_were_cut_off_are_reported(line: str, read: Reader) -> None:
    labels = read(SEGMENTS + line.encode() + b"\nbbbbbbbbbbb,0,9,Dog\n")
    assert by_clip(labels) == {"bbbbbbbbbbb_0": {DOG}}
    assert findings(labels) == [
        (2, "aaaaaaaaaaa", "row unused", "a quote has no partner: labels were cut off")
    ]


@pytest.mark.parametrize(
    "text",
    [
        'clip_id\tlabels\nb\tDog\na\t"/m/04rlf,/m/09x0r\n',
        'clip_id\tlabels\tfold\nb\tDog\t1\na\t"/m/04rlf,/m/09x0r\t1\n',
        'filename\tlabels\thdf5path\nb\t74\tx\na\t"0;137\tx\n',
        'fname,labels,mids,split\nb,x,/m/0bt9lr,dev\na,x,"/m/04rlf,/m/09x0r\n',
        'clip_id,labels\nb,Dog\na,"/m/04rlf,/m/09x0r\n',
    ],
    ids=["tab", "tab, more columns", "psl", "fsd50k", "comma"],
)
def test_a_quote_that_is_never_closed_spoils_its_row_in_every_form(text: str, read: Reader) -> None:
    labels = read(text)
    assert by_clip(labels) == {"b": {DOG}}
    assert [(f.row, f.kind) for f in labels.report.findings] == [(3, "row unused")]


def test_rows_with_too_few_or_too_many_cells_are_reported(read: Reader) -> None:
    labels = read("clip_id,labels,fold\na,Music\nb,Dog,1\nc,Music,1,2\nd,Dog,1,,\ne\n")
    assert by_clip(labels) == {"b": {DOG}, "d": {DOG}}
    assert findings(labels) == [
        (2, "a", "row unused", "2 cells where 3 are expected"),
        (4, "c", "row unused", "4 cells where 3 are expected"),
        (6, "e", "row unused", "1 cells where 3 are expected"),
    ]


def test_a_cell_that_runs_over_two_lines_spoils_both(read: Reader) -> None:
    labels = read(SEGMENTS + b'aaaaaaaaaaa,0,9,"/m/04rlf\n,/m/09x0r"\nbbbbbbbbbbb,0,9,Dog\n')
    assert by_clip(labels) == {"bbbbbbbbbbb_0": {DOG}}
    assert [(f.row, f.kind) for f in labels.report.findings] == [
        (2, "row unused"),
        (3, "row unused"),
    ]
