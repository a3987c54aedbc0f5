"""Every file of `messy`: what is right, counted without the library."""

import csv
import json
import re
from collections import Counter, defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from reader_support import ONTOLOGY, by_clip, ids, refuse

from audiolabels import Annotations, load_vocabulary
from audiolabels.errors import LabelFileError, UnknownLabelError
from audiolabels.readers import read_labels

pytestmark = pytest.mark.shared

LOST_ID = ("row unused", r"id is lost: #NAME\?")
CUT_OFF = ("row unused", "quote has no partner")
NO_LENGTH = ("label dropped", "no length")
BACKWARDS = ("label dropped", "ends before it begins")
UNLABELLED = ("clip unlabelled", "no label is left")


@dataclass(frozen=True)
class Read:
    """A file that is read: its format, clips and rows, and its findings by (kind, reason)."""

    format: str
    clips: int
    rows: int
    findings: Mapping[tuple[str, str], int] = field(default_factory=dict)


@dataclass(frozen=True)
class Refused:
    """A file that is refused, with a message that says this."""

    match: str
    error: type[LabelFileError] = LabelFileError


MESSY: dict[str, Read | Refused] = {
    "01_name_error_ids_eval.csv": Read("audioset-segments", 20_061, 20_371, {LOST_ID: 310}),
    "03_no_label_column.csv": Refused(
        "no column of labels; columns are ytid, start_seconds, end_seconds; name it labels"
    ),
    "05_unbalanced_quote_rows.csv": Read("audioset-segments", 44, 60, {CUT_OFF: 16}),
    "07_truncated_768KiB.csv": Refused(
        r"cut off: its header announces 20,371 rows, it holds 14,033\. Fetch it again"
    ),
    "08_html_instead_of_csv.csv": Refused("an HTML or XML page, not labels; the download got an"),
    "09_semicolon_lost_decimal.csv": Refused("thousandfold too long.* use --time-unit ms"),
    "11_semicolon_two_label_columns.csv": Refused("thousandfold too long.* use --time-unit ms"),
    "13_unbalanced_third_part.csv": Read("audioset-segments", 41_792, 41_792),
    "15_excel_65536_row_limit.csv": Refused(
        "cut off: its header announces 2,041,789 rows, it holds 65,497"
    ),
    "17_python_list_labels.csv": Read("audioset-segments", 8_409, 8_409),
    "19_no_header.csv": Read("audioset-segments", 20_371, 20_371),
    "21_ast_triple_quoted.csv": Read("audioset-segments", 20_371, 20_371),
    "23_mixed_names_and_mids.csv": Refused(
        r"'Tender' \(row 1[^)]*\), 'Exciting' \(row 2.* --unknown drop", UnknownLabelError
    ),
    "25_floats_no_spaces_crlf.csv": Read("audioset-segments", 19_644, 19_644),
    "27_tab_named_wav.csv": Read("long", 51_172, 56_131),
    "29_zero_length_placeholder_events.csv": Read(
        "long", 1_103, 1_706, {NO_LENGTH: 150, BACKWARDS: 2, UNLABELLED: 94}
    ),
    "31_desed_weak_names.tsv": Refused(
        r"'Alarm_bell_ringing' \(row 2.* --unknown drop", UnknownLabelError
    ),
    "32_strong_names_with_commas.csv": Read("long", 6, 38),
    "33_aligned_spaces_semicolons.csv": Read("clip-labels", 6, 6),
    "34_ontology_broken_id.json": Refused("an ontology, not labels; it is given with --ontology"),
    "36_class_labels_underscored_unquoted.csv": Refused("a list of classes.* with --vocabulary"),
    "38_class_labels_bom_crlf.txt": Refused("a list of classes.* with --vocabulary"),
    "39_strong_vocab_no_header.csv": Refused("a list of classes.* with --vocabulary"),
    "41_labels.xlsx": Refused(r"a workbook \(\.xlsx\); open it and save the sheet as CSV"),
    "42_ast_json_abs_paths.json": Read("ast-json", 20_550, 20_550),
    "47_vggsounder_multilabel.csv": Refused(
        r"'male speech, man speaking' \(row 2; the nearest: Male speech, man.* --unknown drop",
        UnknownLabelError,
    ),
    "50_partition_no_header_crlf.csv": Read("audioset-segments", 100, 100),
}

ID = re.compile(r"/[mtg]/\w+")
SEGMENT = re.compile(r"([\w-]{11})[,;] ?([\d.]+)[,;] ?([\d.]+)[,;](.*)", re.ASCII)
NAMED = re.compile(r"Y?(.{11})_([\d.]+)_[\d.]+\.wav")
Segments = dict[str, tuple[float, frozenset[str]]]


@pytest.fixture(scope="module")
def messy(shared_data: Path) -> Path:
    return shared_data / "messy"


@pytest.fixture(scope="module")
def ids_of_names(shared_data: Path) -> dict[str, str]:
    """Display name to id, of the ontology and of the weak and the strong labels."""
    folder = shared_data / "audioset"
    strong = (folder / "mid_to_display_name.tsv").read_text(encoding="utf-8").splitlines()
    with (folder / "class_labels_indices.csv").open(encoding="utf-8") as file:
        weak = [(row["display_name"], row["mid"]) for row in csv.DictReader(file)]
    classes = json.loads((folder / "ontology.json").read_text(encoding="utf-8"))
    return {
        **{name: id_ for id_, name in (line.split("\t") for line in strong)},
        **dict(weak),
        **{c["name"]: c["id"] for c in classes},
    }


def milliseconds(seconds: str) -> int:
    whole, _, part = seconds.partition(".")
    return int(whole) * 1000 + int(part.ljust(3, "0"))


def segments(path: Path) -> Segments:
    """An official file: clip id to duration in seconds and ids of classes."""
    table = {}
    for line in path.read_text(encoding="utf-8").splitlines():
        if line.startswith("#"):
            continue
        video, start, end, given = line.split(", ", 3)
        duration = (milliseconds(end) - milliseconds(start)) / 1000
        table[f"{video}_{milliseconds(start)}"] = duration, frozenset(ID.findall(given))
    return table


def as_segments(labels: Annotations) -> Segments:
    durations = labels.offset.to_pylist()
    return {
        clip: (duration, given or frozenset())
        for (clip, given), duration in zip(by_clip(labels).items(), durations, strict=True)
    }


def test_the_table_covers_the_folder(messy: Path) -> None:
    assert {path.name for path in messy.iterdir()} == set(MESSY)


@pytest.mark.parametrize("name", [n for n, right in MESSY.items() if isinstance(right, Refused)])
def test_file_is_refused_with_its_cause(name: str, messy: Path) -> None:
    right = MESSY[name]
    assert isinstance(right, Refused)
    error = refuse(messy / name, right.match)
    assert type(error) is right.error


@pytest.mark.parametrize("name", [n for n, right in MESSY.items() if isinstance(right, Read)])
def test_file_is_read_with_every_row_accounted_for(name: str, messy: Path) -> None:
    right = MESSY[name]
    assert isinstance(right, Read)
    labels = read_labels(messy / name, ontology=ONTOLOGY)
    report = labels.report
    unused = sum(f.kind == "row unused" for f in report.findings)
    assert report.sources[0]["format"] == right.format
    assert f"{name} was read as {right.format}" in report.notes[0]
    assert (len(labels), report.rows, report.rows_used) == (
        right.clips,
        right.rows,
        right.rows - unused,
    )
    counts = report.counts()
    found = {
        (kind, pattern): sum(
            n for (k, r), n in counts.items() if k == kind and re.search(pattern, r)
        )
        for kind, pattern in right.findings
    }
    assert found == right.findings
    assert len(report.findings) == sum(right.findings.values())


@pytest.mark.parametrize(
    ("name", "options", "unit"),
    [
        ("01_name_error_ids_eval.csv", {}, 1000),
        ("05_unbalanced_quote_rows.csv", {}, 1000),
        ("09_semicolon_lost_decimal.csv", {"time_unit": "ms"}, 1),
        ("11_semicolon_two_label_columns.csv", {"time_unit": "ms"}, 1),
        ("13_unbalanced_third_part.csv", {}, 1000),
        ("17_python_list_labels.csv", {}, 1000),
        ("19_no_header.csv", {}, 1000),
        ("21_ast_triple_quoted.csv", {}, 1000),
        ("25_floats_no_spaces_crlf.csv", {}, 1000),
        ("50_partition_no_header_crlf.csv", {}, 1000),
    ],
)
def test_clip_times_and_labels_are_those_of_their_line(
    name: str, options: dict[str, str], unit: int, messy: Path
) -> None:
    labels = read_labels(messy / name, ontology=ONTOLOGY, **options)
    lines = (messy / name).read_text(encoding="utf-8").split("\n")
    clips, durations = labels.clip_id.to_pylist(), labels.offset.to_pylist()
    for row, number in enumerate(labels.rows.tolist()):
        match = SEGMENT.match(lines[number - 1])
        assert match
        start, end = (round(float(match[i]) * unit) for i in (2, 3))
        assert clips[row] == f"{match[1]}_{start}"
        assert durations[row] == (end - start) / 1000
        assert ids(labels, row) == frozenset(ID.findall(match[4]))


def test_lost_ids_are_reported_line_by_line(messy: Path) -> None:
    path = messy / "01_name_error_ids_eval.csv"
    lines = path.read_text(encoding="utf-8").split("\n")
    lost = [number for number, line in enumerate(lines, 1) if line.startswith("#NAME?")]
    labels = read_labels(path, ontology=ONTOLOGY)
    assert [f.row for f in labels.report.findings] == lost


def test_cut_labels_are_reported_line_by_line(messy: Path) -> None:
    path = messy / "05_unbalanced_quote_rows.csv"
    with path.open(encoding="utf-8", newline="") as file:
        cut = [n for n, row in enumerate(csv.reader(file), 1) if row[3].count('"') % 2]
    labels = read_labels(path, ontology=ONTOLOGY)
    assert [f.row for f in labels.report.findings] == cut


@pytest.mark.parametrize(
    ("name", "official", "whole"),
    [
        ("01_name_error_ids_eval.csv", "eval_segments.csv", False),
        ("19_no_header.csv", "eval_segments.csv", True),
        ("21_ast_triple_quoted.csv", "eval_segments.csv", True),
        ("25_floats_no_spaces_crlf.csv", "balanced_train_segments.csv", False),
    ],
)
def test_clips_equal_the_official_ones(
    name: str, official: str, whole: bool, messy: Path, shared_data: Path
) -> None:
    right = segments(shared_data / "audioset" / official)
    got = as_segments(read_labels(messy / name, ontology=ONTOLOGY))
    assert got.items() <= right.items()
    assert (len(got) == len(right)) == whole


@pytest.mark.parametrize(
    "name", ["09_semicolon_lost_decimal.csv", "11_semicolon_two_label_columns.csv"]
)
def test_times_a_thousandfold_are_right_as_milliseconds(
    name: str, messy: Path, shared_data: Path
) -> None:
    labels = read_labels(messy / name, ontology=ONTOLOGY, time_unit="ms")
    assert not labels.report.findings
    assert labels.report.rows == 22_160
    right = segments(shared_data / "audioset" / "balanced_train_segments.csv")
    assert as_segments(labels) == right


def test_times_a_thousandfold_are_taken_as_seconds_when_told(messy: Path) -> None:
    path = messy / "09_semicolon_lost_decimal.csv"
    labels = read_labels(path, ontology=ONTOLOGY, time_unit="s")
    assert labels.clip_id[0].as_py() == "--PJHxphWEs_30000000"
    assert labels.offset[0].as_py() == 10_000.0


def test_columns_beside_the_labels_are_named(messy: Path) -> None:
    path = messy / "11_semicolon_two_label_columns.csv"
    labels = read_labels(path, ontology=ONTOLOGY, time_unit="ms")
    assert labels.report.notes[0].endswith("; columns not used: labels, gunshot")


def test_json_equals_the_official_file(messy: Path, shared_data: Path) -> None:
    official = segments(shared_data / "audioset" / "balanced_train_segments.csv")
    right = {clip[:11]: given for clip, (_, given) in official.items()}
    got = by_clip(read_labels(messy / "42_ast_json_abs_paths.json", ontology=ONTOLOGY))
    assert len(got) == 20_550
    assert got.items() <= right.items()


@pytest.mark.parametrize("name", ["27_tab_named_wav.csv", "29_zero_length_placeholder_events.csv"])
def test_events_give_their_clip_its_labels(
    name: str, messy: Path, ids_of_names: dict[str, str]
) -> None:
    right: dict[str, set[str]] = defaultdict(set)
    for line in (messy / name).read_text(encoding="utf-8").splitlines():
        file, onset, offset, event = line.split("\t")
        match = NAMED.fullmatch(file)
        assert match
        right[f"{match[1]}_{milliseconds(match[2])}"] |= (
            {ids_of_names[event]} if float(offset) > float(onset) else set()
        )
    got = by_clip(read_labels(messy / name, ontology=ONTOLOGY))
    assert got == {clip: frozenset(given) or None for clip, given in right.items()}


def test_named_files_tell_how_long_their_clips_are(messy: Path) -> None:
    path = messy / "29_zero_length_placeholder_events.csv"
    labels = read_labels(path, ontology=ONTOLOGY)
    files = dict.fromkeys(
        line.split("\t")[0] for line in path.read_text(encoding="utf-8").splitlines()
    )
    right = [
        (milliseconds(end) - milliseconds(start)) / 1000
        for start, end in (file.removesuffix(".wav").rsplit("_", 2)[1:] for file in files)
    ]
    assert labels.offset.to_pylist() == right


def test_names_with_commas_are_one_label_each(messy: Path, ids_of_names: dict[str, str]) -> None:
    right: dict[str, set[str]] = defaultdict(set)
    path = messy / "32_strong_names_with_commas.csv"
    for line in path.read_text(encoding="utf-8").splitlines()[1:]:
        file, *_, event = line.split("\t")
        right[file[1:12]].add(ids_of_names[event])
    assert by_clip(read_labels(path, ontology=ONTOLOGY)) == right
    aligned = messy / "33_aligned_spaces_semicolons.csv"
    assert by_clip(read_labels(aligned, ontology=ONTOLOGY)) == right


def test_words_that_are_no_class_are_dropped_and_counted(
    messy: Path, ids_of_names: dict[str, str]
) -> None:
    path = messy / "23_mixed_names_and_mids.csv"
    right, lost = [], Counter()
    with path.open(encoding="utf-8", newline="") as file:
        for row in csv.reader(file, skipinitialspace=True):
            known = {ids_of_names.get(a, a) for a in row[3].split(",")}
            right.append(frozenset(k for k in known if ID.fullmatch(k)))
            lost.update(f"unknown label: {k}" for k in known if not ID.fullmatch(k))
    labels = read_labels(path, ontology=ONTOLOGY, unknown="drop")
    assert labels.report.rows == labels.report.rows_used == len(labels) == 16_068
    assert [ids(labels, row) for row in range(len(labels))] == right
    assert set(lost) == {
        f"unknown label: {mood}" for mood in "Angry Exciting Funny Happy Sad Scary Tender".split()
    }
    assert labels.report.counts() == {("label dropped", reason): n for reason, n in lost.items()}


def test_names_of_another_data_set_are_dropped_and_counted(
    messy: Path, ids_of_names: dict[str, str]
) -> None:
    path = messy / "31_desed_weak_names.tsv"
    lines = path.read_text(encoding="utf-8").splitlines()[1:]
    given = [set(line.split("\t")[1].split(",")) for line in lines]
    right = [frozenset(ids_of_names[n] for n in names if n in ids_of_names) for names in given]
    lost = Counter(n for names in given for n in names if n not in ids_of_names)
    labels = read_labels(path, ontology=ONTOLOGY, unknown="drop")
    assert labels.report.rows == labels.report.rows_used == len(labels) == 1_578
    assert [ids(labels, row) for row in range(len(labels))] == [known or None for known in right]
    assert lost["Alarm_bell_ringing"] == 205
    assert right.count(frozenset()) == 642
    counts = labels.report.counts()
    assert {r: n for (k, r), n in counts.items() if k == "label dropped"} == {
        f"unknown label: {name}": n for name, n in lost.items()
    }
    assert sum(n for (kind, _), n in counts.items() if kind == "clip unlabelled") == 642


def test_a_file_without_any_known_label_is_refused(messy: Path) -> None:
    path = messy / "47_vggsounder_multilabel.csv"
    for unknown in ("error", "drop"):
        with pytest.raises(UnknownLabelError, match="male speech, man speaking"):
            read_labels(path, ontology=ONTOLOGY, unknown=unknown)


@pytest.mark.parametrize(
    "name", ["36_class_labels_underscored_unquoted.csv", "38_class_labels_bom_crlf.txt"]
)
def test_class_lists_make_the_vocabulary_of_the_weak_labels(name: str, messy: Path) -> None:
    assert load_vocabulary(messy / name).ids == load_vocabulary("audioset").ids


def test_the_class_list_of_the_strong_labels_makes_theirs(messy: Path) -> None:
    path = messy / "39_strong_vocab_no_header.csv"
    assert set(load_vocabulary(path).ids) == set(load_vocabulary("audioset-strong").ids)
