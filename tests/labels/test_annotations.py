from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from strategies import annotations, ontologies

from audiolabels import Annotations
from audiolabels.errors import UnknownLabelError
from audiolabels.labels.annotations import LabelSets
from audiolabels.ontology import Ontology
from audiolabels.readers import BlockSizes, read_labels

PAIRS = st.lists(st.tuples(st.integers(0, 5), st.integers(0, 9)), max_size=30)


def as_sets(sets: LabelSets) -> list[list[int]]:
    bounds = zip(sets.offsets[:-1], sets.offsets[1:], strict=True)
    return [sets.classes[start:stop].tolist() for start, stop in bounds]


def build(pairs: list[tuple[int, int]]) -> LabelSets:
    owners, classes = np.array(pairs, np.int64).reshape(-1, 2).T
    return LabelSets.build(owners, classes, np.ones(6, bool))


@given(PAIRS)
def test_pairs_become_sorted_sets(pairs: list[tuple[int, int]]) -> None:
    expected = [sorted({c for owner, c in pairs if owner == i}) for i in range(6)]
    assert as_sets(build(pairs)) == expected


@given(PAIRS, st.lists(st.integers(0, 5), max_size=9))
def test_sets_are_taken_in_order(pairs: list[tuple[int, int]], chosen: list[int]) -> None:
    sets = build(pairs)
    taken = sets.take(np.array(chosen, np.int64))
    assert as_sets(taken) == [as_sets(sets)[i] for i in chosen]


@given(PAIRS, PAIRS, st.integers(0, 6), st.integers(0, 6))
def test_a_slice_of_sets_is_that_of_their_list(
    pairs: list[tuple[int, int]], absent: list[tuple[int, int]], start: int, stop: int
) -> None:
    sets = replace(
        build(pairs), absent=build(absent), values=np.arange(len(set(pairs)), dtype="f4")
    )
    start, stop = sorted((start, stop))
    part = sets.slice(start, stop)
    assert as_sets(part) == as_sets(sets)[start:stop]
    assert part.values is not None
    assert sets.values is not None
    assert part.values.tolist() == sets.values[sets.offsets[start] : sets.offsets[stop]].tolist()
    assert part.absent is not None
    assert sets.absent is not None
    assert as_sets(part.absent) == as_sets(sets.absent)[start:stop]


@given(st.lists(PAIRS, max_size=4))
def test_sets_are_appended(parts: list[list[tuple[int, int]]]) -> None:
    sets = [build(pairs) for pairs in parts]
    assert as_sets(LabelSets.append(sets)) == [s for part in sets for s in as_sets(part)]


def test_parts_of_one_lineage_share_their_sets() -> None:
    lineage = object()
    short = LabelSets.append([build([(0, 1)])], lineage)
    longer = LabelSets.append([short, build([(0, 2)])], lineage)
    shared, starts = LabelSets.concat([short, longer])
    assert shared is longer
    assert starts == [0, 0]
    apart, starts = LabelSets.concat([short, build([(0, 3)])])
    assert len(apart) == 12
    assert starts == [0, 6]
    other = build([(0, 3)])
    mixed, starts = LabelSets.concat([short, other, longer])
    assert as_sets(mixed) == as_sets(longer) + as_sets(other)
    assert starts == [0, 12, 0]


def test_labels_read_in_blocks_hold_each_set_once(tmp_path: Path) -> None:
    path = tmp_path / "labels.csv"
    rows = [f"clip{n},{('Speech', 'Dog')[n % 2]}" for n in range(100)]
    path.write_text("\n".join(["clip_id,labels", *rows]), "utf-8")
    labels = read_labels(path, block_sizes=BlockSizes(text=64))
    assert [labels.labels(n) for n in range(4)] == [("Speech",), ("Dog",)] * 2
    assert len(labels.sets) == 2


@given(st.data())
def test_slices_put_together_are_the_whole(data: st.DataObject) -> None:
    ontology: Ontology = data.draw(ontologies())
    clips = data.draw(annotations(ontology))
    cuts = sorted(data.draw(st.lists(st.integers(0, len(clips)), max_size=3)))
    bounds = zip([0, *cuts], [*cuts, len(clips)], strict=True)
    joined = Annotations.concat([clips.slice(a, b) for a, b in bounds], ontology)
    assert joined.clip_id.equals(clips.clip_id)
    assert joined.rows.tolist() == clips.rows.tolist()
    assert [joined.labels(i) for i in range(len(clips))] == [
        clips.labels(i) for i in range(len(clips))
    ]


def test_an_unknown_label_is_named() -> None:
    with pytest.raises(UnknownLabelError, match="the ontology lacks 'Gitar'"):
        Annotations.from_dict({"a": ["Guitar", "Gitar"]})


def test_labels_per_clip_leaves_out_clips_without_a_statement() -> None:
    clips = Annotations.from_dict({"a": ["Guitar", "Rain"], "b": [], "c": None})
    assert clips.labels_per_clip == 1.0
    assert repr(clips) == "Annotations(3 clips, 1.00 labels per clip, 0 findings)"


def test_pandas_and_html_show_the_labels() -> None:
    clips = Annotations.from_dict({"a": ["Guitar"], "b": [], "c": None})
    assert clips.to_pandas()["labels"].tolist() == [("Guitar",), (), None]
    page = clips._repr_html_()
    assert all(text in page for text in ("Guitar", "none", "unannotated"))
