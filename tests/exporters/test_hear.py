"""HEAR's JSON, read as HEAR reads it."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
import pytest
from export_support import framed_targets
from export_support import sample_targets as sample
from export_support import strange_targets as strange
from hypothesis import given
from hypothesis import strategies as st

from audiolabels import Events, Targets, expand, export, load_vocabulary
from audiolabels.errors import OptionError

TOY = load_vocabulary(["Bell", "Church bell", "Guitar"])


def vocabulary_of(path: Path) -> dict[str, int]:
    table = pd.read_csv(path.with_name("labelvocabulary.csv"))
    return {str(label): int(idx) for idx, label in zip(table["idx"], table["label"], strict=True)}


def labels_at(path: Path, column: dict[str, int], file: str, times: Any) -> npt.NDArray[Any]:
    """The labels at some points in time, in milliseconds; both ends of an event count."""
    made = np.zeros((len(times), len(column)))
    for event in json.loads(path.read_text())[file]:
        inside = (event["start"] <= times) & (times <= event["end"])
        made[inside, column[event["label"]]] = 1
    return made


def assert_frames(path: Path, targets: Targets) -> None:
    """At the middle of every frame HEAR finds that frame's classes."""
    column, frame = vocabulary_of(path), targets.to_pandas()
    target, mask = targets.to_numpy()
    for file in json.loads(path.read_text()):
        rows = np.flatnonzero(frame["clip_id"] == file.removesuffix(".wav"))
        times = (frame["onset"][rows] + frame["offset"][rows]).to_numpy() * 500
        assert (labels_at(path, column, file, times) == target[rows]).all()
        masked = path.with_name(f"{path.stem}_masked.json")
        assert (labels_at(masked, column, file, times) == 1 - mask[rows]).all()


def test_whole_clips_have_labels(tmp_path: Path) -> None:
    path = tmp_path / "train.json"
    done = export(sample(), "hear", path, names=True, files="{id}.wav")
    column, target = vocabulary_of(path), sample().to_numpy()[0]
    for (file, labels), row in zip(json.loads(path.read_text()).items(), target, strict=True):
        assert file.startswith("sample-")
        made = np.zeros(527)
        made[[column[label] for label in labels]] = 1
        assert (made == row).all()
    masked = json.loads((tmp_path / "train_masked.json").read_text())
    assert list(map(len, masked.values())) == sample().to_pandas()["masked"].map(len).tolist()
    assert done.files[path] == len(masked) == 200


def test_a_clip_without_labels_stays(tmp_path: Path) -> None:
    done = export(strange(), "hear", tmp_path / "a.json")
    clips = json.loads((tmp_path / "a.json").read_text())
    assert clips["verified empty.wav"] == []
    assert "nobody listened.wav" not in clips
    assert done.left_out == {"clips without any known target": 1}


@pytest.mark.parametrize("negatives", ["all", "both"])
def test_frames_become_events(tmp_path: Path, negatives: str) -> None:
    targets = framed_targets(negatives=negatives)
    path = tmp_path / "a.json"
    done = export(targets, "hear", path)
    assert_frames(path, targets)
    clips = json.loads(path.read_text())
    assert clips["abcdefghijk_30000.wav"][1:] == [
        {"label": "/m/0395lw", "start": 2880, "end": 3840},
        {"label": "/m/0395lw", "start": 8640, "end": 9600},
    ]
    assert done.names["clips without any known target"].to_pylist()[-1] == "nobody listened"


@given(
    st.lists(
        st.tuples(
            st.sampled_from(["a", "b", "c"]),
            st.sampled_from(TOY.names),
            st.integers(0, 9900),
            st.integers(1, 4000),
        ),
        min_size=1,
        max_size=12,
    ),
    st.sampled_from([0.96, 0.5]),
)
def test_any_frames_become_events(
    tmp_path_factory: pytest.TempPathFactory, spans: list[tuple[str, str, int, int]], hop: float
) -> None:
    clips: dict[str, list[tuple[str, float, float]]] = {}
    for clip, name, start, length in spans:
        event = (name, start / 1000, (start + length) / 1000)
        clips.setdefault(clip, []).append(event)
    targets = expand(
        Events.from_dict(dict(clips)),
        "strong-framed",
        vocabulary=TOY,
        negatives="both",
        frame_length=hop,
        frame_hop=hop,
    )
    path = tmp_path_factory.mktemp("hear") / "a.json"
    export(targets, "hear", path)
    assert_frames(path, targets)


def test_other_vocabularies_beside_it_are_refused(tmp_path: Path) -> None:
    export(sample(), "hear", tmp_path / "a.json")
    with pytest.raises(OptionError, match="lists other classes"):
        export(sample(), "hear", tmp_path / "b.json", names=True)
