"""A small world: clips whose embeddings tell their classes, on files."""

from pathlib import Path

import numpy as np
import pytest
import torch
from training_support import HYPERPARAMETERS, SMALL

import audiolabels
from audiolabels import Annotations, expand, write_targets
from audiolabels.features import open_features
from audiolabels.training.hyperparameters import Hyperparameters
from audiolabels.training.train import train

CLASSES = ["Guitar", "Electric guitar", "Rain", "Dog"]
FRAMES, DIM = 5, 8


@pytest.fixture(autouse=True)
def _one_thread():
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


class World:
    """Files of one made-up data set: labels (CSV), targets and features of 120 clips."""

    def __init__(self, folder: Path, seed: int = 0) -> None:
        generator = np.random.default_rng(seed)
        self.folder = folder
        self.ids = [f"clip{i:07d}_0" for i in range(120)]
        self.truth = generator.random((len(self.ids), len(CLASSES))) < 0.3
        self.truth[self.truth.sum(1) == 0, 0] = True
        directions = generator.normal(size=(len(CLASSES), DIM))
        frames = generator.normal(size=(len(self.ids), FRAMES, DIM), scale=0.5)
        self.embedding = (frames + (self.truth @ directions)[:, None]).astype(np.float32)
        self.features = folder / "features.npz"
        np.savez(self.features, clip_id=np.array(self.ids), embedding=self.embedding)
        self.vocabulary = audiolabels.load_vocabulary(CLASSES)
        self.annotations = Annotations.from_dict(
            {
                clip: [CLASSES[c] for c in np.flatnonzero(row)]
                for clip, row in zip(self.ids, self.truth, strict=True)
            }
        )
        self.labels = self.expand("weak")

    def expand(self, scheme: str, **options: object) -> Path:
        path = self.folder / f"{scheme}.parquet"
        targets = expand(self.annotations, scheme, vocabulary=self.vocabulary, **options)
        write_targets(targets, path)
        return path


@pytest.fixture
def world(tmp_path: Path) -> World:
    return World(tmp_path)


@pytest.fixture
def go(world):
    def run(name: str, hyperparameters: Hyperparameters = HYPERPARAMETERS, **options):
        given = {"model_options": SMALL, **options}
        labels = given.pop("labels", world.labels)
        return train(labels, open_features(world.features), world.folder / name,
                     hyperparameters=hyperparameters, **given)  # fmt: skip

    return run
