"""The distinct labels of a data set, from any file that has them."""

from pathlib import Path

import polars as pl
import pytest
from reader_support import ONTOLOGY

from audiolabels.errors import LabelFileError, OptionError
from audiolabels.ontology.mapping import LabelMapping, Row
from audiolabels.readers.label_lists import list_labels

RAVEN = "Selection\tView\tBegin Time (s)\tEnd Time (s)\tSpecies\n1\tW\t0.5\t2.0\tWOTH\n"


def listed(folder: Path, text: str, name: str = "labels.csv", **options: object) -> list[str]:
    path = folder / name
    path.write_text(text)
    return [*list_labels(path, ontology=ONTOLOGY, **options)[0]]


@pytest.mark.parametrize(
    ("text", "labels"),
    [
        ("dog_bark\nsiren\ndog_bark\n", ["dog_bark", "siren"]),
        ("label\n# a comment\n\nsiren\n", ["siren"]),
        ('heartbeat\n"donkey, ass braying"\nrace car, auto racing\n',
         ["heartbeat", "donkey, ass braying", "race car, auto racing"]),
        ("filename,fold,category\na.wav,1,dog\nb.wav,1,cat\nc.wav,2,dog\n", ["dog", "cat"]),
        ("a.wav\t0.0\t1.5\tcar\na.wav\t1.0\t2.0\tbus\n", ["car", "bus"]),
        (RAVEN, ["WOTH"]),
        ("segment_id,start_time_seconds,end_time_seconds,label,present\n"
         "a,0.00,0.96,car,PRESENT\na,0.00,0.96,bus,NOT_PRESENT\n", ["car", "bus"]),
        ('clip_id,labels\na,"dog,cat"\nb,cat\nc,dog;rain\nd,\n', ["dog", "cat", "rain"]),
        ('clip_id,labels\na,"Dog,Rain"\n', ["Dog", "Rain"]),
        ("clip,label,confidence\na,dog,0.4\nb,cat,0.9\n", ["dog", "cat"]),
        ("clip,label,rater\na,dog,x\na,dog,y\nb,cat,x\n", ["dog", "cat"]),
        ('a.mp4,"donkey, ass braying"\nb.mp4,people eating\n',
         ["donkey, ass braying", "people eating"]),
    ],
)  # fmt: skip
def test_labels_are_found_in_what_people_have(tmp_path: Path, text: str, labels: list[str]) -> None:
    assert listed(tmp_path, text) == labels


def test_labels_of_data_in_memory() -> None:
    frame = pl.DataFrame({"clip_id": ["a", "b"], "labels": [["x", "y"], ["y"]]})
    labels, notes = list_labels(frame, ontology=ONTOLOGY)
    assert labels == ("x", "y")
    assert notes == ["polars.DataFrame was read as table (a table in memory)"]


def test_the_column_of_labels_is_enough(tmp_path: Path) -> None:
    text = "number,bird,note\n1,Owl,x\n2,Crow,y\n"
    with pytest.raises(LabelFileError, match="first row is 'number,bird,note'"):
        listed(tmp_path, text)
    assert listed(tmp_path, text, columns="label=bird") == ["Owl", "Crow"]
    assert listed(tmp_path, text, columns="labels=bird") == ["Owl", "Crow"]
    with pytest.raises(OptionError, match="columns"):
        listed(tmp_path, text, columns="label")
    frame = pl.DataFrame({"bird": ["Owl"], "note": ["x"]})
    assert list_labels(frame, ontology=ONTOLOGY, columns="label=bird")[0] == ("Owl",)
    classes = "index,mid,display_name\n0,/m/09x0r,Speech\n"
    assert listed(tmp_path, classes, columns="label=display_name") == ["Speech"]


def test_a_mapping_knows_its_labels_with_commas(tmp_path: Path) -> None:
    mapping = LabelMapping("own", (Row("dog, barking", "skos:closeMatch", None),))
    text = 'clip_id,labels\na,"dog, barking, cat"\nb,cat\n'
    assert listed(tmp_path, text) == ["dog", "barking", "cat"]
    assert listed(tmp_path, text, mapping=mapping) == ["dog, barking", "cat"]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("recording,bird\na.wav,Owl\n", "not a label file|no column of"),
        ("clip_id,labels\na,\n", "no label in any row"),
        ("", "empty"),
    ],
)
def test_what_has_no_labels_is_refused(tmp_path: Path, text: str, message: str) -> None:
    with pytest.raises(LabelFileError, match=message):
        listed(tmp_path, text)


def test_labels_of_several_files_are_gathered(tmp_path: Path) -> None:
    paths = [tmp_path / "one.txt", tmp_path / "two.txt"]
    for path, text in zip(paths, ("owl\ncrow\n", "crow\nrain\n"), strict=True):
        path.write_text(text)
    labels, notes = list_labels(paths, ontology=ONTOLOGY)
    assert labels == ("owl", "crow", "rain")
    assert notes == [f"{path.name} was read as a list of labels" for path in paths]
