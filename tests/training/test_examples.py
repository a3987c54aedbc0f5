import pickle
from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from audiolabels import Annotations, Scores, expand, read_targets, write_targets
from audiolabels.errors import OptionError
from audiolabels.features import Inputs, open_features
from audiolabels.targets import store
from audiolabels.targets.mapped import MappedRows
from audiolabels.training.examples import Examples, Segments, held_out, windows


@pytest.fixture
def features(world):
    return open_features(world.features)


@pytest.fixture
def examples(world, features):
    return Examples.match(read_targets(world.labels), features)


def test_a_batch_is_the_features_and_targets_of_its_rows(world, examples):
    batch = examples.__getitems__([3, 0])
    assert np.array_equal(batch.values.numpy(), world.embedding[[3, 0]])
    assert np.array_equal(batch.target.numpy(), world.truth[[3, 0]])
    assert batch.lengths.tolist() == [5, 5]
    assert batch.mask.numpy().all()


def test_weights_come_with_the_targets_that_have_them(world, features, examples):
    assert examples.__getitems__([0]).weight is None
    targets = read_targets(world.labels)
    own = np.random.default_rng(0).random((*targets.positive.shape[:1], 4)).astype(np.float16)
    weighted = Examples.match(replace(targets, weight=own), features)
    assert np.array_equal(weighted.__getitems__([3, 0]).weight, own[targets.row_of_clip[[3, 0]]])
    both = examples.concat(weighted)
    found = both.__getitems__([0, len(examples) + 5]).weight
    assert found[0].tolist() == [1, 1, 1, 1]
    assert np.array_equal(found[1], own[targets.row_of_clip[5]])


def test_large_soft_targets_stay_in_their_file(tmp_path, monkeypatch, features):
    values = np.random.default_rng(0).random((6, 2))
    scores = Scores.from_arrays(
        [f"clip000000{i // 2}_0" for i in range(6)],
        values,
        classes=["Rain", "Dog"],
        onset=[0, 1] * 3,
        offset=[1, 2] * 3,
    )
    path = tmp_path / "t.parquet"
    write_targets(expand(scores, "pseudo-strong"), path)
    monkeypatch.setattr(store, "LARGE", 1)
    mapped = Examples.match(store.map_targets(path), features)
    held = Examples.match(read_targets(path), features)
    assert isinstance(mapped.targets[0].scores, MappedRows)
    assert not isinstance(held.targets[0].scores, MappedRows)
    assert len(mapped) == len(held) == 6
    for ours, right in zip(mapped.labels([4, 0, 4]), held.labels([4, 0, 4]), strict=True):
        assert np.array_equal(ours, right)
    for draw in ("all", "one-a-clip", "balanced"):
        assert np.array_equal(mapped.order(draw, epoch=1), held.order(draw, epoch=1))
    assert np.array_equal(pickle.loads(pickle.dumps(mapped)).labels()[0], held.labels()[0])


def test_clips_without_features_and_rows_of_which_nothing_is_known_are_counted(features):
    labels = Annotations.from_dict({"clip0000000_0": ["Rain"], "elsewhere": ["Rain"]})
    found = Examples.match(expand(labels, "weak"), features)
    assert len(found) == 1
    assert found.left_out["rows without features"] == 1
    told_of_other = Scores.from_arrays(["clip0000001_0"], [[0.5]], classes=["Rain"])
    unknown = expand(told_of_other, "pseudo-strong", vocabulary=["Rain", "Dog"])
    assert Examples.match(unknown, features).labels()[1].tolist() == [[1, 0]]


def test_labels_and_features_that_share_no_clip_are_refused(features):
    labels = Annotations.from_dict({"elsewhere": ["Rain"]})
    with pytest.raises(OptionError, match=r"share no clip.*'elsewhere'.*'clip0000000_0'"):
        Examples.match(expand(labels, "weak"), features)


def test_rows_without_any_frame_are_left_out_and_counted(world, features):
    scores = Scores.from_arrays(
        ["clip0000000_0"] * 2, [[0.9], [0.2]], classes=["Rain"], onset=[0, 90], offset=[1, 91]
    )
    targets = expand(scores, "pseudo-strong")
    found = Examples.match(targets, features)
    assert found.left_out["rows without a frame"] == 1
    assert found.__getitems__([0]).lengths.tolist() == [1]
    with pytest.raises(OptionError, match="no frame or sample of any row"):
        Examples.match(targets.slice(1, 2), features)


def test_what_turns_out_to_hold_no_sound_is_unknown(examples, features, monkeypatch):
    """Such as a recording that breaks off, whose header promised more."""
    nothing = Inputs(np.zeros((2, 5, 8), np.float32), np.array([5, 0]))
    monkeypatch.setattr(features, "read", lambda *_: nothing)
    assert examples.__getitems__([0, 1]).mask.mean(1).tolist() == [1, 0]


def test_segments_have_a_millisecond_or_more():
    with pytest.raises(OptionError, match="a millisecond or more"):
        windows(np.array([10.0]), 0.0004)


def test_crops_are_as_long_as_asked_and_differ_by_epoch(world, features):
    cropped = Examples.match(read_targets(world.labels), features, crop=0.96, seed=4)
    first, again = cropped.__getitems__([0, 1, 2]), cropped.__getitems__([0, 1, 2])
    later = cropped.__getitems__([120, 121, 122])
    assert first.lengths.tolist() == [1, 1, 1]
    assert np.array_equal(first.values, again.values)
    assert not np.array_equal(first.values, later.values)
    for clip, frame in enumerate(first.values.numpy()[:, 0]):
        assert (world.embedding[clip] == frame).all(1).any()


@pytest.mark.parametrize(("crop", "stretches"), [(0.96, 5), (0.1, 5), (1.92, 4), (60, 1)])
def test_every_stretch_of_whole_frames_is_drawn_equally(world, features, crop, stretches):
    cropped = Examples.match(read_targets(world.labels), features, crop=crop, seed=1)
    drawn = [cropped.__getitems__([0 + 120 * epoch]).values.numpy()[0, 0] for epoch in range(400)]
    places = [int(np.flatnonzero((world.embedding[0] == frame).all(1))[0]) for frame in drawn]
    counts = np.bincount(places, minlength=stretches)
    assert len(counts) == stretches
    assert counts.min() > 400 / stretches * 0.7


@given(st.sampled_from(["all", "one-a-clip", "balanced", "weighted"]), st.integers(0, 5))
def test_orders_are_repeatable_and_stay_within_the_epoch(draw, epoch):
    labels = Annotations.from_dict({f"c{i}": ["Rain"] if i % 3 else ["Dog"] for i in range(30)})
    targets = expand(labels, "weak", vocabulary=["Rain", "Dog"])
    names = targets.clip_id.to_pylist()
    features = SimpleNamespace(
        find=lambda ids: np.array([names.index(i) for i in ids]),
        lengths=lambda rows, onset, offset: np.ones(len(rows), int),
    )
    examples = Examples.match(targets, features, seed=7)
    order = examples.order(draw, epoch=epoch)
    assert np.array_equal(order, examples.order(draw, epoch=epoch))
    assert (order // 30 == epoch).all()
    drawn = order % 30
    if draw in ("all", "one-a-clip"):
        assert sorted(drawn) == list(range(30))
    if draw == "balanced":
        assert np.bincount(drawn % 3 == 0).tolist() == [15, 15]
    if draw == "weighted":
        assert (drawn % 3 == 0).sum() > 5


def test_mixing_draws_from_the_other_file_with_its_probability(world, features):
    weak = Examples.match(read_targets(world.labels), features)
    other = Examples.match(read_targets(world.expand("pel")), features)
    both = weak.concat(replace(other, left_out={"rows without features": 2}))
    assert len(both) == 240
    assert both.left_out["rows without features"] == 2
    shares = [(both.order("all", epoch=e, mixing=0.8) % 240 >= 120).mean() for e in range(50)]
    assert 0.78 < np.mean(shares) < 0.82
    electric = both.labels(np.array([5, 125]))[0][:, :2]
    assert electric[1, 0] >= electric[0, 0]
    assert (both.order("all", epoch=0, mixing=0.0) < 120).all()


@pytest.mark.parametrize("draw", ["balanced", "weighted"])
def test_draws_by_class_need_a_positive(world, features, draw):
    soft = Scores.from_arrays(world.ids, 0.4 * world.truth, classes=world.vocabulary)
    with pytest.raises(OptionError, match="has a positive class"):
        Examples.match(expand(soft, "pseudo-strong"), features).order(draw, epoch=0)


def test_mixing_needs_one_vocabulary(world, features):
    weak = Examples.match(read_targets(world.labels), features)
    other = Examples.match(expand(world.annotations, "weak"), features)
    with pytest.raises(OptionError, match="different vocabularies"):
        weak.concat(other)


def test_the_same_clips_are_held_out_whatever_the_labels(world, features):
    one, other = (Examples.match(read_targets(path), features)
                  for path in (world.labels, world.expand("pel")))  # fmt: skip
    held = held_out(one, 0.25)
    assert 15 < held.sum() < 45
    assert np.array_equal(held, held_out(other, 0.25))
    assert np.array_equal(held_out(one.take(held), 0.25), np.ones(held.sum()))


@given(st.lists(st.integers(1, 40_000), min_size=1, max_size=8), st.integers(10, 12_000))
def test_windows_tile_each_clip(durations_ms, length_ms):
    owner, onset, offset = windows(np.array(durations_ms) / 1000, length_ms / 1000)
    for clip, duration in enumerate(durations_ms):
        begin, end = (np.rint(t[owner == clip] * 1000).astype(int) for t in (onset, offset))
        assert begin[0] == 0
        assert end[-1] == duration
        assert (begin[1:] == end[:-1]).all()
        assert ((end - begin)[:-1] == length_ms).all()
        assert 0 < (end - begin)[-1] <= length_ms


def test_segments_read_what_lies_in_them(world, features):
    segments = Segments(features, np.array([2]), np.array([0.96]), np.array([2.88]))
    values, lengths = segments.__getitems__([0])
    assert lengths.tolist() == [2]
    assert np.array_equal(values[0].numpy(), world.embedding[2, 1:3])
