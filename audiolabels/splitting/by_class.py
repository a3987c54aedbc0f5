"""Clips split by one class of the ontology: a target domain and a base without it.

Source: Grzywalski & Botteldooren, §IV: a clip with any label of the root or below it belongs to the
target, without its other labels; the rest is the base. The paper leaves open where a class with
several parents belongs. Here it is below every class from which any path leads to it, so it is a
target class whatever other parents it has; counted so, the 527 classes give the numbers of target
labels in table I (72, 176, 55 and 18). No label of a base clip has the root as an ancestor, so
parent-expanded base labels stay in the base.

Labels are those of the whole ontology: one outside the vocabulary counts too. All rows of a clip
are on the same side.
"""

from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from audiolabels.arrays.columns import to_numpy
from audiolabels.errors import OptionError, expect
from audiolabels.labels.annotations import Annotations
from audiolabels.ontology.vocabulary import Vocabulary, load_vocabulary

Flags = npt.NDArray[np.bool_]


@dataclass(frozen=True, eq=False)
class Split:
    """Result of `split_by_root`.

    Attributes:
        root: id of the dividing class.
        base: clips without a label of the root or below, unannotated ones included.
        target: clips with such labels, and only these labels.
        base_vocabulary, target_vocabulary: the vocabulary's classes outside, and of the root and
            below, in its order.
        discarded: labels of target clips that are not in `target`.
        mixed: target clips with discarded labels.
        unlabelled: unannotated clips of the base.
        rows_dropped: further rows of target clips, without a target class.
    """

    root: str
    base: Annotations
    target: Annotations
    base_vocabulary: Vocabulary
    target_vocabulary: Vocabulary
    discarded: int
    mixed: int
    unlabelled: int
    rows_dropped: int

    def __repr__(self) -> str:
        return (
            f"Split({self.base.ontology.name(self.root)}: {len(self.target):,} target clips with "
            f"{len(self.target_vocabulary)} classes, {len(self.base):,} base clips with "
            f"{len(self.base_vocabulary)}; {self.discarded:,} labels discarded)"
        )


def split_by_root(
    annotations: Annotations, root: str, *, vocabulary: str | Vocabulary | None = None
) -> Split:
    """Split clips into a target domain, a class and all below it, and the base.

    Args:
        annotations: N clips.
        root: id or name of any class; see `Ontology.find`.
        vocabulary: its classes are divided; a vocabulary, or a source for `load_vocabulary`.

    Raises:
        UnknownClassError: no such class.
        VocabularyError: no such vocabulary.
        OptionError: all classes of the vocabulary, or all labelled clips, are on one side.

    >>> labels = Annotations.from_dict({"a": ["Rain", "Speech"], "b": ["Speech"], "c": ["Thunder"]})
    >>> split = split_by_root(labels, "natural sounds")
    >>> split
    Split(Natural sounds: 2 target clips with 18 classes, 1 base clips with 509; 1 labels discarded)
    >>> split.target.labels(0), split.base.labels(0)
    (('Rain',), ('Speech',))
    """
    expect("annotations", annotations, Annotations, "annotations, as read_labels makes them")
    ontology, sets = annotations.ontology, annotations.sets
    vocabulary = load_vocabulary(vocabulary, ontology=ontology)
    id_ = ontology.find(root)
    below = {id_, *ontology.descendants(id_)}
    in_target = np.array([(ontology.resolve(c) or c) in below for c in vocabulary.ids])
    if in_target.all() or not in_target.any():
        raise OptionError(
            f"{ontology.name(id_)} has {in_target.sum()} of the {len(vocabulary)} classes of "
            f"vocabulary {vocabulary.name!r} with it and below it, so there is nothing to split"
        )
    inside = np.array([c in below for c in ontology.ids], np.bool_)
    hits = np.bincount(sets.owners[inside[sets.classes]], minlength=len(sets))
    lost = (sets.sizes - hits)[annotations.set_of_clip]
    hit = hits[annotations.set_of_clip] > 0
    clip = to_numpy(annotations.clip_id.dictionary_encode().indices)
    touched = np.zeros(len(annotations), np.bool_)
    touched[clip[hit]] = True
    target = touched[clip]
    for name, rows in (("no clip has", hit), ("every clip has", ~target)):
        if not rows.any():
            raise OptionError(f"{name} a label of {ontology.name(id_)} or below it")
    own = sets.keep(inside[sets.classes])
    return Split(
        root=id_,
        base=annotations.take(np.flatnonzero(~target)),
        target=replace(annotations.take(np.flatnonzero(hit)), sets=own),
        base_vocabulary=vocabulary.take(np.flatnonzero(~in_target), f"{vocabulary.name}-base"),
        target_vocabulary=vocabulary.take(np.flatnonzero(in_target), f"{vocabulary.name}-target"),
        discarded=int(lost[target].sum()),
        mixed=int((lost[hit] > 0).sum()),
        unlabelled=int((~sets.labelled[annotations.set_of_clip][~target]).sum()),
        rows_dropped=int((target & ~hit).sum()),
    )
