"""Raven's selection tables and Audacity's labels, read by their columns."""

import csv
from pathlib import Path
from typing import Any

import pytest
from export_support import framed_targets
from export_support import sample_targets as sample

from audiolabels import Events, Vocabulary, export, read_events, toy_ontology
from audiolabels.errors import OptionError, TargetsFileError
from audiolabels.ontology.vocabulary import load_vocabulary
from audiolabels.schemes.event_spans import implied_events

TOY = toy_ontology()
VOCABULARY = load_vocabulary(list(TOY), ontology=TOY)
EVENTS = Events.from_dict(
    {
        "a.b_0": [("Bell", 2, 3), ("Church bell", 0, 12), ("Bell", 0.5, 2)],
        "folder/c": [("Bell", -1, 2.0005)],
        "verified empty": [],
        "nobody listened": None,
    },
    ontology=TOY,
)
NOTE = "selections reach from 0 to 8,000 Hz, since events have no frequencies"
Rows = list[tuple[float, float, str]]


def read_raven(path: Path) -> dict[str, Rows]:
    with path.open(newline="") as file:
        rows = list(csv.DictReader(file, delimiter="\t", quoting=csv.QUOTE_NONE))
    assert [row["Selection"] for row in rows] == [str(n) for n in range(1, len(rows) + 1)]
    clips: dict[str, Rows] = {}
    for row in rows:
        assert (row["View"], row["Channel"]) == ("Spectrogram 1", "1")
        assert 0 == float(row["Low Freq (Hz)"]) < float(row["High Freq (Hz)"])
        begin, end = float(row["Begin Time (s)"]), float(row["End Time (s)"])
        assert float(row["File Offset (s)"]) == begin < end
        clips.setdefault(row["Begin File"], []).append((begin, end, row["Annotation"]))
    return clips


def read_audacity(path: Path) -> Rows:
    lines = [line.split("\t") for line in path.read_text().splitlines()]
    return [(float(begin), float(end), label) for begin, end, label in lines]


WANTED = {
    "a.b_0.wav": [(0.0, 12.0, "Church bell"), (0.5, 2.0, "Bell"), (2.0, 3.0, "Bell")],
    "folder/c.wav": [(0.0, 2.001, "Bell")],
}


def test_raven_has_a_table_of_all_clips(tmp_path: Path) -> None:
    path = tmp_path / "a.txt"
    done = export(EVENTS, "raven", path, vocabulary=VOCABULARY)
    found = read_raven(path)
    assert found["a.b_0.wav"] == WANTED["a.b_0.wav"]
    assert found["folder/c.wav"][0][1] == pytest.approx(2.0, abs=0.001)
    assert done.files == {path: 4}
    assert done.notes == [NOTE]
    assert +done.left_out == {"unannotated clips": 1, "clips without events": 1}


def test_a_folder_has_a_file_per_clip(tmp_path: Path) -> None:
    for form, read in (("raven", read_raven), ("audacity", read_audacity)):
        done = export(EVENTS, form, tmp_path / form, vocabulary=VOCABULARY)
        made: dict[str, Any] = {
            str(path.relative_to(tmp_path / form)): read(path)
            for path in (tmp_path / form).rglob("*.txt")
        }
        assert made.keys() == {"a.b_0.txt", "folder/c.txt"}
        own = made["a.b_0.txt"]
        assert (own if form == "audacity" else own["a.b_0.wav"]) == WANTED["a.b_0.wav"]
        assert done.files == {tmp_path / form: 4}
        with pytest.raises(OptionError, match="is there already, and a folder is never replaced"):
            export(EVENTS, form, tmp_path / form, vocabulary=VOCABULARY)


def test_labels_names_and_the_band_can_be_chosen(tmp_path: Path) -> None:
    options: dict[str, Any] = {"vocabulary": VOCABULARY, "ids": True, "parents": "all"}
    done = export(
        EVENTS, "raven", tmp_path / "a.txt", files="Y{clip}.flac", high_frequency="24e3", **options
    )
    found = read_raven(tmp_path / "a.txt")
    assert (0.0, 12.0, TOY.find("Bell")) in found["Ya.b_0.flac"]
    assert "24000.0" in (tmp_path / "a.txt").read_text()
    assert "from 0 to 24,000 Hz" in done.notes[0]
    export(EVENTS, "audacity", tmp_path / "a", **options)
    assert (0.0, 12.0, TOY.find("Bell")) in read_audacity(tmp_path / "a" / "a.b_0.txt")


def test_frames_are_events_where_they_touch(tmp_path: Path) -> None:
    targets = framed_targets("audioset-strong", negatives="both")
    done = export(targets, "audacity", tmp_path / "a")
    found = read_audacity(tmp_path / "a" / "abcdefghijk_30000.txt")
    assert [row for row in found if row[2] == "Bell"] == [(2.88, 3.84, "Bell"), (8.64, 9.6, "Bell")]
    assert done.files[tmp_path / "a"] == sum(
        len(read_audacity(path)) for path in (tmp_path / "a").iterdir()
    )
    with pytest.raises(OptionError, match="vocabulary and parents are for events"):
        export(targets, "raven", tmp_path / "a.txt", parents="all")
    with pytest.raises(OptionError, match="audacity holds events, and these targets are of whole"):
        export(sample(), "audacity", tmp_path / "b")


@pytest.mark.parametrize(
    ("clip", "message"),
    [
        ("../up", "'../up.wav' names no file of its own in the folder"),
        ("/root", "'/root.wav' names no file of its own"),
        ("a\tb", r"a name with a tab or a line break: 'a\\tb.wav'"),
        ("a\0b", "a name with a tab or a line break"),
    ],
)
def test_names_that_are_no_file_names_are_refused(tmp_path: Path, clip: str, message: str) -> None:
    events = Events.from_dict({"fine": [("Bell", 0, 1)], clip: [("Bell", 0, 1)]}, ontology=TOY)
    with pytest.raises(OptionError, match=message):
        export(events, "audacity", tmp_path / "a", vocabulary=VOCABULARY)
    assert not list(tmp_path.iterdir())


def test_what_does_not_fit_is_refused(tmp_path: Path) -> None:
    odd = Vocabulary("odd", (TOY.find("Bell"),), ("Bell\tlarge",))
    with pytest.raises(OptionError, match="raven cuts labels at some characters"):
        export(EVENTS, "raven", tmp_path / "a.txt", vocabulary=odd)
    with pytest.raises(OptionError, match=r"a.tsv: end one table in .txt, or name a new folder"):
        export(EVENTS, "raven", tmp_path / "a.tsv", vocabulary=VOCABULARY)
    with pytest.raises(OptionError, match="high_frequency 0: give a number above zero"):
        export(EVENTS, "raven", tmp_path / "a.txt", vocabulary=VOCABULARY, high_frequency=0)
    alike = Events.from_dict({"a": [("Bell", 0, 1)], "a.wav": [("Bell", 0, 1)]}, ontology=TOY)
    with pytest.raises(OptionError, match=r"'a.wav' names no file of its own"):
        export(alike, "audacity", tmp_path / "a", vocabulary=VOCABULARY, files="{clip}")
    with pytest.raises(TargetsFileError, match="no such folder; make it first"):
        export(EVENTS, "audacity", tmp_path / "none" / "a", vocabulary=VOCABULARY)
    long = Events.from_dict({"a" * 300: [("Bell", 0, 1)]}, ontology=TOY)
    with pytest.raises(TargetsFileError, match="not written, left as it was: File name too long"):
        export(long, "audacity", tmp_path / "a", vocabulary=VOCABULARY)
    assert not list(tmp_path.iterdir())


@pytest.mark.shared
def test_real_events_are_all_there(tmp_path: Path, shared_data: Path) -> None:
    events = read_events(shared_data / "audioset" / "strong_eval_110_classes.tsv.gz")
    vocabulary = load_vocabulary("audioset-strong")
    export(events, "raven", tmp_path / "a.txt")
    found = {(clip, *row) for clip, rows in read_raven(tmp_path / "a.txt").items() for row in rows}
    clip, column, onset, offset = implied_events(events, vocabulary)
    ids = events.clip_id.to_pylist()
    assert found == {
        (f"{ids[c]}.wav", a / 1000, b / 1000, vocabulary.names[label])
        for c, label, a, b in zip(*(x.tolist() for x in (clip, column, onset, offset)), strict=True)
    }
