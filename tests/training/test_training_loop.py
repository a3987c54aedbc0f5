"""Training: repeatable, resumable, masked."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from training_support import HYPERPARAMETERS, same, weights

from audiolabels import (
    Scores,
    expand,
    read_targets,
    write_targets,
)
from audiolabels.errors import RunError, ScoresFileError
from audiolabels.features import open_features
from audiolabels.training import train as module
from audiolabels.training.run_evaluation import evaluate_run
from audiolabels.training.run_folder import load_run


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
    assert done.best >= max(epoch.mean_average_precision for epoch in told) - 1e-6


def validate(world, go, **changes):
    """Train with all clips to validate on too; what was done, and the mAP of each epoch."""
    told = []
    done = go("run", replace(HYPERPARAMETERS, **changes), validation=world.labels,
              on_epoch=lambda epoch: told.append(epoch.mean_average_precision))  # fmt: skip
    again = evaluate_run(load_run(done.folder), world.labels, open_features(world.features))[0]
    # The figure is that of what is saved; Lightning logs float32.
    assert done.best == pytest.approx(again.mean_average_precision, abs=1e-6)
    return done, told


def checkpoint(done, epoch):
    path = done.folder / "checkpoints" / f"epoch={epoch - 1}.ckpt"
    return torch.load(path, weights_only=True)["state_dict"]


def test_the_best_epochs_are_averaged_if_that_is_no_worse(world, go):
    done, told = validate(world, go, average=3, margin=1, learning_rate=0.3)
    assert len(done.averaged) == 3
    assert done.best >= max(told) - 1e-6
    states = [checkpoint(done, epoch) for epoch in done.averaged]
    for name, value in weights(done.folder).items():
        mean = torch.stack([state[f"model.{name}"] for state in states]).mean(0)
        assert torch.allclose(value, mean)


def test_the_best_epoch_is_kept_if_the_average_is_worse(world, go):
    done, told = validate(world, go, average=3, margin=1)
    assert done.best == pytest.approx(max(told), abs=1e-6)
    assert done.averaged == [np.argmax(told) + 1]
    best = checkpoint(done, *done.averaged)
    assert all(torch.equal(v, best[f"model.{n}"]) for n, v in weights(done.folder).items())


def test_only_epochs_near_the_best_are_averaged(world, go):
    done, told = validate(world, go, average=4, margin=0.02)
    near = {n for n, score in enumerate(told, 1) if score >= max(told) - 0.02}
    assert 1 < len(near) < 4
    assert set(done.averaged) in (near, {np.argmax(told) + 1})


def test_a_finished_run_is_extended_to_more_epochs(world, go):
    whole, told = go("whole"), []
    go("run", replace(HYPERPARAMETERS, epochs=2))
    done = go("run", on_epoch=lambda epoch: told.append(epoch.number))
    assert told == [3, 4]
    assert not done.found
    assert same(done.folder, whole.folder)
    assert (done.best, done.averaged) == (whole.best, whole.averaged)
    assert load_run(done.folder).config["hyperparameters"]["epochs"] == 4
    assert go("run").found
    with pytest.raises(RunError, match=r"other hyperparameters \(epochs\)"):
        go("run", replace(HYPERPARAMETERS, epochs=3))
    with pytest.raises(RunError, match=r"other hyperparameters \(seed\)"):
        go("run", replace(HYPERPARAMETERS, epochs=5, seed=9))


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


def test_no_checkpoint_holds_code(world, go):
    done = go("run", replace(HYPERPARAMETERS, epochs=1))
    for path in (done.folder / "checkpoints").glob("*.ckpt"):
        torch.load(path, weights_only=True)


def test_a_model_that_puts_out_nan_is_named(world, go):
    done = go("run", replace(HYPERPARAMETERS, epochs=1))
    run = load_run(done.folder)
    with torch.no_grad():
        run.model.head.bias[0] = float("nan")
    with pytest.raises(ScoresFileError, match="clip0000000_0 are not numbers"):
        evaluate_run(run, world.labels, open_features(world.features))


@pytest.mark.parametrize("damaged", [True, False])
def test_a_lost_checkpoint_is_named_when_a_run_goes_on(go, damaged) -> None:
    chosen = replace(HYPERPARAMETERS, epochs=1, margin=1.0)
    folder = go("run", chosen).folder / "checkpoints"
    if damaged:
        (folder / "last.ckpt").write_bytes(b"")
    else:
        (folder / "epoch=0.ckpt").unlink()
    with pytest.raises(RunError, match=r"\.ckpt: a checkpoint that the run needs; delete the run"):
        go("run", replace(chosen, epochs=2))
