"""Columns of cells against the functions of one cell."""

import json
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from audiolabels import Annotations, expand
from audiolabels.arrays.columns import texts_to_arrow
from audiolabels.clips.names import video_and_start, videos_of
from audiolabels.exporters import clip_selection, export, text_columns
from audiolabels.exporters.clip_selection import unique_names
from audiolabels.exporters.text_columns import (
    Chosen,
    gather,
    json_texts,
    plain_texts,
    quote_texts,
    second_texts,
    whole,
)
from audiolabels.files import plain, quote, seconds

CELLS = st.lists(st.text(st.sampled_from('ab"," \t\r\n|é\\\x07\x7f'), max_size=5), max_size=8)
IDS = st.sampled_from(
    ["Y9d-2nhuJCQ_30000", "Y9d-2nhuJCQ_0", "Y9d-2nhuJCQ_00", "Y9d-2nhuJCQ", "64760", "é_5000", ""]
)


@given(CELLS)
def test_cells_are_quoted_as_one_by_one(cells: list[str]) -> None:
    column = pa.array(cells, pa.string())
    assert quote_texts(column).to_pylist() == list(map(quote, cells))
    assert plain_texts(column).to_pylist() == list(map(plain, cells))


@given(CELLS)
def test_json_is_written_as_one_by_one(texts: list[str]) -> None:
    written = json_texts(pa.array(texts, pa.string())).to_pylist()
    assert written == [json.dumps(text, ensure_ascii=False) for text in texts]


@given(st.lists(st.integers(0, 10**9)))
def test_times_are_written_as_one_by_one(times: list[int]) -> None:
    column = whole(second_texts(np.array(times, np.int64)))
    assert column.to_pylist() == list(map(seconds, times))


@given(st.data(), st.integers(0, 9))
def test_lines_are_gathered_as_one_by_one(data: st.DataObject, rows: int) -> None:
    """Columns of all kinds, sliced ones too, in any order."""
    words, columns, cells = st.lists(st.text(max_size=3), min_size=rows, max_size=rows), [], []
    for kind in data.draw(st.permutations(["own", "chosen", "same", "sliced"])):
        own = data.draw(words)
        if kind == "chosen":
            texts, which = data.draw(st.lists(st.text(), min_size=1)), st.integers(0, 99)
            chosen = [data.draw(which) % len(texts) for _ in range(rows)]
            columns.append(Chosen(texts_to_arrow(texts), np.array(chosen, np.int32)))
            own = [texts[place] for place in chosen]
        elif kind == "same":
            columns.append("é,")
            own = ["é,"] * rows
        else:
            before = ["x"] * (kind == "sliced")
            columns.append(texts_to_arrow([*before, *own]).slice(len(before)))
        cells.append(own)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(text_columns, "LINES", 4)
        gathered = b"".join(gather(columns)).decode()
    assert gathered == "".join(cell for line in zip(*cells, strict=True) for cell in line)


def test_choices_may_be_bytes_after_many_cells() -> None:
    names, states = [str(n) for n in range(300)], texts_to_arrow(["no", "yes"])
    which = np.arange(300).astype(np.uint8) % 2
    gathered = b"".join(gather([texts_to_arrow(names), Chosen(states, which)])).decode()
    assert gathered == "".join(f"{name}{('no', 'yes')[int(name) % 2]}" for name in names)


@given(st.lists(st.sampled_from(["a", "b", "é", ""]), max_size=6))
def test_names_are_unique_as_by_count(names: list[str]) -> None:
    assert unique_names(pa.array(names, pa.string())).tolist() == [
        names.count(name) == 1 for name in names
    ]


def test_names_of_one_hash_are_compared(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(clip_selection, "hash_strings", lambda texts: np.zeros(len(texts), "u8"))
    assert unique_names(pa.array(["a", "b", "a"])).tolist() == [False, True, False]


@given(st.lists(IDS))
def test_videos_are_found_as_one_by_one(ids: list[str]) -> None:
    found = videos_of(pa.array(ids, pa.string())).to_pylist()
    assert found == [video_and_start(id_)[0] for id_ in ids]


FORMS = {
    "ast": "a.json",
    "ced": "a.tsv",
    "desed": "a.tsv",
    "eat": "a.tsv",
    "espnet": "text",
    "flexsed": "a.csv",
    "fsd50k": "a.csv",
    "hear": "a.json",
    "lhotse": "a.jsonl.gz",
    "psl": "a.tsv",
    "webdataset": "a.tar",
    "wide-csv": "a.csv",
}
OPTIONS = {
    "eat": {"sample_rate": 16_000, "clip_duration": 10},
    "lhotse": {"clip_duration": 10},
    "psl": {"clip_duration": 10},
    "wide-csv": {"unknown_cells": "empty"},
}


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("classes", [("Dog", "Speech"), ("Dog", "Speech", "Music", "Guitar")])
def test_blocks_change_nothing(
    form: str, classes: tuple[str, ...], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With few label sets, which are joined once, and with more than a block holds."""
    labels = {f"clip{n}": [classes[n % len(classes)]] for n in range(7)}
    targets = expand(Annotations.from_dict(labels))
    written = []
    for rows in (clip_selection.ROWS, 2):
        monkeypatch.setattr(clip_selection, "ROWS", rows)
        monkeypatch.setattr(text_columns, "LINES", rows)
        folder = tmp_path / str(rows)
        folder.mkdir()
        export(targets, form, folder / FORMS[form], **OPTIONS.get(form, {}))
        written.append({file.name: file.read_bytes() for file in folder.iterdir()})
    assert written[0] == written[1]
