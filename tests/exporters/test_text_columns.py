"""Columns of cells against the functions of one cell."""

from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from audiolabels import Annotations, expand
from audiolabels.clips.names import video_and_start, videos_of
from audiolabels.exporters import clip_selection, export
from audiolabels.exporters.text_columns import plain_texts, quote_texts, second_texts
from audiolabels.files import plain, quote, seconds, write_lines

CELLS = st.lists(st.text(st.sampled_from('ab"," \t\r\n|é'), max_size=5), max_size=8)
IDS = st.sampled_from(
    ["Y9d-2nhuJCQ_30000", "Y9d-2nhuJCQ_0", "Y9d-2nhuJCQ_00", "Y9d-2nhuJCQ", "64760", "é_5000", ""]
)


@given(CELLS)
def test_cells_are_quoted_as_one_by_one(cells: list[str]) -> None:
    column = pa.array(cells, pa.string())
    assert quote_texts(column).to_pylist() == list(map(quote, cells))
    assert plain_texts(column).to_pylist() == list(map(plain, cells))


@given(st.lists(st.integers(0, 10**9)))
def test_times_are_written_as_one_by_one(times: list[int]) -> None:
    column = second_texts(np.array(times, np.int64))
    assert column.to_pylist() == list(map(seconds, times))


@given(st.lists(IDS))
def test_videos_are_found_as_one_by_one(ids: list[str]) -> None:
    found = videos_of(pa.array(ids, pa.string())).to_pylist()
    assert found == [video_and_start(id_)[0] for id_ in ids]


def test_lines_are_written_block_by_block(tmp_path: Path) -> None:
    blocks = [["a\tb", "é"], [""], ["c" * 100]]
    count = write_lines(tmp_path / "t", (pa.array(block) for block in blocks))
    assert count == 4
    assert (tmp_path / "t").read_bytes() == f"a\tb\né\n\n{'c' * 100}\n".encode()


@pytest.mark.parametrize("form", ["fsd50k", "psl"])
@pytest.mark.parametrize("classes", [("Dog", "Speech"), ("Dog", "Speech", "Music", "Guitar")])
def test_blocks_change_nothing(
    form: str, classes: tuple[str, ...], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With few label sets, which are joined once, and with more than a block holds."""
    labels = {f"clip{n}": [classes[n % len(classes)]] for n in range(7)}
    targets = expand(Annotations.from_dict(labels))
    options = {"clip_duration": 10} if form == "psl" else {}
    files = [tmp_path / "whole.csv", tmp_path / "blocks.csv"]
    export(targets, form, files[0], **options)
    monkeypatch.setattr(clip_selection, "ROWS", 2)
    export(targets, form, files[1], **options)
    assert files[0].read_bytes() == files[1].read_bytes()
    assert len(files[0].read_text("utf-8").splitlines()) == 8
