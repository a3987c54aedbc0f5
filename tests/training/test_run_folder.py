"""Run folders: what they hold, which are taken up, and which are refused."""

import json
import re
from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest
from training_support import HYPERPARAMETERS, SMALL

from audiolabels import (
    load_vocabulary,
)
from audiolabels.errors import RunError, ScoresFileError, TargetsFileError
from audiolabels.features import open_features
from audiolabels.training.run_evaluation import evaluate_run
from audiolabels.training.run_folder import load_run
from audiolabels.training.train import train


def test_a_finished_run_is_left_as_it_is(world, go):
    first, told = go("run"), []
    again = go("run", on_epoch=told.append)
    assert (told, again.best) == ([], first.best)
    assert (first.found, again.found) == (False, True)


def test_another_run_in_the_same_folder_is_refused(world, go):
    go("run", replace(HYPERPARAMETERS, epochs=1))
    with pytest.raises(RunError, match=r"other hyperparameters \(seed\)"):
        go("run", replace(HYPERPARAMETERS, epochs=1, seed=2))


def test_a_folder_with_a_classifier_does_not_become_a_run(world, go):
    (world.folder / "run").mkdir()
    (world.folder / "run" / "config.json").write_text('{"model_type": "ast"}')
    with pytest.raises(
        RunError, match=r"config\.json: not the configuration of a run: no 'hyperparameters'"
    ):
        go("run")


def test_a_file_where_the_folder_of_a_run_should_be_is_named(world, go):
    (world.folder / "run").write_text("")
    with pytest.raises(TargetsFileError, match=r"run: not written.*File exists"):
        go("run")


def test_other_features_of_the_same_clips_do_not_go_on_with_a_run(world, go):
    go("run")
    path = world.folder / "other.npz"
    np.savez(path, clip_id=np.array(world.ids), embedding=-world.embedding)
    with pytest.raises(RunError, match=r"other features \(sha256\)"):
        train(world.labels, open_features(path), world.folder / "run",
              hyperparameters=HYPERPARAMETERS, model_options=SMALL)  # fmt: skip


def test_a_run_that_failed_before_its_first_epoch_was_over_may_be_replaced(world, go):
    with pytest.raises(ScoresFileError, match=r"scores of clip\d+_0 are not numbers \(NaN\)"):
        go("run", replace(HYPERPARAMETERS, learning_rate=1e30))
    assert go("run").best > 0


def test_a_run_says_how_it_came_about(world, go):
    done = go("run", replace(HYPERPARAMETERS, epochs=1))
    config = json.loads((done.folder / "config.json").read_text())
    assert config["vocabulary"]["names"] == list(world.vocabulary.names)
    assert config["hyperparameters"]["seed"] == 3
    assert load_vocabulary(done.folder / "vocabulary.csv").ids == world.vocabulary.ids
    assert re.fullmatch("[0-9a-f]{64}", config["labels"][0]["sha256"])
    log = next((done.folder / "log").rglob("metrics.csv")).read_text()
    assert "validation_mAP" in log.splitlines()[0]


def test_embeddings_of_another_width_are_refused(world, go):
    done = go("run", replace(HYPERPARAMETERS, epochs=1))
    path = world.folder / "narrow.npz"
    np.savez(path, clip_id=np.array(world.ids), embedding=world.embedding[:, :, :3])
    with pytest.raises(RunError, match="8 numbers, these have 3"):
        evaluate_run(load_run(done.folder), world.labels, open_features(path))
    with pytest.raises(RunError, match="8 numbers, these have 3"):
        train(world.labels, open_features(path), world.folder / "tuned", init=done.folder)


def test_audio_at_another_rate_than_the_model_s_is_refused(world):
    audio = SimpleNamespace(
        clip_ids=world.ids, takes="audio", rate=44_100, dim=None,
        find=lambda ids: np.array([world.ids.index(i) for i in ids]),
        lengths=lambda rows, onset, offset: np.ones(len(rows), int),
    )  # fmt: skip
    with pytest.raises(RunError, match=r"8,000 samples a second.*44,100; open them with rate=8000"):
        train(world.labels, audio, world.folder / "run", "cnn1d")


def test_weights_that_are_damaged_or_of_another_model_are_refused(world, go):
    a = go("run", replace(HYPERPARAMETERS, epochs=1))
    path = a.folder / "model.safetensors"
    path.write_bytes(path.read_bytes()[:100])
    with pytest.raises(RunError, match="not the weights of this run"):
        load_run(a.folder)
