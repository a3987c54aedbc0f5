import json
import re
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from safetensors.torch import load_file

from audiolabels import (
    Annotations,
    Events,
    Scores,
    expand,
    load_vocabulary,
    read_targets,
    write_targets,
)
from audiolabels.errors import OptionError, RunError, ScoresFileError, VocabularyError
from audiolabels.features import open_features
from audiolabels.training import train as module
from audiolabels.training.hyperparameters import Hyperparameters
from audiolabels.training.run_evaluation import evaluate_run
from audiolabels.training.run_folder import load_run
from audiolabels.training.train import train

HYPERPARAMETERS = Hyperparameters(epochs=4, batch_size=32, average=2, learning_rate=1e-2, seed=3)
SMALL = {"hidden": 16, "dropout": 0.2}


def weights(folder: Path) -> dict[str, torch.Tensor]:
    return load_file(folder / "model.safetensors")


def same(a: Path, b: Path) -> bool:
    one, other = weights(a), weights(b)
    return one.keys() == other.keys() and all(torch.equal(one[k], other[k]) for k in one)


@pytest.fixture
def go(world):
    def run(name: str, hyperparameters: Hyperparameters = HYPERPARAMETERS, **options):
        given = {"model_options": SMALL, **options}
        labels = given.pop("labels", world.labels)
        return train(labels, open_features(world.features), world.folder / name,
                     hyperparameters=hyperparameters, **given)  # fmt: skip

    return run


def test_a_model_learns_what_embeddings_tell(world, go):
    done = go("run", replace(HYPERPARAMETERS, epochs=12))
    assert done.best > 0.8
    measured, examples, scores = evaluate_run(
        load_run(done.folder), world.labels, open_features(world.features)
    )
    assert measured.mean_average_precision > 0.8
    assert scores.shape == (120, 4)
    assert len(examples) == 120


def test_equal_seeds_give_equal_runs_and_others_do_not(world, go):
    a, b, c = go("a"), go("b"), go("c", replace(HYPERPARAMETERS, seed=4))
    assert same(a.folder, b.folder)
    assert not same(a.folder, c.folder)


def test_an_interrupted_run_comes_to_the_result_that_it_would_have_had(world, go):
    whole = go("whole", crop=1.92)

    def interrupt(epoch):
        if epoch.number == 3:
            raise KeyboardInterrupt

    with pytest.raises((KeyboardInterrupt, SystemExit)):
        go("broken", crop=1.92, on_epoch=interrupt)
    assert not (world.folder / "broken" / "model.safetensors").exists()
    with pytest.raises(RunError, match="not finished"):
        load_run(world.folder / "broken")
    told = []
    done = go("broken", crop=1.92, on_epoch=lambda epoch: told.append(epoch.number))
    assert told == [3, 4]
    assert same(done.folder, whole.folder)
    assert done.best == whole.best


@pytest.mark.parametrize("epoch", [3, None])
def test_an_interrupted_run_may_be_moved(world, go, monkeypatch, epoch):
    """Interrupted in an epoch, or after the last before the weights were written."""
    whole = go("whole")

    def interrupt(*told):
        if epoch is None or told[0].number == epoch:
            raise KeyboardInterrupt

    options = {"on_epoch": interrupt} if epoch else {}
    if not epoch:
        monkeypatch.setattr(module, "save_weights", interrupt)
    with pytest.raises((KeyboardInterrupt, SystemExit)):
        go("broken", **options)
    monkeypatch.undo()
    (world.folder / "broken").rename(world.folder / "moved")
    done = go("moved")
    assert same(done.folder, whole.folder)
    assert done.best == whole.best


def test_a_run_that_had_stopped_early_trains_no_further(world, go, monkeypatch):
    hyperparameters, told = replace(HYPERPARAMETERS, epochs=60, patience=1, learning_rate=5e-2), []

    def interrupt(*_):
        raise KeyboardInterrupt

    monkeypatch.setattr(module, "save_weights", interrupt)
    with pytest.raises(KeyboardInterrupt):
        go("run", hyperparameters, on_epoch=told.append)
    monkeypatch.undo()
    assert len(told) < 60
    again = []
    done = go("run", hyperparameters, on_epoch=again.append)
    assert again == []
    assert done.best == max(epoch.mean_average_precision for epoch in told)


def test_the_best_checkpoints_are_averaged(world, go):
    done = go("run")
    best = sorted((done.folder / "checkpoints").glob("epoch*.ckpt"))
    assert len(best) == 2
    states = [torch.load(path, weights_only=True)["state_dict"] for path in best]
    for name, value in weights(done.folder).items():
        mean = torch.stack([state[f"model.{name}"] for state in states]).mean(0)
        assert torch.allclose(value, mean)


def test_a_finished_run_is_left_as_it_is(world, go):
    first, told = go("run"), []
    again = go("run", on_epoch=told.append)
    assert (told, again.best) == ([], first.best)
    assert (first.found, again.found) == (False, True)


def test_another_run_in_the_same_folder_is_refused(world, go):
    go("run", replace(HYPERPARAMETERS, epochs=1))
    with pytest.raises(RunError, match=r"other recipe \(epochs\)"):
        go("run", replace(HYPERPARAMETERS, epochs=2))


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


def test_unknown_targets_have_no_part_in_training(world, go):
    """Targets that differ only where they are unknown give equal weights."""
    targets = read_targets(world.labels)
    generator = np.random.default_rng(1)
    hidden = generator.random((120, 4)) < 0.4
    scores = world.truth * 0.9 + 0.05
    written = []
    for fill in (0.0, 1.0):
        values = np.where(hidden, fill, scores)
        soft = expand(
            Scores.from_arrays(world.ids, values, classes=world.vocabulary), "pseudo-strong"
        )
        masked = replace(soft, masked=np.packbits(hidden, axis=1))
        path = world.folder / f"soft{fill}.parquet"
        write_targets(masked, path)
        written.append(path)
    runs = [go(f"run{i}", labels=path, validation=world.labels) for i, path in enumerate(written)]
    assert same(runs[0].folder, runs[1].folder)
    assert len(targets) == 120


@pytest.mark.parametrize("loss", ["bce", "mse"])
def test_both_losses_train_frames(world, go, loss):
    labels = world.expand("weak")
    done = go(
        loss,
        replace(HYPERPARAMETERS, loss=loss, epochs=8, draw="one-a-clip"),
        crop=0.96,
        labels=labels,
    )
    assert done.best > 0.6


def test_a_run_goes_on_from_another_with_a_new_head_and_the_rest_frozen(world, go):
    base = go("base")
    other = world.folder / "two.parquet"
    write_targets(expand(world.annotations, "weak", vocabulary=["Rain", "Dog"]), other)
    tuned = go("tuned", labels=other, init=base.folder, frozen=True, model_options={})
    before, after = weights(base.folder), weights(tuned.folder)
    body = [name for name in before if not name.startswith("head")]
    assert body
    assert all(torch.equal(before[name], after[name]) for name in body)
    assert after["head.weight"].shape[0] == 2


def test_rows_and_clips_that_training_and_validation_lose_or_share_are_counted(world, go):
    def write(name, clips):
        labels = Annotations.from_dict({clip: ["Rain"] for clip in clips})
        write_targets(expand(labels, "weak", vocabulary=world.vocabulary), world.folder / name)
        return world.folder / name

    hyperparameters = replace(HYPERPARAMETERS, epochs=1)
    some, few = write("some.parquet", [*world.ids[:60], "a"]), write("few.parquet", "bc")
    done = go("a", hyperparameters, validation=some)
    assert (done.validated, done.in_both) == (60, 60)
    assert done.not_validated["rows without features"] == 1
    done = go("b", hyperparameters, validation=some, held_out=0.2)
    assert (done.examples, done.in_both) == (
        120 - go("c", hyperparameters, held_out=0.2).validated,
        0,
    )
    one = write("one.parquet", [world.ids[0], "b"])  # of a clip that is not held out
    mixed = go("d", hyperparameters, mix=one)
    assert mixed.left_out["rows without features"] == 1
    with pytest.raises(OptionError, match=r"of 1 clips, 0\.1 held out leaves none to validate"):
        go("e", hyperparameters, labels=one)
    with pytest.raises(OptionError, match="share no clip"):
        go("f", hyperparameters, mix=few)


def test_a_run_says_how_it_came_about(world, go):
    done = go("run", replace(HYPERPARAMETERS, epochs=1))
    config = json.loads((done.folder / "config.json").read_text())
    assert config["vocabulary"]["names"] == list(world.vocabulary.names)
    assert config["recipe"]["seed"] == 3
    assert load_vocabulary(done.folder / "vocabulary.csv").ids == world.vocabulary.ids
    assert re.fullmatch("[0-9a-f]{64}", config["labels"][0]["sha256"])
    log = next((done.folder / "log").rglob("metrics.csv")).read_text()
    assert "validation_mAP" in log.splitlines()[0]


def test_no_checkpoint_holds_code(world, go):
    done = go("run", replace(HYPERPARAMETERS, epochs=1))
    for path in (done.folder / "checkpoints").glob("*.ckpt"):
        torch.load(path, weights_only=True)


def test_bad_requests_are_refused_with_what_to_do(world, go):
    with pytest.raises(OptionError, match="mixing"):
        go("a", replace(HYPERPARAMETERS, mixing=0.5))
    with pytest.raises(OptionError, match="frozen needs a run"):
        go("b", frozen=True)
    negative = world.folder / "negative.parquet"
    soft = Scores.from_arrays(world.ids, 0.1 * world.truth, classes=world.vocabulary)
    write_targets(expand(soft, "pseudo-strong"), negative)
    with pytest.raises(OptionError, match="no class has a positive"):
        go("d", validation=negative)
    with pytest.raises(OptionError, match="loss 'l1'"):
        go("c", replace(HYPERPARAMETERS, loss="l1"))
    with pytest.raises(RunError, match="no run of"):
        load_run(world.folder)
    assert not (world.folder / "b").exists()


def test_targets_of_other_classes_do_not_evaluate_a_run(world, go):
    done = go("run", replace(HYPERPARAMETERS, epochs=1))
    other = world.folder / "two.parquet"
    write_targets(expand(world.annotations, "weak", vocabulary=["Rain", "Dog"]), other)
    with pytest.raises(VocabularyError, match=r"lacks 2 classes.*--vocabulary .*vocabulary\.csv"):
        evaluate_run(load_run(done.folder), other, open_features(world.features))


def test_embeddings_of_another_width_are_refused(world, go):
    done = go("run", replace(HYPERPARAMETERS, epochs=1))
    path = world.folder / "narrow.npz"
    np.savez(path, clip_id=np.array(world.ids), embedding=world.embedding[:, :, :3])
    with pytest.raises(RunError, match="8 numbers, these have 3"):
        evaluate_run(load_run(done.folder), world.labels, open_features(path))
    with pytest.raises(RunError, match="8 numbers, these have 3"):
        train(world.labels, open_features(path), world.folder / "tuned", init=done.folder)


def test_options_of_a_model_that_a_run_brings_are_refused(world, go):
    done = go("run", replace(HYPERPARAMETERS, epochs=1))
    with pytest.raises(OptionError, match="hidden, dropout: a run to begin with"):
        go("tuned", init=done.folder)


def test_audio_at_another_rate_than_the_model_s_is_refused(world):
    audio = SimpleNamespace(
        clip_ids=world.ids, takes="audio", rate=44_100, dim=None,
        find=lambda ids: np.array([world.ids.index(i) for i in ids]),
        lengths=lambda rows, onset, offset: np.ones(len(rows), int),
    )  # fmt: skip
    with pytest.raises(RunError, match=r"8,000 samples a second.*44,100; open them with rate=8000"):
        train(world.labels, audio, world.folder / "run", "cnn1d")


def test_frames_beyond_the_features_have_no_part_in_evaluation(world, go):
    done = go("run", replace(HYPERPARAMETERS, epochs=1))
    events = Events.from_dict({clip: [("Rain", 0, 10)] for clip in world.ids[:9]}, duration=10)
    path = world.folder / "frames.parquet"
    write_targets(expand(events, "strong-framed", vocabulary=world.vocabulary), path)
    for window in (None, 0.96, 4.7):  # of 4.7 s the last segment is too short for a frame
        measured, examples, scores = evaluate_run(
            load_run(done.folder), path, open_features(world.features), window=window
        )
        assert (measured.rows, examples.left_out["rows without a frame"]) == (45, 45)
        assert np.isfinite(scores).all()
    whole, parts = (
        evaluate_run(load_run(done.folder), world.labels, open_features(world.features), window=w)
        for w in (None, 4.7)
    )
    assert parts[2] == pytest.approx(whole[2])


def test_a_model_that_puts_out_nan_is_named(world, go):
    done = go("run", replace(HYPERPARAMETERS, epochs=1))
    run = load_run(done.folder)
    with torch.no_grad():
        run.model.head.bias[0] = float("nan")
    with pytest.raises(ScoresFileError, match="clip0000000_0 are not numbers"):
        evaluate_run(run, world.labels, open_features(world.features))


def test_weights_that_are_damaged_or_of_another_model_are_refused(world, go):
    a = go("run", replace(HYPERPARAMETERS, epochs=1))
    path = a.folder / "model.safetensors"
    path.write_bytes(path.read_bytes()[:100])
    with pytest.raises(RunError, match="not the weights of this run"):
        load_run(a.folder)
