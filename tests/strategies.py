"""Random ontologies, label sets, events, grids and vocabularies for hypothesis."""

import numpy as np
import pyarrow as pa
from hypothesis import strategies as st
from oracles.framing import Clip, Statement

from audiolabels import Annotations, Vocabulary
from audiolabels.arrays.grid import Grid
from audiolabels.labels.events import NO_CLASS, STATES, Events
from audiolabels.ontology import Ontology
from audiolabels.ontology.graph import OntologyClass

SCHEME_OPTIONS = [("weak", {})] + [
    (scheme, {"parents": parents})
    for scheme in ("pel", "pe-cml")
    for parents in ("all", "unambiguous", "certain")
]


@st.composite
def ontologies(draw: st.DrawFn, most: int = 12) -> Ontology:
    """A random acyclic graph: each class may have any earlier classes as parents."""
    count = draw(st.integers(1, most))
    children: list[list[int]] = [[] for _ in range(count)]
    for child in range(1, count):
        for parent in draw(st.sets(st.integers(0, child - 1), max_size=3)):
            children[parent].append(child)
    order = draw(st.permutations(range(count)))
    return Ontology(
        OntologyClass(f"/x/{i}", f"Class {i}", tuple(f"/x/{c}" for c in children[i])) for i in order
    )


@st.composite
def vocabularies(draw: st.DrawFn, ontology: Ontology) -> Vocabulary:
    chosen = draw(st.lists(st.sampled_from(ontology.ids), min_size=1, unique=True))
    return Vocabulary("drawn", tuple(chosen), tuple(map(ontology.name, chosen)))


@st.composite
def annotations(draw: st.DrawFn, ontology: Ontology, most: int = 8) -> Annotations:
    labels = st.none() | st.lists(st.sampled_from(ontology.ids), max_size=5)
    sets = draw(st.lists(labels, max_size=most))
    return Annotations.from_dict({f"clip {i}": s for i, s in enumerate(sets)}, ontology=ontology)


@st.composite
def cases(draw: st.DrawFn) -> tuple[Annotations, Vocabulary]:
    ontology = draw(ontologies())
    return draw(annotations(ontology)), draw(vocabularies(ontology))


def events_of(clips: list[Clip], ontology: Ontology) -> Events:
    """The clips of an oracle as the library holds them."""
    rows = [
        (row, NO_CLASS if s.class_id is None else ontology.index[s.class_id], s.onset, s.offset)
        for row, clip in enumerate(clips)
        for s in clip.statements
    ]
    state = [STATES.index(s.state) for clip in clips for s in clip.statements]
    clip, classes, onset, offset = np.array(rows, np.int64).reshape(-1, 4).T.copy()
    return Events(
        ontology,
        pa.array([f"clip {row}" for row in range(len(clips))], pa.string()),
        np.array([clip.duration for clip in clips], np.int64),
        clip,
        classes.astype(np.int32),
        onset,
        offset,
        np.array(state, np.uint8),
        np.arange(1, len(rows) + 1),
        np.zeros(len(rows), np.int32),
        ("drawn.tsv",),
    )


@st.composite
def grids(draw: st.DrawFn) -> Grid:
    """The usual grid, or any: frames that overlap, or that leave gaps."""
    length = draw(st.sampled_from([960, 960, 1, 2, 3, 10, 41]) | st.integers(1, 1500))
    hop = draw(st.just(length) | st.integers(max(1, length // 3), 2 * length))
    return Grid(length, hop)


@st.composite
def times(draw: st.DrawFn, grid: Grid, duration: int) -> int:
    """A time on, or one beside, the edge or the middle of a frame or the clip; or any."""
    edge = draw(st.integers(-1, 6)) * grid.hop_ms
    part = draw(st.sampled_from([0, grid.length_ms, grid.length_ms // 2, duration]))
    near = edge + part + draw(st.sampled_from([-1, 0, 0, 1]))
    return draw(st.just(near) | st.integers(-duration, 2 * duration))


@st.composite
def framing_clips(draw: st.DrawFn, ontology: Ontology, grid: Grid, *, unsure: bool = False) -> Clip:
    """A clip of a few frames with statements of every kind, some of them twice."""
    frames = draw(st.integers(0, 5))
    duration = max(1, frames * grid.hop_ms + draw(st.integers(0, grid.length_ms)))
    statements = []
    states = st.sampled_from(
        ["present"] * 5
        + ["absent"] * 2
        + ["unknown", "empty", "nothing"]
        + ["unsure", "unsure", "other"] * unsure
    )
    for state in draw(st.lists(states, min_size=1, max_size=6)):
        if state in ("empty", "nothing", "other"):
            statements.append(Statement(state))
            continue
        class_id = draw(st.sampled_from(ontology.ids))
        onset = draw(times(grid, duration))
        offset = onset + draw(st.sampled_from([1, 2, 3, grid.length_ms]) | st.integers(1, duration))
        if state == "unknown" or (state == "absent" and draw(st.booleans())):
            onset, offset = 0, duration
        if state == "present" and draw(st.integers(0, 4)) == 0:
            offset = max(onset + 1, draw(times(grid, duration)))
        statements.append(Statement(state, class_id, onset, offset))
        if draw(st.integers(0, 9)) == 0:
            statements.append(statements[-1])
    return Clip(duration, statements)


@st.composite
def framing_cases(draw: st.DrawFn) -> tuple[Ontology, Vocabulary, Grid, list[Clip]]:
    ontology = draw(ontologies(8))
    grid = draw(grids())
    clips = draw(st.lists(framing_clips(ontology, grid), max_size=3))
    return ontology, draw(vocabularies(ontology)), grid, clips


@st.composite
def scored_cells(draw: st.DrawFn) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Scores with many ties, targets, and a mask; some classes and clips are wholly one thing."""
    n, c = draw(st.integers(1, 8)), draw(st.integers(1, 6))

    def table(elements: st.SearchStrategy) -> np.ndarray:
        row = st.lists(elements, min_size=c, max_size=c)
        return np.array(draw(st.lists(row, min_size=n, max_size=n)))

    return (
        table(st.integers(-2, 3)).astype(np.float32) / 2,
        table(st.sampled_from([0, 0, 1])),
        table(st.sampled_from([0, 1, 1])),
    )
