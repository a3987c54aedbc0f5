"""Scores out of sample."""

from dataclasses import replace

import numpy as np
import pytest
from training_support import HYPERPARAMETERS, SMALL

from audiolabels import Annotations, expand, read_scores, write_targets
from audiolabels.clips.names import canonical_ids, videos_of
from audiolabels.clips.partition import draw_folds, held_out
from audiolabels.errors import OptionError, RunError
from audiolabels.features import open_features
from audiolabels.features.embeddings import EmbeddingFeatures
from audiolabels.training import folds as module
from audiolabels.training.annotate import annotate
from audiolabels.training.folds import annotate_folds
from audiolabels.training.run_folder import load_run
from audiolabels.training.train import train

FEW = replace(HYPERPARAMETERS, epochs=2)


def recordings(ids):
    return np.array(videos_of(canonical_ids(ids)).to_pylist())


@pytest.fixture
def pairs(world):
    """The world with two clips of each recording."""
    world.ids = [f"clip{i // 2:07d}_{i % 2 * 30_000}" for i in range(len(world.ids))]
    np.savez(world.features, clip_id=np.array(world.ids), embedding=world.embedding)
    world.write = lambda name, truth: write(world, name, truth)
    world.labels = world.write("pairs.parquet", world.truth)
    return world


def write(world, name, truth):
    given = {
        clip: [world.vocabulary.names[c] for c in np.flatnonzero(row)]
        for clip, row in zip(world.ids, truth, strict=True)
    }
    targets = expand(Annotations.from_dict(given), "weak", vocabulary=world.vocabulary)
    write_targets(targets, world.folder / name)
    return world.folder / name


def made(world, name="run", labels=None, **options):
    given = {"hyperparameters": FEW, "model_options": SMALL, "held_out": 0.2, **options}
    labels = labels or world.labels
    return load_run(
        train(labels, open_features(world.features), world.folder / name, **given).folder
    )


def scored(world, run, labels=None, name="scores.parquet", **options):
    done = annotate_folds(run, labels or world.labels, open_features(world.features),
                          world.folder / name, 3, **options)  # fmt: skip
    return done, read_scores(world.folder / name)


def test_no_recording_is_scored_by_a_model_that_saw_it(pairs, monkeypatch):
    """Of which clips features are read while a fold's annotator is trained, and while it scores."""
    run, seen, now = made(pairs), {"train": [], "annotate": []}, []
    read = EmbeddingFeatures.read

    def reading(features, rows, *times):
        now.extend(np.asarray(rows).tolist())
        return read(features, rows, *times)

    def watched(name):
        function = getattr(module, name)

        def call(*arguments, **options):
            now.clear()
            result = function(*arguments, **options)
            seen[name].append({*recordings([pairs.ids[row] for row in now]).tolist()})
            return result

        monkeypatch.setattr(module, name, call)

    for name in seen:
        watched(name)
    monkeypatch.setattr(EmbeddingFeatures, "read", reading)
    done, scores = scored(pairs, run)
    everything = {*recordings(pairs.ids).tolist()}
    assert len(everything) == 60
    assert [len(trained) > 30 for trained in seen["train"]] == [True] * 3
    for trained, judged in zip(seen["train"], seen["annotate"], strict=True):
        assert not trained & judged
        assert trained | judged == everything  # and each is used for one or the other
    assert sorted(scores.clip_id.to_pylist()) == sorted(pairs.ids)
    assert sum(fold.clips for fold in done) == 120


def test_labels_of_a_fold_have_no_effect_on_its_scores(pairs):
    fold = draw_folds(pairs.ids, 3)
    other = pairs.truth.copy()
    other[fold == 0] = np.roll(other[fold == 0], 1, axis=0)
    changed = pairs.write("changed.parquet", other)
    _, before = scored(pairs, made(pairs))
    _, after = scored(pairs, made(pairs, "other", changed), changed, "after.parquet")
    clips = before.clip_id.to_pylist()
    assert clips == after.clip_id.to_pylist()
    first = np.array([fold[pairs.ids.index(clip)] == 0 for clip in clips])
    assert np.array_equal(before.scores[first], after.scores[first])
    assert not np.array_equal(before.scores[~first], after.scores[~first])


def test_each_part_has_the_scores_of_its_annotator(pairs):
    done, scores = scored(pairs, made(pairs), window=1.92)
    fold, features = draw_folds(pairs.ids, 3), open_features(pairs.features)
    where = np.array([fold[pairs.ids.index(clip)] for clip in scores.clip_id.to_pylist()])
    assert len(scores) == 360
    assert (np.diff(where) >= 0).all()
    for number, each in enumerate(done):
        alone = pairs.folder / "alone.parquet"
        annotate(load_run(each.folder), features, alone, window=1.92,
                 clips=np.flatnonzero(fold == number))  # fmt: skip
        assert np.array_equal(read_scores(alone).scores, scores.scores[where == number])
        assert load_run(each.folder).config["fold"] == [number, 3]


def test_folds_that_were_interrupted_go_on(pairs, monkeypatch):
    run = made(pairs)
    scored(pairs, run, name="whole.parquet")
    (run.folder / "folds-3").rename(pairs.folder / "kept")
    told = []

    def interrupt(fold, epoch):
        told.append((fold, epoch.number))
        if (fold, epoch.number) == (1, 2):
            raise KeyboardInterrupt

    with pytest.raises((KeyboardInterrupt, SystemExit)):
        scored(pairs, run, on_epoch=interrupt)
    with pytest.raises(RunError, match="another annotation"):
        scored(pairs, run, window=0.96)
    told.clear()
    calls = []
    scored(pairs, run, on_epoch=lambda fold, epoch: told.append((fold, epoch.number)),
           progress=lambda *call: calls.append(call))  # fmt: skip
    assert told == [(1, 2), (2, 1), (2, 2)]
    assert calls[-1] == (120, 120)
    whole, again = pairs.folder / "whole.parquet", pairs.folder / "scores.parquet"
    assert whole.read_bytes() == again.read_bytes()
    assert not list(pairs.folder.glob(".*"))


def test_a_fold_has_no_part_in_training_validation_or_mixing(pairs):
    fold, held = draw_folds(pairs.ids, 3), held_out(pairs.ids, 0.2)
    features, options = open_features(pairs.features), {"model_options": SMALL, "fold": (2, 3)}
    outside = fold != 2
    done = train(pairs.labels, features, pairs.folder / "a", hyperparameters=FEW, held_out=0.2,
                 mix=pairs.labels, **options)  # fmt: skip
    assert done.examples == 2 * (outside & ~held).sum()
    assert done.validated == (outside & held).sum()
    done = train(pairs.labels, features, pairs.folder / "b", hyperparameters=FEW,
                 validation=pairs.labels, **options)  # fmt: skip
    assert done.examples == done.validated == outside.sum()


def test_each_fold_has_clips_to_validate_on():
    ids = [f"clip{i:07d}_0" for i in range(2000)]
    held, fold = held_out(ids, 0.1), draw_folds(ids, 5)
    assert all(20 <= (held & (fold == number)).sum() <= 60 for number in range(5))


def test_runs_that_cannot_be_repeated_are_refused(pairs):
    run = made(pairs)
    other = made(pairs, "other", pairs.write("other.parquet", ~pairs.truth))
    with pytest.raises(RunError, match=r"other targets than .*pairs\.parquet; folds need a run"):
        scored(pairs, other)
    with pytest.raises(RunError, match="began with the weights of another model"):
        scored(pairs, made(pairs, "tuned", init=run.folder, model_options={}))
    with pytest.raises(RunError, match="mixture of two targets files"):
        scored(pairs, made(pairs, "mixed", mix=pairs.labels))
    with pytest.raises(OptionError, match="give 2 or more"):
        annotate_folds(run, pairs.labels, open_features(pairs.features), "s.parquet", 1)
    with pytest.raises(OptionError, match="some part has none; give fewer"):
        annotate_folds(run, pairs.labels, open_features(pairs.features), "s.parquet", 1000)
