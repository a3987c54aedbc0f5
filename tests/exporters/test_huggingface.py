"""Parquet as Hugging Face's AudioSet has it."""

import json
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from export_support import framed_targets, given, positives
from export_support import sample_targets as sample
from export_support import strange_targets as strange

from audiolabels import expand, export, read_labels
from audiolabels.errors import OptionError
from audiolabels.exporters import huggingface


def test_columns_are_read_by_name(tmp_path: Path) -> None:
    path = tmp_path / "train.parquet"
    done = export(sample(), "huggingface", path)
    table = pq.read_table(path)
    assert [str(f.type) for f in table.schema] == ["string", *["list<element: string>"] * 3]
    column = {id_: i for i, id_ in enumerate(json.loads(table.schema.metadata[b"classes"]))}
    target, mask = sample().to_numpy()
    for name, wanted in (("labels", target), ("masked", 1 - mask)):
        made = np.zeros_like(target)
        for row, ids in zip(made, table[name].to_pylist(), strict=True):
            row[[column[id_] for id_ in ids]] = 1
        assert (made == wanted).all()
    assert table["video_id"][0].as_py() == "sample-0001"
    assert table["human_labels"].to_pylist() == sample().to_pandas()["positive"].tolist()
    assert done.files[path] == 200


@pytest.mark.parametrize("rows", [1 << 14, 7])
def test_bytes_are_those_of_plain_lists(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, rows: int
) -> None:
    """Labels are written by their numbers, to the same file, row group by row group."""
    monkeypatch.setattr(huggingface, "ROWS", rows)
    export(sample(), "huggingface", tmp_path / "a.parquet")
    table = pq.read_table(tmp_path / "a.parquet")
    texts = pa.list_(pa.string())
    schema = pa.schema([("video_id", pa.string()), *((n, texts) for n in table.column_names[1:])])
    with pq.ParquetWriter(
        tmp_path / "b.parquet", schema.with_metadata(table.schema.metadata), compression="zstd"
    ) as writer:
        for start in range(0, len(table), rows):
            columns = [column.combine_chunks() for column in table.slice(start, rows).columns]
            writer.write_table(pa.Table.from_arrays(columns, schema=writer.schema))
    assert (tmp_path / "a.parquet").read_bytes() == (tmp_path / "b.parquet").read_bytes()


def test_ids_are_bare_and_empty_lists_stay(tmp_path: Path) -> None:
    path = tmp_path / "a.parquet"
    done = export(strange(), "huggingface", path)
    rows = {row["video_id"]: row for row in pq.read_table(path).to_pylist()}
    assert list(rows)[:2] == ["Yb-defghijk", "-_cdefghijk"]
    assert rows["verified empty"]["labels"] == []
    assert done.names["clips without any known target"].to_pylist() == ["nobody listened"]
    with pytest.raises(OptionError, match="these are frames"):
        export(framed_targets(), "huggingface", path)


@pytest.mark.shared
def test_real_labels_come_back(tmp_path: Path, shared_data: Path) -> None:
    targets = expand(read_labels(shared_data / "audioset" / "balanced_train_segments.csv"))
    path = tmp_path / "a.parquet"
    export(targets, "huggingface", path)
    assert positives(path) == {clip[:11]: ids for clip, ids in given(targets).items()}
