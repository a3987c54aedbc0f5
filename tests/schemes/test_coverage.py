"""Coverage and mappings against their definitions, on random ontologies, and their laws."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from oracles.expansion import NEGATIVE, POSITIVE, UNKNOWN, expand_clip
from oracles.framing import diffuse_clip, frame_clip
from strategies import SCHEME_OPTIONS, events_of, framing_clips, grids, ontologies, vocabularies

from audiolabels import Annotations, Targets, expand
from audiolabels.labels import LabelSets
from audiolabels.ontology import Ontology
from audiolabels.ontology.parents import PARENTS_OR_NONE


def states(targets: Targets) -> list[dict[str, str]]:
    target, mask = targets.to_numpy()
    words = np.where(target == 1, POSITIVE, np.where(mask == 1, NEGATIVE, UNKNOWN))
    return [dict(zip(targets.vocabulary.ids, row, strict=True)) for row in words.tolist()]


def sets_of(ontology: Ontology, classes: list[set[str]], labelled: list[bool]) -> LabelSets:
    pairs = [(i, ontology.index[c]) for i, own in enumerate(classes) for c in own]
    owners, positions = np.array(pairs, np.int64).reshape(-1, 2).T
    return LabelSets.build(owners, positions, np.array(labelled, np.bool_))


@st.composite
def disputed(draw: st.DrawFn, ontology: Ontology) -> list[tuple[set[str] | None, set, set]]:
    """Clips with classes given (None: unannotated), unknown, and confirmed absent."""
    some = st.sets(st.sampled_from(ontology.ids), max_size=4)
    return draw(st.lists(st.tuples(st.none() | some, some, some), min_size=1, max_size=5))


def annotations_of(ontology: Ontology, clips: list, annotated: set[str] | None) -> Annotations:
    labelled = [given is not None for given, *_ in clips]
    given, unsure, denied = ([own or set() for own in part] for part in zip(*clips, strict=True))
    everything = [True] * len(clips)
    sets = replace(
        sets_of(ontology, given, labelled),
        unsure=sets_of(ontology, unsure, everything),
        absent=sets_of(ontology, denied, everything),
    )
    empty = Annotations.from_dict({f"clip {i}": [] for i in range(len(clips))}, ontology=ontology)
    heard = None if annotated is None else tuple(sorted(ontology.index[c] for c in annotated))
    return replace(
        empty, sets=sets, set_of_clip=np.arange(len(clips), dtype=np.int32), annotated=heard
    )


@pytest.mark.parametrize(("scheme", "options"), SCHEME_OPTIONS)
@given(data=st.data())
def test_labels_equal_the_definition(
    scheme: str, options: dict[str, str], data: st.DataObject
) -> None:
    ontology = data.draw(ontologies())
    vocabulary, clips = data.draw(vocabularies(ontology)), data.draw(disputed(ontology))
    annotated = data.draw(st.none() | st.sets(st.sampled_from(ontology.ids)))
    labels = annotations_of(ontology, clips, annotated)
    found = states(expand(labels, scheme, vocabulary=vocabulary, **options))
    assert found == [
        expand_clip(
            ontology.graph,
            given,
            list(vocabulary.ids),
            scheme,
            **options,
            annotated=annotated,
            unsure=unsure,
            denied=denied,
        )
        for given, unsure, denied in clips
    ]


@pytest.mark.parametrize("parents", PARENTS_OR_NONE)
@settings(max_examples=60)
@given(data=st.data())
def test_frames_equal_the_definition(parents: str, data: st.DataObject) -> None:
    ontology, grid = data.draw(ontologies(7)), data.draw(grids())
    vocabulary = data.draw(vocabularies(ontology))
    clips = data.draw(st.lists(framing_clips(ontology, grid, unsure=True), min_size=1, max_size=3))
    annotated = data.draw(st.sets(st.sampled_from(ontology.ids)))
    heard = tuple(sorted(ontology.index[c] for c in annotated))
    events = replace(events_of(clips, ontology), annotated=heard)
    graph, classes = ontology.graph, list(vocabulary.ids)
    for negatives in ("all", "both"):
        options = {"negatives": negatives, "parents": parents}
        times = {"frame_length": grid.length_ms / 1000, "frame_hop": grid.hop_ms / 1000}
        found = states(expand(events, "strong-framed", vocabulary=vocabulary, **options, **times))
        right = [
            frame_clip(
                graph,
                clip,
                classes,
                negatives,
                parents,
                length=grid.length_ms,
                hop=grid.hop_ms,
                annotated=annotated,
            )
            for clip in clips
        ]
        assert found == [frame for clip in right for frame in clip]
        found = states(expand(events, "diffuse", vocabulary=vocabulary, **options))
        assert found == [
            diffuse_clip(graph, clip, classes, negatives, parents, annotated) for clip in clips
        ]


@pytest.mark.parametrize(("scheme", "options"), SCHEME_OPTIONS)
@given(data=st.data())
def test_full_coverage_changes_nothing_and_clips_do_not_depend_on_their_neighbours(
    scheme: str, options: dict[str, str], data: st.DataObject
) -> None:
    ontology = data.draw(ontologies())
    vocabulary, clips = data.draw(vocabularies(ontology)), data.draw(disputed(ontology))

    def found(some: list, annotated: set[str] | None) -> list[dict[str, str]]:
        labels = annotations_of(ontology, some, annotated)
        return states(expand(labels, scheme, vocabulary=vocabulary, **options))

    assert found(clips, None) == found(clips, set(vocabulary.ids)) == found(clips, set(ontology))
    annotated = data.draw(st.sets(st.sampled_from(ontology.ids)))
    assert found(clips, annotated)[0] == found(clips[:1], annotated)[0]
