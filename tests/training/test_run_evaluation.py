import numpy as np
import pytest

from audiolabels import Annotations, Events, expand, write_targets
from audiolabels.errors import OptionError
from audiolabels.features import open_features
from audiolabels.training import run_evaluation
from audiolabels.training.examples import Examples
from audiolabels.training.hyperparameters import Hyperparameters
from audiolabels.training.run_evaluation import detect, evaluate_run
from audiolabels.training.run_folder import load_run
from audiolabels.training.train import train


def test_targets_are_taken_block_by_block(world, go, monkeypatch):
    run, features = load_run(go("run").folder), open_features(world.features)
    whole = evaluate_run(run, world.labels, features)[0]
    sizes, labels = [], Examples.labels

    def counted(examples, rows):
        sizes.append(len(examples.rows[rows]))
        return labels(examples, rows)

    monkeypatch.setattr(run_evaluation, "CHUNK", 7)
    monkeypatch.setattr(Examples, "labels", counted)
    found = evaluate_run(run, world.labels, features)[0]
    assert sizes == [7] * 17 + [1]
    assert found.numbers() == whole.numbers()
    assert found.per_class() == whole.per_class()


def test_a_file_that_shares_no_clip_with_the_features_is_named(world, go):
    other = expand(Annotations.from_dict({"elsewhere": ["Music"]}), "weak",
                   vocabulary=world.vocabulary)  # fmt: skip
    write_targets(other, world.folder / "other.parquet")
    run, features = load_run(go("run").folder), open_features(world.features)
    with pytest.raises(OptionError, match=r"other\.parquet: labels and features share no clip"):
        evaluate_run(run, world.folder / "other.parquet", features)


def test_a_run_that_knows_its_classes_detects_their_events(world):
    hyperparameters = Hyperparameters(epochs=15, batch_size=32, average=1, learning_rate=1e-2)
    features = open_features(world.features)
    done = train(world.labels, features, world.folder / "run", hyperparameters=hyperparameters,
                 model_options={"hidden": 16})  # fmt: skip
    names = world.vocabulary.names
    events = Events.from_dict(
        {
            clip: [(names[c], 0.0, 4.8) for c in np.flatnonzero(row)]
            for clip, row in zip(world.ids, world.truth, strict=True)
        },
        duration=4.8,
    )
    run, seen = load_run(done.folder), []
    found = detect(run, events, features, progress=lambda *numbers: seen.append(numbers))
    assert seen[-1] == (len(names), len(names))
    assert found.clips == 120
    assert found.psds1 > 0.5
    frames = np.full(120, 5)
    frames[3] = 0
    path = world.folder / "some.npz"
    np.savez(path, clip_id=np.array(world.ids), embedding=world.embedding, n_frames=frames)
    some = detect(run, events, open_features(path))
    assert (some.clips, some.clips_without_scores) == (119, (world.ids[3],))
    run.model.head.weight.data.neg_()
    assert detect(run, events, features).psds1 < found.psds1 / 2
