"""Event files: each form, every odd event and its fate, lengths of clips."""

import gzip
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from reader_support import (
    DOG,
    MUSIC,
    ONTOLOGY,
    SPEECH,
    event_outcome,
    statements,
    streamed_outcome,
    told,
    write,
    zipped,
)

from audiolabels import Events, expand_files, read_events, toy_ontology
from audiolabels.errors import LabelFileError, OptionError, UnknownLabelError
from audiolabels.labels.report import FATES
from audiolabels.readers.events import delimited as event_rows
from audiolabels.readers.events.reading import ScatteredError

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


def read(folder: Path, content: bytes | str, name: str = "e.tsv", **options: Any) -> Events:
    """Both ways of reading, which must agree where the stream can be read at all."""
    path = write(folder, content, name)
    streamed = streamed_outcome(path, **options)
    assert streamed[0] is ScatteredError or streamed == event_outcome(path, **options)
    return read_events(path, ontology=ONTOLOGY, **options)


def fates(events: Events) -> list[tuple[int, str, str]]:
    return [(row, kind, reason) for _, row, _, kind, reason in told(events)]


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


ODD: list[tuple[str, str, str, str]] = [  # onset, offset, kind, reason
    ("3", "2", "event dropped", "an event ends before it begins"),
    ("2", "2", "event dropped", "an event has no length"),
    ("2", "2.0004", "event dropped", "an event has no length"),
    ("10", "11", "event dropped", "lies outside its clip; is the clip's duration right?"),
    ("-2", "-1", "event dropped", "lies outside its clip; is the clip's duration right?"),
    ("-2", "0", "event dropped", "lies outside its clip; is the clip's duration right?"),
    ("nan", "1", "event dropped", "a time is not a number of seconds"),
    ("", "1", "event dropped", "a time is not a number of seconds"),
    ("1", "inf", "event dropped", "a time is not a number of seconds"),
    ("0:01", "0:02", "event dropped", "a time is not a number of seconds"),
    ("-0.5", "1", "event as it is", "an event begins before its clip"),
    ("9", "10.001", "event as it is", "an event ends after its clip"),
    ("5.5", "7", "event as it is", "overlaps another event of its class"),
    ("6", "7", "event as it is", "touches another event of its class"),
    ("5", "6", "event as it is", "the same event occurs twice"),
]


@pytest.mark.parametrize(("onset", "offset", "kind", "reason"), ODD)
@pytest.mark.parametrize("form", ["tsv", "CRLF"])
def test_every_odd_event_has_its_fate(
    onset: str, offset: str, kind: str, reason: str, form: str, tmp_path: Path
) -> None:
    end = "\r\n" if form == "CRLF" else "\n"
    content = f"{TSV}a\t5\t6\tDog{end}a\t{onset}\t{offset}\tDog{end}a\t0\t1\tMusic{end}"
    events = read(tmp_path, content)
    assert [(row, k) for row, k, _ in fates(events)] == [(3, kind)]
    assert reason in events.report.findings[0].reason
    assert events.report.findings[0].clip == "a"
    assert (events.report.rows, events.report.rows_used) == (3, 3)
    odd = statements(events, place=False)[1]
    if kind == "event dropped":
        assert odd == ("a", DOG, 0, 10_000, "unknown")
    else:
        assert odd[-1] == "present"


@pytest.mark.parametrize(
    ("row", "kind", "reason"),
    [
        ("a\t1", "row unused", "2 cells where 4 are expected"),
        ("a\t1\t2\tDog\tmore", "row unused", "5 cells where 4 are expected"),
        ("\t1\t2\tDog", "row unused", "the clip's id is lost: empty"),
        ("#NAME?\t1\t2\tDog", "row unused", "the clip's id is lost: #NAME?"),
        ('a\t1\t2\t"Dog', "row unused", "a quote has no partner: labels were cut off"),
        ("a\t1\t2\tDog\ra\t2\t3\tDog", "row unused", "a lone carriage return: lines run together"),
        ("a\t1\t2\t\udcff", "row unused", "not UTF-8"),
        ("a\t1\t2\t", "label dropped", "no label"),
        ("a\t1\t2\tnan", "label dropped", "no label"),
        ("a\t1\t2\tBlub", "label dropped", "unknown label: Blub"),
        ("a\t1\t2\tBlub, Dog", "label dropped", "unknown label: Blub, Dog"),
    ],
)
def test_every_odd_row_has_its_fate(row: str, kind: str, reason: str, tmp_path: Path) -> None:
    content = f"{TSV}a\t5\t6\tDog\n{row}\na\t0\t1\tMusic\n".encode(errors="surrogateescape")
    events = read(tmp_path, content, unknown="drop")
    assert fates(events) == [(3, kind, reason)]
    assert events.report.rows == 3
    assert events.report.rows_used == 3 - (kind == "row unused")
    assert events.labelled.tolist() == [True]


def test_a_state_that_is_neither_is_no_statement(tmp_path: Path) -> None:
    content = TSV.strip() + "\tpresent\na\t0\t1\tDog\tPRESENT\na\t1\t2\tDog\tMAYBE\n"
    events = read(tmp_path, content)
    assert fates(events) == [(3, "row unused", "neither PRESENT nor NOT_PRESENT: MAYBE")]


def test_a_clip_of_which_no_event_is_left_is_unlabelled(tmp_path: Path) -> None:
    events = read(tmp_path, TSV + "a\t2\t1\tDog\nb\t0\t1\tBlub\nc\t0\t1\tDog\n", unknown="drop")
    assert [f for f in fates(events) if f[1] == "clip unlabelled"] == [
        (2, "clip unlabelled", "no event is left"),
        (3, "clip unlabelled", "no event is left"),
    ]
    assert events.labelled.tolist() == [False, False, True]
    assert [events.events(row) for row in range(3)] == [None, None, (("Dog", 0.0, 1.0),)]


@pytest.mark.parametrize("cells", ["\t\t", "nan\tnan\tnan", "NA\t\tNone", "null\tN/A\tNaN"])
def test_a_clip_without_events_is_verified_empty(cells: str, tmp_path: Path) -> None:
    events = read(tmp_path, f"{TSV}a.wav\t{cells}\nb.wav\t0\t1\tDog\n")
    assert events.labelled.tolist() == [True, True]
    assert events.events(0) == ()
    assert events.report.findings == []


def test_an_event_in_a_clip_said_to_be_empty_is_used(tmp_path: Path) -> None:
    events = read(tmp_path, TSV + "a\t\t\t\na\t0\t1\tDog\n")
    assert fates(events) == [(3, "event as it is", "an event in a verified empty clip")]
    assert events.events(0) == (("Dog", 0.0, 1.0),)


def test_every_kind_of_finding_has_a_fate(tmp_path: Path) -> None:
    content = (
        TSV + "a\t1\na\t2\t1\tDog\na\t-1\t1\tDog\nb\t0\t1\tBlub\nx/c\t0\t1\tDog\nc\t0\t1\tDog\n"
    )
    path = write(tmp_path, content)
    absent = write(tmp_path, "clip_id,labels\na,Music\nd,Music\n", "absent.csv")
    events = read_events(path, unknown="drop", explicit_negatives=absent)
    kinds = Counter(f.kind for f in events.report.findings)
    assert kinds.keys() <= FATES.keys()
    assert kinds == {
        "row unused": 1,
        "event dropped": 1,
        "event as it is": 1,
        "label dropped": 1,
        "clip unlabelled": 1,
        "duplicate clip": 1,
        "clip added": 1,
    }


def test_unknown_labels_are_refused_unless_dropped(tmp_path: Path) -> None:
    path = write(tmp_path, TSV + "a\t0\t1\tDog\na\t0\t1\tBlub\n")
    with pytest.raises(UnknownLabelError, match=r"'Blub' \(row 3; the nearest: Blues\)"):
        read_events(path)


@pytest.mark.parametrize(
    ("text", "ids"),
    [
        ("/m/0bt9lr", ["/m/0bt9lr"]),
        ("Dog", ["/m/0bt9lr"]),
        ("Male speech, man speaking", ["/m/05zppz"]),
        ('"Male speech, man speaking"', ["/m/05zppz"]),
        ("/t/dd00138", ["/t/dd000138"]),
        ("/t/dd000138", ["/t/dd000138"]),
        ("Brief tone", ["/t/dd000138"]),
        ("Pant (dog)", None),
        ("Speech, Dog", ["/m/09x0r", "/m/0bt9lr"]),
    ],
)
@pytest.mark.parametrize("separator", ["\t", ","])
def test_labels_are_ids_or_names(
    text: str, ids: list[str] | None, separator: str, tmp_path: Path
) -> None:
    """Names may hold commas, quoted or not, where the label comes last."""
    cells = ["a", "0", "1", text]
    content = TSV.replace("\t", separator) + separator.join(cells) + "\n"
    events = read(tmp_path, content)
    right = ids or [ONTOLOGY.find("Pant (dog)")]
    assert [class_ for _, class_, *_ in statements(events)] == right
    assert events.report.findings == []


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


@pytest.mark.parametrize("column", ["YTID", "video_id"])
def test_times_beside_a_video_are_its_place_and_no_event(column: str, tmp_path: Path) -> None:
    path = write(tmp_path, f"{column},start,end,label\naaaaaaaaaaa,30,40,Dog\n")
    with pytest.raises(
        LabelFileError, match=r"none of the 1 rows can be used: .* place in the video"
    ):
        read_events(path)


def test_two_names_of_one_id_are_two_clips(tmp_path: Path) -> None:
    events = read(
        tmp_path, TSV + "f1/a.wav\t0\t1\tDog\nf2/a.wav\t0\t1\tMusic\nf1/a.wav\t2\t3\tDog\n"
    )
    assert events.clip_id.to_pylist() == ["a", "a"]
    assert [len(events.events(row) or ()) for row in range(2)] == [2, 1]
    assert fates(events) == [
        (3, "duplicate clip", "another clip, of another name, has the same id")
    ]


def test_two_files_share_a_clip(tmp_path: Path) -> None:
    one = write(tmp_path, TSV + "a\t0\t1\tDog\nb\t0\t1\tDog\n", "one.tsv")
    two = write(tmp_path, TSV + "c\t0\t1\tDog\na\t1\t2\tDog\na\t3\t2\tMusic\n", "two.tsv")
    events = read_events([one, two])
    assert [s[:1] + s[5:] for s in statements(events)] == [
        ("a", "one.tsv", 2),
        ("a", "two.tsv", 3),
        ("a", "two.tsv", 4),
        ("b", "one.tsv", 3),
        ("c", "two.tsv", 2),
    ]
    assert told(events) == [
        ("two.tsv", 3, "a", "event as it is", "touches another event of its class"),
        ("two.tsv", 4, "a", "event dropped", "an event ends before it begins"),
    ]
    assert streamed_outcome(one, two)[0] is ScatteredError


def test_milliseconds(tmp_path: Path) -> None:
    content = TSV + "a\t0\t10000\tMusic\na\t2627\t7237\tSpeech\nb\t0.4\t1500.5\tDog\n"
    events = read(tmp_path, content, time_unit="ms")
    assert [s[2:4] for s in statements(events)] == [(0, 10_000), (2627, 7237), (0, 1501)]
    with pytest.raises(LabelFileError, match=r"3 of 3 rows last 1,000 seconds or more.*ms"):
        read_events(tmp_path / "e.tsv")
    as_seconds = read_events(tmp_path / "e.tsv", time_unit="s", clip_duration=20_000)
    assert as_seconds.offset_ms.tolist() == [10_000_000, 7_237_000, 1_500_500]


def test_short_events_in_milliseconds_are_noticed_too(tmp_path: Path) -> None:
    """Events of less than a second last less than a thousandfold; where they lie tells it."""
    content = TSV + "".join(f"a\t{i * 100}\t{i * 100 + 250}\tDog\n" for i in range(1, 90))
    with pytest.raises(LabelFileError, match="time-unit ms"):
        read_events(write(tmp_path, content))


LENGTH = "filename\tclip_duration\tonset\toffset\tevent_label\n"


@pytest.mark.parametrize(
    ("options", "table", "column", "name", "length"),
    [
        ({}, "", "", "a.wav", 10_000),
        ({"clip_duration": 7.5}, "", "", "a.wav", 7500),
        ({"clip_duration": 7.5}, "", "", "Yaaaaaaaaaa_1.0_13.0.wav", 12_000),
        ({"clip_duration": 7.5}, "", "11", "Yaaaaaaaaaa_1.0_13.0.wav", 11_000),
        ({"clip_duration": 7.5}, "20.5", "11", "Yaaaaaaaaaa_1.0_13.0.wav", 20_500),
        ({}, "20.5", "", "a.wav", 20_500),
    ],
)
def test_the_length_of_a_clip_is_that_which_is_told_nearest(
    options: dict[str, Any], table: str, column: str, name: str, length: int, tmp_path: Path
) -> None:
    if table:
        options = {**options, "clip_durations": tmp_path / "d.csv"}
        (tmp_path / "d.csv").write_text(f"filename,duration\nother.wav,3\n{name},{table}\n")
    events = read(tmp_path, f"{LENGTH}{name}\t{column}\t0\t1\tDog\n", **options)
    assert events.duration_ms.tolist() == [length]
    assert events.report.findings == []


def test_every_clip_has_its_own_length(tmp_path: Path) -> None:
    rows = "".join(f"{i}.wav\t{i + 1}.5\t0\t1\tDog\n" for i in range(5))
    events = read(tmp_path, LENGTH + rows)
    assert events.duration_ms.tolist() == [1500, 2500, 3500, 4500, 5500]
    one = read(tmp_path, f"{LENGTH}a.wav\t4\t0\t1\tDog\n")
    assert one.duration_ms.tolist() == [4000]


@pytest.mark.parametrize(
    ("rows", "length", "reasons"),
    [
        ("a\t\t0\t1\tDog\na\t12\t2\t3\tDog\n", 12_000, []),
        ("a\t12\t0\t1\tDog\na\t\t2\t3\tDog\n", 12_000, []),
        ("a\t12\t0\t1\tDog\na\t9\t2\t3\tDog\n", 12_000, [event_rows.ANOTHER_LENGTH]),
        ("a\tx\t0\t1\tDog\n", 10_000, ["no length of the clip above zero, in seconds"]),
        ("a\t0\t0\t1\tDog\n", 10_000, ["no length of the clip above zero, in seconds"]),
        ("a\t-3\t0\t1\tDog\n", 10_000, ["no length of the clip above zero, in seconds"]),
    ],
)
def test_odd_lengths_are_told(rows: str, length: int, reasons: list[str], tmp_path: Path) -> None:
    events = read(tmp_path, LENGTH + rows)
    assert events.duration_ms.tolist() == [length]
    assert [f.reason for f in events.report.findings] == reasons
    assert events.labelled.all()


@pytest.mark.parametrize(
    ("row", "reason"),
    [
        ("a.wav", "no clip, or no length in seconds"),
        ("a.wav,x", "no clip, or no length in seconds"),
        ("a.wav,-1", "no clip, or no length in seconds"),
        ("a.wav,0", "no clip, or no length above zero"),
        (",5", "no clip, or no length above zero"),
        ("z.wav,5", "another length of the clip than in an earlier row"),
    ],
)
def test_odd_rows_of_a_table_of_lengths(row: str, reason: str, tmp_path: Path) -> None:
    (tmp_path / "d.csv").write_text(f"filename,duration\nz.wav,4\n{row}\n\nb.wav,3\n")
    events = read(tmp_path, TSV + "z.wav\t0\t1\tDog\n", clip_durations=tmp_path / "d.csv")
    assert told(events) == [("d.csv", 3, "", "row unused", reason)]
    assert events.duration_ms.tolist() == [4000]
    assert sorted(s["format"] for s in events.report.sources) == ["clip-durations", "events"]


@pytest.mark.parametrize("content", ["a,b\n1,2\n", "filename\na\n", "duration\n3\n", "a.wav,3\n"])
def test_what_is_no_table_of_lengths_is_refused(content: str, tmp_path: Path) -> None:
    path = write(tmp_path, TSV + "a\t0\t1\tDog\n")
    with pytest.raises(LabelFileError, match=r"d.csv: no table of clips and their lengths"):
        read_events(path, clip_durations=write(tmp_path, content, "d.csv"))


def test_a_table_of_lengths_of_other_clips_is_refused(tmp_path: Path) -> None:
    """Else all clips would have the usual length, and nobody would know."""
    path = write(tmp_path, TSV + "a\t0\t1\tDog\n")
    table = write(tmp_path, "filename,duration\nb,3\n", "d.csv")
    with pytest.raises(LabelFileError, match=r"d.csv: none of its 1 clips is among those with ev"):
        read_events(path, clip_durations=table)


@pytest.mark.parametrize("duration", [0, -1, "x", 0.0004])
def test_a_length_that_is_none_is_refused(duration: Any, tmp_path: Path) -> None:
    path = write(tmp_path, TSV + "a\t0\t1\tDog\n")
    with pytest.raises(OptionError, match=r"a clip of .* seconds|not a time in seconds: 'x'"):
        read_events(path, clip_duration=duration)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("clip,label\na,Dog\n", "no events: labels of whole clips, read as long"),
        ("clip_id,labels\na,Dog\n", "no events: labels of whole clips, read as clip-labels"),
        ('{"data": []}', "not an event file; those are CSV or TSV"),
        ("PAR1....", "not an event file; those are CSV or TSV"),
        (TSV, "no rows but a header"),
        ("# num_segs=3\n" + TSV + "a\t0\t1\tDog\n", "cut off: its header announces 3 rows, it hol"),
        (TSV + "a\n", "none of the 1 rows can be used: 1 × 1 cells where 4 are expected"),
        ("", "empty"),
    ],
)
def test_what_holds_no_events_is_refused(content: str, message: str, tmp_path: Path) -> None:
    with pytest.raises(LabelFileError, match=message):
        read_events(write(tmp_path, content, "e.tsv"))


def test_no_file_and_no_such_file(tmp_path: Path) -> None:
    with pytest.raises(LabelFileError, match="no file given"):
        read_events([])
    with pytest.raises(LabelFileError, match=r"gone.tsv: no such file"):
        read_events(tmp_path / "gone.tsv")


def test_another_ontology(tmp_path: Path) -> None:
    path = write(tmp_path, TSV + "a\t0\t1\t/toy/guitar\n")
    assert read_events(path, ontology=toy_ontology()).events(0) == (("Guitar", 0.0, 1.0),)
    with pytest.raises(UnknownLabelError, match="'/toy/guitar'"):
        read_events(path)


def test_the_frames_of_a_framed_release_touch_each_other_and_that_is_no_finding(
    tmp_path: Path,
) -> None:
    rows = [f"a_\t{i * 0.96:.2f}\t{i * 0.96 + 0.96:.2f}\tDog\tPRESENT\n" for i in range(10)]
    events = read(tmp_path, TSV.strip() + "\tpresent\n" + "".join(rows))
    assert len(events.clip) == 10
    assert events.report.findings == []


def test_of_dict() -> None:
    events = Events.from_dict({"a": iter([("Dog", 0, 1)]), "b": iter([]), "c": None})
    assert events.labelled.tolist() == [True, True, False]
    with pytest.raises(
        LabelFileError, match=r"clip 'a': an event without length: \('Dog', 1000, 1"
    ):
        Events.from_dict({"a": [("Dog", 1, 1)]})
    with pytest.raises(UnknownLabelError, match="the ontology lacks 'Blub'"):
        Events.from_dict({"a": [("Blub", 0, 1)]})
    with pytest.raises(OptionError, match="no duration for clip 'b'"):
        Events.from_dict({"a": [], "b": []}, duration={"a": 3})


def test_a_youtube_clip_is_one_whatever_it_is_called(tmp_path: Path) -> None:
    content = TSV + (
        "YtAt0q_b5NTQ_30.000_40.000.wav\t0\t1\tSpeech\n"
        "tAt0q_b5NTQ_30000\t2\t3\tDog\nstreet.wav\t0\t1\tDog\nother/street.wav\t2\t3\tDog\n"
    )
    events = read_events(write(tmp_path, content), ontology=ONTOLOGY)
    assert events.clip_id.to_pylist() == ["tAt0q_b5NTQ_30000", "street", "street"]
    assert events.events(0) == (("Speech", 0.0, 1.0), ("Dog", 2.0, 3.0))
    output = tmp_path / "o.parquet"
    summary = expand_files(write(tmp_path, content), output, "strong-framed")
    assert summary.counts.clips == 3


def test_lengths_too_are_milliseconds_if_told_so(tmp_path: Path) -> None:
    content = LENGTH + "a\t4000\t500\t1500\tDog\n"
    for quoted in (content, content.replace("Dog", '"Dog"')):
        events = read_events(write(tmp_path, quoted), time_unit="ms")
        assert events.duration_ms.tolist() == [4000]
    table = write(tmp_path, "filename,duration\na,5000\n", "d.csv")
    events = read_events(write(tmp_path, content), time_unit="ms", clip_durations=table)
    assert events.duration_ms.tolist() == [5000]


def test_clips_that_only_the_table_of_lengths_names_are_told(tmp_path: Path) -> None:
    table = write(tmp_path, "filename,duration\na,5\nb,5\nc,5\n", "d.csv")
    events = read_events(write(tmp_path, TSV + "a\t0\t1\tDog\n"), clip_durations=table)
    assert any(note.startswith("2 clips of d.csv have no row") for note in events.report.notes)
