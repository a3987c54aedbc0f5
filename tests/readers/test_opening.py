"""Files that are refused before they are read: damaged, locked, or no label files at all."""

import gzip
import os
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from reader_support import (
    OFFICIAL,
    SEGMENTS,
    Refuser,
    parquet_bytes,
    refuse,
    zipped,
)
from score_files import (
    write_hdf5,
)

from audiolabels import read_scores
from audiolabels.errors import LabelFileError, OptionError
from audiolabels.readers import read_labels

ROWS = "".join(f"{i:011},{i},{i + 9},/m/04rlf\n" for i in range(2000))
LONG_FILE = SEGMENTS + ROWS.encode()
CLASS = '{"id": "/m/04rlf", "name": "Music", "child_ids": [], "restrictions": []}'
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
        r"its header announces 2 rows, it holds 1\. Fetch it again; .* --missing-rows accept",
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


VALUES = np.array([[0.5, 0.25, 0.0], [1.0, 0.125, 0.75]])
PAIR = ["a", "b"]


def test_hdf5_without_h5py_names_the_extra(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = write_hdf5(tmp_path / "s.h5", clip_id=PAIR, scores=VALUES)
    monkeypatch.setitem(sys.modules, "h5py", None)
    with pytest.raises(OptionError, match=r"s\.h5: HDF5 needs h5py.*audiolabels\[hdf5\]"):
        read_scores(path)
