from dataclasses import replace

import numpy as np
import pytest
import torch
from training_support import HYPERPARAMETERS, weights

from audiolabels import (
    Annotations,
    Events,
    Scores,
    expand,
    expand_files,
    read_targets,
    write_targets,
)
from audiolabels.errors import OptionError, RunError, TargetsFileError, VocabularyError
from audiolabels.features import open_features
from audiolabels.training.run_evaluation import evaluate_run
from audiolabels.training.run_folder import load_run
from audiolabels.training.train import check_request, train


def test_a_model_learns_what_embeddings_tell(world, go):
    done = go("run", replace(HYPERPARAMETERS, epochs=12))
    assert done.best > 0.8
    measured, examples, scores = evaluate_run(
        load_run(done.folder), world.labels, open_features(world.features)
    )
    assert measured.mean_average_precision > 0.8
    assert scores.shape == (120, 4)
    assert len(examples) == 120


def test_targets_in_a_folder_train_the_same_model(world, go):
    rows = [
        f"{clip},{';'.join(world.vocabulary.names[c] for c in np.flatnonzero(row))}\n"
        for clip, row in zip(world.ids, world.truth, strict=True)
    ]
    (world.folder / "labels.csv").write_text("clip_id,labels\n" + "".join(rows))
    parts = world.folder / "parts"
    options = {"vocabulary": world.vocabulary, "rows_per_part": 50}
    expand_files(world.folder / "labels.csv", parts, "weak", **options)
    one, many = go("one"), go("many", labels=parts)
    before, after = weights(one.folder), weights(many.folder)
    assert all(torch.equal(before[name], after[name]) for name in before)
    measured = [
        evaluate_run(load_run(one.folder), labels, open_features(world.features))[0]
        for labels in (world.labels, parts)
    ]
    assert measured[0].mean_average_precision == measured[1].mean_average_precision


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
    with pytest.raises(OptionError, match=r"few\.parquet: labels and features share no clip"):
        go("f", hyperparameters, mix=few)


def test_targets_of_classes_that_do_not_fit_are_refused_before_features_are_read(world):
    two = world.folder / "two.parquet"
    write_targets(expand(world.annotations, "weak", vocabulary=["Rain", "Dog"]), two)
    with pytest.raises(
        VocabularyError, match=r"two\.parquet lacks 2 classes: .*of .*weak\.parquet"
    ):
        train(world.labels, None, world.folder / "run", validation=two)
    with pytest.raises(VocabularyError, match=r"two\.parquet has other classes than .*--vocab"):
        train(world.labels, None, world.folder / "run", mix=two)
    with pytest.raises(TargetsFileError, match="no such file"):
        train(world.folder / "nowhere.parquet", None, world.folder / "run")
    check_request(two, world.labels, two, HYPERPARAMETERS, None)


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


def test_options_of_a_model_that_a_run_brings_are_refused(world, go):
    done = go("run", replace(HYPERPARAMETERS, epochs=1))
    with pytest.raises(OptionError, match="hidden, dropout: a run to begin with"):
        go("tuned", init=done.folder)


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


@pytest.mark.parametrize("loss", ["bce", "mse"])
def test_weights_count_in_the_loss_and_those_of_one_change_nothing(world, go, loss):
    targets, recipe = read_targets(world.labels), replace(HYPERPARAMETERS, loss=loss)
    plain = go("plain", recipe)
    assert plain.weights == []
    runs = {}
    for name, factor in (("ones", 1), ("odd", [1, 1, 1, 9])):
        weight = np.ones((len(targets.positive), 4), np.float16) * np.float16(factor)
        path = world.folder / f"{name}.parquet"
        write_targets(replace(targets, weight=weight), path)
        runs[name] = go(name, recipe, labels=path)
        assert runs[name].weights == ["numbers of its own"]
    before = weights(plain.folder)
    same = {n: all(torch.equal(before[key], value) for key, value in weights(run.folder).items())
            for n, run in runs.items()}  # fmt: skip
    assert same == {"ones": True, "odd": False}


def test_what_weights_are_by_is_in_the_result(world, go):
    quality = world.folder / "quality.csv"
    quality.write_text("label_id,num_rated,num_true\nRain,10,1\n")
    labels = world.expand("pel", class_quality=quality, weights="quality")
    assert go("run", labels=labels).weights == ["quality"]
