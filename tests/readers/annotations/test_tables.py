"""Labels in Parquet."""

from pathlib import Path

import pyarrow as pa
import pytest
from label_examples import EXAMPLES
from reader_support import (
    GUITAR,
    MUSIC,
    ONTOLOGY,
    SPEECH,
    Reader,
    Refuser,
    by_clip,
    findings,
    parquet_bytes,
    refuse,
    write,
)

from audiolabels import expand, write_targets
from audiolabels.readers import (
    BlockSizes,
    read_labels,
)

RIGHT = {"-aaaaaaaaaa_30000": {SPEECH, MUSIC}, "bbbbbbbbbb__0": {GUITAR}}


@pytest.mark.parametrize(
    "column",
    [
        pa.array([["/m/04rlf", "/m/09x0r"], ["Guitar"]]),
        pa.array([["/m/04rlf", "/m/09x0r"], ["Guitar"]], pa.large_list(pa.large_string())),
        pa.array([["/m/04rlf", "/m/09x0r"], ["Guitar", None]], pa.list_(pa.string(), 2)),
        pa.array(["/m/04rlf,/m/09x0r", "Guitar"]),
        pa.array(["/m/04rlf;/m/09x0r", "Guitar"], pa.large_string()),
        pa.array([["Music", "Speech"], [None, "Guitar", ""]]),
    ],
    ids=lambda column: str(column.type),
)
def test_parquet_labels_may_be_lists_or_texts(column: pa.Array, read: Reader) -> None:
    names = ["-aaaaaaaaaa_30000", "bbbbbbbbbb__0"]
    assert by_clip(read(parquet_bytes({"video_id": names, "labels": column}))) == RIGHT


def test_parquet_names_with_commas_stay_whole(read: Reader) -> None:
    given = [["Whack, thwack", "Male speech, man speaking"], ["Whack, thwack"]]
    labels = read(parquet_bytes({"video_id": ["a", "b"], "labels": given}))
    whack, male = (ONTOLOGY.resolve(name) for name in given[0])
    assert by_clip(labels) == {"a": {whack, male}, "b": {whack}}


def test_parquet_ids_are_read_rather_than_the_names_beside_them(read: Reader) -> None:
    columns = {"video_id": ["a"], "labels": [["/m/04rlf"]], "human_labels": [["Musik"]]}
    assert by_clip(read(parquet_bytes(columns))) == {"a": {MUSIC}}


def test_a_clip_with_null_is_unannotated_and_one_with_an_empty_list_verified_empty(
    read: Reader,
) -> None:
    labels = read(parquet_bytes({"video_id": ["a", "b", "c"], "labels": [None, [], ["Music"]]}))
    assert by_clip(labels) == {"a": None, "b": set(), "c": {MUSIC}}
    assert findings(labels) == [(1, "a", "clip unlabelled", "no label")]


def test_parquet_rows_without_a_clip_are_reported(read: Reader) -> None:
    labels = read(parquet_bytes({"clip_id": [None, "a", ""], "labels": [["Music"]] * 3}))
    assert by_clip(labels) == {"a": {MUSIC}}
    assert [(f.row, f.kind) for f in labels.report.findings] == [
        (1, "row unused"),
        (3, "row unused"),
    ]
    assert (labels.report.rows, labels.report.rows_used) == (3, 1)


def test_parquet_rows_are_counted_through_all_batches(read: Reader) -> None:
    sizes = BlockSizes(parquet=2)
    names = ["a", "b", None, "c", "a", "b"]
    labels = read(
        parquet_bytes({"video_id": names, "labels": [["Music"]] * 6}),
        "p.parquet",
        block_sizes=sizes,
    )
    assert labels.rows.tolist() == [1, 2, 4, 5, 6]
    assert [(f.row, f.kind) for f in labels.report.findings] == [
        (3, "row unused"),
        (5, "duplicate clip"),
        (6, "duplicate clip"),
    ]


@pytest.mark.parametrize(
    ("columns", "match"),
    [
        ({"clip": ["a"], "x": [1]}, "no column of labels; columns are clip, x"),
        ({"labels": [["Music"]]}, "no column of clips"),
        ({"video_id": ["a"], "labels": [[1, 2]]}, "numbers of an unknown class list"),
        ({"clip_id": ["a"], "labels": [{"x": 1}]}, "no column of labels"),
    ],
)
def test_parquet_without_the_columns_is_refused(
    columns: dict[str, list[object]], match: str, refuse_content: Refuser
) -> None:
    refuse_content(parquet_bytes(columns), match, "x.parquet")


def test_parquet_with_a_column_twice_is_refused(refuse_content: Refuser) -> None:
    arrays = [pa.array(["a"]), pa.array([["Music"]]), pa.array([["Guitar"]])]
    table = pa.Table.from_arrays(arrays, names=["video_id", "labels", "labels"])
    refuse_content(parquet_bytes(table), "labels", "twice.parquet")


@pytest.mark.parametrize("layout", ["lists", "packed", "dense"])
def test_targets_are_no_labels(layout: str, tmp_path: Path) -> None:
    path = tmp_path / "targets.parquet"
    write_targets(expand(read_labels(write(tmp_path, EXAMPLES["psl"]))), path, layout=layout)
    refuse(path, "targets that were written before, not labels; 'audiolabels info' shows them")
