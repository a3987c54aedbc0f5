import numpy as np
import pytest

from audiolabels import Events
from audiolabels.features import open_features
from audiolabels.training.hyperparameters import Hyperparameters
from audiolabels.training.run_evaluation import detect
from audiolabels.training.run_folder import load_run
from audiolabels.training.train import train

pytest.importorskip("sed_scores_eval", reason="PSDS needs the extra psds")


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
    run = load_run(done.folder)
    found = detect(run, events, features, median_filter=2.0)
    assert found.clips == 120
    assert found.psds1 > 0.5
    frames = np.full(120, 5)
    frames[3] = 0
    path = world.folder / "some.npz"
    np.savez(path, clip_id=np.array(world.ids), embedding=world.embedding, n_frames=frames)
    some = detect(run, events, open_features(path), median_filter=2.0)
    assert (some.clips, some.clips_without_scores) == (119, (world.ids[3],))
    run.model.head.weight.data.neg_()
    assert detect(run, events, features, median_filter=2.0).psds1 < found.psds1 / 2
