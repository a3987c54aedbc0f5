"""Coherent scores of runs, and the loss that learns them."""

import json
from dataclasses import replace

import numpy as np
import pytest
import torch
from training_support import HYPERPARAMETERS, SMALL

import audiolabels
from audiolabels import Annotations
from audiolabels.errors import OptionError, RunError
from audiolabels.features import open_features
from audiolabels.metrics.hierarchical import find_violations
from audiolabels.ontology import coherent_scores, descendant_pairs
from audiolabels.ontology.hierarchy import descendant_table, parent_pairs
from audiolabels.training.annotate import annotate
from audiolabels.training.coherent import vocabulary_pairs
from audiolabels.training.run_evaluation import count_lost, evaluate_run, evaluated_rows
from audiolabels.training.run_folder import load_run
from audiolabels.training.train import train


def test_a_run_is_made_coherent_after_training(world, go):
    run, features = load_run(go("run").folder), open_features(world.features)
    _, _, plain = evaluate_run(run, world.labels, features)
    found, _, scores = evaluate_run(run, world.labels, features, coherent=True)
    pairs = descendant_pairs(world.vocabulary)
    np.testing.assert_array_equal(scores, coherent_scores(plain, pairs))
    assert (scores != plain).any()
    parents = parent_pairs(descendant_table(world.vocabulary))
    assert find_violations(plain, pairs=parents).violated
    assert not find_violations(scores, pairs=parents).violated
    path = world.folder / "scores.parquet"
    annotate(run, features, path, coherent=True)
    written = audiolabels.read_scores(path).scores
    np.testing.assert_array_equal(written, scores.astype(np.float16).astype(np.float32))
    assert found.rows == 120


def test_a_run_of_the_coherent_loss_scores_so_by_default(world, go):
    labels = world.expand("pel")
    hyperparameters = replace(HYPERPARAMETERS, loss="coherent", average=1)
    done = go("run", hyperparameters, labels=labels)
    run, features = load_run(done.folder), open_features(world.features)
    run.model.head.bias.data[0] = -20  # of Guitar
    _, _, scores = evaluate_run(run, labels, features)
    parents = parent_pairs(descendant_table(world.vocabulary))
    assert not find_violations(scores, pairs=parents).violated
    raw = evaluate_run(run, labels, features, coherent=False)[2]
    assert find_violations(raw, pairs=parents).violated
    assert done.best > 0.5


@pytest.mark.parametrize(("average", "window"), [(1, None), (2, 0.96)])
def test_the_validation_of_the_coherent_loss_is_of_coherent_scores(world, average, window):
    labels, features = world.expand("pel"), open_features(world.features)
    hyperparameters = replace(HYPERPARAMETERS, loss="coherent", average=average, window=window)
    done = train(labels, features, world.folder / "run", hyperparameters=hyperparameters,
                 model_options=SMALL, validation=labels)  # fmt: skip
    found = evaluate_run(load_run(done.folder), labels, features, window=window)[0]
    assert found.mean_average_precision == pytest.approx(done.best)


def test_the_hierarchy_may_be_that_of_another_ontology(world, go):
    """Of two flat classes one is above the other in it; targets are closed under that."""
    rain, dog = (world.vocabulary.ids[world.vocabulary.names.index(n)] for n in ("Rain", "Dog"))
    classes = [{"id": rain, "name": "Rain", "child_ids": [dog]},
               {"id": dog, "name": "Dog", "child_ids": []}]  # fmt: skip
    path = world.folder / "own.json"
    path.write_text(json.dumps(classes))
    own = audiolabels.load_ontology(path)
    vocabulary = audiolabels.load_vocabulary([rain, dog], ontology=own)
    given = Annotations.from_dict({clip: [dog, rain] if n % 2 else [rain]
                                   for n, clip in enumerate(world.ids)}, ontology=own)  # fmt: skip
    labels = world.folder / "own.parquet"
    audiolabels.write_targets(audiolabels.expand(given, "pel", vocabulary=vocabulary), labels)
    hyperparameters = replace(HYPERPARAMETERS, loss="coherent", average=1)
    done = go("own", hyperparameters, labels=labels, ontology=own)
    run, features = load_run(done.folder), open_features(world.features)
    run.model.head.bias.data[0] = -20  # of Rain
    scores = evaluate_run(run, labels, features, ontology=own)[2]
    assert (scores[:, 0] >= scores[:, 1]).all()
    assert (evaluate_run(run, labels, features, coherent=False)[2][:, 0] < scores[:, 1]).all()
    assert go("own", hyperparameters, labels=labels, ontology=own).found
    with pytest.raises(RunError, match="ontology"):
        go("own", hyperparameters, labels=labels, ontology=audiolabels.load_ontology())
    with pytest.raises(OptionError, match="only the loss coherent takes one"):
        go("other", labels=labels, ontology=own)


def test_what_has_no_hierarchy_is_refused(world, go):
    features = open_features(world.features)
    few = audiolabels.read_targets(world.labels).select(
        audiolabels.load_vocabulary(["Rain", "Dog"])
    )
    path = world.folder / "few.parquet"
    audiolabels.write_targets(few, path)
    with pytest.raises(OptionError, match=r"no class of vocabulary .* is above another"):
        go("other", replace(HYPERPARAMETERS, loss="coherent"), labels=path)
    run = load_run(go("run").folder)
    with pytest.raises(OptionError, match="a layer has none"):
        annotate(run, features, world.folder / "x.parquet", layer="", coherent=True)
    own = world.folder / "y.parquet"
    with pytest.raises(OptionError, match="is above another in the ontology"):
        annotate(lambda x, n: torch.zeros(len(x), 2), features, own, coherent=True,
                 vocabulary=["Rain", "Dog"])  # fmt: skip
    with pytest.raises(OptionError, match=r"the ontology, which lacks x1, x2: give that of the"):
        vocabulary_pairs(audiolabels.Vocabulary("own", ("x1", "x2"), ("Hum", "Buzz")))


def test_some_clips_are_evaluated_and_the_others_counted(world, go):
    run, features = load_run(go("run").folder), open_features(world.features)
    whole, examples, scores = evaluate_run(run, world.labels, features)
    left = [f"{clip}.wav" for clip in world.ids[:90]]
    some, fewer, _ = evaluate_run(run, world.labels, features, clips=left)
    assert (whole.rows, some.rows) == (120, 90)
    assert fewer.left_out["rows of other clips"] == 30
    assert (count_lost(examples), count_lost(fewer)) == (0, 30)
    rows = evaluated_rows(examples, scores)
    assert rows.take(np.arange(90)).evaluate().numbers() == some.numbers()
    with pytest.raises(OptionError, match="none of the 1 clips to evaluate has labels"):
        evaluate_run(run, world.labels, features, clips=["nobody"])
