"""Files as they should not be: what is refused, and what is read around the damage."""

import gzip
import os
from collections.abc import Callable
from pathlib import Path

import pytest
from reader_support import (
    DOG,
    GUITAR,
    MUSIC,
    OFFICIAL,
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

from audiolabels.errors import LabelFileError
from audiolabels.labels.report import Report
from audiolabels.readers import read_labels
from audiolabels.readers.reports import no_usable_row

ROWS = "".join(f"{i:011},{i},{i + 9},/m/04rlf\n" for i in range(2000))
LONG_FILE = SEGMENTS + ROWS.encode()
CLASS = '{"id": "/m/04rlf", "name": "Music", "child_ids": [], "restrictions": []}'
TABLE = parquet_bytes({"clip_id": ["a"], "labels": ["Music"]})
LFS = "version https://git-lfs.github.com/spec/v1\noid sha256:" + "0" * 64 + "\nsize 1211931\n"

REFUSED: dict[str, tuple[bytes | str, str]] = {
    "html": ("<!DOCTYPE html>\n<html><body>404</body></html>", "an HTML or XML page, not labels"),
    "html without doctype": ("\n <HTML>", "the download got an error or redirect page"),
    "xml": ("<?xml version='1.0'?><Error><Code>NoSuchKey</Code></Error>", "HTML or XML page"),
    "git lfs pointer": (LFS, "a Git LFS pointer, not the file itself; run 'git lfs pull'"),
    "utf-16": ("clip_id,labels\na,Music\n".encode("utf-16"), "UTF-16 text; save it as CSV"),
    "utf-16 be": (b"\xfe\xff\0c\0l\0i\0p", "UTF-16 text; save it as CSV"),
    "utf-16 without mark": ("clip_id,labels\na,Music\n".encode("utf-16-le"), "binary data"),
    "nul byte": ("clip_id,labels\na\0,Music\n", "binary data, not a label file"),
    "old workbook": (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", r"a workbook \(\.xls\); .* as CSV"),
    "workbook": (
        zipped(("[Content_Types].xml", b"<Types/>"), ("xl/workbook.xml", b"<workbook/>")),
        r"a workbook \(\.xlsx\); open it and save the sheet as CSV",
    ),
    "hdf5": (b"\x89HDF\r\n\x1a\n", "an HDF5 file; label files are text, JSON or Parquet"),
    "database": (b"SQLite format 3\0", "a database; export the table as CSV"),
    "pdf": (b"%PDF-1.7", "a PDF"),
    "empty": ("", "empty"),
    "blank": (" \n\r\n\t\n", "empty"),
    "empty gzip": (gzip.compress(b""), "empty"),
    "empty zip member": (zipped(("a.csv", b"")), "empty"),
    "comments": ("# one\n# two\n", "no rows"),
    "header": (SEGMENTS, "no rows"),
    "no label column": ("YTID,start_seconds,end_seconds\n", "no column of labels; .* name it"),
    "no label column, no header": ("aaaaaaaaaaa,0,10\n", "no column of labels; the first row"),
    "no clip column": ("labels,start\nMusic,0\n", "no column of clips; .* name it clip_id"),
    "prose": ("Dear all,\nsee below\n", "not a label file in a known form.* Give it a header"),
    "class file": ("index,mid,display_name\n0,/m/04rlf,Music\n", "a list of .* --vocabulary"),
    "class file, no header": ("/m/04rlf,Music\n", "a list of classes.* --vocabulary"),
    "class ids": ("/m/04rlf\n/m/09x0r\n", "a list of classes.* --vocabulary"),
    "numbered classes": ("0,/m/04rlf,Music\n", "a list of classes.* --vocabulary"),
    "ontology": (f"[{CLASS}]", "an ontology, not labels; it is given with --ontology"),
    "own ontology": (f'{{"classes": [{CLASS}]}}', "an ontology, not labels"),
    "framed": (
        "segment_id,start_time_seconds,end_time_seconds,label,present\n"
        "aaaaaaaaaaa_0,0.0,0.96,/m/04rlf,PRESENT\naaaaaaaaaaa_0,0.96,1.92,/m/04rlf,NOT_PRESENT\n",
        "framed labels .*absences would turn into labels",
    ),
    "json of another kind": ('{"error": "quota"}', 'JSON of an unknown kind; known is {"data"'),
    "json list": ('["/m/04rlf"]', "JSON of an unknown kind"),
    "json without rows": ('{"data": []}', "none of the 0 rows can be used: no rows"),
    "json cut off": ('{"data": [{"wav": "a.wav", "labels": "/m/0', r"not valid JSON, cut off\?"),
    "json too deep": ("[" * 100_000, "not valid JSON"),
    "json in latin-1": (b'{"data": [{"wav": "\xe9", "labels": ""}]}', "not valid JSON"),
    "broken promise": (
        "# num_ytids=2, num_segs=2\n" + OFFICIAL.decode() + "aaaaaaaaaaa, 0.000, 9.000, /m/04rlf\n",
        r"cut off: its header announces 2 rows, it holds 1\. Fetch it again; .* num_segs",
    ),
    "huge promise": (b"# num_segs=" + b"9" * 5000 + b"\n" + LONG_FILE, "cut off: its header ann"),
    "no usable row": (
        SEGMENTS + b"#NAME?,0,9,Music\n#NAME?,0,9,Music\naaaaaaaaaaa,9,0,Music\n",
        "none of the 3 rows can be used: 2 × the clip's id is lost: .*; 1 × ends before",
    ),
    "two files": (
        zipped(("a.csv", SEGMENTS), ("b.csv", SEGMENTS)),
        r"the archive holds 2 files \(a\.csv, b\.csv\); unpack it and give the label file",
    ),
    "no file": (zipped(("a/", b"")), "the archive holds 0 files"),
    "truncated gzip": (gzip.compress(LONG_FILE)[:-2000], "cannot be read: .*ended before"),
    "gzip header alone": (gzip.compress(LONG_FILE)[:6], "cannot be read"),
    "garbage after gzip": (gzip.compress(LONG_FILE) + b"garbage", "cannot be read: Not a gzipped"),
    "truncated zip": (zipped(("a.csv", LONG_FILE))[:-30], "cannot be read: .*zip"),
    "truncated parquet": (
        parquet_bytes({"clip_id": ["a"], "labels": ["Music"]})[:-9],
        "broken Parq",
    ),
    "only magic": (b"PAR1", "broken Parquet"),
}


@pytest.mark.parametrize("what", REFUSED)
def test_a_file_that_holds_no_labels_is_refused_by_name_and_cause(
    what: str, refuse_content: Refuser
) -> None:
    content, match = REFUSED[what]
    refuse_content(content, match, "given.file")


def damage(content: bytes, start: int) -> bytes:
    return (
        content[:start]
        + bytes(b ^ 0xFF for b in content[start : start + 40])
        + content[start + 40 :]
    )


def set_zip_fields(flags: int, method: int) -> Callable[[bytes], bytes]:
    def change(content: bytes) -> bytes:
        central = content.index(b"PK\x01\x02")
        new = flags.to_bytes(2, "little") + method.to_bytes(2, "little")
        return content[:6] + new + content[10 : central + 8] + new + content[central + 12 :]

    return change


@pytest.mark.parametrize(
    "content",
    [
        damage(gzip.compress(LONG_FILE), 20),
        damage(gzip.compress(LONG_FILE), 2000),
        damage(zipped(("a.csv", LONG_FILE)), 50),
        damage(zipped(("a.csv", LONG_FILE)), 2000),
        set_zip_fields(flags=1, method=8)(zipped(("a.csv", LONG_FILE))),
        set_zip_fields(flags=0, method=99)(zipped(("a.csv", LONG_FILE))),
    ],
    ids=["gzip start", "gzip middle", "zip start", "zip middle", "encrypted", "unknown method"],
)
def test_a_damaged_or_locked_archive_is_refused(content: bytes, refuse_content: Refuser) -> None:
    refuse_content(content, "cannot be read", "given.file")


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    refuse(tmp_path / "nowhere.csv", r"nowhere\.csv: no such file")


@pytest.mark.parametrize("name", ["a" * 5000, "nul\0byte.csv"])
def test_an_impossible_path_is_refused(name: str) -> None:
    with pytest.raises(LabelFileError, match=r"no such file|cannot be read"):
        read_labels(name)


def test_a_folder_is_refused(tmp_path: Path) -> None:
    refuse(tmp_path, "not a regular file; save its content to one first")


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="no named pipes on this system")
def test_a_named_pipe_is_refused_without_waiting(tmp_path: Path) -> None:
    pipe = tmp_path / "pipe.csv"
    os.mkfifo(pipe)
    refuse(pipe, "not a regular file; save its content to one first")


def test_nothing_usable_is_explained_by_the_commonest_reasons(read: Reader) -> None:
    report = Report(rows=7, sources=[{"name": "a.csv"}, {"name": "b.csv"}])
    assert no_usable_row(report, report.counts()) == (
        "a.csv, b.csv: none of the 7 rows can be used: no rows"
    )


# Read around the damage


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
        'filename\tlabels\tduration\nb\t74\t9\na\t"0;137\t9\n',
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


def test_a_header_may_promise_fewer_rows_than_there_are(read: Reader) -> None:
    promise = b"# num_ytids=1, num_segs=1\n"
    labels = read(promise + SEGMENTS + b"aaaaaaaaaaa,0,9,Music\nbbbbbbbbbbb,0,9,Dog\n")
    assert labels.report.rows == 2


def test_rows_that_cannot_be_used_count_for_the_promise(read: Reader) -> None:
    promise = b"# num_ytids=2, num_segs=2\n"
    labels = read(promise + SEGMENTS + b"#NAME?,0,9,Music\nbbbbbbbbbbb,0,9,Dog\n")
    assert (labels.report.rows, labels.report.rows_used) == (2, 1)
