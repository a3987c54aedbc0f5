"""Weak labels that are repeated on segments."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from audiolabels import (
    Annotations,
    Scores,
    expand,
    expand_files,
    read_labels,
    read_targets,
    sample_path,
)
from audiolabels import open as open_targets
from audiolabels.arrays.columns import to_arrow
from audiolabels.clips.rows import clip_rows
from audiolabels.errors import OptionError
from audiolabels.targets.source import LabelSource

NAMES = ["Rain", "Dog", "Music"]
LENGTHS = st.integers(1, 30_000)


def labels_of(folder: Path, *lengths: int) -> Annotations:
    """Clips of these lengths in milliseconds, the first with rain, the others with a dog."""
    rows = (
        f"clip{n},0,{length / 1000},{'Dog' if n else 'Rain'}\n" for n, length in enumerate(lengths)
    )
    path = folder / "labels.csv"
    path.write_text("clip_id,start_seconds,end_seconds,labels\n" + "".join(rows))
    return read_labels(path)


def segments(length: int, step: int) -> list[tuple[float, float]]:
    """The segments of a clip, one at a time."""
    found, onset = [], 0
    while onset < length:
        found.append((onset / 1000, min(onset + step, length) / 1000))
        onset += step
    return found


@given(st.lists(LENGTHS, min_size=1, max_size=4), st.integers(500, 12_000))
def test_each_segment_has_the_labels_of_its_clip(lengths: list[int], step: int) -> None:
    labels = Annotations.from_dict({f"clip{n}": ["Dog" if n else "Rain"] for n in range(9)})
    labels = labels.take(np.arange(len(lengths)))
    timed = with_lengths(labels, lengths)
    made = expand(timed, "weak", vocabulary=NAMES, frame_length=step / 1000)
    whole = expand(timed, "weak", vocabulary=NAMES).to_numpy()[0]
    expected = [
        (f"clip{n}", *times) for n, length in enumerate(lengths) for times in segments(length, step)
    ]
    found = made.clip_id.to_pylist(), made.onset.to_pylist(), made.offset.to_pylist()
    assert list(zip(*found, strict=True)) == expected
    owner = [int(clip.removeprefix("clip")) for clip, *_ in expected]
    assert (made.to_numpy()[0] == whole[owner]).all()
    assert (made.to_numpy()[1] == 1).all()


def with_lengths(labels: Annotations, lengths: list[int]) -> Annotations:
    ends = to_arrow(np.array(lengths) / 1000)
    return replace(labels, clips=clip_rows(labels.clip_id, labels.onset, ends))


def test_segments_are_those_of_a_teacher(tmp_path: Path) -> None:
    labels = labels_of(tmp_path, 10_000, 5_000)
    names = ["clip0"] * 5 + ["clip1"] * 3
    onset = [0, 2, 4, 6, 8, 0, 2, 4]
    offset = [2, 4, 6, 8, 10, 2, 4, 5]
    scores = Scores.from_arrays(
        names, np.full((8, 3), 0.5), classes=NAMES, onset=onset, offset=offset
    )
    mixed = expand(scores, "pseudo-strong", given=labels, teacher_weight=0)
    weak = expand(labels, "weak", vocabulary=mixed.vocabulary, frame_length=2)
    assert weak.clip_id.equals(mixed.clip_id)
    assert weak.clips.equals(mixed.clips)
    assert (weak.to_numpy()[0] == mixed.to_numpy()[0]).all()


@pytest.mark.parametrize("options", [{}, {"rows_per_part": 100}])
def test_files_are_made_as_in_memory(tmp_path: Path, options: dict[str, Any]) -> None:
    output = tmp_path / ("parts" if options else "segments.parquet")
    summary = expand_files(sample_path(), output, "weak", frame_length=4, **options)
    made, labels = read_targets(output), read_labels(sample_path())
    expected = expand(labels, "weak", frame_length=4)
    assert made.clips.equals(expected.clips)
    assert all((a == b).all() for a, b in zip(made.to_numpy(), expected.to_numpy(), strict=True))
    assert made.metadata["options"]["frame_length"] == 4
    assert summary.counts.clips == len(labels) == len(open_targets(output))


def test_a_source_gives_the_segments_of_a_clip(tmp_path: Path) -> None:
    made = expand(labels_of(tmp_path, 5_000, 1_000), "weak", vocabulary=NAMES, frame_length=2)
    source = LabelSource(made)
    assert (len(source), source.frames) == (2, 3)
    assert source["clip0"].target.tolist() == [[1, 0, 0]] * 3
    alone = LabelSource(made.take(np.array([3])))
    assert alone["clip1"].target.shape == (1, 3)


def test_clips_without_a_length_are_refused() -> None:
    labels = Annotations.from_dict({"a": ["Rain"]})
    with pytest.raises(OptionError, match="1 clips have no length, such as 'a'"):
        expand(labels, "weak", frame_length=2)
    with pytest.raises(OptionError, match="a frame of 0 seconds"):
        expand(labels, "weak", frame_length=0)
