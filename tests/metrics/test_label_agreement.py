"""How scores and labels agree."""

from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from audiolabels import Annotations, Scores, Targets, load_vocabulary
from audiolabels.clips.index import ClipFinder
from audiolabels.labels.scores import whole_clips
from audiolabels.metrics.label_agreement import SAMPLE, AgreementSample
from audiolabels.schemes.given_labels import GivenLabels, MatchedScores

IDS = load_vocabulary("audioset").ids
RNG = np.random.default_rng(3)


def clips(count: int, columns: int) -> tuple[Any, Any, Any]:
    positive = RNG.random((count, columns)) < 0.2
    scores = np.clip(positive * 0.5 + RNG.random(positive.shape) * 0.6, 0, 1).astype(np.float32)
    return pa.array([f"clip {i}" for i in range(count)]), scores, positive


def with_labels(clips: Scores, positive: Any, unknown: Any) -> MatchedScores:
    n = np.arange(len(clips))
    bits = [np.packbits(table, axis=1) for table in (positive, unknown)]
    targets = Targets(clips.clips, clips.vocabulary, n.astype(np.int32), *bits, n.astype(np.int32))
    labels = GivenLabels(
        Annotations.from_dict(dict.fromkeys(clips.clip_id.to_pylist(), ())),
        targets,
        np.zeros_like(n),
        n,
        ClipFinder(clips.clip_id),
    )
    return MatchedScores.match(clips, labels)


def measured(
    ids: Any, scores: Any, positive: Any, step: int, unknown: Any = None, most: int = SAMPLE
) -> Any:
    sample = AgreementSample(most)
    unknown = np.zeros_like(positive) if unknown is None else unknown
    for start in range(0, len(ids), step):
        part = slice(start, start + step)
        clips = Scores.from_arrays(
            ids[part].to_pylist(), scores[part], classes=IDS[: scores.shape[1]]
        )
        sample.add(with_labels(clips, positive[part], unknown[part]))
    return sample.agreement()


def test_a_wrong_order_shows() -> None:
    ids, scores, positive = clips(400, 12)
    right = measured(ids, scores, positive, 400)
    assert (right.clips, right.classes) == (400, 12)
    assert right.mean > 0.9
    assert not right.near_chance
    wrong = measured(ids, np.roll(scores, 1, axis=1), positive, 400)
    assert wrong.mean < 0.3
    assert wrong.near_chance


def test_the_sample_depends_on_neither_order_nor_parts() -> None:
    ids, scores, positive = clips(300, 5)
    whole = measured(ids, scores, positive, 300, most=50)
    assert whole.clips == 50
    assert measured(ids, scores, positive, 7, most=50) == whole
    other = RNG.permutation(300)
    mixed = measured(ids.take(pa.array(other)), scores[other], positive[other], 11, most=50)
    assert mixed == whole


def test_what_is_unknown_takes_no_part() -> None:
    ids, scores, positive = clips(200, 4)
    unknown = ~positive & (scores > 0.3)
    assert measured(ids, scores, positive, 50, unknown).mean == pytest.approx(1)


def test_nothing_is_measured_on_too_little() -> None:
    ids, scores, positive = clips(20, 3)
    assert AgreementSample().agreement() is None
    assert measured(ids[:1], scores[:1], positive[:1], 1) is None
    assert measured(ids, scores, np.zeros_like(positive), 20) is None


@given(st.lists(st.integers(1, 5), min_size=1, max_size=6), st.integers(1, 7))
def test_clips_are_whole_whatever_the_parts(sizes: list[int], step: int) -> None:
    names = [f"clip {i}" for i, size in enumerate(sizes) for _ in range(size)]
    values = RNG.random((len(names), 2)).astype(np.float32)
    onset = [float(i) for size in sizes for i in range(size)]
    scores = Scores.from_arrays(names, values, classes=["Rain", "Speech"], onset=onset)
    parts = (scores.slice(i, i + step) for i in range(0, len(scores), step))
    done = [part.highest() for part in whole_clips(parts)]
    assert [c for found in done for c in found.clip_id.to_pylist()] == [
        f"clip {i}" for i in range(len(sizes))
    ]
    ends = np.cumsum(sizes)
    highest = [values[end - size : end].max(0) for size, end in zip(sizes, ends, strict=True)]
    assert np.array_equal(np.concatenate([found.scores for found in done]), highest)
