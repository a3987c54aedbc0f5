"""Damaged files at every reader: a full account of the rows, or one of the library's errors."""

import gzip
import re
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import HealthCheck, assume, example, given, settings
from hypothesis import strategies as st
from reader_support import OFFICIAL, ONTOLOGY, ids, parquet_bytes, write

from audiolabels import Annotations
from audiolabels.errors import AudioLabelsError
from audiolabels.labels.report import FATES
from audiolabels.ontology.vocabulary import load_vocabulary
from audiolabels.readers import read_labels
from audiolabels.readers.options import TIME_UNITS, UNKNOWN

CLIPS = ["-aaaaaaaaaa", "bbbbbbbbbb_", "Yc-cccccccc", "_0123456789", "ddddddddddd", "E-_-_-_-_-E"]
SETS = [
    ["/m/04rlf", "/m/09x0r"],
    ["/m/0342h"],
    ["/m/0bt9lr", "/m/068hy", "/m/0jbk"],
    ["/t/dd00003"],
    ["/m/07yv9"],
    ["/m/09x0r", "/m/0ngt1"],
]
COLUMNS = {id_: column for column, id_ in enumerate(load_vocabulary("audioset").ids)}


def lines(row: Callable[[int, str, list[str]], str]) -> list[str]:
    return [row(i, clip, given) for i, (clip, given) in enumerate(zip(CLIPS, SETS, strict=True))]


def names(given: list[str]) -> list[str]:
    return [ONTOLOGY.name(id_) for id_ in given]


# Header, and one row a clip; but in `long` one row a label.
TABLES: dict[str, tuple[str, list[str]]] = {
    "official": (
        "# Segments csv created Sun Mar  5 10:54:31 2017\n" + OFFICIAL.decode(),
        lines(lambda i, clip, given: f'{clip}, {i}.000, {i + 9}.500, "{",".join(given)}"\n'),
    ),
    "spread": (
        "YTID,start_seconds,end_seconds,positive_labels,,\n",
        lines(
            lambda i, clip, given: (
                f'{clip},{i},{i + 9},"""{given[0]}"""{"," * (3 - len(given))}\n'
                if len(given) == 1
                else f'{clip},{i},{i + 9}," ""{",".join([given[0] + chr(34), *given[1:-1]])},'
                f'"{given[-1]}"""\n'
            )
        ),
    ),
    "python list": (
        "yt_id,start_seconds,end_seconds,positive_labels\n",
        lines(lambda i, clip, given: f'{clip}, {i}.0, {i + 9}.0,"{given}"\r\n'),
    ),
    "semicolons": (
        "YTID;start_seconds;end_seconds;positive_labels;labels\n",
        lines(lambda i, clip, given: f"{clip};{i};{i + 9};{','.join(given)};x\n"),
    ),
    "names": (
        "filename\tevent_labels\n",
        lines(
            lambda i, clip, given: f"Y{clip}_{i}.000_{i + 9}.000.wav\t{','.join(names(given))}\n"
        ),
    ),
    "psl": (
        "filename\tlabels\tduration\thdf5path\n",
        lines(
            lambda i, clip, given: (
                f"{clip}_{i}_{i + 9}.wav\t{';'.join(str(COLUMNS[g]) for g in given)}\t9.0\tx.h5\n"
            )
        ),
    ),
    "fsd50k": (
        "fname,labels,mids,split\n",
        lines(lambda i, clip, given: f'{i},"{";".join(given)}","{",".join(given)}",train\n'),
    ),
    "long": (
        "filename\tonset\toffset\tevent_label\n",
        [
            f"Y{clip}_{i}.000_{i + 9}.000.wav\t0.5\t{n + 1}.25\t{name}\n"
            for i, (clip, given) in enumerate(zip(CLIPS, SETS, strict=True))
            for n, name in enumerate(names(given))
        ],
    ),
}
JSON = '{{\n "data": [\n{}\n ]\n}}'.format(
    ",\n".join(lines(lambda i, c, g: f'  {{"wav": "/a/Y{c}.flac", "labels": "{",".join(g)}"}}'))
)
SEEDS: dict[str, bytes] = {
    **{name: (header + "".join(rows)).encode() for name, (header, rows) in TABLES.items()},
    "promise": b"# num_ytids=6, num_segs=6\n" + "".join(TABLES["official"][1]).encode(),
    "json": JSON.encode(),
    "parquet": parquet_bytes({"video_id": CLIPS, "labels": SETS}),
    "gzip": gzip.compress("".join(TABLES["official"][1]).encode(), mtime=0),
}
TOKENS = [
    b"\n", b"\r", b"\r\n", b'"', b'""', b"'", b",", b";", b"\t", b"|", b"  ", b"#", b"\0", b"\xff",
    b"\xef\xbb\xbf", b"#NAME?", b"#N/A", b"NaN", b"-", b"1E+10", b"9" * 30, b"1" * 5000, b"[", b"]",
    b"{", b"\\ud800", b"\\", b"_9999999999.5", b"/", b"a" * 140_000, "é".encode(),
    b"num_segs=" + b"9" * 5000, b"/m/0zzzz", b"<html>", b"PAR1", b"null",
]  # fmt: skip
SEPARATORS = st.sampled_from([b",", b";", b"\t", b"|", b"\n", b"\r\n", b'"', b"  ", b"."])
PLACES = st.floats(0, 1, exclude_max=True)
MUTATIONS = st.lists(
    st.one_of(
        st.tuples(st.just("flip"), PLACES, st.integers(1, 255)),
        st.tuples(st.just("delete"), PLACES, st.integers(1, 60)),
        st.tuples(st.just("double"), PLACES, st.integers(1, 200)),
        st.tuples(st.just("insert"), PLACES, st.sampled_from(TOKENS)),
        st.tuples(st.just("truncate"), PLACES, st.none()),
        st.tuples(st.just("shuffle"), PLACES, st.integers(1, 20)),
        st.tuples(st.just("swap"), SEPARATORS, SEPARATORS),
    ),
    max_size=3,
)
fuzz = settings(
    deadline=None,
    derandomize=True,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.filter_too_much],
)


def mutate(content: bytes, mutations: list[tuple]) -> bytes:
    """Content with each mutation done in turn; places are shares of its length."""
    for kind, where, what in mutations:
        if kind == "swap":
            content = content.replace(where, what)
            continue
        at = int(where * len(content))
        if kind == "flip":
            content = (
                content[:at] + bytes(b ^ what for b in content[at : at + 1]) + content[at + 1 :]
            )
        elif kind == "delete":
            content = content[:at] + content[at + what :]
        elif kind == "double":
            content = content[:at] + content[at : at + what] + content[at:]
        elif kind == "insert":
            content = content[:at] + what + content[at:]
        elif kind == "truncate":
            content = content[:at]
        else:
            parts = content.split(b"\n")
            at = int(where * len(parts))
            content = b"\n".join(parts[at:] + parts[:at][::what] + parts[:at][1::what])
    return content


def read_or_refuse(path: Path, **options: str) -> Annotations | None:
    try:
        return read_labels(path, ontology=ONTOLOGY, **options)
    except AudioLabelsError as error:
        message = str(error)
    assert path.name in message
    return None


def assert_full_account(labels: Annotations) -> None:
    report = labels.report
    unused = sum(f.kind == "row unused" for f in report.findings)
    assert report.rows == report.rows_used + unused
    assert report.rows == sum(source["rows"] for source in report.sources)
    assert 0 < len(labels) <= report.rows_used
    assert {f.kind for f in report.findings} <= set(FATES)
    assert all(f.source and f.row >= 1 and f.reason for f in report.findings)
    assert len(labels.rows) == len(labels.set_of_clip) == len(labels.offset) == len(labels)
    assert labels.rows.min() >= 1
    labels.clip_id.validate(full=True)
    reported = {(f.row, f.kind) for f in report.findings}
    for row, number in enumerate(labels.rows.tolist()):
        given = ids(labels, row)
        assert given is None or all(id_ in ONTOLOGY for id_ in given)
        assert given or (number, "clip unlabelled") in reported


SPELLINGS: dict[str, set[str]] = {id_: {id_} for id_ in ONTOLOGY.ids}
for spelling, meant in ONTOLOGY._exact.items():
    SPELLINGS[meant].add(spelling)


def assert_labels_stand_in(text: bytes, labels: Annotations) -> None:
    """Every class that any clip was given is spelt somewhere in the text."""
    squash = re.compile(r"""[\s,"']+""")
    present = squash.sub("", text.decode("utf-8", "replace"))
    used = {id_ for row in range(len(labels)) for id_ in ids(labels, row) or ()}
    for id_ in used:
        assert any(squash.sub("", spelling) in present for spelling in SPELLINGS[id_]), id_


@settings(fuzz, max_examples=900)
@given(
    seed=st.sampled_from(sorted(SEEDS)),
    mutations=MUTATIONS,
    unknown=st.sampled_from(UNKNOWN),
    time_unit=st.sampled_from(TIME_UNITS),
)
def test_any_damage_gives_a_full_account_or_an_error(
    seed: str, mutations: list[tuple], unknown: str, time_unit: str, tmp_path: Path
) -> None:
    content = mutate(SEEDS[seed], mutations)
    path = write(tmp_path, content, "given.file")
    labels = read_or_refuse(path, unknown=unknown, time_unit=time_unit)
    if labels is None:
        assert mutations or time_unit != "auto"
        return
    assert_full_account(labels)
    if seed not in ("psl", "parquet", "gzip", "json"):
        assert_labels_stand_in(content, labels)


@pytest.mark.shared
@settings(fuzz, max_examples=300)
@given(number=st.integers(0, 26), mutations=MUTATIONS, unknown=st.sampled_from(UNKNOWN))
def test_damaged_heads_of_real_files_give_a_full_account_or_an_error(
    number: int, mutations: list[tuple], unknown: str, tmp_path: Path, shared_data: Path
) -> None:
    with sorted((shared_data / "messy").iterdir())[number].open("rb") as file:
        content = mutate(file.read(4096), mutations)
    labels = read_or_refuse(write(tmp_path, content, "given.file"), unknown=unknown)
    if labels is not None:
        assert_full_account(labels)


@pytest.mark.parametrize("seed", SEEDS)
def test_undamaged_seeds_are_read_whole(seed: str, tmp_path: Path) -> None:
    labels = read_labels(write(tmp_path, SEEDS[seed]), ontology=ONTOLOGY)
    assert [ids(labels, row) for row in range(len(labels))] == [set(given) for given in SETS]
    assert labels.report.findings == []


def rows_in(content: bytes) -> range:
    """How many rows there may be: lines that are not blank, with and without those after a #."""
    lines = [
        line
        for line in content.split(b"\n")
        if line.replace(b",", b" ").replace(b";", b" ").split()
    ]
    marked = [li for li in lines if li.startswith(b"#") and not re.match(rb"#(NAME\?|N/A)", li)]
    return range(len(lines) - len(marked), len(lines) + 1)


@settings(fuzz, max_examples=900)
@given(table=st.sampled_from(sorted(TABLES)), mutations=MUTATIONS)
@example(table="official", mutations=[("insert", 0.0, b"#NAME?")])
@example(table="python list", mutations=[("delete", 0.0, 1)])
def test_no_row_disappears_and_no_label_is_invented(
    table: str, mutations: list[tuple], tmp_path: Path
) -> None:
    header, rows = TABLES[table]
    content = mutate("".join(rows).encode(), mutations)
    assume(b"\r" not in content.replace(b"\r\n", b""))
    path = write(tmp_path, header.encode() + content, "given.file")
    labels = read_or_refuse(path, unknown="drop")
    if labels is None:
        return
    assert_full_account(labels)
    assert labels.report.rows in rows_in(content)
    if table == "long":
        return
    sound = {row.strip().encode(): set(given) for row, given in zip(rows, SETS, strict=True)}
    everything = (header.encode() + content).split(b"\n")
    reported = {f.row for f in labels.report.findings}
    for row, number in enumerate(labels.rows.tolist()):
        given = ids(labels, row)
        line = everything[number - 1].strip()
        if line in sound:
            assert given == sound[line] or (number in reported and not given)
