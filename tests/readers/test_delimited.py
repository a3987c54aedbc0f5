"""Two parsers of delimited files, and blocks of any size: the result is the same."""

import io
import re
from pathlib import Path

import pytest
from hypothesis import HealthCheck, assume, example, given, settings
from hypothesis import strategies as st
from reader_support import (
    OFFICIAL,
    ONTOLOGY,
    SEGMENTS,
    Reader,
    ids,
    outcome,
    write,
)

from audiolabels.readers import BlockSizes, ReadOptions, delimited, read_labels
from audiolabels.readers.annotations.delimited import place_rows
from audiolabels.readers.annotations.label_parsing import LabelResolver, TextTable, label_rows
from audiolabels.readers.delimited import DelimitedRows, _plain_rows, _tolerant_rows
from audiolabels.readers.dialect import Dialect, detect_dialect
from audiolabels.readers.opening import Source


def test_a_header_may_promise_fewer_rows_than_there_are(read: Reader) -> None:
    promise = b"# num_ytids=1, num_segs=1\n"
    labels = read(promise + SEGMENTS + b"aaaaaaaaaaa,0,9,Music\nbbbbbbbbbbb,0,9,Dog\n")
    assert labels.report.rows == 2


def test_rows_that_cannot_be_used_count_for_the_promise(read: Reader) -> None:
    promise = b"# num_ytids=2, num_segs=2\n"
    labels = read(promise + SEGMENTS + b"#NAME?,0,9,Music\nbbbbbbbbbbb,0,9,Dog\n")
    assert (labels.report.rows, labels.report.rows_used) == (2, 1)


steady = settings(
    max_examples=120,
    deadline=None,
    derandomize=True,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
VIDEOS = st.text("ABYabz019-_", min_size=11, max_size=11)
LABELS = st.sampled_from(
    ["/m/04rlf", "/m/09x0r", "/m/0342h", "/t/dd00138", "Music", "Whack, thwack", "Blub", "", " "]
)
TEXTS = st.builds(
    lambda labels, separator: separator.join(labels),
    st.lists(LABELS, max_size=4),
    st.sampled_from([",", ", ", ";", "|"]),
) | st.text(st.characters(codec="utf-8", exclude_characters='"\r\n'), max_size=9)


@st.composite
def official_lines(draw: st.DrawFn) -> str:
    start = draw(st.integers(0, 999_000_000))
    end = draw(st.integers(start + 1, min(start + 100_000, 999_999_999)))
    digits = draw(st.integers(1, 3))
    unit = 10 ** (3 - digits)
    times = [f"{ms // 1000}.{ms % 1000:03}"[: digits - 3 or None] for ms in (start, end)]
    assume(start // unit < end // unit)
    return f'{draw(VIDEOS)}, {times[0]}, {times[1]}, "{draw(TEXTS)}"\n'


BLOCKS = st.lists(official_lines(), min_size=1, max_size=6).map("".join)
NASTY = [
    b"\n", b"\r", b"\r\n", b'"', b",", b";", b"\t", b" ", b"#", b"\0", b"\xff", b"\xc3",
    b"\xef\xbb\xbf", b".", b"0", b"-", b"'", b"[", b"]", b"|", b"#NAME?", b"1e1", b"/",
]  # fmt: skip


def source_of(content: bytes) -> Source:
    return Source(Path("labels.csv"), io.BytesIO(content), content, io.BytesIO(content))


def read_rows(rows: DelimitedRows, dialect: Dialect) -> list[tuple[object, ...]]:
    table = TextTable(LabelResolver(ONTOLOGY, drop=True), 1 << 16)
    (labels,) = label_rows(
        [place_rows(rows, dialect, source_of(b"x"), ReadOptions())[0]], table, "labels.csv"
    )
    return [
        (clip, duration, number, ids(labels, row))
        for row, (clip, duration, number) in enumerate(
            zip(
                labels.clip_id.to_pylist(),
                labels.offset.to_pylist(),
                labels.rows.tolist(),
                strict=True,
            )
        )
    ] + labels.report.findings


ORDINARY = re.compile(r"[\w/]+([,;|] ?[\w/]+)*", re.ASCII)


@steady
@given(BLOCKS, st.integers(1, 10**7), st.booleans(), st.booleans())
def test_both_parsers_read_official_rows_alike(
    block: str, first: int, windows: bool, last_line_ends: bool
) -> None:
    text = block.replace("\n", "\r\n") if windows else block
    content = (text if last_line_ends else text.rstrip("\r\n")).encode()
    source = source_of(OFFICIAL + content)
    dialect = detect_dialect(source, ONTOLOGY)
    plain = _plain_rows(content, first, dialect, 1000)
    slow = _tolerant_rows(content, first, dialect, source, 1000, False)
    texts = [line.split(", ", 3)[3].strip('"') for line in block.split("\n")[:-1]]
    assert plain is not None or not all(map(ORDINARY.fullmatch, texts))
    assume(plain is not None)
    assert plain.findings == slow.findings == []
    assert read_rows(plain, dialect) == read_rows(slow, dialect)


@pytest.mark.parametrize(
    "row",
    [
        'aaaaaaaaaa, 0.000, 9.000, "/m/04rlf"',
        'aaaaaaaaaaaa, 0.000, 9.000, "/m/04rlf"',
        'aaaaaaaaaa., 0.000, 9.000, "/m/04rlf"',
        '#aaaaaaaaaa, 0.000, 9.000, "/m/04rlf"',
        'aaaaaaaaaa\u00e9, 0.000, 9.000, "/m/04rlf"',
        'aaaaaaaaaaa,0.000,9.000,"/m/04rlf"',
        'aaaaaaaaaaa,  0.000, 9.000, "/m/04rlf"',
        'aaaaaaaaaaa, 0, 9, "/m/04rlf"',
        'aaaaaaaaaaa, 9.000, 0.000, "/m/04rlf"',
        'aaaaaaaaaaa, 9.000, 9.000, "/m/04rlf"',
        'aaaaaaaaaaa, 0.0000, 9.000, "/m/04rlf"',
        'aaaaaaaaaaa, 0.000, 1234567.000, "/m/04rlf"',
        'aaaaaaaaaaa, 0.000, 9.000, "/m/04rlf" ',
        'aaaaaaaaaaa, 0.000, 9.000, "/m/04rlf"x',
        'aaaaaaaaaaa, 0.000, 9.000, "/m/04rlf',
        'aaaaaaaaaaa, 0.000, 9.000, "/m/04rlf,/m/0',
        'aaaaaaaaaaa, 0.000, 9.000, "',
        "aaaaaaaaaaa, 0.000, 9.000, /m/04rlf",
        "aaaaaaaaaaa, 0.000, 9.000, /m/04rlf, /m/09x0r",
        "aaaaaaaaaaa, 0.000, 9.000,",
        'aaaaaaaaaaa, 0.000, 9.000, "/m/04rlf", ""',
        'aaaaaaaaaaa, 0.000, 9.000, "/m/04rlf""',
        'aaaaaaaaaaa, 0.000, 9.000, ""/m/04rlf""',
        'aaaaaaaaaaa, 0.000, 9.000, "/m/04rlf,""/m/09x0r"""',
        'aaaaaaaaaaa, 0.000, 9.000, "/m/04rlf"\r"/m/09x0r"',
        'aaaaaaaaaaa, 0.000, "9.000," "/m/04rlf"',
        'aaaaaaaaaaa, "0.000," 9.000, "/m/04rlf"',
        '"aaaaaaaaaaa," 0.000, 9.000, "/m/04rlf"',
        "# aaaaaaaaa",
        "",
    ],
)
@pytest.mark.parametrize("after", ["", "\n", '\nccccccccccc, 0.000, 9.000, "/m/0342h"\n'])
def test_a_row_that_is_not_quite_official_is_read_alike_by_both_parsers(
    row: str, after: str
) -> None:
    content = ('bbbbbbbbbbb, 0.000, 9.000, "/m/04rlf"\n' + row + after).encode()
    source = source_of(OFFICIAL + content)
    dialect = detect_dialect(source, ONTOLOGY)
    plain = _plain_rows(content, 1, dialect, 1000)
    slow = _tolerant_rows(content, 1, dialect, source, 1000, False)
    assert plain is None or read_rows(plain, dialect) == read_rows(slow, dialect)


@st.composite
def mutated_blocks(draw: st.DrawFn) -> bytes:
    """An official block in which one place was changed."""
    block = draw(BLOCKS).encode()
    start = draw(st.integers(0, len(block)))
    gone = draw(st.integers(0, 3))
    return block[:start] + draw(st.sampled_from([b"", *NASTY])) + block[start + gone :]


@steady
@given(content=mutated_blocks(), header=st.sampled_from([OFFICIAL, SEGMENTS, b""]))
@example(content=b'aaaaaaaaaaa, 0.0, 9.0, "x"\rbbbbbbbbbbb, 0.0, 9.0, "x"\n', header=OFFICIAL)
@example(content=b'aaaaaaaaaaa, 0.0, 9.0, "x"\nbbbbbbbbbbb, 0.0, 9.0, "Music', header=OFFICIAL)
def test_the_fast_parser_changes_no_result(content: bytes, header: bytes, tmp_path: Path) -> None:
    path = write(tmp_path, header + content)
    both = outcome(path, unknown="drop")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(delimited, "_plain_rows", lambda *_: None)
        assert outcome(path, unknown="drop") == both


def test_the_fast_parser_takes_over_long_rows_as_the_tolerant_one_does(tmp_path: Path) -> None:
    labels = ",".join(["/m/04rlf"] * 40_000)
    path = write(tmp_path, OFFICIAL + f'aaaaaaaaaaa, 0.0, 9.0, "{labels}"\n'.encode())
    both = outcome(path)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(delimited, "_plain_rows", lambda *_: None)
        assert outcome(path) == both


@st.composite
def files(draw: st.DrawFn) -> bytes:
    """A label file with good and bad rows, in one of three forms."""
    video, label = st.text("Aa-_", min_size=11, max_size=11), draw(LABELS)
    clips = draw(st.lists(video, min_size=1, max_size=8))
    form = draw(st.sampled_from(["official", "clip", "long"]))
    bad = draw(st.sampled_from(["", "# comment\n", "#NAME?,0,9,x\n", "a\n", "\n\n", '"\n']))
    place = draw(st.integers(0, len(clips)))
    header, row = {
        "official": (OFFICIAL.decode(), '{}, 30.000, 40.000, "{}"\n'),
        "clip": ("clip_id\tlabels\n", "{}\t{}\n"),
        "long": ("filename\tonset\toffset\tevent_label\n", "{}.wav\t1\t2\t{}\n"),
    }[form]
    lines = [row.format(clip, draw(LABELS) or label) for clip in clips]
    return (header + "".join([*lines[:place], bad, *lines[place:]])).encode()


FORMS = {
    "YTID,start_seconds,end_seconds,positive_labels\n": "{clip},{start},{end},{label}\n",
    "clip_id,labels\n": "{clip},{label}\n",
    "label\tfilename\tfold\n": "{label}\t{clip}\t1\n",
    "filename,onset,offset,event_label\n": "{clip},{start},{end},{label}\n",
    "video_id;onset;offset;event_label\n": "{clip};{start};{end};{label}\n",
    "filename\tlabels\tduration\thdf5path\n": "{clip}\t{number}\t{end}\tx\n",
}
CELLS = {
    "clip": ["aaaaaaaaaaa", "b.wav", "x/b.wav", "Yaaaaaaaaaa_30.000_40.000.wav", "-aaaaaaaaaa_0"],
    "start": ["0", "30.000", "1.5", "-1", "", "nan", "1e1", "9.9996"],
    "end": ["10", "40.000", "1.5", "0", "x", "0.0005"],
    "label": ["Dog", "/m/04rlf", "Music", "Blub", "", "Dog;Music", "nan"],
    "number": ["0", "0;137", "", "527", "0,74"],
}


@st.composite
def damaged_files(draw: st.DrawFn) -> bytes:
    """A label file of any form, mostly plain, of which one or two places may be changed."""
    header = draw(st.sampled_from(list(FORMS)))
    rows = []
    for _ in range(draw(st.integers(1, 6))):
        odd = draw(st.integers(0, 2)) == 0
        chosen = {k: draw(st.sampled_from(v if odd else v[:2])) for k, v in CELLS.items()}
        rows.append(FORMS[header].format(**chosen))
    content = (header + "".join(rows)).encode()
    for _ in range(draw(st.integers(0, 2))):
        start = draw(st.integers(len(header), len(content)))
        gone = draw(st.integers(0, 3))
        content = content[:start] + draw(st.sampled_from([b"", *NASTY])) + content[start + gone :]
    return content


@settings(steady, max_examples=600)
@given(content=damaged_files(), unit=st.sampled_from(["auto", "ms"]))
def test_the_fast_parser_changes_no_result_of_any_form(
    content: bytes, unit: str, tmp_path: Path
) -> None:
    path = write(tmp_path, content)
    both = outcome(path, unknown="drop", time_unit=unit)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(delimited, "_plain_rows", lambda *_: None)
        assert outcome(path, unknown="drop", time_unit=unit) == both


@steady
@given(content=files(), block=st.sampled_from([1, 7, 64, 100, 1000]))
def test_the_size_of_blocks_changes_no_result(content: bytes, block: int, tmp_path: Path) -> None:
    path = write(tmp_path, content)
    whole = outcome(path, unknown="drop")
    assert outcome(path, unknown="drop", block_sizes=BlockSizes(text=block)) == whole


@pytest.mark.parametrize("block", [1, 64, 1000])
def test_a_long_clip_is_no_thousandfold_wherever_a_block_ends(block: int, tmp_path: Path) -> None:
    rows = [f"{i:011},0,10,Music\n" for i in range(9)] + ["aaaaaaaaaaa,0,1200,Music\n"]
    path = write(tmp_path, SEGMENTS + "".join(rows).encode())
    whole = outcome(path)
    assert outcome(path, block_sizes=BlockSizes(text=block)) == whole


@pytest.mark.parametrize("block", [1, 64, 1000])
def test_rows_have_their_line_in_every_block(block: int, tmp_path: Path) -> None:
    official = [f'{i:011}, 0.000, 9.000, "/m/04rlf"\n' for i in range(40)]
    official[7] = "# comment\n"
    official[20] = "\n"
    official[30] = "aaaaaaaaaaa,0,9,/m/04rlf\n"
    path = write(tmp_path, OFFICIAL + "".join(official).encode())
    labels = read_labels(path, ontology=ONTOLOGY, block_sizes=BlockSizes(text=block))
    assert labels.rows.tolist() == [i + 2 for i in range(40) if i not in (7, 20)]
