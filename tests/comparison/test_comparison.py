"""Comparison against its definition, the laws that must hold, and the real files."""

import math
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from oracles import comparison as oracle
from strategies import ontologies

from audiolabels import (
    Annotations,
    Targets,
    Vocabulary,
    compare,
    expand,
    load_ontology,
    load_vocabulary,
    read_labels,
    toy_ontology,
)
from audiolabels.arrays.columns import doubles_to_arrow, texts_to_arrow
from audiolabels.clips.rows import clip_rows
from audiolabels.comparison import Comparison, compare_files, matching
from audiolabels.comparison import odds_ratios as cooccurrence
from audiolabels.comparison.comparison import shifted_classes
from audiolabels.errors import (
    ComparisonError,
    UnknownClassError,
    UnknownClipError,
    VocabularyError,
)
from audiolabels.ontology import Ontology

Side = Annotations | Targets
WORDS = (oracle.NEGATIVE, oracle.POSITIVE, oracle.UNKNOWN)


def annotations_of(rows: list[tuple[str, list[str] | None]], ontology: Ontology) -> Annotations:
    """Annotations in which a clip may stand several times."""
    numbered = {str(i): labels for i, (_, labels) in enumerate(rows)}
    clips = Annotations.from_dict(numbered, ontology=ontology)
    return clips.renamed(texts_to_arrow([clip for clip, _ in rows]))


def targets_of(rows: list[tuple[str, list[int]]], ids: list[str]) -> Targets:
    """Targets in which a clip may have several rows; states are numbers of `WORDS`."""
    states = np.array([row for _, row in rows], np.uint8).reshape(-1, len(ids))
    return Targets(
        clip_rows(
            texts_to_arrow([clip for clip, _ in rows]),
            doubles_to_arrow([0.0] * len(rows)),
            doubles_to_arrow([None] * len(rows)),
        ),
        Vocabulary("drawn", tuple(ids), tuple(ids)),
        np.arange(len(rows), dtype=np.int32),
        np.packbits(states == 1, axis=1),
        np.packbits(states == 2, axis=1),
        np.zeros(len(rows), np.int32),
    )


@st.composite
def sides(draw: st.DrawFn, ontology: Ontology) -> Side:
    clips = draw(st.lists(st.sampled_from("pqrst"), min_size=1, max_size=8))
    if draw(st.booleans()):
        labels = st.none() | st.lists(st.sampled_from(ontology.ids), max_size=4)
        return annotations_of([(clip, draw(labels)) for clip in clips], ontology)
    ids = draw(st.lists(st.sampled_from(ontology.ids), min_size=1, unique=True))
    common = draw(st.sampled_from([[0, 1], [0, 1, 2], [0, 1, 2, 2, 2, 2, 2, 2]]))
    states = st.lists(st.sampled_from(common), min_size=len(ids), max_size=len(ids))
    return targets_of([(clip, draw(states)) for clip in clips], ids)


def states_of(side: Side, ontology: Ontology) -> dict[str, dict[str, str]]:
    """The state of every class of the ontology, or of the vocabulary, in each clip."""
    ids = side.clip_id.to_pylist()
    if isinstance(side, Annotations):
        by_name = {c.name: c.id for c in ontology.classes}
        given_labels = [side.labels(row) for row in range(len(side))]
        rows = [
            (clip, None if names is None else {by_name[name] for name in names})
            for clip, names in zip(ids, given_labels, strict=True)
        ]
        joined = oracle.join_labels(rows)
        return {
            clip: {id_: oracle.state_of_labels(labels, id_) for id_ in ontology}
            for clip, labels in joined.items()
        }
    target, mask = side.to_numpy()
    words = np.where(target == 1, oracle.POSITIVE, oracle.NEGATIVE)
    words = np.where(mask == 0, oracle.UNKNOWN, words)
    rows = [
        (clip, dict(zip(side.vocabulary.ids, row, strict=True)))
        for clip, row in zip(ids, words.tolist(), strict=True)
    ]
    return oracle.join_states(rows)


def inventory(side: Side, ontology: Ontology) -> set[str]:
    if isinstance(side, Targets):
        return set(side.vocabulary.ids)
    by_name = {c.name: c.id for c in ontology.classes}
    return {by_name[name] for row in range(len(side)) for name in side.labels(row) or ()}


@given(data=st.data(), chunk=st.sampled_from([1, 3, 1 << 21]))
def test_comparison_equals_its_definition(data: st.DataObject, chunk: int) -> None:
    ontology = data.draw(ontologies(most=6))
    a, b = data.draw(sides(ontology)), data.draw(sides(ontology))
    in_a, in_b = states_of(a, ontology), states_of(b, ontology)
    clips = oracle.compared_clips(in_a, in_b)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(cooccurrence, "CHUNK", chunk)
        patch.setattr(matching, "ROWS", 2)
        if not clips:
            with pytest.raises(ComparisonError, match="in common"):
                compare(a, b, ontology=ontology)
            return
        found = compare(a, b, ontology=ontology)
    assert found.clips == len(clips)
    assert set(found.ids) == inventory(a, ontology) | inventory(b, ontology)
    assert [i for i, own in zip(found.ids, found.in_a, strict=True) if own] == [
        i for i in found.ids if i in inventory(a, ontology)
    ]
    for i, mine in enumerate(found.ids):
        assert [found.positive_a[i], found.known_a[i]] == oracle.prior(in_a, clips, mine)
        assert [found.positive_b[i], found.known_b[i]] == oracle.prior(in_b, clips, mine)
        for j, theirs in enumerate(found.ids):
            assert tuple(found.tables[:, i, j]) == oracle.table(in_a, in_b, mine, theirs)
    for counts, own, other in ((found.clips_a, in_a, in_b), (found.clips_b, in_b, in_a)):
        shared = own.keys() & other.keys()
        assert counts.clips == len(own)
        assert counts.lone == len(own) - len(shared)
        assert counts.unstated == sum(not oracle.speaks(own[clip]) for clip in shared)


@given(data=st.data())
def test_swapping_the_sides_inverts(data: st.DataObject) -> None:
    ontology = data.draw(ontologies(most=6))
    a, b = data.draw(sides(ontology)), data.draw(sides(ontology))
    try:
        one, other = compare(a, b, ontology=ontology), compare(b, a, ontology=ontology)
    except ComparisonError:
        return
    assert one.ids == other.ids
    both, a_only, b_only, neither = other.tables.transpose(0, 2, 1)
    assert np.array_equal(one.tables, np.stack([both, b_only, a_only, neither]))
    assert (one.clips_a, one.clips_b) == (other.clips_b, other.clips_a)
    mine, theirs = one.per_class(), other.per_class()
    defined = np.isfinite(mine["ratio"]) & (mine["ratio"] > 0)
    assert np.allclose(mine["ratio"][defined] * theirs["ratio"][defined], 1)
    assert np.array_equal(mine["share_of_a"], theirs["share_of_b"], equal_nan=True)


@given(data=st.data())
def test_a_side_agrees_with_itself(data: st.DataObject) -> None:
    ontology = data.draw(ontologies(most=6))
    side = data.draw(sides(ontology))
    try:
        found = compare(side, side, ontology=ontology)
    except ComparisonError:
        return
    assert found.clips_a.lone == found.clips_b.lone == 0
    for overlap in found.overlaps():
        assert overlap.in_a == overlap.in_b == overlap.in_both
    frame = found.per_class()
    assert (frame["ratio"].dropna() == 1).all()
    assert not frame[["a_only", "b_only", "unknown_in_a", "unknown_in_b"]].to_numpy().any()


@pytest.fixture
def weak_and_strong() -> tuple[Annotations, Annotations]:
    weak = {"a": ["Speech"], "b": ["Speech", "Dog"], "c": ["Music"], "d": None, "e": ["Dog"]}
    strong = {"b": ["Bark", "Dog"], "a": ["Speech"], "c": ["Bark"], "d": ["Dog"], "f": ["Dog"]}
    return Annotations.from_dict(weak), Annotations.from_dict(strong)


def test_a_small_comparison_by_hand(weak_and_strong: tuple[Annotations, Annotations]) -> None:
    found = compare(*weak_and_strong)
    assert found.clips == 3
    assert (found.clips_a.lone, found.clips_a.examples, found.clips_a.unstated) == (1, ("e",), 1)
    assert (found.clips_b.lone, found.clips_b.examples, found.clips_b.unstated) == (1, ("f",), 0)
    everything, shared = found.overlaps()
    assert (everything.classes, everything.in_a, everything.in_b, everything.in_both) == (
        4,
        4,
        4,
        2,
    )
    assert (shared.classes, shared.in_a, shared.in_b, shared.in_both) == (2, 3, 2, 2)
    assert (shared.share_of_a, shared.share_of_b) == (2 / 3, 1)
    frame = found.per_class().set_index("name")
    assert frame.loc["Speech", ["positive_a", "positive_b", "ratio"]].tolist() == [2, 1, 0.5]
    assert frame.loc["Bark", "ratio"] == math.inf
    assert math.isnan(frame.loc["Bark", "share_of_a"])
    assert frame.loc["Music", ["in_a", "in_b"]].tolist() == [True, False]


def test_odds_ratios_of_a_class(weak_and_strong: tuple[Annotations, Annotations]) -> None:
    found = compare(*weak_and_strong)
    speech = found.odds_ratios(a="speech")
    assert speech["name_b"].tolist() == ["Speech", "Dog", "Bark"]
    assert speech[["both", "a_only", "b_only", "neither"]].to_numpy().tolist() == [
        [1, 1, 0, 1],
        [1, 1, 0, 1],
        [1, 1, 1, 0],
    ]
    assert speech["odds_ratio"].tolist() == pytest.approx([3, 3, 1 / 3])
    assert found.odds_ratios(a="Speech", b="Dog")["corrected"].tolist() == [True]
    assert found.odds_ratios(b="Speech")["name_a"].tolist() == ["Speech"]
    assert len(found.odds_ratios()) == 6
    assert len(found.odds_ratios(minimum=2)) == 0


def test_a_vocabulary_restricts_the_tables_and_adds_a_figure(
    weak_and_strong: tuple[Annotations, Annotations],
) -> None:
    found = compare(*weak_and_strong, vocabulary=["Speech", "Bark"])
    assert [(o.scope, o.classes, o.in_b, o.in_both) for o in found.overlaps()] == [
        ("all classes", 4, 4, 2),
        ("in vocabulary custom", 2, 3, 1),
        ("in both sides", 1, 1, 1),
    ]
    assert found.per_class()["name"].tolist() == ["Speech", "Bark"]
    assert set(found.odds_ratios()["name_b"]) == {"Speech", "Bark"}
    with pytest.raises(UnknownClassError, match="Dog is outside the vocabulary custom"):
        found.odds_ratios(a="Dog")
    with pytest.raises(UnknownClassError, match="neither A nor B has the class Rain"):
        found.odds_ratios(a="Rain")
    with pytest.raises(UnknownClassError, match="no class matches 'Spech'"):
        found.odds_ratios(a="Spech")
    with pytest.raises(VocabularyError, match="any class of the vocabulary 'custom'"):
        compare(*weak_and_strong, vocabulary=["Rain"])


def test_unknown_targets_take_no_part() -> None:
    labels = Annotations.from_dict({"a": ["Guitar"], "b": ["Electric guitar"], "c": None})
    masked = expand(labels, "pe-cml", vocabulary=["Guitar", "Electric guitar", "Music"])
    found = compare(labels, masked).per_class().set_index("name")
    assert found.loc["Electric guitar", ["known_a", "known_b"]].tolist() == [2, 1]
    assert found.loc["Electric guitar", ["prior_a", "prior_b"]].tolist() == [0.5, 1]
    assert found.loc["Electric guitar", "known_in_both"] == 1
    swapped = compare(masked, Annotations.from_dict({"a": ["Electric guitar"]})).per_class()
    assert swapped.set_index("name").loc["Electric guitar", "unknown_in_a"] == 1


def test_classes_outside_the_vocabulary_of_targets_are_unknown_there() -> None:
    labels = Annotations.from_dict({"a": ["Guitar", "Rain"], "b": ["Rain"]})
    found = compare(labels, expand(labels, "weak", vocabulary=["Guitar"]))
    assert found.names == ("Guitar", "Rain")
    assert found.overlaps()[0].in_a == 1
    assert found.per_class().set_index("name").loc[
        "Rain", ["known_b", "unknown_in_b"]
    ].tolist() == [
        0,
        2,
    ]


def test_targets_of_other_vocabularies_are_matched_by_id() -> None:
    labels = Annotations.from_dict({"a": ["Guitar", "Rain"], "b": ["Bark"], "c": ["Bicycle"]})
    weak, strong, fsd50k = (
        expand(labels, "weak", vocabulary=name)
        for name in ("audioset", "audioset-strong", "fsd50k")
    )
    found = compare(weak, strong)
    assert (found.in_a & found.in_b).sum() == 382
    assert found.overlaps()[-1].share_of_a == 1
    assert (compare(weak, fsd50k).in_b).sum() == 200
    apart = compare(
        expand(labels, "weak", vocabulary=["Guitar"]), expand(labels, "weak", vocabulary=["Bark"])
    )
    assert apart.overlaps()[-1].classes == 0
    assert math.isnan(apart.overlaps()[-1].share_of_a)
    guitar, bark = apart.position("Guitar"), apart.position("Bark")
    assert apart.tables[:, guitar, bark].tolist() == [0, 1, 1, 1]
    assert not apart.tables[:, bark, guitar].any()


def test_an_alias_is_the_class_that_it_means() -> None:
    ontology = load_ontology().with_supplement()
    (alias, id_), *_ = ontology.aliases.items()
    found = compare(targets_of([("a", [1])], [alias]), targets_of([("a", [1])], [id_]))
    assert found.ids == (id_,)
    assert found.names == (ontology.name(id_),)
    with pytest.raises(VocabularyError, match="a class has two columns"):
        compare(targets_of([("a", [1, 1])], [alias, id_]), targets_of([("a", [1])], [id_]))


def test_classes_that_no_ontology_has_are_compared_by_their_id() -> None:
    mine, yours = targets_of([("a", [1, 0])], ["y", "x"]), targets_of([("a", [1])], ["y"])
    found = compare(mine, yours)
    assert found.ids == ("y", "x")
    assert found.odds_ratios(a="y", b="y")["both"].tolist() == [1]


def test_rows_of_one_clip_are_joined() -> None:
    ids = ["/m/09x0r", "/m/0bt9lr", "/m/04rlf"]
    framed = targets_of([("a", [0, 0, 2]), ("a", [1, 0, 0]), ("b", [2, 2, 2])], ids)
    labels = annotations_of([("a", ["Speech"]), ("a", ["Dog"]), ("a", None)], load_ontology())
    found = compare(labels, framed)
    assert (found.clips_b.rows, found.clips_b.clips, found.clips_b.repeated) == (3, 2, 1)
    assert (found.clips_a.rows, found.clips_a.clips, found.clips_a.repeated) == (3, 1, 1)
    frame = found.per_class().set_index("name")
    assert frame.loc["Speech", ["positive_a", "positive_b", "known_b"]].tolist() == [1, 1, 1]
    assert frame.loc["Dog", ["positive_a", "positive_b", "known_b"]].tolist() == [1, 0, 1]
    assert frame.loc["Music", "known_b"] == 0


@pytest.mark.parametrize(
    ("a", "b"),
    [
        ("abcdefghijk_30000", "audio/Yabcdefghijk_30.000_40.000.wav"),
        ("abcdefghijk_30000", "abcdefghijk"),
        ("abcdefghijk_30000", "abcdefghijk_30"),
        ("office_day1_5", "office_day1_5.flac"),
    ],
)
def test_clips_are_matched_by_the_rule_for_all_look_ups(a: str, b: str) -> None:
    one = Annotations.from_dict({"x": ["Cat"], a: ["Dog"], "y": ["Cat"]})
    other = Annotations.from_dict({"z": ["Cat"], b: ["Bark"], "x": ["Cat"]})
    for found in (compare(one, other), compare(other, one)):
        assert found.clips == 2
        assert (found.clips_a.clips, found.clips_a.lone) == (3, 1)
        assert (found.clips_b.clips, found.clips_b.lone) == (3, 1)
    dog, bark = (compare(one, other).names.index(name) for name in ("Dog", "Bark"))
    assert compare(one, other).tables[0, dog, bark] == 1


def test_each_of_two_clips_must_find_the_other() -> None:
    video, place = {"abcdefghijk": ["Dog"]}, {"abcdefghijk_30000": ["Dog"]}
    found = compare(Annotations.from_dict(place), Annotations.from_dict({**video, **place}))
    assert (found.clips, found.clips_b.lone, found.clips_b.examples) == (1, 1, ("abcdefghijk",))
    two = Annotations.from_dict({**place, "abcdefghijk_0": ["Dog"]})
    for sides in ((Annotations.from_dict(video), two), (two, Annotations.from_dict(video))):
        with pytest.raises(UnknownClipError, match=r"'abcdefghijk' could mean several clips"):
            compare(*sides)


@pytest.mark.parametrize(
    ("a", "b", "message"),
    [
        ({"x": ["Dog"]}, {"y": ["Dog"]}, "A has ids like 'x', B like 'y'$"),
        (
            {"abcdefghijk_30000": ["Dog"]},
            {"abcdefghijk_40000": ["Dog"]},
            "B like 'abcdefghijk_40000'; 1 videos are in both, with other starts$",
        ),
        ({"office_day1_5": ["Dog"]}, {"office_day1": ["Dog"]}, "B like 'office_day1'$"),
        ({"x": None}, {"x": ["Dog"]}, "1 clips in common, but none is labelled in both"),
        ({}, {"x": ["Dog"]}, "nothing to compare: A has no clips"),
        ({"x": ["Dog"]}, {}, "nothing to compare: B has no clips"),
    ],
)
def test_sides_without_anything_in_common_are_refused(
    a: dict[str, list[str] | None], b: dict[str, list[str] | None], message: str
) -> None:
    with pytest.raises(ComparisonError, match=message):
        compare(Annotations.from_dict(a), Annotations.from_dict(b))


def test_classes_that_go_with_another() -> None:
    pairs = [("Dog", "Bark")] * 30 + [("Cat", "Cat")] * 30 + [("Dog", "Dog")] * 10
    pairs += [("Rain", "Dog")] * 10
    a = Annotations.from_dict({str(i): [mine] for i, (mine, _) in enumerate(pairs)})
    b = Annotations.from_dict({str(i): [theirs] for i, (_, theirs) in enumerate(pairs)})
    found = compare(a, b)
    named = [(found.names[i], found.names[j]) for i, j in shifted_classes(found)]
    assert named == [("Dog", "Bark")]
    assert shifted_classes(found, minimum=31) == []
    assert [found.names[c] for c in found.changed_priors()] == ["Dog"]


def test_sets_that_no_clip_has_are_no_classes() -> None:
    labels = Annotations.from_dict({"a": ["Dog"], "b": ["Tap dance"]})
    first = replace(labels.slice(0, 1), sets=labels.sets)  # as parts of one lineage share them
    assert compare(first, labels).names == ("Dog", "Tap dance")
    assert compare(first, first).names == ("Dog",)


def test_verified_empty_clips_have_no_classes() -> None:
    empty = Annotations.from_dict({"a": []})
    found = compare(empty, empty)
    assert (found.clips, found.ids, shifted_classes(found)) == (1, (), [])
    assert len(found.per_class()) == len(found.odds_ratios()) == 0
    assert "nan%" not in found._repr_html_() + repr(found)


def test_notebooks_show_figures_and_escape_names(
    weak_and_strong: tuple[Annotations, Annotations],
) -> None:
    page = compare(*weak_and_strong)._repr_html_()
    assert "in both sides" in page
    assert "66.7%" in page
    shown = compare(targets_of([("a", [1])], ["<b>"]), targets_of([("a", [1])], ["<b>"]))
    assert "<b>" not in shown._repr_html_()


def test_the_toy_ontology_is_that_of_the_annotations() -> None:
    toy = toy_ontology()
    labels = Annotations.from_dict({"a": ["Bell"]}, ontology=toy)
    found = compare(labels, expand(labels, "pel", vocabulary=list(toy)))
    assert found.odds_ratios(a="bell")["name_b"].tolist() == ["Music", "Things", "Bell"]


@pytest.fixture(scope="module")
def evaluation(shared_data: Path) -> Comparison:
    folder = shared_data / "audioset"
    return compare_files(
        folder / "eval_segments.csv",
        folder / "strong_eval_110_classes.tsv.gz",
        vocabulary="audioset",
    )


@pytest.mark.shared
def test_weak_labels_hold_a_fifth_of_the_strong_pairs(evaluation: Comparison) -> None:
    assert evaluation.clips == 15_646
    assert (evaluation.clips_a.lone, evaluation.clips_b.lone) == (4_725, 0)
    assert [(o.classes, o.in_a, o.in_b, o.in_both) for o in evaluation.overlaps()] == [
        (536, 40_597, 45_167, 9_564),
        (527, 40_597, 42_381, 9_564),
        (101, 15_663, 42_381, 9_564),
    ]
    shares = [o.share_of_b for o in evaluation.overlaps()]
    assert shares == pytest.approx([0.2117, 0.2257, 0.2257], abs=5e-5)
    outside = set(evaluation.ids) - set(load_vocabulary("audioset").ids)
    assert len(outside) == 9


@pytest.mark.shared
def test_odds_ratios_of_weak_speech(evaluation: Comparison) -> None:
    speech = evaluation.odds_ratios(a="Speech", minimum=5).set_index("name_b")
    rounded = speech[["odds_ratio", "low", "high"]].round(1)
    assert rounded.loc["Male speech, man speaking"].tolist() == [11.0, 10.1, 11.9]
    assert rounded.loc["Female speech, woman speaking"].tolist() == [8.4, 7.6, 9.3]
    assert rounded.loc["Conversation"].tolist() == [6.4, 5.4, 7.5]
    assert rounded.loc["Speech"].tolist() == [11.0, 9.7, 12.3]


@pytest.mark.shared
def test_the_real_files_equal_the_definition(shared_data: Path, evaluation: Comparison) -> None:
    folder = shared_data / "audioset"
    weak = read_labels(folder / "eval_segments.csv")
    strong = read_labels(folder / "strong_eval_110_classes.tsv.gz")
    given_weak, given_strong = (
        dict(zip(side.clip_id.to_pylist(), map(side.labels, range(len(side))), strict=True))
        for side in (weak, strong)
    )
    pairs = [
        {(clip, name) for clip in given_strong for name in given[clip] or ()}
        for given in (given_weak, given_strong)
    ]
    everything = evaluation.overlaps()[0]
    assert len(pairs[0]) == everything.in_a
    assert len(pairs[1]) == everything.in_b
    assert len(pairs[0] & pairs[1]) == everything.in_both


def test_a_side_with_unknown_classes_lacks_those_of_the_other_alone() -> None:
    whole = read_labels({"a": ["Dog"], "b": ["Cat", "Rain"]})
    table = {"clip": ["a", "b"], "labels": [["Dog"], ["Rain"]], "masked": [["Bark"], []]}
    found = compare(whole, read_labels(table), ontology=load_ontology())
    frame = found.per_class().set_index("name")
    assert frame.loc[["Dog", "Cat", "Rain"], "known_in_both"].tolist() == [2, 2, 2]
    assert frame.loc[["Dog", "Cat", "Rain"], "a_only"].tolist() == [0, 1, 0]
    assert frame.loc["Cat", ["in_a", "in_b"]].tolist() == [True, False]
