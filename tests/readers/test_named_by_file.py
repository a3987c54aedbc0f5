"""Files of one clip, called after it: Audacity's labels, Raven's selection tables, plain lists."""

import subprocess
import sys
from pathlib import Path

import pytest
from event_examples import read
from reader_support import by_clip, statements, told, write

from audiolabels import expand, expand_files, read_events, read_labels, read_targets
from audiolabels.errors import LabelFileError
from audiolabels.labels.events import PRESENT
from audiolabels.readers.clip_ids import clip_of_file

SPEECH, MUSIC, DOG = "/m/09x0r", "/m/04rlf", "/m/0bt9lr"
TRACK = "0.5\t2.25\tDog\n2\t10.000000\tMusic\n"
TRACK_SPANS = [("dawn", DOG, 500, 2250, "present"), ("dawn", MUSIC, 2000, 10000, "present")]
HEADER = (
    "Selection\tView\tChannel\tBegin Time (s)\tEnd Time (s)\tLow Freq (Hz)\tHigh Freq (Hz)\tSpecies"
)
TABLE = f"{HEADER}\n1\tSpectrogram 1\t1\t0.5\t2.25\t100\t900.5\tDog\n"
NOTE = "the clip has the file's name, as no column gives it"
OTHER_VIEW = "another view of a selection that is in an earlier row"


def table(*rows: str, header: str = HEADER) -> str:
    return "\n".join([header, *(row.replace(" | ", "\t") for row in rows), ""])


@pytest.mark.parametrize(
    "name",
    [
        "dawn.txt",
        "dawn.tsv",
        "dawn.wav.txt",
        "dawn.Table.1.selections.txt",
        "dawn.Table.12.Selections.txt",
        "dawn.selections.txt",
        "dawn.BirdNET.selection.table.txt",
        "dawn.ann",
        "dawn.txt.gz",
    ],
)
def test_a_file_is_called_after_its_clip(name: str, tmp_path: Path) -> None:
    assert read(tmp_path, TRACK, name).clip_id.to_pylist() == ["dawn"]


def test_no_more_than_known_endings_is_taken_off() -> None:
    assert clip_of_file(Path("site/bird.song.selections.txt")) == "site/bird.song"
    assert clip_of_file(Path("Table.1.note")) == "Table.1.note"


def test_a_name_of_a_youtube_clip_gives_its_length(tmp_path: Path) -> None:
    events = read(tmp_path, TRACK, "Yaaaaaaaaaaa_30.000_38.000.txt")
    assert events.clip_id.to_pylist() == ["aaaaaaaaaaa_30000"]
    assert events.duration_ms.tolist() == [8000]


def test_audacity(tmp_path: Path) -> None:
    events = read(tmp_path, TRACK, "dawn.txt")
    assert statements(events, place=False) == TRACK_SPANS
    assert events.report.notes[0].endswith(NOTE)
    assert told(events) == []


def test_frequencies_of_audacity_are_named_as_unused(tmp_path: Path) -> None:
    content = "0.5\t2.25\tDog\n\\\t100.0\t900.5\n2\t10.000000\tMusic\n\\\t-1\t50\n"
    events = read(tmp_path, content, "dawn.txt")
    assert statements(events, place=False) == TRACK_SPANS
    assert events.rows.tolist() == [1, 3]
    assert events.report.notes[0].endswith(f"{NOTE}; columns not used: frequencies")
    assert (events.report.rows, told(events)) == (2, [])


def test_a_point_label_has_no_length_and_an_empty_one_no_class(tmp_path: Path) -> None:
    events = read(tmp_path, f"{TRACK}3\t3\tSpeech\n4\t5\t\n", "dawn.txt")
    assert [(row, reason) for _, row, _, _, reason in told(events)] == [
        (3, "an event has no length"),
        (4, "no label"),
    ]


@pytest.mark.parametrize(
    ("content", "match"),
    [
        ("0.0\t1.0\tDog\t0.25\n", "column value holds 0.25. Use --values soft"),
        ("0.0,1.0,Dog\n", "not a label file"),
        ("0.0\t1.0\t2.0\n", "no column of labels"),
        ("onset\toffset\tlabel\tconfidence\n0\t1\tDog\t0.25\n", "column confidence holds 0.25"),
        ("recording\tonset\toffset\tlabel\na\t0\t1\tDog\n", "no column of clips"),
        ("onset\tlabel\n0\tDog\n", "no column of clips"),
        ("onset\toffset\tlabels\n0\t1\tDog\n", "no column of clips"),
        ("species\tcolour\nDog\tred\n", "no column of clips"),
    ],
)
def test_what_may_mean_something_else_is_refused(content: str, match: str, tmp_path: Path) -> None:
    path = write(tmp_path, content, "dawn.txt")
    with pytest.raises(LabelFileError, match=match):
        read_events(path)


@pytest.mark.parametrize(
    "header", ["onset,offset,label", "label;onset;duration", "begin\tend\tclass"]
)
def test_a_header_without_a_clip(header: str, tmp_path: Path) -> None:
    separator = next(c for c in ",;\t" if c in header)
    cells = {"label": "Dog", "class": "Dog", "onset": "1", "begin": "1", "duration": "2"}
    row = separator.join(cells.get(name, "3") for name in header.split(separator))
    events = read(tmp_path, f"{header}\n{row}\n", "dawn.txt")
    assert statements(events, place=False) == [("dawn", DOG, 1000, 3000, "present")]


def test_raven(tmp_path: Path) -> None:
    events = read(tmp_path, TABLE, "dawn.Table.1.selections.txt")
    assert statements(events) == [
        ("dawn", DOG, 500, 2250, "present", "dawn.Table.1.selections.txt", 2)
    ]
    assert events.report.notes[0].endswith(
        f"{NOTE}; columns not used: view, channel, low freq (hz), high freq (hz)"
    )


def test_rows_of_raven_may_lack_their_last_unused_cells(tmp_path: Path) -> None:
    rows = ("1 | S | 1 | 0.5 | 2.25 | 1 | 2 | Dog", "2 | S | 1 | 1 | 2 | 1 | 2 | Music | 7 | x")
    events = read(tmp_path, table(*rows, header=f"{HEADER}\tdistance\ttype"))
    assert [s[1] for s in statements(events)] == [DOG, MUSIC]
    assert told(events) == []


@pytest.mark.parametrize("name", ["Annotation", "Species Code", "Common Name", "label"])
def test_names_of_label_columns_in_selection_tables(name: str, tmp_path: Path) -> None:
    events = read(tmp_path, TABLE.replace("Species", name))
    assert [s[1] for s in statements(events)] == [DOG]


def test_other_names_of_labels_come_before_those_of_selection_tables(tmp_path: Path) -> None:
    content = "filename,annotation,tags\na.wav,Blub,Dog\n"
    assert by_clip(read_labels(write(tmp_path, content))) == {"a": {DOG}}


def test_a_selection_in_two_views_is_one_event(tmp_path: Path) -> None:
    events = read(
        tmp_path,
        table(
            "1 | Waveform 1 | 1 | 0.5 | 2.25 | 0 | 9 | Dog",
            "1 | Spectrogram 1 | 1 | 0.5 | 2.25 | 0 | 9 | Dog",
            "2 | Waveform 1 | 1 | 0.5 | 2.25 | 0 | 9 | Music",
            "2 | Spectrogram 1 | 1 | 0.5 | 2.25 | 0 | 9 | Speech",
            "2 | Spectrogram 1 | 2 | 0.5 | 2.25 | 0 | 9 | Speech",
        ),
    )
    assert [s[1] for s in statements(events)] == [DOG, MUSIC, SPEECH]
    assert [(row, kind, reason) for _, row, _, kind, reason in told(events)] == [
        (3, "row unused", OTHER_VIEW),
        (6, "row unused", OTHER_VIEW),
    ]
    assert (events.report.rows, events.report.rows_used) == (5, 3)


def test_equal_events_of_two_selections_are_two(tmp_path: Path) -> None:
    rows = ("1 | S | 1 | 0.5 | 2.25 | 1 | 2 | Dog", "2 | S | 1 | 0.5 | 2.25 | 1 | 2 | Dog")
    assert [reason for *_, reason in told(read(tmp_path, table(*rows)))] == [
        "the same event occurs twice"
    ]


FILES = f"{HEADER}\tBegin File"


def test_selections_in_one_file_that_is_named(tmp_path: Path) -> None:
    content = table("1 | S | 1 | 0.5 | 2.25 | 1 | 2 | Dog | night.wav", header=FILES)
    events = read(tmp_path, content, "dawn.txt")
    assert statements(events, place=False) == [("night", DOG, 500, 2250, "present")]
    assert NOTE not in events.report.notes[0]


def test_times_in_a_sequence_of_files_become_those_in_each_file(tmp_path: Path) -> None:
    content = table(
        "1 | S | 1 | 0.5 | 2.25 | 1 | 2 | Dog | a.wav | 0.5",
        "2 | S | 1 | 61 | 64.5 | 1 | 2 | Dog | b.wav | 1",
        "3 | S | 1 | 65 | 66 | 1 | 2 | Music | b.wav | ",
        header=f"{FILES}\tFile Offset (s)",
    )
    events = read(tmp_path, content)
    assert statements(events, place=False) == [
        ("a", DOG, 500, 2250, "present"),
        ("b", DOG, 1000, 4500, "present"),
        ("b", MUSIC, 0, 10000, "unknown"),
    ]
    assert [(row, reason) for _, row, _, _, reason in told(events)] == [
        (4, "a time is not a number of seconds")
    ]


def test_several_files_without_offsets_are_refused_until_it_is_settled(tmp_path: Path) -> None:
    content = table(
        "1 | S | 1 | 0.5 | 2.25 | 1 | 2 | Dog | a.wav",
        "2 | S | 1 | 6 | 7 | 1 | 2 | Dog | b.wav",
        header=FILES,
    )
    path = write(tmp_path, content, "e.txt")
    with pytest.raises(LabelFileError, match=r"e\.txt: selections in several files.*'clip=begin f"):
        read_events(path)
    events = read_events(path, columns="clip=Begin File")
    assert events.clip_id.to_pylist() == ["a", "b"]


def test_a_column_of_file_names_must_be_given(tmp_path: Path) -> None:
    content = table("1 | S | 1 | 0.5 | 2.25 | 1 | 2 | Dog | a.wav", header=f"{HEADER}\tSound")
    path = write(tmp_path, content, "e.txt")
    with pytest.raises(LabelFileError, match=r"no column of clips.*--columns clip=NAME"):
        read_events(path)
    assert read_events(path, columns={"clip": "Sound"}).clip_id.to_pylist() == ["a"]
    assert read_events(path, columns={"ignored": "Sound"}).clip_id.to_pylist() == ["e"]


@pytest.mark.parametrize("content", [TRACK, TABLE])
def test_labels_of_the_clip(content: str, tmp_path: Path) -> None:
    labels = read_labels(write(tmp_path, content, "dawn.txt"))
    assert by_clip(labels) == {"dawn": {DOG, MUSIC} if content is TRACK else {DOG}}
    assert NOTE in labels.report.notes[0]
    assert labels.report.findings == []


def test_files_of_one_name_keep_their_folders(tmp_path: Path) -> None:
    paths = []
    for folder in ("near", "far"):
        (tmp_path / folder).mkdir()
        paths.append(write(tmp_path / folder, TRACK, "dawn.txt"))
    ids = read_events(paths).clip_id.to_pylist()
    assert [id_.removeprefix(tmp_path.as_posix()) for id_ in ids] == ["/near/dawn", "/far/dawn"]
    out = tmp_path / "out.parquet"
    expand_files(paths, out, "strong-framed")
    assert len(read_targets(out)) == 20


def test_a_folder_of_files_in_the_shell(tmp_path: Path) -> None:
    for name in ("a.txt", "b.Table.1.selections.txt"):
        write(tmp_path, TABLE if "Table" in name else TRACK, name)
    command = (
        "-m audiolabels expand --scheme strong-framed a.txt b.Table.1.selections.txt -o o.parquet"
    )
    subprocess.run([sys.executable, *command.split()], cwd=tmp_path, check=True)
    targets = read_targets(tmp_path / "o.parquet")
    assert sorted({*targets.clip_id.to_pylist()}) == ["a", "b"]


@pytest.mark.shared
def test_real_files_of_editors(shared_data: Path) -> None:
    folder = shared_data / "datasets"
    aliases = {"WOTH": "Bird", "EATO": "Crow", "LOWA": "Owl", "call": "Bird"}
    raven = read_events(folder / "raven_selections.txt", aliases=aliases, clip_duration=20)
    assert raven.clip_id.to_pylist() == ["raven_selections"]
    assert [name for name, *_ in raven.events(0) or ()] == [
        *("Bird", "Crow", "Bird", "Bird", "Crow", "Crow", "Bird", "Owl", "Crow")
    ]
    assert (raven.events(0) or ())[0] == ("Bird", 1.898, 4.111)
    assert [(row, reason) for _, row, _, _, reason in told(raven)] == [(11, "no label")]
    audacity = read_events(folder / "audacity_labels.txt", aliases=aliases, unknown="drop")
    assert [event[0] for event in audacity.events(0) or ()] == ["Bird", "Bird"]
    street = read_events(
        folder / "sed_eval_street_fold1.txt",
        aliases={"car": "Car"},
        unknown="drop",
        clip_duration=300,
    )
    assert (len(street), int((street.state == PRESENT).sum())) == (6, 57)
    with pytest.raises(
        LabelFileError, match=r"maestro_cafe_14\.txt: column value holds 0\.1.*--values"
    ):
        read_events(folder / "maestro_cafe_14.txt")


SHARES = "0.0\t1.0\tcutlery and dishes\t0.25\n1.0\t2.0\tcutlery and dishes\t1.0\n"


def test_values_of_a_track_need_a_meaning(tmp_path: Path) -> None:
    path = write(tmp_path, SHARES, "cafe_14.txt")
    with pytest.raises(
        LabelFileError, match=r"cafe_14.txt: column value holds 0.25. Use --values soft.*meant$"
    ):
        read_events(path, mapping="maestro")
    soft = read_events(path, mapping="maestro", values="soft")
    assert soft.clip_id.to_pylist() == ["cafe_14"]
    frames = expand(soft, "strong-framed", vocabulary=["Dishes, pots, and pans"], frame_length=1.0)
    assert frames.to_numpy()[0][:3, 0].tolist() == [0.25, 1, 0]
    hard = read_events(path, mapping="maestro", values=0.5)
    assert hard.events(0) == (("Dishes, pots, and pans", 1.0, 2.0),)
    labels = read_labels(path, mapping="maestro", values=0.5)
    assert "columns not used: onset, offset" in labels.report.notes[0]


def test_several_tracks_with_values_are_a_clip_each(tmp_path: Path) -> None:
    paths = [write(tmp_path, SHARES, f"cafe_{i}.txt") for i in (14, 2)]
    events = read_events(paths, mapping="maestro", values="soft")
    assert events.clip_id.to_pylist() == ["cafe_14", "cafe_2"]


def test_a_track_with_other_cells_is_refused(tmp_path: Path) -> None:
    with pytest.raises(LabelFileError, match="not a label file in a known format"):
        read_events(write(tmp_path, "0.0\t1.0\tDog\tloud\n", "a.txt"))
    made = read_events(
        write(tmp_path, f"{SHARES}2\t3\tfootsteps\tnan\n", "a.txt"),
        mapping="maestro",
        values="soft",
    )
    assert made.report.findings[-1].reason == "no value from 0 to 1: nan"


@pytest.mark.shared
def test_maestro_is_read_with_its_values(shared_data: Path) -> None:
    path = shared_data / "datasets" / "maestro_cafe_14.txt"
    events = read_events(path, mapping="maestro", values="soft")
    assert events.clip_id.to_pylist() == ["maestro_cafe_14"]
    assert events.report.rows == events.report.rows_used == len(path.read_text().splitlines())
    assert events.values[0] == pytest.approx(0.226079, abs=1e-6)
