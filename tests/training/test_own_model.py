"""A function in the place of a run."""

import numpy as np
import pytest
import torch
from torch import nn

from audiolabels import read_scores
from audiolabels.errors import OptionError, RunError, ScoresFileError
from audiolabels.features import open_features
from audiolabels.training import annotate as module
from audiolabels.training.annotate import annotate
from audiolabels.training.run_folder import load_run


class Mean(nn.Module):
    """One layer over the mean of the real frames."""

    def __init__(self) -> None:
        super().__init__()
        torch.manual_seed(0)
        self.layer = nn.Linear(8, 4)

    def forward(self, values, lengths):
        return self.layer(values.sum(1) / lengths[:, None]).sigmoid()


def given(world, function, name="own.parquet", **options):
    options = {"vocabulary": world.vocabulary, "window": 1.92, **options}
    done = annotate(function, open_features(world.features), world.folder / name, **options)
    return done, read_scores(world.folder / name)


def test_a_function_annotates_as_the_run_whose_model_it_calls(world, go):
    run = load_run(go("run").folder)
    expected = world.folder / "run.parquet"
    annotate(run, open_features(world.features), expected, window=1.92, batch_size=50)
    for function in (
        lambda values, lengths: run.model(values, lengths).sigmoid(),
        lambda values, lengths: run.model(values, lengths).double().sigmoid().numpy(),
    ):
        given(world, function, batch_size=50)
        assert (world.folder / "own.parquet").read_bytes() == expected.read_bytes()


def test_a_module_scores_the_real_frames_of_each_segment(world):
    model = Mean().train()
    done, scores = given(world, model)
    assert (done.segments, scores.vocabulary.ids) == (360, world.vocabulary.ids)
    with torch.no_grad():
        last = model.layer(torch.from_numpy(world.embedding[0, 4:])).sigmoid()[0]
    assert scores.scores[2] == pytest.approx(last.numpy(), abs=1e-3)
    assert not model.training
    assert given(world, model, vocabulary=list(world.vocabulary.names))[1].vocabulary.names == (
        world.vocabulary.names
    )


def test_other_weights_do_not_go_on_with_an_annotation(world, monkeypatch):
    monkeypatch.setattr(module, "PART", 50)
    model = Mean()

    def interrupt(done, _):
        if done == 100:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        given(world, model, progress=interrupt, batch_size=32)
    assert given(world, model, batch_size=32)[0].parts_found
    with pytest.raises(KeyboardInterrupt):
        given(world, model, progress=interrupt, batch_size=32)
    model.layer.bias.data += 1
    with pytest.raises(RunError, match="another annotation"):
        given(world, model, batch_size=32)


@pytest.mark.parametrize(
    ("function", "message"),
    [
        (lambda values, lengths: torch.zeros(len(values), 3), r"shape \(\d+, 3\) for .*, 4\)$"),
        (lambda values, lengths: np.zeros((4, len(values))).T[:1], r"shape \(1, 4\) for"),
        (lambda values, lengths: torch.full((len(values), 4), 1.5), "returned 1.5; .*sigmoid"),
        (lambda values, lengths: torch.full((len(values), 4), np.nan), r"clip0000000_0 .*\(NaN\)"),
    ],
)
def test_what_is_no_probability_of_each_class_is_refused(world, function, message):
    with pytest.raises(ScoresFileError, match=message):
        given(world, function)
    assert not (world.folder / "own.parquet").exists()


def test_a_vocabulary_belongs_to_a_function_alone(world, go):
    run = load_run(go("run").folder)
    for asked, options in ((Mean(), {"vocabulary": None}), (run, {}), (Mean(), {"layer": ""})):
        with pytest.raises(OptionError, match="a function needs a vocabulary and has no layer"):
            given(world, asked, **options)
