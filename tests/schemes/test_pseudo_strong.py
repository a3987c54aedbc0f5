"""Scores to targets: against the definition, and the laws of mixing."""

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from oracles.expansion import expand_clip
from oracles.pseudo_strong import mix
from strategies import annotations, ontologies, vocabularies

from audiolabels import Annotations, LabelSource, Scores, SoftTargets, Targets, expand
from audiolabels.errors import OptionError, UnknownClipError, VocabularyError

NAMES = ["Guitar", "Rain", "Speech"]
SCORES = Scores.from_arrays(
    ["a", "a", "b", "c"],
    [[0.5, 0.25, 0.0], [1.0, 0.0, 0.75], [0.125, 0.5, 0.0], [0.0, 0.0, 1.0]],
    classes=NAMES,
    onset=[0, 5, 0, 0],
    offset=[5, 10, 5, 5],
)
LABELS = Annotations.from_dict({"b": None, "a": ["Guitar"], "d": ["Rain"]})
SCHEMES = [("weak", None), ("pel", "all"), ("pe-cml", "all"), ("pe-cml", "certain")]


@st.composite
def cases(draw: st.DrawFn) -> Any:
    """Labels, scores of some of their clips and of others, and a vocabulary."""
    ontology = draw(ontologies())
    labels = draw(annotations(ontology))
    teacher = draw(vocabularies(ontology))
    columns = draw(vocabularies(ontology).filter(lambda v: set(v.ids) & set(teacher.ids)))
    clips = draw(st.lists(st.integers(0, 9), min_size=1, max_size=5, unique=True))
    sizes = [draw(st.integers(1, 3)) for _ in clips]
    rng = np.random.default_rng(draw(st.integers(0, 2**32)))
    values = rng.integers(0, 9, (sum(sizes), len(teacher))) / 8
    known = rng.random(values.shape) < 0.8
    scores = Scores.from_arrays(
        [f"clip {c}" for c, size in zip(clips, sizes, strict=True) for _ in range(size)],
        np.where(known, values, 0),
        classes=teacher,
        onset=[float(i) for size in sizes for i in range(size)],
        ontology=ontology,
    )
    scores.unknown[:] = np.packbits(~known, axis=1)
    return labels, scores, columns


@pytest.mark.parametrize(("labels_scheme", "parents"), SCHEMES)
@given(case=cases(), weight=st.sampled_from([0.0, 0.25, 0.5, 1.0]), hard=st.booleans())
def test_every_cell_is_as_defined(
    labels_scheme: str, parents: str | None, case: Any, weight: float, hard: bool
) -> None:
    labels, scores, columns = case
    options: dict[str, Any] = {"teacher_weight": weight, "labels_scheme": labels_scheme}
    options |= {"parents": parents} if parents else {}
    options |= {"threshold": 0.5} if hard else {}
    made = expand(scores, "pseudo-strong", vocabulary=columns, given=labels, **options)
    assert isinstance(made, Targets if hard else SoftTargets)
    target, mask = made.to_numpy()
    names, ids = labels.clip_id.to_pylist(), {c.name: c.id for c in labels.ontology.classes}
    unknown = np.unpackbits(scores.unknown, axis=1, count=len(scores.vocabulary))
    row = 0
    for segment, clip in enumerate(scores.clip_id.to_pylist()):
        if clip not in names and weight < 1:
            continue
        given = labels.labels(names.index(clip)) if clip in names else None
        states = expand_clip(
            labels.ontology.graph,
            None if given is None else {ids[name] for name in given},
            list(columns.ids),
            labels_scheme,
            parents or "all",
        )
        assert made.clip_id[row].as_py() == clip
        assert made.onset[row] == scores.onset[segment]
        for column, id_ in enumerate(columns.ids):
            k = scores.vocabulary.index.get(id_)
            said = None if k is None or unknown[segment, k] else float(scores.scores[segment, k])
            cell = mix(said, states[id_], weight)
            assert mask[row, column] == (cell is not None)
            wanted = 0.0 if cell is None else float(cell >= 0.5) if hard else cell
            assert target[row, column] == wanted
        row += 1
    assert row == len(made)


def test_scores_alone() -> None:
    made = expand(SCORES, "pseudo-strong", vocabulary=NAMES)
    assert np.array_equal(made.to_numpy()[0], SCORES.scores)
    assert made.metadata["options"] == {"teacher_weight": 1.0}
    assert made.offset.to_pylist() == [5, 10, 5, 5]


def test_weight_none_is_the_given_labels_on_every_segment() -> None:
    made = expand(SCORES, "pseudo-strong", vocabulary=NAMES, given=LABELS, teacher_weight=0)
    target, mask = made.to_numpy()
    assert made.clip_id.to_pylist() == ["a", "a", "b"]
    assert target.tolist() == [[1, 0, 0], [1, 0, 0], [0, 0, 0]]
    assert mask.tolist() == [[1] * 3, [1] * 3, [0] * 3]


def test_the_threshold_is_reached_by_equality() -> None:
    made = expand(SCORES, "pseudo-strong", vocabulary=NAMES, threshold=0.5)
    assert made.to_numpy()[0].tolist() == [[1, 0, 0], [1, 0, 1], [0, 1, 0], [0, 0, 1]]
    assert made.metadata["options"] == {"teacher_weight": 1.0, "threshold": 0.5}


def test_decisions_are_made_before_rounding() -> None:
    just_below = np.float32(0.49999)
    scores = Scores.from_arrays(["a"], [[just_below]], classes=["Rain"])
    assert expand(scores, "pseudo-strong").to_numpy()[0] == 0.5
    assert expand(scores, "pseudo-strong", threshold=0.5).to_numpy()[0] == 0


@given(value=st.floats(0, 1, width=32))
def test_rounding_is_as_small_as_stated(value: float) -> None:
    scores = Scores.from_arrays(["a"], [[value]], classes=["Rain"])
    rounded = float(expand(scores, "pseudo-strong").to_numpy()[0][0, 0])
    assert abs(rounded - value) <= 2**-12 if value >= 0.5 else abs(rounded - value) <= 2**-13
    assert (rounded > 0) >= (value > 3e-8)


def test_classes_that_the_teacher_does_not_tell_of_are_unknown() -> None:
    made = expand(SCORES, "pseudo-strong", vocabulary=["Music", "Rain"])
    assert made.to_numpy()[1].tolist() == [[0, 1]] * 4
    zero = {"given": LABELS, "teacher_weight": 0}
    made = expand(SCORES, "pseudo-strong", vocabulary=["Music", "Rain"], **zero)
    assert made.to_numpy()[1].tolist() == [[1, 1]] * 2 + [[0, 0]]
    with pytest.raises(VocabularyError, match="none in common"):
        expand(SCORES, "pseudo-strong", vocabulary=["Music"])


def test_a_mistyped_id_is_the_same_class() -> None:
    scores = Scores.from_arrays(["a"], [[0.5]], classes=["/t/dd000138"])
    assert expand(scores, "pseudo-strong", vocabulary=["/t/dd00138"]).to_numpy()[0] == 0.5


def test_rows_of_a_given_clip_are_united() -> None:
    twice = Annotations.concat(
        [
            Annotations.from_dict({"b": ["Rain"], "a": ["Guitar"]}),
            Annotations.from_dict({"a": ["Speech"], "c": None}),
        ],
        LABELS.ontology,
    )
    made = expand(SCORES, "pseudo-strong", vocabulary=NAMES, given=twice, teacher_weight=0)
    assert made.to_numpy()[0].tolist() == [[1, 0, 1], [1, 0, 1], [0, 1, 0], [0, 0, 0]]


def test_a_video_without_start_finds_its_only_clip() -> None:
    videos = ["aaaaaaaaaaa", "ccccccccccc", "ddddddddddd_5"]
    scores = Scores.from_arrays(videos, np.eye(3), classes=NAMES)
    labels = Annotations.from_dict(
        {
            "aaaaaaaaaaa_30000": ["Guitar"],
            "bbbbbbbbbbb_0": ["Rain"],
            "bbbbbbbbbbb_10000": ["Rain"],
            "ccccccccccc": ["Rain"],
            "ddddddddddd_6": ["Rain"],
        }
    )
    made = expand(scores, "pseudo-strong", vocabulary=NAMES, given=labels, teacher_weight=0.5)
    assert made.clip_id.to_pylist() == ["aaaaaaaaaaa_30000", "ccccccccccc"]
    kept = expand(scores, "pseudo-strong", vocabulary=NAMES, given=labels)
    assert kept.clip_id.to_pylist() == ["aaaaaaaaaaa_30000", *videos[1:]]
    unclear = Scores.from_arrays(["bbbbbbbbbbb"], np.eye(1, 3), classes=NAMES)
    with pytest.raises(UnknownClipError, match=r"'bbbbbbbbbbb' could .*: bbbbbbbbbbb_0 \(1\), bb"):
        expand(unclear, "co-supervised", vocabulary=NAMES, given=labels)


def test_scores_and_labels_meet_by_the_rule_for_all_look_ups() -> None:
    labels = Annotations.from_dict({"abcdefghijk": ["Guitar"], "office_day1_5": ["Rain"]})
    names = ["abcdefghijk_30000", "abcdefghijk_60000", "office_day1", "office_day1_5"]
    scores = Scores.from_arrays(names, np.zeros((4, 3)), classes=NAMES)
    made = expand(scores, "co-supervised", vocabulary=NAMES, given=labels, teacher_weight=0)
    assert made.clip_id.to_pylist() == [*names[:2], names[3]]
    assert made.to_numpy()[0].any(axis=1).tolist() == [True] * 3
    found, _ = LabelSource(expand(labels, "weak", vocabulary=NAMES)).find(names)
    assert found.tolist() == [0, 0, -1, 1]


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"teacher_weight": 1.5}, r"teacher_weight 1.5: give a number from 0 to 1"),
        ({"teacher_weight": "much"}, "teacher_weight 'much': give a number"),
        ({"teacher_weight": float("nan")}, "teacher_weight nan: give a number"),
        ({"teacher_weight": 0.5}, "teacher weight 0.5 mixes scores with given labels"),
        ({"threshold": 0}, "threshold 0: give a number from above 0 to 1"),
        ({"labels_scheme": "diffuse"}, "labels_scheme 'diffuse' is not offered"),
        ({"parents": "all", "given": LABELS}, "adds no ancestors; choose 'pel'"),
        ({"negatives": "all"}, "has no option 'negatives'"),
    ],
)
def test_wrong_options_are_refused(options: dict[str, Any], message: str) -> None:
    with pytest.raises(OptionError, match=message):
        expand(SCORES, "pseudo-strong", vocabulary=NAMES, **options)


def test_other_schemes_mix_with_no_labels() -> None:
    with pytest.raises(OptionError, match="'weak' reads no scores"):
        expand(LABELS, "weak", given=LABELS)


def test_metadata_name_both_origins() -> None:
    made = expand(
        SCORES, "pseudo-strong", vocabulary=NAMES, given=LABELS, labels_scheme="pel",
        teacher_weight=0.5,
    )  # fmt: skip
    assert made.metadata["options"] == {
        "teacher_weight": 0.5,
        "labels_scheme": "pel",
        "parents": "all",
    }
