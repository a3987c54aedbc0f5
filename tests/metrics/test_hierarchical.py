"""Metrics of the ontology against slow oracles, hiclass, and the laws that they obey."""

import math
import warnings

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from oracles import hierarchy as oracle
from strategies import ontologies, vocabularies

from audiolabels import evaluate, load_vocabulary, toy_ontology
from audiolabels.errors import MetricError, VocabularyError
from audiolabels.metrics.hierarchical import (
    evaluate_hierarchy,
    find_violations,
    hierarchical_f,
)
from audiolabels.metrics.omap import class_distances, ontology_aware_precision
from audiolabels.ontology import Ontology, Vocabulary
from audiolabels.ontology.hierarchy import (
    coherent_scores,
    descendant_pairs,
    descendant_table,
    parent_pairs,
)


@st.composite
def cases(draw: st.DrawFn, *, masked: bool = True) -> tuple:
    """An ontology, some of its classes, scores with ties, targets and a mask."""
    ontology = draw(ontologies(8))
    vocabulary = draw(vocabularies(ontology))
    n, c = draw(st.integers(1, 5)), len(vocabulary)

    def table(elements: st.SearchStrategy) -> np.ndarray:
        row = st.lists(elements, min_size=c, max_size=c)
        return np.array(draw(st.lists(row, min_size=n, max_size=n)))

    scores = table(st.integers(0, 4)).astype(np.float32) / 4
    target = table(st.sampled_from([0, 0, 1]))
    mask = table(st.sampled_from([0, 1, 1])) if masked else np.ones_like(target)
    return ontology, vocabulary, scores, target, mask


def states(target: np.ndarray, mask: np.ndarray) -> list[list[int | None]]:
    return [
        [t if m else None for t, m in zip(*rows, strict=True)]
        for rows in zip(target.tolist(), mask.tolist(), strict=True)
    ]


@given(cases())
def test_coherent_scores_are_the_highest_of_all_below(case: tuple) -> None:
    ontology, vocabulary, scores, _, _ = case
    pairs = descendant_pairs(vocabulary, ontology)
    found = coherent_scores(scores, pairs)
    wanted = [oracle.coherent(ontology, vocabulary.ids, row) for row in scores.tolist()]
    assert found.tolist() == wanted
    assert coherent_scores(found, pairs).tolist() == wanted
    table = descendant_table(vocabulary, ontology)
    assert find_violations(found, pairs=parent_pairs(table)).violated == 0


@given(cases(), st.integers(1, 4))
def test_hierarchical_f_is_what_its_definition_says(case: tuple, level: int) -> None:
    ontology, vocabulary, scores, target, mask = case
    table = descendant_table(vocabulary, ontology)
    thresholds = [((level + c) % 4 + 1) / 4 for c in range(len(vocabulary))]
    found = hierarchical_f(scores, target, mask, table=table, threshold=thresholds)
    both, predicted, true = oracle.counts(
        ontology, vocabulary.ids, scores.tolist(), states(target, mask), thresholds
    )
    for own, whole in zip(found, (predicted, true, (predicted + true) / 2), strict=True):
        assert own == pytest.approx(both / whole) if whole else math.isnan(own)


def paths(ontology: Ontology, id_: str) -> list[list[str]]:
    """Every path from a root to a class."""
    ends = [path for parent in ontology.parents(id_) for path in paths(ontology, parent)]
    return [[*path, id_] for path in ends] or [[id_]]


@given(cases(masked=False))
def test_hierarchical_f_is_that_of_hiclass(case: tuple) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        from hiclass.metrics import f1, precision, recall
    ontology, _, scores, target, _ = case
    everything = Vocabulary("all", ontology.ids, tuple(map(ontology.name, ontology.ids)))
    wide = np.zeros((2, len(scores), len(everything)))
    wide[0, :, : scores.shape[1]], wide[1, :, : scores.shape[1]] = scores >= 0.5, target
    guessed, right = wide
    if not guessed.any() or not right.any():
        return
    sides = [
        [[p for c in np.flatnonzero(row) for p in paths(ontology, ontology.ids[c])] for row in side]
        for side in (right, guessed)
    ]
    most = max(len(each) for side in sides for each in side)
    deep = max(len(path) for side in sides for each in side for path in each)
    leveled = [
        np.array(
            [
                [[*p, *[""] * (deep - len(p))] for p in (*each, *[[]] * (most - len(each)))]
                for each in side
            ]
        )
        for side in sides
    ]
    found = hierarchical_f(guessed, right, table=descendant_table(everything, ontology))
    assert found.precision == pytest.approx(precision(*leveled))
    assert found.recall == pytest.approx(recall(*leveled))
    if found.f > 0:  # hiclass divides by zero
        assert found.f == pytest.approx(f1(*leveled))


@given(cases(), st.sampled_from([0.0, 0.25, 0.3]))
def test_violations_are_counted_where_both_are_known(case: tuple, margin: float) -> None:
    ontology, vocabulary, scores, target, mask = case
    pairs = parent_pairs(descendant_table(vocabulary, ontology))
    found = find_violations(scores, mask, pairs=pairs, margin=margin)
    truth = states(target, mask)
    assert found == oracle.violations(ontology, vocabulary.ids, scores.tolist(), truth, margin)


@given(cases())
def test_omap_is_what_the_authors_code_says(case: tuple) -> None:
    ontology, vocabulary, scores, target, mask = case
    distances = class_distances(vocabulary, ontology)
    within = [[oracle.distance(ontology, a, b) for b in vocabulary.ids] for a in vocabulary.ids]
    farthest = max(d for row in within for d in row if d is not None)
    filled = [[farthest + 1 if d is None else d for d in row] for row in within]
    assert distances.tolist() == filled
    found = ontology_aware_precision(scores, target, mask, distances=distances)
    assert len(found) == distances.max() + 1
    for level, row in enumerate(found):
        for c, value in enumerate(row.tolist()):
            wanted = oracle.omap(filled, scores.tolist(), states(target, mask), level, c)
            assert math.isnan(value) if wanted is None else value == pytest.approx(wanted)


@given(cases())
def test_the_last_level_of_omap_is_one_and_unknown_cells_do_not_matter(case: tuple) -> None:
    ontology, vocabulary, scores, target, mask = case
    options = {"distances": class_distances(vocabulary, ontology)}
    found = ontology_aware_precision(scores, target, mask, **options)
    assert set(found[-1][~np.isnan(found[-1])].tolist()) <= {1.0}
    hidden = np.where(mask, scores, 9), np.where(mask, target, 1), mask
    np.testing.assert_array_equal(ontology_aware_precision(*hidden, **options), found)
    table = descendant_table(vocabulary, ontology)
    assert str(hierarchical_f(*hidden, table=table)) == str(
        hierarchical_f(scores, target, mask, table=table)
    )


def test_distances_of_audioset_are_those_that_the_authors_published() -> None:
    """The first row of their matrix, in excerpts: Speech, and classes under other roots."""
    distances = class_distances(load_vocabulary("audioset"))
    first = distances[0].tolist()
    assert first[:24] == [0, *[1] * 7, 2, *[3] * 5, *[2] * 3, *[3] * 5, 2, 3]
    assert first[72:86] == [9, 10, 11, 12, 12, 12, 12, 12, 12, 11, 12, 12, 10, 12]
    assert first[-20:] == [8, 8, 8, 8, 8, 8, 5, 7, 7, 7, 7, 7, 6, 6, 6, 6, 6, 8, 8, 9]
    assert max(first) == 14


def test_classes_are_grouped_by_depth_and_by_every_root() -> None:
    ontology = toy_ontology()
    ids = ("/toy/music", "/toy/bell", "/toy/church", "/toy/engine")
    vocabulary = Vocabulary("toy", ids, tuple(map(ontology.name, ids)))
    scores = [[0.9, 0.2, 0.3, 0.1], [0.1, 0.8, 0.1, 0.1], [0.2, 0.1, 0.9, 0.1]]
    target = [[1, 0, 0, 0], [0, 1, 0, 0], [0, 1, 1, 0]]
    found = evaluate_hierarchy(
        scores,
        target,
        evaluation=evaluate(scores, target, vocabulary=vocabulary),
        ontology=ontology,
    )
    assert found.depth.tolist() == [0, 1, 2, 1]
    assert found.by_level == {0: (1.0, 1), 1: (pytest.approx(5 / 6), 1), 2: (1.0, 1)}
    assert found.by_root["Music"] == (pytest.approx(17 / 18), 3)
    assert found.by_root["Things"] == (pytest.approx(11 / 12), 2)
    assert found.roots[2] == ("Music", "Things")
    text = str(found)
    assert "level 2                                 1.0000         1" in text
    assert found.numbers()["mAP_root_Music"] == found.by_root["Music"].mean_average_precision
    assert found.per_class()["roots"][3] == "Things"


def test_a_group_without_a_positive_has_no_figure() -> None:
    vocabulary = load_vocabulary(["Rain"])
    cells = [[0.5]], [[0]]
    found = evaluate_hierarchy(*cells, evaluation=evaluate(*cells, vocabulary=vocabulary))
    assert math.isnan(found.omap)
    assert math.isnan(found.by_root["Natural sounds"].mean_average_precision)
    assert math.isnan(found.violations.share)


def test_what_has_no_place_in_the_ontology_is_refused() -> None:
    cells = [[0.5]], [[1]]
    with pytest.raises(MetricError, match="need the classes' vocabulary"):
        evaluate_hierarchy(*cells, evaluation=evaluate(*cells))
    odd = Vocabulary("own", ("/own/class",), ("Own",))
    with pytest.raises(VocabularyError, match="the ontology lacks 1 classes of vocabulary 'own'"):
        evaluate_hierarchy(*cells, evaluation=evaluate(*cells, vocabulary=odd))
