"""Every recipe trains to its end on made-up clips; each value can be replaced."""

import json
from dataclasses import fields, replace
from pathlib import Path

import numpy as np
import pytest
import soundfile
import torch
from training_support import HYPERPARAMETERS, SMALL, same

from audiolabels import Events, expand, expand_files, write_targets
from audiolabels.errors import OptionError, RunError
from audiolabels.features import kind_of, open_features
from audiolabels.training import training_loop
from audiolabels.training.annotate import annotate
from audiolabels.training.hyperparameters import Hyperparameters
from audiolabels.training.models import MODELS, make_model
from audiolabels.training.recipes import RECIPES, follow
from audiolabels.training.run_folder import load_run
from audiolabels.training.train import train

FEW = {"epochs": 1, "batch_size": 8, "held_out": 0.3}
CLIPS, RATE = 24, 16_000


@pytest.fixture(scope="module")
def scenes(tmp_path_factory):
    """Audio of a second and a half a clip, its weak labels, and strong frames."""
    import audiolabels

    folder = tmp_path_factory.mktemp("scenes")
    (folder / "audio").mkdir()
    generator, names = np.random.default_rng(0), ["Dog", "Rain"]
    vocabulary = audiolabels.load_vocabulary(names)
    labels, events = {}, {}
    for i in range(CLIPS):
        clip, which = f"clip{i:07d}_0", i % 2
        noise = generator.normal(size=int(1.5 * RATE), scale=0.1)
        tone = np.sin(np.arange(len(noise)) * (0.1 + 0.4 * which)) * 0.3
        soundfile.write(folder / "audio" / f"{clip}.wav", noise + tone, RATE)
        labels[clip], events[clip] = [names[which]], [(names[which], 0.0, 0.96)]
    weak = audiolabels.Annotations.from_dict(labels)
    write_targets(expand(weak, "weak", vocabulary=vocabulary), folder / "weak.parquet")
    strong = Events.from_dict(events, duration=1.5)
    frames = expand(strong, "strong-framed", vocabulary=vocabulary)
    write_targets(frames, folder / "frames.parquet")
    return folder


def go(scenes: Path, name: str, recipe: str, features=None, labels="weak", **options):
    given = {**FEW, **options}
    wanted = RECIPES[recipe].settings(**given)
    rate = MODELS[wanted["model"]].rate if "model" in wanted else 16_000
    opened = features or open_features(scenes / "audio", rate=rate)
    return train(scenes / f"{labels}.parquet", opened, scenes / name, **follow(recipe, **given))


@pytest.mark.slow
def test_each_recipe_of_audio_runs_to_its_end(scenes) -> None:
    small = {"model_options": {"width": 0.35}}
    annotator = go(scenes, "annotator", "psl-annotator", **small)
    run = load_run(annotator.folder)
    assert run.config["hyperparameters"]["augment"] == "gain,polarity,shift"
    assert len(annotator.averaged) == 1  # validated after the last of fewer batches than 10,000
    features = open_features(scenes / "audio", rate=16_000)
    annotate(run, features, scenes / "scores.parquet", window=0.5, device="cpu")
    expand_files([], scenes / "soft.parquet", "pseudo-strong", scores=scenes / "scores.parquet")
    student = go(scenes, "student", "psl-student", labels="soft", window=0.5,
                 validation=scenes / "weak.parquet", **small)  # fmt: skip
    base = go(scenes, "base", "hershey")
    assert load_run(base.folder).config["crop"] == 0.96
    tuned = go(scenes, "tuned", "hershey-finetune", init=base.folder, mix=scenes / "frames.parquet")
    assert load_run(tuned.folder).config["hyperparameters"]["mixing"] == 0.8
    stage = go(scenes, "stage", "secost-stage")
    for done in (annotator, student, base, tuned, stage):
        assert np.isfinite(done.best)


@pytest.mark.slow
def test_the_recipes_of_grzywalski_lead_from_a_base_to_both_targets(scenes) -> None:
    base = go(scenes, "g", "grzywalski-base")
    audio = open_features(scenes / "audio", rate=8000)
    layer = scenes / "layer.parquet"
    annotate(load_run(base.folder), audio, layer, layer="embedding", device="cpu")
    embeddings = open_features(layer)
    assert embeddings.dim == 128
    assert set(embeddings.sizes(range(CLIPS))) == {1}
    target = go(scenes, "g-features", "grzywalski-features", embeddings)
    body = load_run(target.folder).model.body
    assert [type(module).__name__ for module in body] == ["Linear", "ELU", "BatchNorm1d"]
    tuned = go(scenes, "g-transfer", "grzywalski-transfer", audio, init=base.folder)
    assert load_run(tuned.folder).config["hyperparameters"]["decay"] == 0.987


@pytest.mark.parametrize("name", RECIPES)
def test_a_recipe_sets_what_there_is(name: str) -> None:
    recipe = RECIPES[name]
    made = Hyperparameters(**recipe.hyperparameters)
    assert {field.name for field in fields(made)} >= recipe.hyperparameters.keys()
    if recipe.model:
        network = MODELS[recipe.model]
        dim = 4 if network.takes == "embeddings" else None
        assert make_model(recipe.model, 2, dim=dim, **recipe.options)
        assert network.takes == "audio" or made.augment == "none"
        assert network.logmel or not made.spec_augment
    assert bool(recipe.model) != ("init" in recipe.needs)


def test_what_is_given_replaces_what_a_recipe_sets() -> None:
    made = follow("psl-annotator", epochs=2, augment="none", mixup=0, model_options={"width": 0.5})
    assert made["hyperparameters"] == Hyperparameters(
        draw="balanced", spec_augment=2, schedule="polynomial", epochs=2, patience=1000,
        validate_every=10_000, margin=1, batch_size=32, learning_rate=1e-4,
    )  # fmt: skip
    assert made["model_options"] == {"width": 0.5}
    made = follow("grzywalski-features", model_options={"hidden": 8})
    assert made["model_options"] == {"hidden": 8, "activation": "elu", "norm": True}
    assert "model_options" not in follow("grzywalski-features", model="linear")
    assert "model" not in follow("psl-student", init="annotator")


def test_what_a_recipe_needs_is_asked_for() -> None:
    with pytest.raises(OptionError, match=r"hershey-finetune needs --init \(init=…\): the run of"):
        follow("hershey-finetune", mix="frames.parquet")
    with pytest.raises(OptionError, match=r"needs --mix \(mix=…\): the targets of strong frames"):
        follow("hershey-finetune", init="run")
    with pytest.raises(OptionError, match="recipe 'psl' is not offered"):
        follow("psl")


def test_features_of_the_wrong_kind_are_refused(world, scenes) -> None:
    assert (kind_of(world.features), kind_of(scenes / "audio")) == ("embeddings", "audio")
    with pytest.raises(RunError, match=r"takes audio, the features are embeddings; .*mlp, linear"):
        train(world.labels, open_features(world.features), world.folder / "a",
              **follow("psl-annotator"))  # fmt: skip
    with pytest.raises(RunError, match="takes embeddings, the features are audio"):
        go(scenes, "b", "grzywalski-features", open_features(scenes / "audio"))


def test_what_cannot_be_augmented_is_refused(go) -> None:
    with pytest.raises(OptionError, match=r"augment gain: changes waveforms, .*give none"):
        go("a", replace(HYPERPARAMETERS, augment="gain"))
    with pytest.raises(
        OptionError, match=r"log-mel frames, .*give 0, or .*: mobilenetv2, resnet50"
    ):
        go("b", replace(HYPERPARAMETERS, spec_augment=1))
    with pytest.raises(OptionError, match="augment 'noise' is not offered"):
        Hyperparameters(augment="gain,noise")
    with pytest.raises(OptionError, match=r"decay 0\.9 is of the exponential schedule"):
        Hyperparameters(schedule="polynomial", decay=0.9)


@pytest.mark.slow
def test_an_augmented_run_that_was_interrupted_comes_to_the_same_weights(scenes) -> None:
    options = {"epochs": 3, "validate_every": 2, "average": 2, "model_options": {"width": 0.35}}
    whole = go(scenes, "whole", "psl-annotator", **options)
    torch.manual_seed(99)

    def interrupt(epoch):
        if epoch.step == 6:
            raise KeyboardInterrupt

    with pytest.raises((KeyboardInterrupt, SystemExit)):
        go(scenes, "broken", "psl-annotator", on_epoch=interrupt, **options)
    steps = []
    done = go(scenes, "broken", "psl-annotator", on_epoch=lambda epoch: steps.append(epoch.step),
              **options)  # fmt: skip
    assert steps == [4, 6, 8]  # of three batches an epoch
    assert same(whole.folder, done.folder)
    assert (done.best, done.averaged) == (whole.best, whole.averaged)
    plain = go(scenes, "plain", "psl-annotator", augment="none", mixup=0, spec_augment=0, **options)
    assert not same(whole.folder, plain.folder)


@pytest.fixture
def learning_rates(go, monkeypatch):
    """A function of hyperparameters to the learning rate of each step of three epochs."""
    rates, original = [], training_loop.TrainingTask.training_step

    def spy(task, *given):
        rates.append(task.optimizers().param_groups[0]["lr"])
        return original(task, *given)

    monkeypatch.setattr(training_loop.TrainingTask, "training_step", spy)

    def measure(**options) -> list[float]:
        rates.clear()
        go("-".join(map(str, options.values())), replace(HYPERPARAMETERS, epochs=3, **options))
        return list(rates)

    return measure


def test_schedules_against_their_formulae(learning_rates) -> None:
    rate, steps = HYPERPARAMETERS.learning_rate, np.arange(12)  # four an epoch
    assert learning_rates(schedule="constant") == pytest.approx([rate] * 12)
    assert learning_rates(decay=0.5) == pytest.approx(rate * 0.5 ** (steps // 4))
    assert learning_rates(schedule="polynomial") == pytest.approx(rate * (1 - steps / 12) ** 2)


def test_validations_come_after_so_many_batches_over_epochs(go) -> None:
    told = []
    done = go("run", replace(HYPERPARAMETERS, validate_every=3, average=1),
              on_epoch=lambda epoch: told.append((epoch.number, epoch.step)))  # fmt: skip
    assert told == [(1, 3), (2, 6), (3, 9), (3, 12), (4, 15)]
    assert done.averaged[0] in {step for _, step in told}


@pytest.mark.parametrize("change", [{"schedule": "polynomial"}, {"validate_every": 3}])
def test_a_run_whose_result_depends_on_its_length_is_not_extended(go, change) -> None:
    go("run", replace(HYPERPARAMETERS, epochs=1, **change))
    with pytest.raises(RunError, match=r"other hyperparameters \(epochs\)"):
        go("run", replace(HYPERPARAMETERS, epochs=2, **change))


def test_a_run_of_a_version_with_fewer_options_is_known_again(go) -> None:
    done = go("run", replace(HYPERPARAMETERS, epochs=1), model_options=SMALL)
    path = done.folder / "config.json"
    config = json.loads(path.read_text())
    for name in ("augment", "spec_augment", "mixup", "schedule", "validate_every"):
        del config["hyperparameters"][name]
    path.write_text(json.dumps(config))
    assert go("run", replace(HYPERPARAMETERS, epochs=1), model_options=SMALL).found
