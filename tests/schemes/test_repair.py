"""Labels repaired by a teacher, and co-supervision: definitions, laws, and cases worked by hand."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from oracles.class_quality import doubt
from oracles.repair import (
    at_least_those_below,
    expand_repaired,
    implicit_negatives,
    likeliest_missing,
    sure_additions,
)
from strategies import annotations, ontologies, vocabularies

from audiolabels import Annotations, Scores, Targets, expand, read_labels, toy_ontology
from audiolabels.errors import OptionError, ScoresFileError
from audiolabels.schemes.class_quality import ClassQuality
from audiolabels.schemes.teacher_enhanced import class_thresholds
from audiolabels.schemes.teacher_masked import Highest, share_of

LABELS_SCHEMES = [
    ("weak", None),
    ("pel", "unambiguous"),
    ("pel", "certain"),
    ("pe-cml", "all"),
    ("pe-cml", "certain"),
]
TOY = toy_ontology()


@st.composite
def cases(draw: st.DrawFn) -> Any:
    """Labels, scores of segments of some of their clips and of others, and a vocabulary."""
    ontology = draw(ontologies(8))
    labels = draw(annotations(ontology))
    teacher = draw(vocabularies(ontology))
    columns = draw(vocabularies(ontology).filter(lambda v: set(v.ids) & set(teacher.ids)))
    clips = draw(st.permutations(range(10)))[: draw(st.integers(1, 10))]
    sizes = [draw(st.integers(1, 3)) for _ in clips]
    rng = np.random.default_rng(draw(st.integers(0, 2**32)))
    values = rng.integers(0, 5, (sum(sizes), len(teacher))) / 4
    known = rng.random(values.shape) < 0.8
    names = [f"clip {c}" for c, size in zip(clips, sizes, strict=True) for _ in range(size)]
    scores = Scores.from_arrays(
        names, np.where(known, values, 0), classes=teacher, ontology=ontology
    )
    scores.unknown[:] = np.packbits(~known, axis=1)
    return labels, scores, columns


def as_oracle(labels: Annotations, scores: Scores) -> tuple[Any, Any]:
    """Given classes and highest told scores, as plain dictionaries."""
    ids = {c.name: c.id for c in labels.ontology.classes}
    given: dict[str, Any] = {}
    for row, clip in enumerate(labels.clip_id.to_pylist()):
        said = labels.labels(row)
        given[clip] = None if said is None else {ids[name] for name in said}
    unknown = np.unpackbits(scores.unknown, axis=1, count=len(scores.vocabulary))
    told: dict[str, dict[str, float]] = {}
    for row, clip in enumerate(scores.clip_id.to_pylist()):
        best = told.setdefault(clip, {})
        for column, id_ in enumerate(scores.vocabulary.ids):
            if not unknown[row, column]:
                best[id_] = max(best.get(id_, 0), float(scores.scores[row, column]))
    return given, told


def states(targets: Targets) -> list[list[str]]:
    target, mask = targets.to_numpy()
    names = np.where(mask == 0, "unknown", np.where(target == 1, "positive", "negative"))
    return names.tolist()


def climbing(labels_scheme: str, parents: str | None) -> dict[str, Any]:
    return {"labels_scheme": labels_scheme} | ({"parents": parents} if parents else {})


@settings(max_examples=60)
@given(
    name=st.sampled_from(["teacher-masked", "teacher-enhanced", "co-supervised"]),
    scheme=st.sampled_from(LABELS_SCHEMES),
    case=cases(),
    data=st.data(),
)
def test_positives_of_classes_of_low_quality_become_unknown(
    name: str, scheme: Any, case: Any, data: st.DataObject
) -> None:
    labels, scores, columns = case
    counts = st.integers(0, 10).flatmap(lambda n: st.tuples(st.just(n), st.integers(0, n)))
    ratings = data.draw(st.dictionaries(st.sampled_from(labels.ontology.ids), counts, min_size=1))
    quality = ClassQuality(Path("q.csv"), "", ratings)
    options: dict[str, Any] = {"vocabulary": columns, "given": labels, **climbing(*scheme)}
    plain = expand(scores, name, **options)
    made = expand(scores, name, class_quality=quality, quality_floor="0.7", **options)
    assert made.metadata["options"]["quality_floor"] == 0.7
    assert made.metadata["quality"]["name"] == "q.csv"
    assert made.clips.equals(plain.clips) or name == "co-supervised"
    if name != "co-supervised":
        before = [dict(zip(columns.ids, row, strict=True)) for row in states(plain)]
        right = [doubt(own, ratings, "0.7") for own in before]
        assert [dict(zip(columns.ids, row, strict=True)) for row in states(made)] == right
        changed = sum(a[c] != b[c] for a, b in zip(before, right, strict=True) for c in columns.ids)
        assert made.metadata["counts"].get("doubtful", 0) == changed
        return
    given_, _ = expand(labels, scheme[0], vocabulary=columns, **(
        {"parents": scheme[1]} if scheme[1] else {})).to_numpy()  # fmt: skip
    row_of = {clip: row for row, clip in enumerate(labels.clip_id.to_pylist())}
    low = [n > 0 and m / n < 0.7 for n, m in (ratings.get(c, (0, 0)) for c in columns.ids)]
    target, mask = plain.to_numpy()
    kept = plain.clip_id.to_pylist()
    assert made.clip_id.to_pylist() == kept
    for row, clip in enumerate(kept):
        doubted = (given_[row_of[clip]] == 1) & np.array(low)
        mask[row, doubted] = target[row, doubted] = 0
    assert np.array_equal(made.to_numpy(), (target, mask))


def test_class_quality_beside_scores_needs_given_labels(tmp_path: Path) -> None:
    path = tmp_path / "q.csv"
    path.write_text("label_id,num_rated,num_true\nBark,10,1\n")
    scores = Scores.from_arrays(["a"], [[0.5]], classes=["Bark"])
    with pytest.raises(OptionError, match="class quality is that of given labels: give these"):
        expand(scores, "pseudo-strong", class_quality=path)


@given(
    scheme=st.sampled_from(LABELS_SCHEMES),
    case=cases(),
    share=st.sampled_from(["0", "0.01", "0.3", "0.5", "0.7", "1"]),
)
def test_masking_is_as_defined(scheme: Any, case: Any, share: str) -> None:
    labels_scheme, parents = scheme
    labels, scores, columns = case
    options = climbing(labels_scheme, parents) | {"mask_share": share}
    made = expand(scores, "teacher-masked", vocabulary=columns, given=labels, **options)
    assert isinstance(made, Targets)
    assert made.clip_id.equals(labels.clip_id)
    said, told = as_oracle(labels, scores)
    missing = likeliest_missing(said, told, list(columns.ids), share)
    for row, clip in enumerate(labels.clip_id.to_pylist()):
        wanted = expand_repaired(
            labels.ontology.graph, said[clip], list(columns.ids), labels_scheme, parents or "all",
            masked={c for name, c in missing if name == clip}, added=set(), added_as_given=False,
        )  # fmt: skip
        assert states(made)[row] == [wanted[c] for c in columns.ids]
    assert made.metadata["counts"] == {
        "clips_without_scores": len(set(said) - set(told)),
        "implicit_negatives": sum(len(implicit_negatives(said, told, c)) for c in columns.ids),
        "masked_by_teacher": len(missing),
    }


@given(
    scheme=st.sampled_from(LABELS_SCHEMES),
    case=cases(),
    enhance=st.sampled_from(["both", "children", "ancestors"]),
    rule=st.sampled_from(["mean", "median", "p25", "p10", "p5"]),
    as_given=st.booleans(),
)
def test_enhancing_is_as_defined(
    scheme: Any, case: Any, enhance: str, rule: str, as_given: bool
) -> None:
    labels_scheme, parents = scheme
    labels, scores, columns = case
    options = {"enhance": enhance, "score_threshold": rule, "added_as_given": as_given}
    made = expand(
        scores, "teacher-enhanced", vocabulary=columns, given=labels,
        **options, **climbing(labels_scheme, parents),
    )  # fmt: skip
    said, told = as_oracle(labels, scores)
    graph = labels.ontology.graph
    added = sure_additions(graph, said, told, enhance, rule)
    for row, clip in enumerate(labels.clip_id.to_pylist()):
        wanted = expand_repaired(
            graph, said[clip], list(columns.ids), labels_scheme, parents or "all",
            masked=set(), added={c for name, c in added if name == clip}, added_as_given=as_given,
        )  # fmt: skip
        assert states(made)[row] == [wanted[c] for c in columns.ids]
    assert made.metadata["counts"]["added_by_teacher"] == len(added)


@settings(max_examples=30)
@given(case=cases(), seed=st.integers(0, 99), share=st.sampled_from([0.2, 0.5]))
def test_the_order_of_clips_changes_nothing(case: Any, seed: int, share: float) -> None:
    labels, scores, columns = case
    clips = scores.highest()
    order = np.random.default_rng(seed).permutation(len(clips))
    mixed = Scores.concat([clips.slice(i, i + 1) for i in order])
    for scheme, options in (("teacher-masked", {"mask_share": share}), ("teacher-enhanced", {})):
        one, other = (
            expand(s, scheme, vocabulary=columns, given=labels, **options) for s in (scores, mixed)
        )
        assert states(one) == states(other)


@settings(max_examples=30)
@given(case=cases())
def test_no_share_and_no_scores_repair_nothing(case: Any) -> None:
    labels, scores, columns = case
    weak = expand(labels, "weak", vocabulary=columns)
    none = expand(scores, "teacher-masked", vocabulary=columns, given=labels, mask_share=0)
    assert states(none) == states(weak)
    quiet = Scores.from_arrays(
        ["elsewhere"], np.ones((1, len(scores.vocabulary))), classes=scores.vocabulary,
        ontology=labels.ontology,
    )  # fmt: skip
    for scheme in ("teacher-masked", "teacher-enhanced"):
        made = expand(quiet, scheme, vocabulary=columns, given=labels)
        assert states(made) == states(weak)
        assert made.metadata["counts"]["clips_without_scores"] == len(labels)


@settings(max_examples=30)
@given(case=cases())
def test_a_greater_share_masks_no_less_and_changes_no_positive(case: Any) -> None:
    labels, scores, columns = case
    little, much = (
        expand(scores, "teacher-masked", vocabulary=columns, given=labels, mask_share=q).to_numpy()
        for q in (0.3, 0.6)
    )
    assert (much[1] <= little[1]).all()
    assert np.array_equal(much[0], little[0])


@settings(max_examples=30)
@given(case=cases())
def test_enhancing_takes_nothing_away(case: Any) -> None:
    labels, scores, columns = case
    before = expand(labels, "pel", vocabulary=columns).to_numpy()[0]
    made = expand(scores, "teacher-enhanced", vocabulary=columns, given=labels, labels_scheme="pel")
    assert (made.to_numpy()[0] >= before).all()


@given(
    st.integers(1, 30),
    st.integers(1, 4),
    st.integers(0, 2**32),
    st.sampled_from([0.0, 0.1, 0.29, 0.5, 1.0]),
    st.integers(1, 7),
)
def test_highest_cells_in_parts_are_those_of_a_sort(
    n: int, columns: int, seed: int, share: float, step: int
) -> None:
    rng = np.random.default_rng(seed)
    scores = (rng.integers(0, 4, (n, columns)) / 4).astype(np.float32)
    scores[scores == 0] *= -1  # -0.0 is 0
    negative = rng.random((n, columns)) < 0.7
    place = rng.permutation(n)
    most = share_of(share, negative.sum(0))
    found = Highest(most)
    for start in range(0, n, step):
        part = slice(start, start + step)
        found.add(scores[part], negative[part], place[part])
    cells = set(zip(*(part.tolist() for part in found.cells(most)), strict=True))
    wanted = set()
    for column in range(columns):
        rows = sorted(
            np.flatnonzero(negative[:, column]), key=lambda r: (-scores[r, column], place[r])
        )
        wanted |= {(column, int(place[r])) for r in rows[: int(most[column])]}
    assert cells == wanted


def test_pruning_keeps_the_highest() -> None:
    rng = np.random.default_rng(4)
    scores = (rng.integers(0, 50, (500, 3)) / 50).astype(np.float32)
    most = np.array([5, 0, 40])
    found = Highest(most, slack=3)
    for start in range(0, 500, 11):
        part = slice(start, start + 11)
        found.add(scores[part], np.ones_like(scores[part], np.bool_), np.arange(500)[part])
    column, place = found.cells(most)
    for c, count in ((0, 5), (2, 40)):
        best = np.lexsort((np.arange(500), -scores[:, c]))[:count]
        assert sorted(place[column == c].tolist()) == sorted(best.tolist())
    assert not (column == 1).any()


def test_a_share_is_exact_in_its_decimals() -> None:
    assert share_of(0.29, np.array([100, 99, 0])).tolist() == [29, 28, 0]
    assert share_of(0.07, np.array([100])).tolist() == [7]
    assert share_of(1e-05, np.array([199_999, 200_000])).tolist() == [1, 2]


def test_masking_by_hand() -> None:
    """Ten clips, in all of which Engine is a candidate but in the first: of nine a third is 3."""
    labels = Annotations.from_dict(
        {f"{i}": ["Engine"] if i == 0 else ["Guitar"] for i in range(10)}, ontology=TOY
    )
    engine = [0.9, 0.5, 0.75, 0.5, 0.25, 0.5, 0.125, 0, 0, 0]
    ids = [str(i) for i in (5, 3, 1, 0, 2, 4, 9, 8, 7, 6)]  # of three that tie, 1 and 3 come first
    values = [[engine[int(i)], 0] for i in ids]
    scores = Scores.from_arrays(ids, values, classes=["Engine", "Guitar"], ontology=TOY)
    made = expand(scores, "teacher-masked", given=labels, mask_share=0.34)
    masked = made.to_pandas().set_index("clip_id")["masked"]
    assert {clip for clip, names in masked.items() if "Engine" in names} == {"1", "2", "3"}
    assert made.metadata["options"] == {"mask_share": 0.34, "labels_scheme": "weak"}
    assert made.metadata["counts"] == {
        "clips_without_scores": 0, "implicit_negatives": 10, "masked_by_teacher": 3
    }  # fmt: skip


def test_positive_wins_over_masked_and_masked_over_negative() -> None:
    """Music is masked in both clips; in the first a guitar makes it positive."""
    labels = Annotations.from_dict({"a": ["Guitar"], "b": ["Engine"]}, ontology=TOY)
    scores = Scores.from_arrays(
        ["a", "b"], [[1, 0], [0.5, 1]], classes=["Music", "Bell"], ontology=TOY
    )
    options = {"vocabulary": ["Music", "Bell"], "given": labels, "mask_share": 1}
    weak = expand(scores, "teacher-masked", **options)
    assert states(weak) == [["unknown", "unknown"]] * 2
    lifted = expand(scores, "teacher-masked", labels_scheme="pel", **options)
    assert states(lifted) == [["positive", "unknown"], ["unknown", "unknown"]]


def test_verified_absence_and_silence_are_never_masked() -> None:
    labels = Annotations.from_dict({"a": [], "b": None, "c": ["Rain"]})
    scores = Scores.from_arrays(["a", "b", "c"], [[1], [1], [0.1]], classes=["Bark"])
    made = expand(scores, "teacher-masked", given=labels, mask_share=1)
    assert states(made) == [["negative"], ["unknown"], ["unknown"]]
    assert made.metadata["counts"]["masked_by_teacher"] == 1


def test_enhancing_by_hand() -> None:
    """Threshold of Electric guitar (0.25 + 0.75) / 2 = 0.5, of Music 0.5 in one clip."""
    labels = Annotations.from_dict(
        {
            "sure": ["Guitar"],
            "at it": ["Guitar"],
            "e1": ["Electric guitar"],
            "e2": ["Electric guitar", "Music"],
            "elsewhere": ["Engine"],
        },
        ontology=TOY,
    )
    scores = Scores.from_arrays(
        list(labels.clip_id.to_pylist()),
        [[0.625, 0.75, 1], [0.5, 0.5, 1], [0.25, 0.625, 0], [0.75, 0.5, 0], [1, 1, 1]],
        classes=["Electric guitar", "Music", "Bell"],
        ontology=TOY,
    )
    made = expand(scores, "teacher-enhanced", given=labels)
    assert made.to_pandas()["positive"].tolist() == [
        ["Electric guitar", "Music"], [], ["Electric guitar", "Music"],
        ["Electric guitar", "Music"], [],
    ]  # fmt: skip
    assert made.metadata["counts"] == {
        "added_children": 1, "added_ancestors": 2, "clips_without_scores": 0,
        "added_by_teacher": 3, "classes_without_threshold": 1,
    }  # fmt: skip
    assert made.metadata["options"] == {
        "enhance": "both", "score_threshold": "mean", "labels_scheme": "weak"
    }  # fmt: skip
    children = expand(scores, "teacher-enhanced", given=labels, enhance="children")
    assert children.metadata["counts"]["added_by_teacher"] == 1


@pytest.mark.parametrize(
    ("rule", "wanted"),
    [("mean", 0.5), ("median", 0.5), ("p25", 0.25), ("p10", 0.1), ("p5", 0.05)],
)
def test_thresholds_by_hand(rule: str, wanted: float) -> None:
    scores = np.array([1, 0, 0.75, 0.25, 0.5, 0.125], np.float32)
    found = class_thresholds(np.array([0, 0, 0, 0, 0, 2]), scores, 4, rule)
    assert found[[0, 2]].tolist() == pytest.approx([wanted, 0.125])
    assert np.isnan(found[[1, 3]]).all()


def test_an_added_class_masks_and_unmasks_only_where_asked() -> None:
    """Guitar is given and Electric guitar added; Music is given and Bell added."""
    labels = Annotations.from_dict(
        {"g": ["Guitar"], "m": ["Music"], "e": ["Electric guitar"], "b": ["Bell"]}, ontology=TOY
    )
    scores = Scores.from_arrays(
        ["g", "m", "e", "b"],
        [[1, 0], [0, 1], [0.5, 0], [0, 0.5]],
        classes=["Electric guitar", "Bell"],
        ontology=TOY,
    )
    columns = ["Music", "Guitar", "Electric guitar", "Acoustic guitar", "Things", "Bell",
               "Church bell"]  # fmt: skip
    options = {"vocabulary": columns, "given": labels, "labels_scheme": "pe-cml"}
    tables = [
        expand(scores, "teacher-enhanced", added_as_given=asked, **options).to_pandas()
        for asked in (False, True)
    ]
    apart, asked = (table.set_index("clip_id") for table in tables)
    assert apart["positive"]["g"] == ["Music", "Guitar", "Electric guitar"]
    assert apart["masked"]["g"] == ["Acoustic guitar"]
    assert asked["masked"]["g"] == []
    # An added bell is a thing, too; it masks what is below it only where it counts as given.
    assert apart["positive"]["m"] == asked["positive"]["m"] == ["Music", "Things", "Bell"]
    assert apart["masked"]["m"] == [
        "Guitar", "Electric guitar", "Acoustic guitar", "Church bell"
    ]  # fmt: skip
    assert asked["masked"]["m"] == ["Church bell"]


def test_rows_of_a_given_clip_are_one() -> None:
    twice = Annotations.concat(
        [
            Annotations.from_dict({"a": ["Guitar"], "b": ["Rain"]}),
            Annotations.from_dict({"a": ["Rain"]}),
        ],
        Annotations.from_dict({}).ontology,
    )
    scores = Scores.from_arrays(["b", "a"], [[1, 0], [1, 1]], classes=["Guitar", "Rain"])
    made = expand(scores, "teacher-masked", given=twice, mask_share=1)
    assert made.clip_id.to_pylist() == ["a", "b"]
    assert states(made) == [["positive", "positive"], ["unknown", "positive"]]


def test_scores_of_a_clip_in_two_places_are_refused() -> None:
    labels = Annotations.from_dict({"aaaaaaaaaaa_30000": ["Rain"]})
    for names in (["aaaaaaaaaaa", "aaaaaaaaaaa_30000"], ["aaaaaaaaaaa", "b", "aaaaaaaaaaa"]):
        scores = Scores.from_arrays(names, np.ones((len(names), 1)), classes=["Bark"])
        for scheme in ("teacher-masked", "teacher-enhanced"):
            with pytest.raises(ScoresFileError, match="aaaaaaaaaaa_30000 has scores in two places"):
                expand(scores, scheme, given=labels)


@settings(max_examples=30)
@given(case=cases(), weight=st.sampled_from([0.0, 0.5, 0.75, 1.0]))
def test_co_supervision_is_the_mixture_of_pseudo_strong(case: Any, weight: float) -> None:
    labels, scores, columns = case
    options = {"vocabulary": columns, "given": labels, "teacher_weight": weight}
    one, other = (expand(scores, s, **options) for s in ("co-supervised", "pseudo-strong"))
    assert np.array_equal(one.to_numpy(), other.to_numpy())
    assert one.clip_id.equals(other.clip_id)


def test_co_supervision_by_hand() -> None:
    """ȳ = 0.25 y + 0.75 ŷ; under pe-cml the guitars below a given one are unknown."""
    labels = Annotations.from_dict({"a": ["Guitar"]}, ontology=TOY)
    names = ["Guitar", "Electric guitar", "Engine"]
    scores = Scores.from_arrays(["a"], [[0.5, 0.5, 1]], classes=names, ontology=TOY)
    options = {"given": labels, "labels_scheme": "pe-cml"}
    mixed = expand(scores, "co-supervised", teacher_weight=0.75, **options)
    assert [part.tolist() for part in mixed.to_numpy()] == [[[0.625, 0, 0.75]], [[1, 0, 1]]]
    alone = expand(scores, "co-supervised", teacher_weight=1, **options)
    assert [part.tolist() for part in alone.to_numpy()] == [[[0.5, 0.5, 1]], [[1, 1, 1]]]
    usual = expand(scores, "co-supervised", given=labels)
    assert usual.metadata["options"] == {"teacher_weight": 0.7, "labels_scheme": "weak"}
    assert usual.to_numpy()[0][0].tolist() == pytest.approx([0.65, 0.35, 0.7], abs=2**-12)


@given(case=cases())
def test_propagated_scores_are_as_defined(case: Any) -> None:
    _, scores, columns = case
    made = scores.propagate()
    assert np.array_equal(made.unknown, scores.unknown)
    unknown = np.unpackbits(scores.unknown, axis=1, count=len(scores.vocabulary))
    for row in range(len(scores)):
        told = {
            id_: float(scores.scores[row, column])
            for column, id_ in enumerate(scores.vocabulary.ids)
            if not unknown[row, column]
        }
        wanted = at_least_those_below(scores.ontology.graph, told)
        found = dict(zip(scores.vocabulary.ids, made.scores[row].tolist(), strict=True))
        assert found == {**dict.fromkeys(scores.vocabulary.ids, 0.0), **wanted}
    assert np.array_equal(made.propagate().scores, made.scores)
    option = expand(scores, "pseudo-strong", vocabulary=columns, propagate_scores=True)
    assert np.array_equal(
        option.to_numpy(), expand(made, "pseudo-strong", vocabulary=columns).to_numpy()
    )
    assert option.metadata["options"] == {"teacher_weight": 1.0, "propagate_scores": True}


def test_scores_climb_through_classes_outside_the_vocabulary() -> None:
    scores = Scores.from_arrays(
        ["a"], [[0.25, 0.75]], classes=["Music", "Electric guitar"], ontology=TOY
    )
    made = expand(scores, "pseudo-strong", vocabulary=["Music", "Guitar"], propagate_scores=True)
    assert made.to_numpy()[0].tolist() == [[0.75, 0]]
    assert made.to_numpy()[1].tolist() == [[1, 0]]  # of Guitar the teacher says nothing


GIVEN = Annotations.from_dict({"a": ["Rain"]})
SCORES = Scores.from_arrays(["a"], [[0.5]], classes=["Rain"])


@pytest.mark.parametrize(
    ("scheme", "options", "message"),
    [
        ("co-supervised", {}, "'co-supervised' needs given labels"),
        ("teacher-masked", {}, "'teacher-masked' needs given labels"),
        ("teacher-enhanced", {}, "'teacher-enhanced' needs given labels"),
        ("co-supervised", {"given": GIVEN, "threshold": 0.5}, "has no option 'threshold'"),
        ("teacher-masked", {"given": GIVEN, "mask_share": 1.5}, "mask_share 1.5: give a number"),
        ("teacher-masked", {"given": GIVEN, "parents": "all"}, "adds no ancestors"),
        ("teacher-enhanced", {"given": GIVEN, "enhance": "leaves"}, "enhance 'leaves' is not"),
        ("teacher-enhanced", {"given": GIVEN, "added_as_given": "no"}, "give True or False"),
        ("co-supervised", {"given": GIVEN, "propagate_scores": 1}, "give True or False"),
        ("teacher-enhanced", {"given": GIVEN, "score_threshold": "p50"}, "score_threshold 'p50'"),
    ],
)
def test_wrong_options_are_refused(scheme: str, options: dict[str, Any], message: str) -> None:
    with pytest.raises(OptionError, match=message):
        expand(SCORES, scheme, **options)


@pytest.mark.shared
def test_real_labels_lose_their_share(shared_data: Path) -> None:
    """A made-up teacher over the balanced set: of each class one hundredth, the highest scores."""
    labels = read_labels(shared_data / "audioset" / "balanced_train_segments.csv")
    rng = np.random.default_rng(0)
    values = rng.random((len(labels), 527), np.float32)
    scores = Scores.from_arrays(labels.clip_id.to_pylist(), values)
    made = expand(scores, "teacher-masked", given=labels)
    positive = expand(labels, "weak").to_numpy()[0] == 1
    unknown = made.to_numpy()[1] == 0
    assert not (positive & unknown).any()
    negatives = (~positive).sum(0)
    assert unknown.sum(0).tolist() == [n // 100 for n in negatives.tolist()]
    lowest = np.where(unknown, values, 2).min(0)
    highest = np.where(unknown | positive, -1, values).max(0)
    assert (lowest >= highest).all()
