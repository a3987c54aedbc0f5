"""Events in blocks of any size, by two parsers: the result is the same."""

import io
import random
import re
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, assume, example, given, settings
from hypothesis import strategies as st
from reader_support import ONTOLOGY, Outcome, event_outcome, streamed_outcome, write

from audiolabels.clips.names import STARTED, parse_clip_name
from audiolabels.errors import LabelFileError
from audiolabels.readers import BlockSizes, delimited, read_events
from audiolabels.readers.events.parts import ANOTHER_LENGTH
from audiolabels.readers.events.reading import ScatteredError

steady = settings(
    max_examples=200,
    deadline=None,
    derandomize=True,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
HEADERS = {
    "strong": "segment_id\tstart_time_seconds\tend_time_seconds\tlabel\n",
    "reordered": "filename\tevent_label\tonset\toffset\n",
    "framed": "segment_id\tstart_time_seconds\tend_time_seconds\tlabel\tpresent\n",
    "desed": "filename\tonset\toffset\tevent_label\n",
    "csv": "filename,onset,offset,event_label\n",
    "csv, label first": "event_label,filename,onset,offset\n",
    "with length": "filename\tclip_duration\tonset\toffset\tevent_label\n",
}
LABELS = st.sampled_from(["/m/09x0r", "/m/0bt9lr", "/t/dd00138", "Dog", "Speech", "Blub", "nan"])
CLIPS = st.sampled_from(
    ["a.wav", "b.wav", "Y-aaaaaaaaaa_30.000_40.000.wav", "-aaaaaaaaaa_30000", "x/a.wav", "Yaaaa"]
)
TIMES = st.sampled_from(
    ["0", "0.0", "1.5", "2.627", "10.000", "10", "9.9996", "12", "-0.5", "nan", "", "1e1", "0.0005"]
)


@st.composite
def rows(draw: st.DrawFn, form: str) -> str:
    clip, label, onset, offset = draw(CLIPS), draw(LABELS), draw(TIMES), draw(TIMES)
    length = draw(st.sampled_from(["12.5", "12.5", "", "x", "0", "9"]))
    if draw(st.integers(0, 3)):  # mostly plain rows
        label, length = "Dog", "12.5"
        onset, offset = draw(st.sampled_from([("0", "1.5"), ("1.5", "2.25"), ("9", "12")]))
    present = draw(st.sampled_from(["PRESENT", "NOT_PRESENT", "present", "1", "0"]))
    cells = {
        "strong": (clip, onset, offset, label),
        "reordered": (clip, label, onset, offset),
        "framed": (clip, onset, offset, label, present),
        "desed": (clip, onset, offset, label),
        "csv": (clip, onset, offset, label),
        "csv, label first": (label, clip, onset, offset),
        "with length": (clip, length, onset, offset, label),
    }[form]
    return ("," if form.startswith("csv") else "\t").join(cells) + "\n"


@st.composite
def files(draw: st.DrawFn) -> bytes:
    form = draw(st.sampled_from(list(HEADERS)))
    given = draw(st.lists(rows(form), min_size=1, max_size=8))
    if draw(st.booleans()):
        column = HEADERS[form].strip().replace(",", "\t").split("\t").index
        key = column("filename") if "filename" in HEADERS[form] else column("segment_id")
        given.sort(key=lambda row: row.replace(",", "\t").split("\t")[key])
    return (HEADERS[form] + "".join(given)).encode()


NASTY = [
    b"\n", b"\r", b"\r\n", b'"', b",", b";", b"\t", b" ", b"#", b"\0", b"\xff", b"\xc3\xa9",
    b"\xef\xbb\xbf", b".", b"0", b"-", b"+", b"'", b"[", b"|", b"#NAME?", b"1e1", b"/", b"\n\n",
    b"NaN", b"inf", b"\x0b", b"\x1c", b"\xc2\xa0",
]  # fmt: skip


@st.composite
def mutated_files(draw: st.DrawFn) -> bytes:
    """An event file in which one or two places were changed."""
    content = draw(files())
    for _ in range(draw(st.integers(1, 2))):
        start = draw(st.integers(content.index(b"\n") + 1, len(content)))
        gone = draw(st.integers(0, 3))
        content = content[:start] + draw(st.sampled_from([b"", *NASTY])) + content[start + gone :]
    return content


def tolerant(path: Path, read: Any = event_outcome, **options: Any) -> Outcome:
    """What reading gives without the fast parser."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(delimited, "_plain_rows", lambda *_: None)
        return read(path, **options)


@steady
@given(content=files() | mutated_files(), unit=st.sampled_from(["auto", "ms"]))
@example(
    content=b"filename\tonset\toffset\tevent_label\na.wav\t0\t1\tDog\n a.wav\t2\t3\tDog\n", unit="s"
)
@example(
    content=b"filename\tonset\toffset\tevent_label\na.wav\t0\t1\t#Dog\n#a.wav\t2\t3\tDog\n",
    unit="s",
)
def test_the_fast_parser_changes_no_result(content: bytes, unit: str, tmp_path: Path) -> None:
    path = write(tmp_path, content, "e.tsv")
    options = {"unknown": "drop", "time_unit": unit}
    assert tolerant(path, **options) == event_outcome(path, **options)


@steady
@given(content=files() | mutated_files(), block=st.sampled_from([1, 7, 64, 100, 1000]))
@example(
    content=b"filename\tclip_duration\tonset\toffset\tevent_label\n"
    b"a\t\t0\t1\tDog\na\t12\t1\t11\tDog\n",
    block=1,
)
@example(
    content=b"filename\tclip_duration\tonset\toffset\tevent_label\n"
    b"a\t12\t0\t1\tDog\na\t9\t1\t11\tDog\n",
    block=1,
)
@example(
    content=b"filename\tclip_duration\tonset\toffset\tevent_label\n"
    b"a_\tx\t0\t1\tDog\nb\t8\t0\t1\tDog\na_\t9\t0\t1\tDog\na_\t8\t0\t1\tDog\na_\t8\t0\t1\tDog\n",
    block=1,
)
@example(content=b"filename\tonset\toffset\tevent_label\na \t0\t1\tDog\na \t2\t\tDog\n", block=1)
def test_the_size_of_blocks_changes_no_result(content: bytes, block: int, tmp_path: Path) -> None:
    path = write(tmp_path, content, "e.tsv")
    at_once = event_outcome(path, unknown="drop")
    parts = event_outcome(path, unknown="drop", block_sizes=BlockSizes(text=block))
    assert anywhere(parts) == anywhere(at_once)


def anywhere(outcome: Outcome) -> Outcome:
    """Of the rows that tell another length of their clip, one is named, not always the first."""
    if len(outcome) < 5:
        return outcome
    findings = sorted((f[0], f[1] * (f[4] != ANOTHER_LENGTH), *f[2:]) for f in outcome[4])
    return *outcome[:4], findings, *outcome[5:]


@steady
@given(content=files() | mutated_files(), block=st.sampled_from([1, 30, 100, 1000]))
def test_a_stream_gives_what_reading_whole_gives_or_says_that_it_cannot(
    content: bytes, block: int, tmp_path: Path
) -> None:
    path = write(tmp_path, content, "e.tsv")
    at_once = event_outcome(path, unknown="drop")
    streamed = streamed_outcome(path, unknown="drop", block_sizes=BlockSizes(text=block))
    if streamed[0] is ScatteredError:
        clips = at_once[0]
        assert len(set(clips)) < len(clips) or scattered(path) or two_names(path), (
            "the rows of each clip do stand together"
        )
        return
    assume(streamed[0] != [])  # `no usable row` is for those to say who write
    assert anywhere(streamed) == anywhere(at_once)


def two_names(path: Path) -> bool:
    """Whether a clip bears several names, which a stream cannot join."""
    cells = {c for line in path.read_bytes().split(b"\n") for c in re.split(rb"[\t,]", line)}
    ids = [parse_clip_name(cell.decode("utf-8", "replace")).clip_id for cell in cells]
    videos = [clip for clip in ids if re.fullmatch(STARTED, clip)]
    return len(set(videos)) < len(videos)


def scattered(path: Path) -> bool:
    """Whether the rows of a clip do not stand together."""
    events = read_events(path, ontology=ONTOLOGY, unknown="drop")
    clips = [
        clip for _, clip in sorted(zip(events.rows.tolist(), events.clip.tolist(), strict=True))
    ]
    turns = [clip for i, clip in enumerate(clips) if i == 0 or clip != clips[i - 1]]
    return len(turns) > len(set(turns))


@steady
@given(content=files() | mutated_files(), unknown=st.sampled_from(["drop", "error"]))
def test_every_row_is_used_or_accounted_for(content: bytes, unknown: str, tmp_path: Path) -> None:
    path = write(tmp_path, content, "e.tsv")
    try:
        report = read_events(path, ontology=ONTOLOGY, unknown=unknown).report
    except LabelFileError:
        return
    unused = [f for f in report.findings if f.kind == "row unused"]
    assert report.rows == report.rows_used + len(unused)
    assert len({f.row for f in unused}) == len(unused)
    skipped = sum(not line.strip(b" ,;\t\r") for line in content.split(b"\n")[1:])
    comments = sum(line.startswith(b"#") for line in content.split(b"\n")[1:])
    assert (
        content.count(b"\n") + (not content.endswith(b"\n")) - 1 - report.rows <= skipped + comments
    )


def test_a_clip_of_very_many_rows_is_parsed_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    count = 4000
    shuffled = random.Random(0).sample(range(count), count)
    long = "".join(f"a.wav\t{i / 1000:.3f}\t{(i + 5) / 1000:.3f}\tDog\n" for i in shuffled)
    path = write(tmp_path, HEADERS["desed"] + "z.wav\t0\t1\tDog\n" + long + "b.wav\t0\t1\tDog\n")
    at_once = event_outcome(path)
    parsed: list[int] = []
    plain = delimited._plain_rows

    def counted(block: bytes, *rest: Any) -> Any:
        parsed.append(len(block))
        return plain(block, *rest)

    monkeypatch.setattr(delimited, "_plain_rows", counted)
    assert streamed_outcome(path, block_sizes=BlockSizes(text=100)) == at_once
    assert sum(parsed) < path.stat().st_size
    assert len(parsed) <= 3


@pytest.mark.parametrize("block", [1, 40, 1000])
def test_findings_have_their_line_in_every_block(block: int, tmp_path: Path) -> None:
    given = [f"{i // 3}.wav\t{i % 3}\t{i % 3 + 0.5}\tDog\n" for i in range(30)]
    given[4] = "# comment\n"
    given[9] = "\n"
    given[13] = "4.wav\t5\t4\tDog\n"
    given[20] = "6.wav\t5\n"
    given[26] = "8.wav\t1\t2\tBlub\n"
    path = write(tmp_path, HEADERS["desed"] + "".join(given))
    sizes = BlockSizes(text=block)
    events = read_events(path, ontology=ONTOLOGY, unknown="drop", block_sizes=sizes)
    assert sorted((f.row, f.kind) for f in events.report.findings) == [
        (15, "event dropped"),
        (22, "row unused"),
        (28, "label dropped"),
    ]
    assert events.rows.tolist() == [i + 2 for i in range(30) if i not in (4, 9, 20)]


@pytest.mark.parametrize("block", [1, 40, 1000])
def test_an_unknown_label_is_named_with_its_row_in_every_block(block: int, tmp_path: Path) -> None:
    rows = ["a\t0\t1\tDog\n", "b\t0\t1\tDog\n", "b\t1\t2\tDog\n", "b\t2\t3\tBlub\n"]
    path = write(tmp_path, HEADERS["desed"] + "".join(rows))
    at_once = event_outcome(path)
    assert "in 1 row so far: 'Blub' (row 5; the nearest: Blues)" in at_once[1]
    sizes = BlockSizes(text=block)
    assert event_outcome(path, block_sizes=sizes) == at_once
    assert streamed_outcome(path, block_sizes=sizes) == at_once


def test_the_later_of_two_equal_events_is_the_one_that_stands_twice(tmp_path: Path) -> None:
    """However many there are, and wherever blocks end."""
    given = [f"a.wav\t{i % 200 / 10}\t{i % 200 / 10 + 0.05}\tDog\n" for i in range(400)]
    path = write(tmp_path, HEADERS["desed"] + "".join(given))
    events = read_events(path, ontology=ONTOLOGY, clip_duration=30)
    twice = [f.row for f in events.report.findings if "occurs twice" in f.reason]
    assert twice == list(range(202, 402))


def test_both_parsers_refuse_a_file_of_one_long_line(tmp_path: Path) -> None:
    path = write(tmp_path, HEADERS["desed"].replace("\n", "\r") + "a\t0\t1\tDog\r" * 3)
    assert event_outcome(path)[0] is LabelFileError


def test_a_compressed_file_is_read_in_blocks_too(tmp_path: Path) -> None:
    import gzip

    content = HEADERS["desed"] + "".join(f"{i:03}.wav\t0\t1\tDog\n" for i in range(200))
    plain = event_outcome(write(tmp_path, content, "e.tsv"))
    packed = io.BytesIO(gzip.compress(content.encode())).getvalue()
    path = write(tmp_path, packed, "e.tsv.gz")
    zipped = streamed_outcome(path, block_sizes=BlockSizes(text=100))
    assert zipped[0] == plain[0]
