"""Framing AudioSet's strong labels: against the definition, and in figures counted by hand."""

import csv
import gzip
import random
from collections import defaultdict
from pathlib import Path

import numpy as np
import pytest
from golden.regenerate_frames import CLIPS, GOLDEN, lines
from oracles.expansion import NEGATIVE, POSITIVE, UNKNOWN
from oracles.framing import Clip, Statement, diffuse_clip, frame_clip

from audiolabels import Events, Targets, expand, load_vocabulary, read_events
from audiolabels.ontology.parents import PARENTS_OR_NONE
from audiolabels.schemes.framed import NEGATIVES, FrameCounts

pytestmark = pytest.mark.shared
NAME = "strong_eval_110_classes.tsv.gz"
WORDS = np.array([UNKNOWN, NEGATIVE, POSITIVE])


@pytest.fixture(scope="module")
def events(shared_data: Path) -> Events:
    return read_events(shared_data / "audioset" / NAME)


@pytest.fixture(scope="module")
def clips(shared_data: Path) -> dict[str, Clip]:
    """The same, read by hand."""
    statements = defaultdict(list)
    with gzip.open(shared_data / "audioset" / NAME, "rt", encoding="utf-8") as file:
        for row in csv.DictReader(file, delimiter="\t"):
            id_ = "/t/dd000138" if row["event_label"] == "/t/dd00138" else row["event_label"]
            onset, offset = (int(row[name].replace(".", "")) for name in ("onset", "offset"))
            statements[row["filename"]].append(Statement("present", id_, onset, offset))
    return {clip: Clip(10_000, given) for clip, given in statements.items()}


def words(targets: Targets, rows: slice | None = None) -> np.ndarray:
    target, mask = targets.to_numpy(rows)
    return WORDS[(target + mask).astype(np.int8)]


def test_every_real_clip_equals_the_definition(events: Events, clips: dict[str, Clip]) -> None:
    """Of each clip the classes that it has; all other cells must be unknown."""
    columns = load_vocabulary("audioset-strong")
    targets = expand(events, "strong-framed", negatives="complementary")
    column = {events.ontology.resolve(id_): i for i, id_ in enumerate(columns.ids)}
    graph = events.ontology.graph
    assert events.clip_id.to_pylist() == list(clips)
    assert targets.clip_id.to_pylist() == [clip for clip in clips for _ in range(10)]
    for row, clip in enumerate(clips.values()):
        given = sorted({s.class_id for s in clip.statements})
        right = frame_clip(graph, clip, given, "complementary", "none", length=960, hop=960)
        found = words(targets, slice(10 * row, 10 * row + 10))
        cells = found[:, [column[c] for c in given]]
        assert cells.tolist() == [list(frame.values()) for frame in right]
        assert (cells != UNKNOWN).sum() == (found != UNKNOWN).sum()


@pytest.mark.parametrize("parents", PARENTS_OR_NONE)
@pytest.mark.parametrize("scheme", ["strong-framed", "diffuse"])
def test_real_clips_with_parents_equal_the_definition(
    scheme: str, parents: str, events: Events, clips: dict[str, Clip]
) -> None:
    columns = load_vocabulary("audioset-strong")
    classes = [events.ontology.resolve(id_) or id_ for id_ in columns.ids]
    graph, names = events.ontology.graph, list(clips)
    for row in random.Random(f"{scheme} {parents}").sample(range(len(clips)), 6):
        for negatives in NEGATIVES:
            options = (graph, clips[names[row]], classes, negatives, parents)
            right = (
                frame_clip(*options, length=960, hop=960)
                if scheme == "strong-framed"
                else [diffuse_clip(*options)]
            )
            part = events.slice(row, row + 1)
            targets = expand(part, scheme, negatives=negatives, parents=parents)
            assert words(targets).tolist() == [list(frame.values()) for frame in right]


def test_figures(events: Events, clips: dict[str, Clip]) -> None:
    """Counted in a plain loop, which knows neither grids nor runs."""
    frames: dict[tuple[str, str | None], set[int]] = defaultdict(set)
    for name, clip in clips.items():
        for _, id_, onset, offset in clip.statements:
            reached = frames[name, id_]
            for i in range(10):
                shared = min(offset, 960 * i + 960) - max(onset, 960 * i)
                if shared > 0 and 2 * shared >= min(960, offset - onset):
                    reached.add(i)
    counted = {
        "events": sum(len(clip.statements) for clip in clips.values()),
        "clips": len(clips),
        "pairs": len(frames),
        "pairs_without_frame": sum(not reached for reached in frames.values()),
        "positive": sum(map(len, frames.values())),
        "negative": sum(10 - len(reached) for reached in frames.values() if reached),
    }
    assert counted == {
        "events": 103_207,
        "clips": 15_646,
        "pairs": 45_167,
        "pairs_without_frame": 618,
        "positive": 241_707,
        "negative": 203_783,
    }
    targets = expand(events, "strong-framed", negatives="complementary")
    made: dict[str, int] = targets.metadata["counts"]
    assert {name: made[name] for name in counted} == counted
    assert made.keys() < vars(FrameCounts()).keys()
    assert made["frames"] == len(targets) == 10 * len(clips)


def test_golden_frames_of_real_clips(events: Events) -> None:
    assert lines(events) == GOLDEN.read_text(encoding="utf-8").splitlines()
    assert len(CLIPS) > 9
