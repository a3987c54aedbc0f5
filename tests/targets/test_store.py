import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import duckdb
import numpy as np
import polars
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st

from audiolabels import Annotations, Targets, Vocabulary, expand, read_targets, write_targets
from audiolabels.arrays.columns import doubles_to_arrow, texts_to_arrow
from audiolabels.clips.rows import clip_rows
from audiolabels.errors import OptionError, TargetsFileError
from audiolabels.files import atomic_path
from audiolabels.targets import read_info
from audiolabels.targets.layouts import COLUMN_NUMBERS, LAYOUTS

ALL_LAYOUTS = pytest.mark.parametrize("layout", LAYOUTS)


@st.composite
def drawn_targets(draw: st.DrawFn) -> Targets:
    """Any targets over any number of classes, with null offsets and shared rows."""
    columns = draw(st.integers(1, 20))
    rows, clips = draw(st.integers(1, 4)), draw(st.integers(0, 6))
    rng = np.random.default_rng(draw(st.integers(0, 2**32)))
    state = rng.integers(0, 3, (rows, columns))
    ends = draw(st.lists(st.none() | st.floats(0, 1e6), min_size=clips, max_size=clips))
    ids = tuple(f"/x/{i}" for i in range(columns))
    facts = {"name": "drawn", "ids": list(ids), "names": list(ids)}
    return Targets(
        clip_rows(
            texts_to_arrow([f"clip é {i}" for i in range(clips)]),
            doubles_to_arrow([0.0] * clips),
            doubles_to_arrow(ends),
        ),
        Vocabulary("drawn", ids, ids),
        rng.integers(0, rows, clips).astype(np.int32),
        np.packbits(state == 1, axis=1),
        np.packbits(state == 2, axis=1),
        np.zeros(rows, np.int32),
        metadata={
            "scheme": "drawn",
            "options": {},
            "vocabulary": facts,
            "ontology": {"classes": 0},
        },
    )


@pytest.fixture
def targets() -> Targets:
    labels = {"a_0": ["Guitar"], "b_0": ["Electric guitar", "Rain"], "c_0": None, "d_0": []}
    return expand(Annotations.from_dict(labels), "pe-cml")


@ALL_LAYOUTS
@given(targets=drawn_targets())
def test_layouts_round_trip(tmp_path_factory: Any, layout: str, targets: Targets) -> None:
    path = tmp_path_factory.getbasetemp() / f"{layout}.parquet"
    write_targets(targets, path, layout=layout)
    again = read_targets(path)
    for mine, theirs in zip(again.to_numpy(), targets.to_numpy(), strict=True):
        assert np.array_equal(mine, theirs)
    assert again.vocabulary == targets.vocabulary
    assert again.metadata == targets.metadata
    for name in ("clip_id", "onset", "offset"):
        assert getattr(again, name).equals(getattr(targets, name))
    first = path.read_bytes()
    write_targets(again, path, layout=layout)
    assert path.read_bytes() == first


@ALL_LAYOUTS
def test_several_row_groups_round_trip(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, layout: str, targets: Targets
) -> None:
    monkeypatch.setitem(vars(LAYOUTS[layout]), "group", 3)
    write_targets(targets, tmp_path / "t.parquet", layout=layout)
    assert pq.ParquetFile(tmp_path / "t.parquet").num_row_groups == 2
    again = read_targets(tmp_path / "t.parquet")
    assert again.clip_id.equals(targets.clip_id)
    assert np.array_equal(again.to_numpy(), targets.to_numpy())


def test_columns_of_lists(tmp_path: Path, targets: Targets) -> None:
    write_targets(targets, tmp_path / "t.parquet")
    table = pq.read_table(tmp_path / "t.parquet")
    assert (
        table.schema.types[3:] == [pa.list_(pa.field("element", pa.uint16(), nullable=False))] * 2
    )
    positive, masked = table["positive"].to_pylist(), table["masked"].to_pylist()
    target, mask = targets.to_numpy()
    assert positive == [np.flatnonzero(row).tolist() for row in target]
    assert masked == [np.flatnonzero(row == 0).tolist() for row in mask]


def test_columns_of_packed(tmp_path: Path, targets: Targets) -> None:
    write_targets(targets, tmp_path / "t.parquet", layout="packed")
    rows = pq.read_table(tmp_path / "t.parquet")["positive"].to_pylist()
    bits = [np.unpackbits(np.frombuffer(row, np.uint8), count=527) for row in rows]
    assert np.array_equal(bits, targets.to_numpy()[0])


def test_columns_of_dense(tmp_path: Path, targets: Targets) -> None:
    write_targets(targets, tmp_path / "t.parquet", layout="dense")
    table = pq.read_table(tmp_path / "t.parquet")
    assert table.schema.field("target").type == pa.list_(pa.field("element", pa.float32()), 527)
    assert np.array_equal(table["target"].to_pylist(), targets.to_numpy()[0])
    assert np.array_equal(table["mask"].to_pylist(), targets.to_numpy()[1])


def test_offsets_are_null_where_the_length_is_not_known(tmp_path: Path, targets: Targets) -> None:
    write_targets(targets, tmp_path / "t.parquet")
    table = pq.read_table(tmp_path / "t.parquet")
    assert table["onset"].to_pylist() == [0.0] * 4
    assert table["offset"].null_count == 4


@ALL_LAYOUTS
def test_other_readers_agree(tmp_path: Path, layout: str, targets: Targets) -> None:
    path = tmp_path / "t.parquet"
    write_targets(targets, path, layout=layout)
    clips = targets.clip_id.to_pylist()
    assert polars.read_parquet(path)["clip_id"].to_list() == clips
    assert duckdb.sql(f"select clip_id from '{path}'").fetchall() == [(c,) for c in clips]
    assert pq.read_table(path).to_pandas()["clip_id"].tolist() == clips


def test_sql_counts_guitars(tmp_path: Path, targets: Targets) -> None:
    path = tmp_path / "t.parquet"
    write_targets(targets, path)
    guitar = targets.vocabulary.index["/m/0342h"]
    query = f"select count(*) from '{path}' where list_contains(positive, {guitar})"
    assert duckdb.sql(query).fetchall() == [(2,)]


@ALL_LAYOUTS
def test_metadata_explain_the_file(tmp_path: Path, layout: str, targets: Targets) -> None:
    write_targets(targets, tmp_path / "t.parquet", layout=layout)
    facts = read_info(tmp_path / "t.parquet")
    assert json.loads(pq.read_schema(tmp_path / "t.parquet").metadata[b"audiolabels"]) == facts
    assert facts["scheme"] == "pe-cml"
    assert facts["options"] == {"parents": "all"}
    assert facts["layout"] == layout
    assert facts["rows"] == 4
    assert facts["vocabulary"]["ids"] == list(targets.vocabulary.ids)
    assert len(facts["ontology"]["digest"]) == 64


def test_an_unknown_layout_is_refused(tmp_path: Path, targets: Targets) -> None:
    with pytest.raises(OptionError, match="layout 'sparse' is not offered; choose one of lists"):
        write_targets(targets, tmp_path / "t.parquet", layout="sparse")
    assert list(tmp_path.iterdir()) == []


def rewrite(path: Path, **changes: Any) -> None:
    """The same table under other metadata."""
    facts = read_info(path) | changes
    table = pq.read_table(path).replace_schema_metadata({"audiolabels": json.dumps(facts)})
    pq.write_table(table, path)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"format_version": 99}, "format 99.*upgrade"),
        ({"layout": "sparse"}, "layout 'sparse'"),
        ({"rows": 5}, "columns or rows do not match"),
        ({"columns": ["target", "mask"]}, "columns or rows do not match"),
        ({"vocabulary": None}, "broken metadata"),
    ],
)
def test_metadata_that_lie_are_refused(
    tmp_path: Path, targets: Targets, changes: dict[str, Any], message: str
) -> None:
    path = tmp_path / "t.parquet"
    write_targets(targets, path)
    rewrite(path, **changes)
    with pytest.raises(TargetsFileError, match=message):
        read_targets(path)


def test_foreign_parquet_is_refused(tmp_path: Path) -> None:
    pq.write_table(pa.table({"x": [1]}), tmp_path / "x.parquet")
    with pytest.raises(TargetsFileError, match="not a targets file"):
        read_targets(tmp_path / "x.parquet")


def test_a_file_cut_off_anywhere_is_refused(tmp_path: Path, targets: Targets) -> None:
    write_targets(targets, tmp_path / "t.parquet")
    whole = (tmp_path / "t.parquet").read_bytes()
    for size in range(0, len(whole), 97):
        (tmp_path / "cut.parquet").write_bytes(whole[:size])
        with pytest.raises(TargetsFileError, match="cannot be read as Parquet"):
            read_targets(tmp_path / "cut.parquet")


def test_a_missing_file_is_refused(tmp_path: Path) -> None:
    with pytest.raises(TargetsFileError, match=r"gone\.parquet: no such file"):
        read_targets(tmp_path / "gone.parquet")


def test_a_failure_leaves_the_old_file(tmp_path: Path) -> None:
    path = tmp_path / "out.txt"
    path.write_text("old")

    def fail_half_way() -> None:
        with atomic_path(path) as partial:
            partial.write_text("new")
            raise RuntimeError("half way")

    with pytest.raises(RuntimeError, match="half way"):
        fail_half_way()
    assert path.read_text() == "old"
    assert list(tmp_path.iterdir()) == [path]


def test_a_success_replaces_the_old_file(tmp_path: Path) -> None:
    path = tmp_path / "out.txt"
    path.write_text("old")
    with atomic_path(path) as partial:
        partial.write_text("new")
    assert path.read_text() == "new"
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize(
    ("path", "message"),
    [("/dev/null", "not a regular file"), ("gone/out.parquet", "no such folder; make it first")],
)
def test_outputs_that_cannot_be_are_refused(targets: Targets, path: str, message: str) -> None:
    with pytest.raises(TargetsFileError, match=message):
        write_targets(targets, path)


def test_the_file_names_the_vocabulary_that_it_holds(tmp_path: Path, targets: Targets) -> None:
    write_targets(replace(targets, metadata={}), tmp_path / "t.parquet")
    assert read_targets(tmp_path / "t.parquet").vocabulary == targets.vocabulary


@pytest.mark.parametrize(
    ("column", "message"),
    [
        (pa.array([[600]] * 4, COLUMN_NUMBERS), "broken: column 600 of 527"),
        (pa.array([[1]] * 4, pa.list_(pa.uint32())), "columns or rows do not match"),
    ],
)
def test_columns_that_do_not_fit_are_refused(
    tmp_path: Path, targets: Targets, column: pa.Array, message: str
) -> None:
    path = tmp_path / "t.parquet"
    write_targets(targets, path)
    table = pq.read_table(path)
    pq.write_table(table.set_column(3, "positive", column), path)
    with pytest.raises(TargetsFileError, match=message):
        read_targets(path)


def test_a_read_only_file_is_not_replaced_not_even_by_root(tmp_path: Path) -> None:
    path = tmp_path / "kept.parquet"
    path.write_bytes(b"kept")
    path.chmod(0o444)
    link = tmp_path / "link.parquet"
    link.symlink_to(path)
    for name in (path, link):
        with pytest.raises(TargetsFileError, match="read-only, so it is not replaced"):
            write_targets(expand(Annotations.from_dict({"a": ["Rain"]}), "weak"), name)
    assert path.read_bytes() == b"kept"
