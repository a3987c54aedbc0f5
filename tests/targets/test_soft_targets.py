import json
import pickle
from dataclasses import replace
from pathlib import Path
from typing import Any

import duckdb
import numpy as np
import polars
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from datasets import Dataset
from hypothesis import given
from hypothesis import strategies as st

import audiolabels
from audiolabels import (
    Scores,
    SoftTargets,
    Vocabulary,
    expand,
    load_vocabulary,
    read_scores,
    read_targets,
    write_targets,
)
from audiolabels.arrays.columns import doubles_to_arrow, texts_to_arrow
from audiolabels.clips.rows import clip_rows
from audiolabels.comparison.file_comparison import compare_files
from audiolabels.errors import OptionError, ScoresFileError, TargetsFileError, VocabularyError
from audiolabels.targets import read_info
from audiolabels.targets.layouts import SOFT_LAYOUTS

LAYOUTS = pytest.mark.parametrize("layout", SOFT_LAYOUTS)
NAMES = ["Guitar", "Rain", "Speech"]
TARGETS = expand(
    Scores.from_arrays(
        ["a", "a", "<b>"],
        [[0.5, 0.25, 0.0], [1.0, 0.0, 0.75], [0.125, 0.5, 0.0]],
        classes=NAMES,
        onset=[0, 5, 0],
        offset=[5, None, 5],
    ),
    "pseudo-strong",
    vocabulary=[*NAMES, "Music"],
)


@st.composite
def drawn_targets(draw: st.DrawFn) -> SoftTargets:
    columns, rows = draw(st.integers(1, 20)), draw(st.integers(0, 6))
    rng = np.random.default_rng(draw(st.integers(0, 2**32)))
    unknown = rng.random((rows, columns)) < 0.3
    scores = np.where(unknown, 0, rng.random((rows, columns))).astype(np.float16)
    ids = tuple(f"/x/{i}" for i in range(columns))
    facts = {"name": "drawn", "ids": list(ids), "names": list(ids)}
    ends = draw(st.lists(st.none() | st.floats(0, 1e6), min_size=rows, max_size=rows))
    return SoftTargets(
        clip_rows(
            texts_to_arrow([f"clip é {i}" for i in range(rows)]),
            doubles_to_arrow([0.0] * rows),
            doubles_to_arrow(ends),
        ),
        Vocabulary("drawn", ids, ids),
        scores,
        np.packbits(unknown, axis=1),
        metadata={
            "scheme": "drawn",
            "options": {},
            "vocabulary": facts,
            "ontology": {"classes": 0},
        },
    )


@LAYOUTS
@given(targets=drawn_targets())
def test_files_round_trip(tmp_path_factory: Any, layout: str, targets: SoftTargets) -> None:
    path = tmp_path_factory.getbasetemp() / "soft.parquet"
    write_targets(targets, path, layout=layout)
    again = read_targets(path)
    assert isinstance(again, SoftTargets)
    assert np.array_equal(again.scores.view(np.uint16), targets.scores.view(np.uint16))
    assert np.array_equal(again.masked, targets.masked)
    assert again.vocabulary == targets.vocabulary
    assert again.metadata == targets.metadata
    for name in ("clip_id", "onset", "offset"):
        assert getattr(again, name).equals(getattr(targets, name))
    first = path.read_bytes()
    write_targets(again, path, layout=layout)
    assert path.read_bytes() == first


@LAYOUTS
def test_several_row_groups_round_trip(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, layout: str
) -> None:
    monkeypatch.setitem(vars(SOFT_LAYOUTS[layout]), "group", 2)
    write_targets(TARGETS, tmp_path / "t.parquet", layout=layout)
    assert pq.ParquetFile(tmp_path / "t.parquet").num_row_groups == 2
    assert np.array_equal(read_targets(tmp_path / "t.parquet").to_numpy(), TARGETS.to_numpy())


def test_columns_and_metadata(tmp_path: Path) -> None:
    write_targets(TARGETS, tmp_path / "t.parquet", layout="dense")
    table = pq.read_table(tmp_path / "t.parquet")
    assert table.schema.field("target").type == pa.list_(pa.field("element", pa.float16()), 4)
    assert table["mask"].to_pylist() == [[1, 1, 1, 0]] * 3
    facts = read_info(tmp_path / "t.parquet")
    assert (facts["layout"], facts["soft"], facts["rows"]) == ("dense", True, 3)
    assert facts["columns"] == ["target", "mask"]


def test_the_default_holds_bytes_that_numpy_reads(tmp_path: Path) -> None:
    path = tmp_path / "t.parquet"
    write_targets(TARGETS, path)
    facts = read_info(path)
    assert (facts["layout"], facts["soft"], facts["rows"]) == ("packed", True, 3)
    assert facts["columns"] == ["target", "masked"]
    target, mask = TARGETS.to_numpy()
    tables = (
        pq.read_table(path)["target"].to_pylist(),
        [target for (target,) in duckdb.sql(f"select target from '{path}'").fetchall()],
        polars.read_parquet(path)["target"].to_list(),
        Dataset.from_parquet(str(path), cache_dir=str(tmp_path / "cache"))["target"],
    )
    for cells in tables:
        assert np.frombuffer(b"".join(cells), "<f2").reshape(3, 4).tolist() == target.tolist()
    bits = np.frombuffer(b"".join(pq.read_table(path)["masked"].to_pylist()), np.uint8)
    assert np.array_equal(np.unpackbits(bits[:, None], axis=1, count=4) == 0, mask)
    columns = pq.ParquetFile(path).metadata.row_group(0).to_dict()["columns"]
    stored = {column["path_in_schema"]: column["compression"] for column in columns}
    assert (stored["target"], stored["masked"]) == ("UNCOMPRESSED", "UNCOMPRESSED")


@LAYOUTS
def test_they_are_read_as_scores(tmp_path: Path, layout: str) -> None:
    targets = TARGETS.take(np.array([0, 2]))  # whose ends are known
    write_targets(targets, tmp_path / "t.parquet", layout=layout)
    read = read_scores(tmp_path / "t.parquet")
    assert np.array_equal(read.scores, targets.to_numpy()[0])
    assert np.array_equal(read.unknown, targets.masked)
    assert read.clip_id.equals(targets.clip_id)
    whole = pq.read_table(tmp_path / "t.parquet")
    nulls = pa.nulls(2, whole["target"].type)
    pq.write_table(whole.set_column(3, "target", nulls), tmp_path / "n.parquet")
    with pytest.raises(ScoresFileError, match=r"n\.parquet: "):
        read_scores(tmp_path / "n.parquet")


def test_files_of_earlier_versions_open() -> None:
    """`soft_dense.parquet` was written when `dense` was the only layout of soft targets."""
    scores = np.array([[0.5, 0.25, 0, 0], [1, 0, 0.75, 0], [0.125, 0.3, 1e-6, 0]], np.float16)
    path = Path(__file__).parent.parent / "golden" / "soft_dense.parquet"
    targets = read_targets(path)
    assert isinstance(targets, SoftTargets)
    assert targets.clip_id.to_pylist() == ["a", "a", "b"]
    assert np.array_equal(targets.scores, scores)
    assert targets.to_numpy()[1].tolist() == [[1, 1, 1, 0]] * 3
    assert audiolabels.open(path)["b"].target.tolist() == [scores[2].astype(np.float32).tolist()]


def test_other_readers_agree(tmp_path: Path) -> None:
    path = tmp_path / "t.parquet"
    write_targets(TARGETS, path, layout="dense")
    expected = TARGETS.to_numpy()[0].tolist()
    assert pq.read_table(path)["target"].to_pylist() == expected
    assert np.stack(pq.read_table(path).to_pandas()["target"]).tolist() == expected
    assert [list(map(float, row)) for row in polars.read_parquet(path)["target"]] == expected
    rows = duckdb.sql(f"select target from '{path}'").fetchall()
    assert [list(row) for (row,) in rows] == expected


def test_lists_name_the_threshold(tmp_path: Path) -> None:
    with pytest.raises(OptionError, match=r"no soft targets, only packed and dense.*--thr"):
        write_targets(TARGETS, tmp_path / "t.parquet", layout="lists")
    assert list(tmp_path.iterdir()) == []


def test_where_hard_targets_are_needed_the_threshold_is_named(tmp_path: Path) -> None:
    write_targets(TARGETS, tmp_path / "t.parquet")
    with pytest.raises(TargetsFileError, match=r"soft targets, where hard ones are needed.*thresh"):
        compare_files(tmp_path / "t.parquet", tmp_path / "t.parquet")


def test_metadata_that_lie_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "t.parquet"
    write_targets(TARGETS, path)
    facts = read_info(path) | {"soft": False}
    table = pq.read_table(path).replace_schema_metadata({"audiolabels": json.dumps(facts)})
    pq.write_table(table, path)
    with pytest.raises(TargetsFileError, match="columns or rows do not match"):
        read_targets(path)


def test_a_file_cut_off_is_refused(tmp_path: Path) -> None:
    write_targets(TARGETS, tmp_path / "t.parquet")
    whole = (tmp_path / "t.parquet").read_bytes()
    for size in range(0, len(whole), 97):
        (tmp_path / "cut.parquet").write_bytes(whole[:size])
        with pytest.raises(TargetsFileError, match="cannot be read as Parquet"):
            read_targets(tmp_path / "cut.parquet")


def test_arrays_have_the_stated_type() -> None:
    for array in TARGETS.to_numpy():
        assert (array.shape, array.dtype) == ((3, 4), np.float32)


@pytest.mark.parametrize("rows", [[2, 0, 0], np.array([1]), slice(1, 3), []])
def test_rows_are_chosen(rows: object) -> None:
    for part, full in zip(TARGETS.to_numpy(rows), TARGETS.to_numpy(), strict=True):
        assert np.array_equal(part, full[rows])


def test_torch_gets_the_same() -> None:
    torch = pytest.importorskip("torch")
    for tensor, array in zip(TARGETS.to_torch(), TARGETS.to_numpy(), strict=True):
        assert tensor.dtype == torch.float32
        assert np.array_equal(tensor.numpy(), array)


def test_pandas_gets_the_highest() -> None:
    frame = TARGETS.to_pandas()
    assert frame["top"][1] == [("Guitar", 1.0), ("Speech", 0.75)]
    assert frame["masked"].tolist() == [1, 1, 1]
    assert frame["onset"].tolist() == [0, 5, 0]


def test_slices_keep_the_rows() -> None:
    part = TARGETS.slice(1, 9)
    assert part.clip_id.to_pylist() == ["a", "<b>"]
    assert np.array_equal(part.to_numpy(), np.array(TARGETS.to_numpy())[:, 1:])


def test_it_says_what_it_is() -> None:
    assert repr(TARGETS) == (
        "SoftTargets(pseudo-strong, 3 rows × 4 classes, scores that add up to 1.04 and 1.00 "
        "masked per row)"
    )
    page = TARGETS._repr_html_()
    assert "Guitar 1.00 · Speech 0.75" in page
    assert "<b>" not in page
    assert repr(replace(TARGETS.slice(0, 0), metadata={})).startswith("SoftTargets(?, 0 rows")


def test_other_columns_are_selected() -> None:
    chosen = TARGETS.select(load_vocabulary(["Music", "Speech", "Guitar"]))
    for mine, theirs in zip(chosen.to_numpy(), TARGETS.to_numpy(), strict=True):
        assert np.array_equal(mine, theirs[:, [3, 2, 0]])
    assert chosen.metadata["vocabulary"]["names"] == ["Music", "Speech", "Guitar"]
    with pytest.raises(VocabularyError, match="lacks 1 classes"):
        TARGETS.select(load_vocabulary(["Dog"]))


def test_the_label_source_serves_them(tmp_path: Path) -> None:
    write_targets(TARGETS, tmp_path / "t.parquet")
    target, mask = TARGETS.to_numpy()
    source = audiolabels.open(tmp_path / "t.parquet")
    two = source[["<b>", "a"]]
    assert two.target.shape == (2, 2, 4)
    assert np.array_equal(two.target[1], target[:2])
    assert np.array_equal(two.target[0], [target[2], [0] * 4])
    assert np.array_equal(two.mask[0], [mask[2], [0] * 4])
    bits, rows = source.positive_bits()
    positive = np.unpackbits(bits[rows], axis=1, count=4)
    assert positive.tolist() == [[1, 0, 1, 0], [0, 1, 0, 0]]
    other = audiolabels.open(tmp_path / "t.parquet", vocabulary=["Rain"])
    assert pickle.loads(pickle.dumps(other))["a"].target.tolist() == [[0.25], [0.0]]
    whole = audiolabels.LabelSource(TARGETS.slice(1, 3))
    assert whole[["<b>"]].target.tolist() == [target[2].tolist()]
    assert whole.positive_bits()[1].tolist() == [0, 1]


def test_targets_travel_to_other_processes() -> None:
    there = pickle.loads(pickle.dumps(TARGETS))
    assert np.array_equal(there.to_numpy(), TARGETS.to_numpy())
