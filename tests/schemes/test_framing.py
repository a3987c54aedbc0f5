"""Schemes over frames against their definitions, and the laws that must hold for any input."""

from pathlib import Path

import networkx as nx
import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from oracles.expansion import NEGATIVE, POSITIVE, UNKNOWN, climb
from oracles.framing import (
    Clip,
    Statement,
    diffuse_clip,
    fills_half,
    frame_clip,
    frames_of,
    missed_and_clashing,
    touches,
)
from strategies import events_of, framing_cases, framing_clips, grids, ontologies, vocabularies

from audiolabels import (
    Annotations,
    Targets,
    Vocabulary,
    expand,
    load_vocabulary,
    read_events,
    toy_ontology,
)
from audiolabels.arrays import Grid
from audiolabels.errors import OptionError, VocabularyError
from audiolabels.labels.events import Events
from audiolabels.ontology import Ontology
from audiolabels.ontology.graph import OntologyClass
from audiolabels.ontology.parents import PARENTS_OR_NONE
from audiolabels.schemes.diffuse import diffuse
from audiolabels.schemes.framed import NEGATIVES, FramingOptions
from audiolabels.schemes.scheme import Expanded
from audiolabels.schemes.strong_framed import StrongFramedOptions, strong_framed

POLICIES = list(PARENTS_OR_NONE)
Case = tuple[Ontology, Vocabulary, Grid, list[Clip]]
WORDS = np.array([UNKNOWN, NEGATIVE, POSITIVE])


def states(targets: Targets) -> list[dict[str, str]]:
    target, mask = targets.to_numpy()
    assert not (target * (1 - mask)).any(), "target must be 0 where the mask is 0"
    assert not (targets.positive & targets.masked).any()
    words = WORDS[(target + mask).astype(int)]
    return [dict(zip(targets.vocabulary.ids, row, strict=True)) for row in words.tolist()]


def frame(events: Events, vocabulary: Vocabulary, grid: Grid, **options: str) -> Expanded[Targets]:
    return strong_framed(
        events,
        vocabulary,
        StrongFramedOptions(
            frame_length=grid.length_ms / 1000, frame_hop=grid.hop_ms / 1000, **options
        ),
    )


def chain(count: int) -> Ontology:
    """Class 0 above class 1 above class 2 ..."""
    return Ontology(
        OntologyClass(f"/x/{i}", f"Class {i}", (f"/x/{i + 1}",) if i + 1 < count else ())
        for i in range(count)
    )


def whole(ontology: Ontology) -> Vocabulary:
    return Vocabulary("all", ontology.ids, tuple(map(ontology.name, ontology.ids)))


CLASH: Case = (
    chain(3),
    whole(chain(3)),
    Grid(),
    [
        Clip(
            3000,
            [
                Statement("present", "/x/2", 0, 900),
                Statement("absent", "/x/0", 0, 3000),
                Statement("unknown", "/x/1", 0, 3000),
            ],
        )
    ],
)


@pytest.mark.parametrize("parents", POLICIES)
@given(case=framing_cases())
@example(case=CLASH)
def test_strong_framed_equals_its_definition(parents: str, case: Case) -> None:
    ontology, vocabulary, grid, clips = case
    events, classes = events_of(clips, ontology), list(vocabulary.ids)
    for negatives in NEGATIVES:
        found = frame(events, vocabulary, grid, negatives=negatives, parents=parents)
        right = [
            frame_clip(
                ontology.graph,
                clip,
                classes,
                negatives,
                parents,
                length=grid.length_ms,
                hop=grid.hop_ms,
            )
            for clip in clips
        ]
        assert states(found.targets) == [states for clip in right for states in clip]


@pytest.mark.parametrize("parents", POLICIES)
@given(case=framing_cases())
@example(case=CLASH)
def test_diffuse_equals_its_definition(parents: str, case: Case) -> None:
    ontology, vocabulary, _, clips = case
    events, classes = events_of(clips, ontology), list(vocabulary.ids)
    for negatives in NEGATIVES:
        found = diffuse(events, vocabulary, FramingOptions(negatives, parents))
        assert states(found.targets) == [
            diffuse_clip(ontology.graph, clip, classes, negatives, parents) for clip in clips
        ]


@pytest.mark.parametrize("scheme", ["strong-framed", "diffuse"])
@pytest.mark.parametrize("parents", POLICIES)
@settings(max_examples=40)
@given(case=framing_cases())
@example(case=CLASH)
def test_counts_are_those_of_the_tensors(scheme: str, parents: str, case: Case) -> None:
    ontology, vocabulary, grid, clips = case
    events, graph, classes = events_of(clips, ontology), ontology.graph, list(vocabulary.ids)
    framed = scheme == "strong-framed"
    given = [s for clip in clips for s in clip.statements if s.state == "present"]
    frames = [
        frames_of(c.duration, grid.length_ms, grid.hop_ms) if framed else [(0, c.duration)]
        for c in clips
    ]
    odd = [
        missed_and_clashing(graph, c, classes, parents, f, fills_half if framed else touches)
        for c, f in zip(clips, frames, strict=True)
    ]
    for negatives in NEGATIVES:
        options = {"negatives": negatives, "parents": parents}
        made = (
            frame(events, vocabulary, grid, **options)
            if framed
            else diffuse(events, vocabulary, FramingOptions(**options))
        )
        counts = made.counts
        target, mask = made.targets.to_numpy()
        row = np.repeat(np.arange(len(clips)), list(map(len, frames)))
        pairs = np.zeros((len(clips), len(classes)), bool)
        np.logical_or.at(pairs, row, target > 0)
        assert (counts.clips, counts.frames) == (len(clips), len(row))
        assert counts.positive == (target > 0).sum()
        assert counts.unknown == (mask == 0).sum()
        assert counts.negative == ((target == 0) & (mask == 1)).sum()
        assert counts.frames_by_class.tolist() == target.sum(0).tolist()
        assert counts.pairs_without_frame == sum(len(missed) for missed, _ in odd)
        assert counts.clashes == sum(len(clashing) for _, clashing in odd)
        for clip, (lost, _) in enumerate(odd):
            pairs[clip, [classes.index(c) for c in lost]] = True
        assert counts.pairs == pairs.sum()
        assert counts.clips_by_class.tolist() == pairs.sum(0).tolist()
        assert counts.events == len(given)
        assert counts.events_cut == sum(not reach(graph, s, classes, parents) for s in given)
        kinds = [{s.state for s in clip.statements} for clip in clips]
        assert counts.unlabelled == sum(not said & {"present", "empty"} for said in kinds)
        assert counts.empty == sum("empty" in said and "present" not in said for said in kinds)
        told = [(f.clip, f.kind, f.label) for f in made.findings]
        assert sorted(told) == sorted(
            (f"clip {clip}", kind, ontology.name(c))
            for clip, kinds_ in enumerate(odd)
            for kind, lost in zip(("class without frame", "clash"), kinds_, strict=True)
            for c in lost
        )


def reach(graph: nx.DiGraph, s: Statement, classes: list[str], parents: str) -> set[str]:
    """Columns that an event lifts."""
    lifted = set() if parents == "none" else climb(graph, s.class_id, set(classes), parents)[0]
    return {s.class_id, *lifted} & set(classes)


@given(data=st.data())
def test_another_event_removes_no_positive(data: st.DataObject) -> None:
    ontology, vocabulary, grid, clips = data.draw(framing_cases())
    parents = data.draw(st.sampled_from(POLICIES))
    more = [
        clip._replace(statements=clip.statements + data.draw(framing_clips(ontology, grid))[1])
        for clip in clips
    ]
    one = frame(events_of(clips, ontology), vocabulary, grid, parents=parents)
    both = frame(events_of(more, ontology), vocabulary, grid, parents=parents)
    assert (one.targets.to_numpy()[0] <= both.targets.to_numpy()[0]).all()


@given(case=framing_cases(), parents=st.sampled_from(POLICIES))
def test_events_are_framed_one_by_one(case: Case, parents: str) -> None:
    ontology, vocabulary, grid, clips = case
    together = frame(events_of(clips, ontology), vocabulary, grid, parents=parents)
    singles = np.zeros_like(together.targets.to_numpy()[0])
    for row, clip in enumerate(clips):
        for statement in clip.statements:
            alone = list(clips)
            for other, clip_ in enumerate(clips):
                alone[other] = clip_._replace(
                    statements=[statement] if other == row else [Statement("nothing")]
                )
            found = frame(events_of(alone, ontology), vocabulary, grid, parents=parents)
            singles = np.maximum(singles, found.targets.to_numpy()[0])
    assert (together.targets.to_numpy()[0] == singles).all()


@given(data=st.data())
def test_the_order_of_events_does_not_matter(data: st.DataObject) -> None:
    ontology, vocabulary, grid, clips = data.draw(framing_cases())
    mixed = [c._replace(statements=data.draw(st.permutations(c.statements))) for c in clips]
    options = {
        "negatives": data.draw(st.sampled_from(list(NEGATIVES))),
        "parents": data.draw(st.sampled_from(POLICIES)),
    }
    one, other = (
        frame(events_of(c, ontology), vocabulary, grid, **options) for c in (clips, mixed)
    )
    assert states(one.targets) == states(other.targets)
    assert one.counts.stated() == other.counts.stated()


@given(case=framing_cases(), parents=st.sampled_from(POLICIES))
def test_the_kinds_of_negatives_fit_together(case: Case, parents: str) -> None:
    """More kinds of negatives only turn unknown into negative; positives are the same in all."""
    ontology, vocabulary, grid, clips = case
    events = events_of(clips, ontology)
    by_kind = {
        kind: frame(events, vocabulary, grid, negatives=kind, parents=parents).targets.to_numpy()
        for kind in NEGATIVES
    }
    known = {kind: mask for kind, (_, mask) in by_kind.items()}
    for target, _ in by_kind.values():
        assert (target == by_kind["all"][0]).all()
    assert (known["both"] == np.maximum(known["complementary"], known["explicit"])).all()
    assert (known["both"] <= known["all"]).all()


@given(data=st.data(), parents=st.sampled_from(["none", "all", "certain"]))
def test_cutting_comes_last(data: st.DataObject, parents: str) -> None:
    ontology = data.draw(ontologies(8))
    grid = data.draw(grids())
    events = events_of(data.draw(st.lists(framing_clips(ontology, grid), max_size=3)), ontology)
    small, large = data.draw(vocabularies(ontology)), whole(ontology)
    columns = large.permutation_to(small)
    for negatives in NEGATIVES:
        options = {"negatives": negatives, "parents": parents}
        wide = frame(events, large, grid, **options).targets.to_numpy()
        narrow = frame(events, small, grid, **options).targets.to_numpy()
        for part, uncut in zip(narrow, wide, strict=True):
            assert (part == uncut[:, columns]).all()


@given(case=framing_cases(), data=st.data())
def test_parts_add_up(case: Case, data: st.DataObject) -> None:
    ontology, vocabulary, grid, clips = case
    events = events_of(clips, ontology)
    cut = data.draw(st.integers(0, len(clips)))
    complete = frame(events, vocabulary, grid, parents="certain", negatives="both")
    parts = [
        frame(events.slice(start, stop), vocabulary, grid, parents="certain", negatives="both")
        for start, stop in ((0, cut), (cut, len(clips)))
    ]
    assert [s for p in parts for s in states(p.targets)] == states(complete.targets)
    parts[0].counts.add(parts[1].counts)
    assert parts[0].counts.stated() == complete.counts.stated()
    assert [*parts[0].findings, *parts[1].findings] == sorted(
        complete.findings, key=lambda f: int(f.clip.split()[1]) >= cut
    )


@given(case=framing_cases())
def test_rows_name_the_clip_and_the_place_of_their_frame(case: Case) -> None:
    ontology, vocabulary, grid, clips = case
    targets = frame(events_of(clips, ontology), vocabulary, grid).targets
    right = [
        (f"clip {row}", start / 1000, end / 1000)
        for row, clip in enumerate(clips)
        for start, end in frames_of(clip.duration, grid.length_ms, grid.hop_ms)
    ]
    columns = (targets.clip_id, targets.onset, targets.offset)
    assert list(zip(*(column.to_pylist() for column in columns), strict=True)) == right
    assert targets.cut.tolist() == [0] * len(right)


def test_merging_before_framing_would_be_another_rule() -> None:
    """A bark that lies in the first frame is lost once it is one with the bark after it; two that
    reach into the second by less than half of it do not make up for each other.
    """
    barks = {
        "apart": [("Dog", 0.5, 0.96), ("Dog", 0.96, 2.4)],
        "merged": [("Dog", 0.5, 2.4)],
        "beside": [("Dog", 0.0, 1.4), ("Dog", 1.5, 3.0)],
    }
    events = Events.from_dict(barks, duration=2.88)
    positive = expand(events, "strong-framed", vocabulary=["Dog"]).to_numpy()[0].reshape(3, 3)
    assert positive.tolist() == [[1, 1, 1], [0, 1, 1], [1, 0, 1]]


@pytest.mark.parametrize(
    ("onset", "offset", "frames"),
    [
        (0.0, 10.0, range(10)),
        (0.48, 1.44, [0, 1]),
        (0.481, 1.44, [1]),
        (0.48, 1.439, [0]),
        (9.6, 10.0, []),
        (9.2, 10.0, [9]),
        (9.1, 10.0, [9]),
        (9.199, 9.999, [9]),
        (9.201, 10.001, []),
        (0.959, 0.961, [0, 1]),
        (0.959, 0.96, [0]),
        (0.96, 0.961, [1]),
        (-0.4, 0.4, [0]),
        (-0.401, 0.4, []),
        (8.0, 30.0, [8, 9]),
    ],
)
def test_frames_of_an_event(onset: float, offset: float, frames: list[int]) -> None:
    events = Events.from_dict({"a": [("Dog", onset, offset)]})
    targets = expand(events, "strong-framed", vocabulary=["Dog"])
    assert np.flatnonzero(targets.to_numpy()[0]).tolist() == list(frames)


@pytest.mark.parametrize("duration", [0.001, 0.5, 0.96, 1.919])
def test_a_short_clip_has_one_frame(duration: float) -> None:
    events = Events.from_dict(
        {"a": [("Dog", 0, duration)], "b": []}, duration=duration, absent={"b": ["Dog"]}
    )
    targets = expand(events, "strong-framed", vocabulary=["Dog"], negatives="explicit")
    assert targets.to_pandas()[["clip_id", "onset", "offset"]].values.tolist() == [
        ["a", 0.0, 0.96],
        ["b", 0.0, 0.96],
    ]
    assert states(targets) == [{"/m/0bt9lr": POSITIVE}, {"/m/0bt9lr": NEGATIVE}]


def test_a_long_clip_of_many_frames() -> None:
    events = Events.from_dict({"a": [("Dog", 3599, 3600)]}, duration=3600)
    made = frame(events, whole(events.ontology), Grid(40, 20))
    assert made.counts.frames == (3_600_000 - 40) // 20 + 1
    rows = np.flatnonzero(made.targets.positive.any(axis=1))
    assert rows.tolist() == list(range(3_599_000 // 20 - 1, made.counts.frames))


def test_events_beside_certain_ancestors_stay_unknown_in_complementary_frames() -> None:
    """A church bell is a bell; whether it is music, nobody can tell, in any of its frames."""
    events = Events.from_dict({"a": [("Church bell", 0, 0.96)]}, duration=1.92)
    vocabulary = ["Music", "Bell", "Church bell"]
    options = {"parents": "certain", "negatives": "complementary"}
    targets = expand(events, "strong-framed", vocabulary=vocabulary, **options)
    first, second = (list(row.values()) for row in states(targets))
    assert first == [UNKNOWN, POSITIVE, POSITIVE]
    assert second == [UNKNOWN, NEGATIVE, NEGATIVE]


def test_an_absence_goes_down_and_an_event_below_it_wins() -> None:
    toy = toy_ontology()
    events = Events.from_dict(
        {"a": [("/toy/electric", 0, 0.96)]},
        duration=1.92,
        absent={"a": ["/toy/guitar"]},
        ontology=toy,
    )
    made = frame(events, whole(toy), Grid(), negatives="explicit", parents="all")
    first, second = states(made.targets)
    assert first["/toy/electric"] == first["/toy/guitar"] == POSITIVE
    assert first["/toy/acoustic"] == second["/toy/acoustic"] == NEGATIVE
    assert second["/toy/electric"] == second["/toy/guitar"] == NEGATIVE
    assert second["/toy/music"] == UNKNOWN
    assert made.counts.clashes == 2


def test_what_files_list_beside_positive() -> None:
    events = Events.from_dict({"a": [("Dog", 0, 1)]})
    listed = {
        kind: expand(events, "diffuse", vocabulary=["Dog"], negatives=kind).listed
        for kind in NEGATIVES
    }
    assert listed == {
        "complementary": "negative",
        "explicit": "negative",
        "both": "negative",
        "all": "masked",
    }


def test_no_clips() -> None:
    for scheme in ("strong-framed", "diffuse"):
        target, mask = expand(Events.from_dict({}), scheme).to_numpy()
        assert target.shape == mask.shape == (0, 456)


@pytest.mark.parametrize(
    ("scheme", "options", "message"),
    [
        ("strong-framed", {"frame_length": 0}, "a frame of 0 seconds"),
        ("strong-framed", {"frame_hop": "0.0001"}, "a hop of 0.0001 seconds"),
        ("strong-framed", {"negatives": "some"}, "negatives 'some' is not offered; choose one of"),
        ("strong-framed", {"parents": "some"}, "parents 'some' is not offered; choose one of none"),
        ("diffuse", {"frame_length": 1}, "scheme 'diffuse' has no option 'frame_length'; it has"),
        ("weak", {}, "scheme 'weak' needs Annotations, not Events: read the files with read_label"),
    ],
)
def test_bad_options_are_refused(scheme: str, options: dict[str, str], message: str) -> None:
    with pytest.raises(OptionError, match=message):
        expand(Events.from_dict({"a": [("Dog", 0, 1)]}), scheme, **options)


def test_labels_of_clips_are_no_events() -> None:
    with pytest.raises(OptionError, match=r"needs Events, not Annotations: .* read_events"):
        expand(Annotations.from_dict({"a": ["Dog"]}), "strong-framed")


def test_a_vocabulary_that_does_not_fit_is_refused() -> None:
    events = Events.from_dict({"a": []}, ontology=toy_ontology())
    with pytest.raises(VocabularyError, match=r"the ontology lacks 456 classes"):
        expand(events, "strong-framed", vocabulary=load_vocabulary("audioset-strong"))


def test_the_hop_is_the_length_where_none_is_given() -> None:
    """As in `Grid.from_seconds` and in the command."""
    events = Events.from_dict({"a": [("Dog", 0, 1)]}, duration=2)
    targets = expand(events, "strong-framed", vocabulary=["Dog"], frame_length=0.5)
    assert targets.onset.to_pylist() == [0.0, 0.5, 1.0, 1.5]


def test_times_far_beyond_the_clip_stay_in_it() -> None:
    events = Events.from_dict({"a": [("Dog", -1e6, 1e6)], "b": []}, duration=1.92)
    positive = expand(events, "strong-framed", vocabulary=["Dog"]).to_numpy()[0]
    assert positive.ravel().tolist() == [1, 1, 0, 0]


def test_absences_that_touch_are_one(tmp_path: Path) -> None:
    rows = "".join(
        f"a\t{i * 0.96:.2f}\t{i * 0.96 + 0.96:.2f}\tDog\tNOT_PRESENT\n" for i in range(10)
    )
    head = "segment_id\tstart_time_seconds\tend_time_seconds\tlabel\tpresent\n"
    (tmp_path / "f.tsv").write_text(head + rows)
    events = read_events(tmp_path / "f.tsv")
    for scheme, options, right in (
        ("diffuse", {}, [0]),
        ("strong-framed", {"frame_length": 2}, [0, 0, 0, 0, None]),
        ("strong-framed", {}, [0] * 10),
    ):
        targets = expand(events, scheme, vocabulary=["Dog"], negatives="explicit", **options)
        target, mask = targets.to_numpy()
        states = [t if m else None for t, m in zip(target[:, 0], mask[:, 0], strict=True)]
        assert states == right
