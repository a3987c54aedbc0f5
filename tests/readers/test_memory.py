"""Data in memory is read as files are, and what was read is handed on as Arrow."""

import io
import json
import tarfile
from collections.abc import Callable
from datetime import datetime, time
from pathlib import Path
from typing import Any

import datasets
import duckdb
import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from pyarrow.dataset import dataset

from audiolabels import Annotations, expand, read_events, read_labels, read_scores
from audiolabels.errors import (
    InputTypeError,
    LabelFileError,
    OptionError,
    UnknownClipError,
    UnknownLabelError,
    VocabularyError,
)

HOLDERS: dict[str, Callable[[dict[str, list[Any]]], Any]] = {
    "dict": dict,
    "rows": lambda columns: pa.table(columns).to_pylist(),
    "arrow": pa.table,
    "pandas": pd.DataFrame,
    "polars": pl.DataFrame,
    "duckdb": lambda columns: duckdb.from_arrow(pa.table(columns)),
    "hugging face": datasets.Dataset.from_dict,
    "chosen rows": lambda columns: datasets.Dataset.from_dict(
        {name: cells[::-1] for name, cells in columns.items()}
    ).select(range(len(next(iter(columns.values()))))[::-1]),
}
LABELS = {"clip_id": ["a", "b", "c"], "labels": [["Guitar", "Rain"], ["Dog"], ["Bark"]]}
LONG = {"filename": ["a.wav", "a.wav", "b.wav"], "label": ["Guitar", "Rain", "Dog"]}
EVENTS = {"clip": ["a", "a"], "onset": [0.0, 1.5], "offset": [1.0, 2.5], "label": ["Dog", "Rain"]}


@pytest.mark.parametrize("hold", HOLDERS.values(), ids=HOLDERS)
def test_what_people_hold_is_read(hold: Callable[[dict[str, list[Any]]], Any]) -> None:
    assert list(read_labels(hold(LABELS))) == [("Guitar", "Rain"), ("Dog",), ("Bark",)]
    assert list(read_labels(hold(LONG))) == [("Guitar", "Rain"), ("Dog",)]
    events = read_events(hold(EVENTS), clip_duration=4)
    assert events["a"] == (("Dog", 0.0, 1.0), ("Rain", 1.5, 2.5))
    assert expand(hold(LABELS), "weak", vocabulary=["Dog"]).to_numpy()[0].tolist() == [
        [0],
        [1],
        [0],
    ]
    framed = expand(hold(EVENTS), "strong-framed", vocabulary=["Dog"], clip_duration=4)
    assert framed.to_numpy()[0].ravel().tolist() == [1, 0, 0, 0]


def test_clips_with_their_labels_or_events_are_read() -> None:
    assert list(read_labels({"a": ["Guitar"], "b": ["Dog", "Bark"]})) == [
        ("Guitar",),
        ("Dog", "Bark"),
    ]
    events = read_events({"a": [("Dog", 0, 1)], "b": []}, clip_duration=4)
    assert list(events) == [(("Dog", 0.0, 1.0),), ()]


def test_memory_is_read_by_the_same_roles_and_gives_the_same_errors(tmp_path: Path) -> None:
    columns = {"recording": ["x/a.wav", "y/a.wav"], "bird": ["Bird", "Owl"], "sure": ["1", "2"]}
    path = tmp_path / "birds.csv"
    pd.DataFrame(columns).to_csv(path, index=False)
    roles = "clip=recording,label=bird,ignored=sure"
    held = read_labels(pl.DataFrame(columns), columns=roles)
    assert held.to_pandas().equals(read_labels(path, columns=roles).to_pandas())
    assert any("columns not used: sure" in note for note in held.report.notes)
    with pytest.raises(LabelFileError, match=r"polars.DataFrame: no column of clips"):
        read_labels(pl.DataFrame({"x": ["a"], "labels": ["Dog"]}))
    with pytest.raises(UnknownLabelError, match=r"dict: .*'Dgo' \(row 2; the nearest: Dog"):
        read_labels({"clip_id": ["a", "b"], "label": ["Dog", "Dgo"]})
    with pytest.raises(InputTypeError, match="label files"):
        read_labels(3)


def test_scores_in_memory_are_read() -> None:
    columns = {"clip_id": ["a", "b"], "scores": [[0.25, 0.5], [0.75, 1.0]]}
    for held in (columns, pl.DataFrame(columns), pd.DataFrame(columns)):
        with pytest.raises(VocabularyError, match="2 classes"):
            read_scores(held)
        table = pa.table({**columns, "classes": [["Dog", "Rain"]] * 2})
        assert read_scores(table).scores.tolist() == columns["scores"]
    soft = expand(table, "pseudo-strong", vocabulary=["Rain"])
    assert soft["b"][0].tolist() == [1.0]


def test_labels_events_and_targets_are_handed_on() -> None:
    labels = read_labels(LABELS)
    frame = pl.DataFrame(labels)
    assert frame["labels"].to_list() == LABELS["labels"]
    assert list(read_labels(frame.filter(pl.col("clip_id") != "b"))) == [
        ("Guitar", "Rain"),
        ("Bark",),
    ]
    events = read_events(EVENTS, clip_duration=4)
    assert pl.DataFrame(events)["label"].to_list() == EVENTS["label"]
    targets = expand(labels, "pe-cml", vocabulary=["Dog", "Bark", "Rain"])
    table = pa.table(targets)
    counted = duckdb.from_arrow(table).project("clip_id, len(positive), len(masked)")
    assert counted.fetchall() == [("a", 1, 0), ("b", 1, 1), ("c", 2, 0)]
    assert pd.DataFrame(targets.to_pandas())["positive"].to_list() == table["positive"].to_pylist()
    scores = pa.table({"clip_id": ["a"], "scores": [[0.25, 0.5]], "classes": [["Dog", "Rain"]]})
    soft = pl.DataFrame(expand(scores, "pseudo-strong", vocabulary=["Rain", "Dog"]))
    assert [list(map(float, row)) for row in soft["target"].to_list()] == [[0.5, 0.25]]


def test_clips_are_looked_up_by_row_and_by_id() -> None:
    labels = read_labels({"abcdefghijk_30000": ["Guitar"], "b": ["Dog"]})
    assert labels[0] == labels[-2] == labels["Yabcdefghijk.wav"] == ("Guitar",)
    assert len(labels) == 2
    assert "b.wav" in labels
    assert "c" not in labels
    assert ("Dog",) not in labels
    with pytest.raises(UnknownClipError, match="no clip 'c' among 2"):
        labels["c"]
    with pytest.raises(IndexError):
        labels[2]
    targets = expand(labels, "weak", vocabulary=["Dog", "Guitar"])
    assert [part.tolist() for part in targets["b"]] == [[1, 0], [1, 1]]
    assert [target.tolist() for target, _ in targets] == [[0, 1], [1, 0]]
    framed = expand(EVENTS, "strong-framed", vocabulary=["Dog"], clip_duration=4)
    assert framed["a"][0].shape == (4, 1)
    assert ("a" in framed, "b" in framed, "a" in read_events(EVENTS)) == (True, False, True)


@pytest.mark.parametrize("row", [slice(2), [0, 1], np.array([0, 1]), 0.5, None], ids=repr)
def test_what_is_neither_an_id_nor_a_number_is_no_row(row: Any) -> None:
    labels, events = read_labels(LABELS), read_events(EVENTS, clip_duration=4)
    for held in (labels, events, expand(labels, "weak")):
        with pytest.raises(InputTypeError, match="expected a clip's id or a row's number; got "):
            held[row]


def test_summaries_count_by_class() -> None:
    labels = read_labels(LABELS)
    assert labels.summary()["clips"].sum() == 4
    summary = expand(labels, "pe-cml", vocabulary=["Dog", "Bark"]).summary()
    numbers = summary[["positive", "negative", "unknown"]].to_numpy()
    assert numbers.tolist() == [[2, 1, 0], [1, 1, 1]]
    assert (numbers.sum(1) == 3).all()
    by_class = read_events(EVENTS, clip_duration=4).summary()
    assert np.allclose(by_class["seconds"], [1, 1])


def test_an_empty_list_is_a_verified_empty_clip() -> None:
    labels = read_labels({"a": ["Dog"], "b": [], "c": None, "d": [None]})
    assert list(labels) == [("Dog",), (), None, None]
    assert [(f.clip, f.reason) for f in labels.report.findings] == [
        ("d", "null or an empty text in a list of labels"),
        ("c", "no label"),
        ("d", "no label"),
    ]
    assert list(read_labels({"b": []})) == [()]
    again = read_labels(labels)
    assert list(again) == list(labels)
    for scheme in ("weak", "pe-cml"):
        assert expand({"b": []}, scheme, vocabulary=["Dog"]).to_numpy()[1].tolist() == [[1]]


@pytest.mark.parametrize("form", ["memory", "polars", "parquet", "jsonl", "tar"])
@pytest.mark.parametrize("given", [["Dog"], None], ids=["labelled", "nothing"])
def test_an_empty_list_means_the_same_everywhere(
    given: list[str] | None, form: str, tmp_path: Path
) -> None:
    rows = [{"clip": "a", "labels": given}, {"clip": "b", "labels": []}, {"clip": "c"}]
    rows[2]["labels"] = None
    data: Any = pl.DataFrame(rows) if form == "polars" else rows
    if form not in ("memory", "polars"):
        data = tmp_path / f"labels.{form}"
    if form == "parquet":
        pq.write_table(pa.Table.from_pylist(rows), data)
    elif form == "jsonl":
        data.write_text("".join(f"{json.dumps(row)}\n" for row in rows))
    elif form == "tar":
        with tarfile.open(data, "w") as archive:
            for row in rows:
                content = json.dumps({"labels": row["labels"]}).encode()
                member = tarfile.TarInfo(f"{row['clip']}.json")
                member.size = len(content)
                archive.addfile(member, io.BytesIO(content))
    labels = read_labels(data)
    assert list(labels) == [given and tuple(given), (), None]
    assert "clips with an empty list of labels are verified empty" in labels.report.notes[0]
    assert [f.clip for f in labels.report.findings] == ["a", "c"][given is not None :]


@pytest.mark.parametrize("form", ["memory", "polars", "parquet", "jsonl", "dictionary"])
def test_a_null_among_the_labels_of_a_clip_is_reported(form: str, tmp_path: Path) -> None:
    labels = [["Dog"], ["Dog", None, "Rain"], [""], None, []]
    rows = [{"clip": clip, "labels": own} for clip, own in zip("abcde", labels, strict=True)]
    data: Any = pl.DataFrame(rows) if form == "polars" else rows
    if form == "parquet":
        data = tmp_path / "labels.parquet"
        pq.write_table(pa.Table.from_pylist(rows), data)
    elif form == "jsonl":
        data = tmp_path / "labels.jsonl"
        data.write_text("".join(f"{json.dumps(row)}\n" for row in rows))
    elif form == "dictionary":
        data = dict(zip("abcde", labels, strict=True))
    made = read_labels(data)
    assert list(made) == [("Dog",), ("Dog", "Rain"), None, None, ()]
    assert [(f.row, f.clip, f.kind, f.reason) for f in made.report.findings] == [
        (2, "b", "label dropped", "null or an empty text in a list of labels"),
        (3, "c", "label dropped", "null or an empty text in a list of labels"),
        (3, "c", "clip unlabelled", "no label"),
        (4, "d", "clip unlabelled", "no label"),
    ]


def test_a_zero_in_a_list_is_a_number_like_others() -> None:
    with pytest.raises(UnknownLabelError, match="numbers of an unknown class list"):
        read_labels({"clip": ["a"], "labels": [[0]]})


def test_labels_in_a_parquet_file_are_those_that_were_written(tmp_path: Path) -> None:
    labels = Annotations.from_dict({"a": ["Dog"], "b": [], "c": None})
    pq.write_table(pa.table(labels), tmp_path / "labels.parquet")
    assert list(read_labels(tmp_path / "labels.parquet")) == list(labels)


@pytest.mark.parametrize("hold", [dict, pa.table, pd.DataFrame], ids=["dict", "arrow", "pandas"])
def test_events_without_a_time_are_reported_like_empty_cells(
    hold: Callable[[dict[str, list[Any]]], Any], tmp_path: Path
) -> None:
    columns = {
        "clip": ["a", "b", "c", "d"],
        "onset": [0.0, None, 1.0, float("nan")],
        "offset": [1.0, 2.0, None, None],
        "label": ["Dog"] * 4,
    }
    path = tmp_path / "events.csv"
    path.write_text("clip,onset,offset,label\na,0,1,Dog\nb,,2,Dog\nc,1,,Dog\nd,nan,,Dog\n")
    events, of_file = read_events(hold(columns)), read_events(path)
    assert [events.events(i) for i in range(4)] == [(("Dog", 0.0, 1.0),), None, None, None]
    assert [(f.row + 1, f.clip, f.kind, f.reason) for f in events.report.findings] == [
        (f.row, f.clip, f.kind, f.reason) for f in of_file.report.findings
    ]


@pytest.mark.parametrize(
    ("data", "match"),
    [
        ({"a": "Dog"}, "dict: clip 'a': 'Dog' is no list of labels"),
        ({"a": [("Dog", 0.0, 1.0)], "b": ["Cat"]}, "dict: clip 'b': 'Cat' is no event"),
        ({"a": [("Dog", 1.0)]}, r"dict: clip 'a': \('Dog', 1.0\) is no event \(label, onset"),
    ],
)
def test_clips_with_something_else_are_refused(data: dict[str, Any], match: str) -> None:
    with pytest.raises(LabelFileError, match=match):
        read_events(data)


def test_decimals_are_numbers() -> None:
    held = duckdb.sql("SELECT 'a' AS clip, 'Dog' AS label, 0.5 AS onset, 1.25 AS offset")
    assert read_events(held)[0] == (("Dog", 0.5, 1.25),)
    valued = duckdb.sql("SELECT 'a' AS clip, 'Dog' AS label, 0.3 AS value")
    with pytest.raises(LabelFileError, match=r"column value holds 0\.3"):
        read_labels(valued)
    assert read_labels(valued, values=0.5)[0] is None


def test_categories_of_polars_are_texts() -> None:
    frame = pl.DataFrame(LONG | {"note": ["near", None, "far"]})
    category = frame.with_columns(pl.all().cast(pl.Categorical))
    enum = frame.with_columns(pl.col("label").cast(pl.Enum(["Dog", "Rain", "Guitar"])))
    for held in (category, enum):
        assert list(read_labels(held)) == list(read_labels(LONG))


@pytest.mark.parametrize("name", ["present", "score", "rater_1", "verified"])
def test_a_column_that_changes_the_meaning_is_refused_if_its_type_is_not_read(name: str) -> None:
    with pytest.raises(LabelFileError, match=rf"column {name} may change .* its type struct<x: in"):
        read_labels([{"clip": "a", "label": "Dog", name: {"x": 1}}])


def test_a_label_that_no_rater_saw_is_unknown() -> None:
    votes = {"clip": ["a"], "label": ["Dog"], "rater_1": [None], "rater_2": [None]}
    assert read_labels(votes, raters="mean")[0] is None


def test_events_that_were_handed_on_keep_their_states() -> None:
    """An absence is no event, nor is what may be one (DESED's dishes, which may be cutlery)."""
    columns = {
        "clip": ["a", "a", "b", "c", "d"],
        "label": ["Dishes", "Dog", "Speech", None, "Cat"],
        "onset": [0.0, 1.0, 0.0, None, 0.0],
        "offset": [1.0, 2.0, 1.0, None, 3.0],
        "present": [1, 0, 1, 1, 0],
    }
    events = read_events(columns, mapping="desed", clip_duration=4)
    for held in (pl.DataFrame(events), events.to_pandas(), pa.table(events)):
        again = read_events(held, clip_duration=4)
        states = events.to_pandas()["state"].to_list()
        assert states == ["present", "unsure", "absent", "present", "empty", "absent"]
        assert again.to_pandas().equals(events.to_pandas())
    named = read_events(
        columns | {"state": ["Ohio", "Utah", "Iowa", "Ohio", "Ohio"]}, mapping="desed"
    )
    assert "columns not used: state" in named.report.notes[0]


def test_columns_that_the_first_row_lacks_are_read() -> None:
    rows = [{"clip": "a", "label": "Dog"}, {"clip": "b", "label": "Cat", "present": False}]
    labels = read_labels(rows)
    assert list(labels) == [None]
    assert labels.report.findings[0].reason.startswith("neither PRESENT nor NOT_PRESENT")
    wide = [{"clip": "a", "Dog": 1}, {"clip": "b", "Dog": 0, "Cat": 1}]
    assert list(read_labels(wide)) == [("Dog",), ("Cat",)]
    with pytest.raises(LabelFileError, match="list: row 2: 5 is no dictionary of columns"):
        read_labels([rows[0], 5])


def test_times_in_text_are_read_as_those_of_csv() -> None:
    columns = {"clip": list("abc"), "label": ["Dog"] * 3, "onset": ["0.5", "x", ""]}
    events = read_events(columns | {"offset": ["1.5", "2", None]})
    assert events["a"] == (("Dog", 0.5, 1.5),)
    assert [f.reason for f in events.report.findings if f.kind == "event dropped"] == [
        "a time is not a number of seconds"
    ] * 2
    for cell in (time(0, 0, 1), datetime(2024, 1, 1)):
        with pytest.raises(LabelFileError, match=r"dict: column onset has the type .* make it sec"):
            read_events({"clip": ["a"], "label": ["Dog"], "onset": [cell], "offset": [2.0]})


def test_numbers_of_hugging_faces_classes_are_their_names() -> None:
    text, class_ = datasets.Value("string"), datasets.ClassLabel(names=["Dog", "Rain"])
    one = datasets.Dataset.from_dict(
        {"filename": ["a", "b", "c"], "label": [0, 1, -1]},
        features=datasets.Features(filename=text, label=class_),
    )
    assert list(read_labels(one)) == [("Dog",), ("Rain",), None]
    assert list(read_labels(one.select([1, 0]))) == [("Rain",), ("Dog",)]
    several = datasets.Dataset.from_dict(
        {"filename": ["a", "b"], "labels": [[1], [0, 1]]},
        features=datasets.Features(filename=text, labels=datasets.Sequence(class_)),
    )
    assert list(read_labels(several)) == [("Rain",), ("Dog", "Rain")]


@pytest.mark.parametrize(
    ("data", "match"),
    [
        ({"train": pd.DataFrame(LONG), "test": pl.DataFrame(LONG)}, "dict: several tables: train"),
        (
            datasets.DatasetDict(train=datasets.Dataset.from_dict(LONG)),
            "datasets.DatasetDict: several tables: train; give one of them",
        ),
        ({"a": {"label": "Dog"}}, "dict: 'a' holds a dictionary, not a list of cells"),
        (pd.DataFrame(LONG).to_dict(), "dict: 'filename' holds a dictionary, not a list"),
    ],
)
def test_what_holds_several_tables_is_refused(data: Any, match: str) -> None:
    with pytest.raises(LabelFileError, match=match):
        read_labels(data)


def test_a_path_is_no_ontology() -> None:
    for read in (read_labels, read_events, read_scores):
        with pytest.raises(InputTypeError, match="ontology: expected what load_ontology returns"):
            read({"a": ["Dog"]}, ontology="birds.json")  # type: ignore[operator]


@pytest.mark.parametrize(
    ("make", "remedy"),
    [
        (lambda: pl.DataFrame(LONG).lazy(), r"; of polars\.LazyFrame, call \.collect\(\) first"),
        (
            lambda: datasets.Dataset.from_dict(LONG).to_iterable_dataset(),
            r"; of datasets\.IterableDataset, pass list\(…\) of its rows",
        ),
        (lambda: dataset(pa.table(LONG)), r"; of pyarrow\.InMemoryDataset, call \.to_table\(\)"),
        (lambda: iter(pa.table(LONG).to_pylist()), r"; of list_iterator, pass list\(…\) of"),
        (lambda: [["a", "Dog"]], ""),
    ],
)
def test_what_is_no_table_is_refused_with_what_to_do(make: Callable[[], Any], remedy: str) -> None:
    taken = r"In memory are read .*data frames of pandas and polars, .* of Hugging Face"
    for read in (read_labels, read_events, read_scores):
        with pytest.raises(InputTypeError, match=rf"(?s): expected a path.*\. {taken}{remedy}"):
            read(make())
    with pytest.raises(OptionError, match=rf"needs Annotations, not .*{taken}{remedy}"):
        expand(make())
