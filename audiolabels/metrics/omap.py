"""OmAP: average precision in which a false positive counts by its distance from the truth.

Source: Liu et al., "Ontology-aware learning and evaluation for audio tagging" (2023), and the code
that its authors published (github.com/haoheliu/ontology-aware-audio-tagging, commit 5d6ca04), which
settles what the paper leaves open:

- The distance of two classes is the length of the shortest path in the ontology taken as an
  undirected graph, through classes outside the vocabulary too.
- At coarse level λ, distances up to λ become 0; the others are divided by the mean over all pairs
  of different classes. The weight of a negative cell is the least such number to a positive class
  of its clip.
- Precision at a score is TP / (TP + sum of the weights of the negatives scored at least as high).
  Average precision is the mean over positives, without interpolation.
- OmAP is the mean over classes and over λ = 0, 1, … up to the greatest distance, at which no false
  positive counts any more and each class has 1.

Deviations: clips without a known positive class, which the authors' code refuses, and classes
without a positive, which it counts as 0, are left out. Unknown cells are left out; an unknown class
shortens no distance. In an ontology of several separate graphs, the distance between these is one
more than the greatest within any.
"""

import numpy as np
import numpy.typing as npt

from audiolabels.metrics.ranking import Floats, check_cells
from audiolabels.ontology.ontology import Ontology, default_ontology
from audiolabels.ontology.vocabulary import Vocabulary, refuse_lacking

Distances = npt.NDArray[np.int64]


def class_distances(vocabulary: Vocabulary, ontology: Ontology | None = None) -> Distances:
    """Edges on the shortest path between each two classes, in either direction: int64 (C, C).

    Raises:
        VocabularyError: the ontology lacks classes of the vocabulary.

    >>> from audiolabels import load_vocabulary
    >>> class_distances(load_vocabulary(["Guitar", "Electric guitar", "Bass guitar"])).tolist()
    [[0, 1, 1], [1, 0, 2], [1, 2, 0]]
    """
    import networkx as nx

    ontology = default_ontology(ontology)
    refuse_lacking(vocabulary, ontology)
    graph = ontology.graph.to_undirected()
    ids = [ontology.resolve(id_) for id_ in vocabulary.ids]
    paths = [nx.single_source_shortest_path_length(graph, id_) for id_ in ids]
    found = np.array([[path.get(id_, -1) for id_ in ids] for path in paths], np.int64)
    found[found < 0] = found.max() + 1
    return found


def ontology_aware_precision(
    scores: npt.ArrayLike,
    target: npt.ArrayLike,
    mask: npt.ArrayLike | None = None,
    *,
    distances: Distances,
) -> Floats:
    """Average precision of each class at each coarse level; OmAP is the mean of what is not nan.

    Args:
        scores, target, mask: as for `average_precision`.
        distances: from `class_distances`.

    Returns:
        float64 (L, C): levels 0 to L-1, the greatest distance; nan for classes without a positive.

    Raises:
        MetricError: as for `average_precision`.

    >>> distances = np.array([[0, 1, 3], [1, 0, 2], [3, 2, 0]])
    >>> found = ontology_aware_precision([[.9, .8, .1], [.2, .9, .7]], [[1, 0, 0], [0, 0, 1]],
    ...                                  distances=distances)
    >>> found[:, [0, 2]].round(3).tolist(), float(np.nanmean(found))
    ([[1.0, 1.0], [1.0, 1.0], [1.0, 1.0], [1.0, 1.0]], 1.0)
    """
    values, positive, known = check_cells(scores, target, mask)
    nearest = _nearest(positive, distances)
    weights = _weights(distances)
    found = np.full((len(weights), values.shape[1]), np.nan)
    some = positive.any(axis=1)
    for column in np.flatnonzero(positive.any(axis=0)).tolist():
        rows = np.flatnonzero(known[:, column] & some)
        order = rows[np.argsort(-values[rows, column], kind="stable")]
        own = values[order, column]
        places = np.flatnonzero(positive[order, column])
        # Of equal scores each counts as the last.
        ends = np.searchsorted(-own, -own[places], "right")
        hits = np.searchsorted(places, ends)
        # Rows by distance in front of each end: few distances stand for all their weights.
        span = np.searchsorted(ends, np.arange(len(order)), "right")
        cells = span * len(weights) + nearest[order, column]
        counts = np.bincount(cells, minlength=(len(ends) + 1) * len(weights))
        before = counts.reshape(len(ends) + 1, -1)[:-1].cumsum(axis=0)
        false = weights @ before.T
        found[:, column] = (hits / (hits + false)).mean(axis=1)
    return found


def _nearest(positive: npt.NDArray[np.bool_], distances: Distances) -> npt.NDArray[np.int64]:
    """Distance of each cell's class to the nearest positive one of its row; 0 without any."""
    columns = np.nonzero(positive)[1]
    sizes = positive.sum(axis=1)
    first = np.cumsum(sizes) - sizes
    nearest = np.zeros(positive.shape, np.int64)
    has = np.flatnonzero(sizes)
    nearest[has] = distances[columns[first[has]]]
    for number in range(1, int(sizes.max(initial=0))):
        more = np.flatnonzero(sizes > number)
        nearest[more] = np.minimum(nearest[more], distances[columns[first[more] + number]])
    return nearest


def _weights(distances: Distances) -> Floats:
    """The weight of each distance at each level, float64 (L, L)."""
    different = distances[~np.eye(len(distances), dtype=np.bool_)]
    levels = np.arange(distances.max() + 1)
    weights = np.where(levels > levels[:, None], levels, 0).astype(np.float64)
    for level in levels.tolist():
        mean = float(np.where(different > level, different, 0).mean()) if len(different) else 0.0
        if mean > 0:
            weights[level] /= mean
    return weights
