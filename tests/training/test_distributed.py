"""Actors of Ray write the same file as this machine alone, whatever dies meanwhile."""

import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from addresses import files_at, s3_server
from click.testing import CliRunner

import audiolabels
from audiolabels.cli import group
from audiolabels.errors import OptionError
from audiolabels.features import open_features
from audiolabels.training.annotate import annotate
from audiolabels.training.models import make_model
from audiolabels.training.run_folder import Run

pytestmark = pytest.mark.slow

# A run without training, on a Ray of two workers: what the tests and their scripts share.
SHARED = """\
import os, sys, types, warnings
from pathlib import Path
import ray, torch
import audiolabels
from audiolabels.errors import AudioLabelsError
from audiolabels.features import open_features
from audiolabels.training import annotate as module, distributed
from audiolabels.training.models import make_model
from audiolabels.training.run_folder import Run

warnings.simplefilter("error", ray.util.annotations.RayDeprecationWarning)
torch.manual_seed(0)
torch.set_num_threads(1)
module.PART = 20

def annotate(model, output, engine="ray", **options):
    run = Run(model.eval(), audiolabels.load_vocabulary(["Dog", "Rain", "Guitar"]), {}, Path())
    rate = {"rate": model.rate} if model.rate else {}
    features = open_features("audio" if rate else "features.npz", **rate)
    return module.annotate(run, features, output, engine=engine, batch_size=16, **options)

def connect():
    ray.init(num_cpus=2, include_dashboard=False, log_to_driver=False)
"""


@pytest.fixture
def script(tmp_path: Path):
    embedding = np.random.default_rng(0).normal(size=(130, 5, 8)).astype("float32")
    ids = [f"c{i}" for i in range(len(embedding))]
    np.savez(tmp_path / "features.npz", clip_id=ids, embedding=embedding)

    def run(code: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-c", SHARED + code],
            cwd=tmp_path, capture_output=True, text=True, check=False,
        )  # fmt: skip

    run.folder = tmp_path
    return run


def same(folder: Path, one: str, two: str) -> None:
    assert (folder / one).read_bytes() == (folder / two).read_bytes()
    assert not [*folder.glob(".*.parts")]


GOING_ON = """\
model = make_model("linear", 3, dim=8)
whole = annotate(model, "local.parquet", "local", window=0.96)

def interrupt(done, _):
    if done >= 25:
        raise KeyboardInterrupt

outputs = {"ray": "ray.2.parquet", "local": "s3://bucket/local.2.parquet"}
for first, second in (("local", "ray"), ("ray", "local")):
    if not ray.is_initialized() and first == "ray":
        connect()
    try:
        annotate(model, outputs[second], first, window=0.96, progress=interrupt)
    except KeyboardInterrupt:
        print("interrupted")
    calls = []
    done = annotate(model, outputs[second], second, window=0.96,
                    progress=lambda *call: calls.append(call))
    assert 1 <= done.parts_found < whole.parts <= done.parts, done
    assert 0 < done.clips_scored < 130 and 0 < done.reading < 1, done
    assert calls == sorted(calls) and calls[-1] == (130, 130), calls
"""


def test_each_engine_goes_on_with_the_parts_of_the_other(script) -> None:
    with s3_server():
        done = script(GOING_ON)
        assert done.returncode == 0, done.stderr
        assert done.stdout.count("interrupted") == 2
        same(script.folder, "local.parquet", "ray.2.parquet")
        right = (script.folder / "local.parquet").read_bytes()
        assert files_at("s3://bucket") == {"local.2.parquet": right}


AUDIO = """\
connect()
model = make_model("mobilenetv2", 3, width=0.1)
for engine in ("local", "ray"):
    annotate(model, f"{engine}.parquet", engine, window=1)
"""


def test_audio_with_silent_and_broken_files(script) -> None:
    soundfile = pytest.importorskip("soundfile")
    audio, generator = script.folder / "audio", np.random.default_rng(0)
    audio.mkdir()
    for i in range(30):
        loud = 0 if i == 4 else 0.1
        soundfile.write(audio / f"c{i}.wav", generator.normal(size=24_000) * loud, 16_000)
    broken = audio / "c7.wav"
    broken.write_bytes(broken.read_bytes()[:30_000])
    done = script(AUDIO)
    assert done.returncode == 0, done.stderr
    same(script.folder, "local.parquet", "ray.parquet")


DYING = """\
class Dying(distributed._Actor):
    def _score(self, span):
        mark = Path("marks") / str(span.start)
        first = not mark.exists()
        mark.touch()
        if first and span.start % 200:
            os._exit(9)  # before it is done, or after
        done = super()._score(span)
        if first:
            os._exit(9)
        return done

class Deadly(distributed._Actor):
    def __init__(self, *arguments):
        super().__init__(*arguments)
        distributed.RETRIES = 1
        folder, names = self.scoring.folder, self.scoring.names
        deadly = lambda span: os._exit(9)
        self.scoring = types.SimpleNamespace(folder=folder, names=names, score_span=deadly)

connect()
model = make_model("linear", 3, dim=8)
annotate(model, "local.parquet", "local", window=0.96)
distributed._Actor = Dying
annotate(model, "ray.parquet", window=0.96)
distributed._Actor = Deadly
try:
    annotate(model, "never.parquet", clips=range(15))
except AudioLabelsError as error:
    print(type(error).__name__, error)
"""


def test_what_a_dead_actor_did_is_done_again_but_not_without_end(script) -> None:
    (script.folder / "marks").mkdir()
    done = script(DYING)
    assert done.returncode == 0, done.stderr
    assert len([*(script.folder / "marks").iterdir()]) == 7
    assert "RunError clips from c0 to c14: an actor of Ray failed: 2 of them died" in done.stdout
    assert not (script.folder / "never.parquet").exists()
    (script.folder / ".never.parquet.parts/job.json").unlink()
    (script.folder / ".never.parquet.parts").rmdir()
    same(script.folder, "local.parquet", "ray.parquet")


REFUSED = """\
connect()
refused = []
model = make_model("linear", 3, dim=8)
model.head.bias.data[0] = float("nan")
class Foreign(distributed._Actor):
    def __init__(self, *arguments):
        super().__init__(*arguments)
        self.scoring.segments.features.read = None

for options in ({}, {"num_gpus": 1}, {"device": "cuda"}, {"device": "mps"}, {"layer": ""}):
    if options == {"layer": ""}:
        distributed._Actor = Foreign
    try:
        annotate(model, "layer" if "layer" in options else "scores", **options)
    except AudioLabelsError as error:
        refused.append(f"{type(error).__name__} {error}")
ray.shutdown()  # which prints lines of its own until then
print("", *refused, sep="\\n")
"""


def test_what_actors_refuse_is_refused_as_here(script) -> None:
    done = script(REFUSED)
    assert done.returncode == 0, done.stderr
    nan, gpus, cuda, mps, foreign = done.stdout.splitlines()[-5:]
    assert nan.startswith("ScoresFileError the model's scores of c")
    assert gpus == "OptionError num_gpus 1 and device 'auto': the cluster of Ray has 0 GPUs"
    assert cuda == "OptionError num_gpus 0 and device 'cuda': the cluster of Ray has 0 GPUs"
    assert mps.startswith("OptionError device 'mps'")
    assert re.match(r"RunError clips from c\d+ to c\d+: an actor of Ray failed: 'None", foreign)
    assert "Traceback" not in done.stderr


def test_gpus_of_actors_need_actors(tmp_path: Path) -> None:
    np.savez(tmp_path / "f.npz", clip_id=["a"], embedding=np.zeros((1, 1, 8), "float32"))
    run = Run(make_model("linear", 1, dim=8), audiolabels.load_vocabulary(["Dog"]), {}, tmp_path)
    with pytest.raises(OptionError, match="num_gpus is an option of the engine ray"):
        annotate(run, open_features(tmp_path / "f.npz"), tmp_path / "s.parquet", num_gpus=1)
    asked = ["annotate", "nowhere", "--features", "x", "-o", "s.parquet", "--num-gpus", "-1"]
    assert "-1.0 is not in the range" in CliRunner().invoke(group, asked).output
