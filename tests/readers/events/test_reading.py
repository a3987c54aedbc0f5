"""Each format of events in small, and several files."""

import gzip
from pathlib import Path
from typing import Any

import pytest
from event_examples import read
from reader_support import (
    DOG,
    MUSIC,
    SPEECH,
    statements,
    zipped,
)

from audiolabels import read_events
from audiolabels.errors import LabelFileError

TSV = "filename\tonset\toffset\tevent_label\n"
# The same two clips, Speech over Music and a Dog, in every form.
FORMS: dict[str, str] = {
    "strong": "segment_id\tstart_time_seconds\tend_time_seconds\tlabel\n"
    "-aaaaaaaaaa_30000\t0.000\t10.000\t/m/04rlf\n"
    "-aaaaaaaaaa_30000\t2.627\t7.237\t/m/09x0r\n"
    "bbbbbbbbbb__0\t0.5\t0.75\t/m/0bt9lr\n",
    "reordered": "filename\tevent_label\tonset\toffset\n"
    "-aaaaaaaaaa_30000\t/m/04rlf\t0.000\t10.000\n"
    "-aaaaaaaaaa_30000\t/m/09x0r\t2.627\t7.237\n"
    "bbbbbbbbbb__0\t/m/0bt9lr\t0.5\t0.75\n",
    "desed": "filename\tonset\toffset\tevent_label\n"
    "Y-aaaaaaaaaa_30.000_40.000.wav\t0.0\t10.0\tMusic\n"
    "Y-aaaaaaaaaa_30.000_40.000.wav\t2.627\t7.237\tSpeech\n"
    "Ybbbbbbbbbb__0.000_10.000.wav\t0.5\t0.75\tDog\n",
    "csv": "filename,onset,offset,event_label\n"
    "-aaaaaaaaaa_30000,0,10,Music\n"
    '-aaaaaaaaaa_30000,2.627,7.237,"Speech"\n'
    "bbbbbbbbbb__0,0.5,0.75,Dog\n",
    "semicolons": "filename;onset;offset;event_label\n"
    "-aaaaaaaaaa_30000;0;10;Music\n"
    "-aaaaaaaaaa_30000;2.627;7.237;Speech\n"
    "bbbbbbbbbb__0;0.5;0.75;Dog\n",
    "framed": "segment_id\tstart_time_seconds\tend_time_seconds\tlabel\tpresent\n"
    "-aaaaaaaaaa_30000\t0.000\t10.000\t/m/04rlf\tPRESENT\n"
    "-aaaaaaaaaa_30000\t2.627\t7.237\t/m/09x0r\tPRESENT\n"
    "bbbbbbbbbb__0\t0.5\t0.75\t/m/0bt9lr\tPRESENT\n",
    "no header": "-aaaaaaaaaa_30000.wav\t0\t10\tMusic\n"
    "-aaaaaaaaaa_30000.wav\t2.627\t7.237\tSpeech\n"
    "bbbbbbbbbb__0.wav\t0.5\t0.75\tDog\n",
}
RIGHT = [
    ("-aaaaaaaaaa_30000", MUSIC, 0, 10_000, "present"),
    ("-aaaaaaaaaa_30000", SPEECH, 2627, 7237, "present"),
    ("bbbbbbbbbb__0", DOG, 500, 750, "present"),
]


@pytest.mark.parametrize("form", FORMS)
def test_every_form_gives_the_same_events(form: str, tmp_path: Path) -> None:
    events = read(tmp_path, FORMS[form])
    assert statements(events, place=False) == RIGHT
    assert events.duration_ms.tolist() == [10_000, 10_000]
    assert events.report.findings == []
    assert (events.report.rows, events.report.rows_used) == (3, 3)
    (source,) = events.report.sources
    assert (source["format"], source["rows"]) == ("framed" if form == "framed" else "events", 3)
    first = 1 if form == "no header" else 2
    assert events.rows.tolist() == [first, first + 1, first + 2]


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize(
    "dress",
    [
        lambda text: text.replace("\n", "\r\n"),
        lambda text: "\ufeff" + text,
        lambda text: text.rstrip("\n"),
        lambda text: text.replace("\n", "\n\n"),
        lambda text: "# a comment\n" + text + "# num_segs=3 and the end\n",
        lambda text: text.replace("\t", " \t "),
        lambda text: text.replace("\n", "\t\t\n") if "\t" in text else text,
    ],
    ids=["CRLF", "BOM", "no last line end", "blank lines", "comments", "spaces", "trailing tabs"],
)
def test_what_editors_and_tools_do_to_a_file_changes_no_event(
    form: str, dress: Any, tmp_path: Path
) -> None:
    events = read(tmp_path, dress(FORMS[form]))
    assert statements(events, place=False) == RIGHT
    assert events.report.findings == []


@pytest.mark.parametrize("pack", [gzip.compress, lambda content: zipped(("e.tsv", content))])
def test_compressed_files(pack: Any, tmp_path: Path) -> None:
    events = read(tmp_path, pack(FORMS["strong"].encode()))
    assert statements(events, place=False) == RIGHT


@pytest.mark.parametrize(
    ("name", "clip"),
    [
        ("Yaaaaaaaaaa_30000", "Yaaaaaaaaaa_30000"),
        ("YYaaaaaaaaaa_30.000_40.000.wav", "Yaaaaaaaaaa_30000"),
        ("-aaaaaaaaaa_0", "-aaaaaaaaaa_0"),
        ("Y-aaaaaaaaaa_30.wav", "-aaaaaaaaaa_30"),
        ("Y-aaaaaaaaaa_30.0.wav", "-aaaaaaaaaa_30000"),
        ("a_b_c_d_e_f_30000", "a_b_c_d_e_f_30000"),
        ("__________1_1000", "__________1_1000"),
        ("folder/sub/x.flac", "x"),
        ("x y.wav", "x y"),
        ("aaaaaaaaaaa", "aaaaaaaaaaa"),
        ("été.wav", "été"),
    ],
)
def test_clips_have_the_ids_that_label_files_give_them(
    name: str, clip: str, tmp_path: Path
) -> None:
    events = read(tmp_path, f"{TSV}{name}\t0\t1\tDog\n{name}\t1.5\t2\tDog\n")
    assert events.clip_id.to_pylist() == [clip]
    assert len(events.clip) == 2


def test_no_file_and_no_such_file(tmp_path: Path) -> None:
    with pytest.raises(LabelFileError, match="no file given"):
        read_events([])
    with pytest.raises(LabelFileError, match=r"gone.tsv: no such file"):
        read_events(tmp_path / "gone.tsv")
