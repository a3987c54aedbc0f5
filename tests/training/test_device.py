"""Where models run."""

import pytest
import torch
from click.testing import CliRunner

from audiolabels.cli import group
from audiolabels.errors import AudioLabelsError, OptionError
from audiolabels.features import open_features
from audiolabels.training import training_loop
from audiolabels.training.annotate import annotate
from audiolabels.training.predict import find_device
from audiolabels.training.run_evaluation import detect, evaluate_run
from audiolabels.training.run_folder import load_run


@pytest.fixture
def having(monkeypatch):
    def only(*names: str) -> None:
        monkeypatch.setattr(torch.cuda, "is_available", lambda: "cuda" in names)
        monkeypatch.setattr(torch.backends.mps, "is_available", lambda: "mps" in names)

    return only


@pytest.mark.parametrize(
    ("there", "found"), [((), "cpu"), (("mps",), "mps"), (("mps", "cuda"), "cuda")]
)
def test_auto_is_the_gpu_if_there_is_one(having, there, found):
    having(*there)
    assert find_device() == torch.device(found)
    assert find_device("cpu") == torch.device("cpu")
    assert find_device(torch.device("cuda:1")) == torch.device("cuda:1")


def test_a_device_that_is_not_there_is_refused(having):
    having("cuda")
    with pytest.raises(OptionError, match=r"'mps': torch .* finds none here; .* auto, cuda, cpu"):
        find_device("mps")
    with pytest.raises(OptionError, match="device 'tpu' is not offered"):
        find_device("tpu")


@pytest.mark.parametrize("device", ["cuda", "mps"])
@pytest.mark.parametrize(
    "command",
    [
        ("annotate", "nowhere/", "-o", "s.parquet"),
        ("evaluate", "nowhere/", "--labels", "nowhere.parquet"),
        ("train", "--labels", "nowhere.parquet", "-o", "run/"),
        ("cascade", "nowhere.csv", "-o", "cascade/"),
    ],
)
def test_commands_refuse_it_before_they_read(having, command, device):
    having()
    asked = [*command, "--features", "nowhere.npz", "--device", device]
    result = CliRunner().invoke(group, asked)
    assert isinstance(result.exception, AudioLabelsError)
    assert f"device '{device}'" in str(result.exception)


def test_functions_refuse_it_too(having, world, go):
    having()
    run, features = load_run(go("run").folder), open_features(world.features)
    calls = (
        lambda: annotate(run, features, world.folder / "s.parquet", device="cuda"),
        lambda: evaluate_run(run, "nowhere.parquet", features, device="cuda"),
        lambda: detect(run, None, features, device="cuda"),
        lambda: go("other", device="cuda"),
    )
    for call in calls:
        with pytest.raises(OptionError, match="device 'cuda'"):
            call()
    assert not (world.folder / ".s.parquet.parts").exists()


def test_training_runs_on_the_device(having, go, monkeypatch):
    class Reached(Exception):
        pass

    def trainer(accelerator: str, **_: object) -> None:
        raise Reached(accelerator)

    having("mps")
    monkeypatch.setattr(training_loop.lightning, "Trainer", trainer)
    for device in ("auto", "cpu", "mps"):
        with pytest.raises(Reached, match=device):
            go(device, device=device)
