"""The schemes against their definitions, and the laws that must hold for any input."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from oracles.expansion import NEGATIVE, POSITIVE, UNKNOWN, expand_clip
from strategies import SCHEME_OPTIONS, annotations, cases, ontologies, vocabularies

from audiolabels import Annotations, Targets, Vocabulary, expand, load_vocabulary, toy_ontology
from audiolabels.errors import OptionError, VocabularyError
from audiolabels.ontology import Ontology
from audiolabels.ontology.parents import PARENTS
from audiolabels.schemes import SCHEMES

POLICIES = list(PARENTS)


def given_ids(clips: Annotations, row: int) -> set[str] | None:
    names = clips.labels(row)
    ids = {c.name: c.id for c in clips.ontology.classes}
    return None if names is None else {ids[name] for name in names}


def states(targets: Targets) -> list[dict[str, str]]:
    target, mask = targets.to_numpy()
    assert not (target * (1 - mask)).any(), "target must be 0 where the mask is 0"
    words = np.where(target == 1, POSITIVE, np.where(mask == 1, NEGATIVE, UNKNOWN))
    return [dict(zip(targets.vocabulary.ids, row, strict=True)) for row in words.tolist()]


def whole(ontology: Ontology) -> Vocabulary:
    return load_vocabulary("ontology", ontology=ontology)


@pytest.mark.parametrize(("scheme", "options"), SCHEME_OPTIONS)
@given(case=cases())
def test_scheme_equals_its_definition(
    scheme: str, options: dict[str, str], case: tuple[Annotations, Vocabulary]
) -> None:
    clips, vocabulary = case
    result = states(expand(clips, scheme, vocabulary=vocabulary, **options))
    for row, found in enumerate(result):
        labels = given_ids(clips, row)
        graph, classes = clips.ontology.graph, list(vocabulary.ids)
        assert found == expand_clip(graph, labels, classes, scheme, **options)


@pytest.mark.parametrize("parents", POLICIES)
@given(data=st.data())
def test_positives_are_idempotent(parents: str, data: st.DataObject) -> None:
    ontology = data.draw(ontologies())
    clips = data.draw(annotations(ontology))
    vocabulary = whole(ontology)
    once = expand(clips, "pel", vocabulary=vocabulary, parents=parents)
    lifted = dict(zip(once.clip_id.to_pylist(), once.to_pandas()["positive"], strict=True))
    again = Annotations.from_dict(lifted, ontology=ontology)
    twice = expand(again, "pel", vocabulary=vocabulary, parents=parents)
    assert (twice.to_numpy()[0] == once.to_numpy()[0]).all()


@pytest.mark.parametrize(("scheme", "options"), SCHEME_OPTIONS)
@given(data=st.data())
def test_positives_are_monotone(scheme: str, options: dict[str, str], data: st.DataObject) -> None:
    ontology = data.draw(ontologies())
    vocabulary = data.draw(vocabularies(ontology))
    labels = st.sets(st.sampled_from(ontology.ids))
    few, more = data.draw(labels), data.draw(labels)
    clips = Annotations.from_dict({"few": few, "more": few | more}, ontology=ontology)
    smaller, larger = expand(clips, scheme, vocabulary=vocabulary, **options).to_numpy()[0]
    assert (smaller <= larger).all()


@pytest.mark.parametrize("scheme", ["pel", "pe-cml"])
@pytest.mark.parametrize("parents", POLICIES)
@given(data=st.data())
def test_positives_are_closed_under_the_chosen_ancestors(
    scheme: str, parents: str, data: st.DataObject
) -> None:
    ontology = data.draw(ontologies())
    clips = data.draw(annotations(ontology))
    vocabulary = whole(ontology)
    climbs = PARENTS[parents](ontology, vocabulary)
    for found in states(expand(clips, scheme, vocabulary=vocabulary, parents=parents)):
        positive = {id_ for id_, state in found.items() if state == POSITIVE}
        assert all(climbs[id_].implied <= positive for id_ in positive)


@pytest.mark.parametrize("scheme", ["pel", "pe-cml"])
@given(case=cases())
def test_policies_lie_within_the_paper_and_certain_fills_it(
    scheme: str, case: tuple[Annotations, Vocabulary]
) -> None:
    clips, vocabulary = case
    by_policy = {
        p: expand(clips, scheme, vocabulary=vocabulary, parents=p).to_numpy() for p in POLICIES
    }
    everything = by_policy["all"][0]
    assert (by_policy["certain"][0] <= everything).all()
    assert (by_policy["unambiguous"][0] <= everything).all()
    labelled = np.array([clips.labels(row) is not None for row in range(len(clips))], bool)
    certain = expand(clips, "pel", vocabulary=vocabulary, parents="certain").to_numpy()
    together = np.maximum(certain[0], 1 - certain[1])
    assert (together[labelled] == everything[labelled]).all()


@pytest.mark.parametrize(("scheme", "options"), SCHEME_OPTIONS)
@given(case=cases())
def test_positive_and_masked_never_meet(
    scheme: str, options: dict[str, str], case: tuple[Annotations, Vocabulary]
) -> None:
    clips, vocabulary = case
    targets = expand(clips, scheme, vocabulary=vocabulary, **options)
    assert not (targets.positive & targets.masked).any()


@pytest.mark.parametrize(("scheme", "options"), SCHEME_OPTIONS)
@given(data=st.data())
def test_cutting_comes_last(scheme: str, options: dict[str, str], data: st.DataObject) -> None:
    """A smaller vocabulary gives the same columns, but for the policy that looks at it."""
    ontology = data.draw(ontologies())
    clips = data.draw(annotations(ontology))
    small, large = data.draw(vocabularies(ontology)), whole(ontology)
    if options.get("parents") == "unambiguous":
        small = Vocabulary("all", large.ids[::-1], large.names[::-1])
    columns = large.permutation_to(small)
    wide = expand(clips, scheme, vocabulary=large, **options)
    narrow = expand(clips, scheme, vocabulary=small, **options)
    for part, uncut in zip(narrow.to_numpy(), wide.to_numpy(), strict=True):
        assert (part == uncut[:, columns]).all()
    if wide.positive.size:
        lost = wide.to_numpy()[0].sum(1) - narrow.to_numpy()[0].sum(1)
        assert (narrow.cut[narrow.row_of_clip] == lost).all()


def test_a_worked_example_from_the_paper() -> None:
    """A rater who marks a banjo-less guitar says nothing about which guitar it is (§III.B)."""
    clips = Annotations.from_dict(
        {"general": ["Guitar"], "specific": ["Guitar", "Electric guitar"]}
    )
    general, specific = states(expand(clips, "pe-cml"))
    assert general["/m/02sgy"] == UNKNOWN
    assert general["/m/04rlf"] == POSITIVE
    assert specific["/m/02sgy"] == POSITIVE
    assert specific["/m/042v_gx"] == NEGATIVE


def test_added_parents_mask_nothing() -> None:
    clips = Annotations.from_dict({"clip": ["/toy/guitar"]}, ontology=toy_ontology())
    (found,) = states(expand(clips, "pe-cml", vocabulary="ontology"))
    assert {id_ for id_, state in found.items() if state == UNKNOWN} == {
        "/toy/electric",
        "/toy/acoustic",
    }


def test_a_given_class_outside_the_vocabulary_still_counts() -> None:
    toy = toy_ontology()
    vocabulary = load_vocabulary(["/toy/music", "/toy/acoustic"], ontology=toy)
    clips = Annotations.from_dict({"clip": ["/toy/guitar", "/toy/electric"]}, ontology=toy)
    targets = expand(clips, "pe-cml", vocabulary=vocabulary)
    assert states(targets) == [{"/toy/music": POSITIVE, "/toy/acoustic": NEGATIVE}]
    assert targets.cut.tolist() == [3]  # guitar, electric and strings have no column


def test_a_class_of_the_supplement_lifts_its_parent() -> None:
    clips = Annotations.from_dict({"clip": ["Pant (dog)"]})
    (found,) = states(expand(clips, "pel"))
    assert found[clips.ontology.find("Dog")] == POSITIVE


def test_an_alias_is_the_same_class() -> None:
    clips = Annotations.from_dict({"clip": ["/t/dd000138"]})
    targets = expand(clips, "weak", vocabulary="audioset-strong")
    assert targets.to_pandas()["positive"][0] == ["Brief tone"]


def test_nobody_said_anything_is_unknown_and_verified_empty_is_negative() -> None:
    clips = Annotations.from_dict({"silent": None, "empty": []}, ontology=toy_ontology())
    for scheme, options in SCHEME_OPTIONS:
        silent, empty = states(expand(clips, scheme, vocabulary="ontology", **options))
        assert set(silent.values()) == {UNKNOWN}
        assert set(empty.values()) == {NEGATIVE}


def test_no_clips() -> None:
    target, mask = expand(Annotations.from_dict({}), "pe-cml").to_numpy()
    assert target.shape == mask.shape == (0, 527)


@pytest.mark.parametrize(
    ("scheme", "options", "message"),
    [
        ("pecml", {}, "scheme 'pecml' is not offered; choose one of weak, pel, pe-cml"),
        ("pel", {"parents": "some"}, "parents 'some' is not offered; choose one of all, unamb"),
        (
            "weak",
            {"parents": "all"},
            "scheme 'weak' has no option 'parents'; it has: frame_length, weights, verdict",
        ),
        ("pel", {"parent": "all"}, "no option 'parent'; it has: parents"),
    ],
)
def test_bad_options_are_refused(scheme: str, options: dict[str, str], message: str) -> None:
    with pytest.raises(OptionError, match=message):
        expand(Annotations.from_dict({"clip": ["Guitar"]}), scheme, **options)


def test_a_vocabulary_that_does_not_fit_is_refused() -> None:
    clips = Annotations.from_dict({"clip": ["/toy/guitar"]}, ontology=toy_ontology())
    with pytest.raises(VocabularyError, match=r"the ontology lacks 527 classes of .*'audioset'"):
        expand(clips, vocabulary=load_vocabulary("audioset"))


def test_every_scheme_says_what_it_is() -> None:
    assert all(
        scheme.summary and scheme.source and (scheme.repair or scheme.make).__doc__
        for scheme in SCHEMES.values()
    )
