"""Targets to export, and what came of them."""

import json
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from webdataset.tariterators import group_by_keys, tar_file_iterator

from audiolabels import (
    Annotations,
    Events,
    Targets,
    Vocabulary,
    expand,
    load_vocabulary,
    read_labels,
    sample_path,
)

AUDIOSET = load_vocabulary("audioset")
STRANGE = {
    "Yb-defghijk_30000": ["Guitar"],  # its id begins with the Y that some forms put before ids
    "-_cdefghijk_0": ["Speech", "Dog"],
    "abcdefghijk_10000": ["Church bell"],
    "64760": ["Rain"],
    'a, "b"': ["Dog"],
    "verified empty": [],
    "nobody listened": None,
}


@lru_cache
def sample_targets(scheme: str = "pe-cml", vocabulary: str = "audioset") -> Targets:
    """Targets of the sample: 200 clips of 10 s."""
    return expand(read_labels(sample_path()), scheme, vocabulary=vocabulary)


@lru_cache
def strange_targets(scheme: str = "pe-cml", vocabulary: str = "audioset") -> Targets:
    return expand(Annotations.from_dict(STRANGE), scheme, vocabulary=vocabulary)


def read_samples(path: Path) -> list[dict[str, Any]]:
    """The samples that webdataset finds in a tar, each with its JSON."""
    with path.open("rb") as file:
        members = [{"__url__": str(path), **member} for member in tar_file_iterator(file)]
    samples = list(group_by_keys(members))
    return [{**sample, "json": json.loads(sample["json"])} for sample in samples]


def framed_targets(vocabulary: Any = "audioset", **options: Any) -> Targets:
    events = Events.from_dict(
        {
            "abcdefghijk_30000": [("Guitar", 0.0, 3.1), ("Bell", 3.0, 3.1), ("Bell", 9.0, 10)],
            "Yb-defghijk_0": [("Engine", 0.0, 10.0)],
            "verified empty": [],
            "nobody listened": None,
        }
    )
    return expand(events, "strong-framed", vocabulary=vocabulary, **options)


def backwards(vocabulary: Vocabulary) -> Vocabulary:
    return Vocabulary("backwards", vocabulary.ids[::-1], vocabulary.names[::-1])


def rows_of(targets: Targets, clips: list[str]) -> tuple[npt.NDArray[Any], npt.NDArray[Any]]:
    """Target and mask of the named clips, in that order."""
    index = {clip: i for i, clip in enumerate(targets.clip_id.to_pylist())}
    return targets.to_numpy([index[clip] for clip in clips])


def positives(path: Path, vocabulary: Any = "audioset") -> dict[str, set[str]]:
    """What the library itself reads: clip to positive ids."""
    made = expand(read_labels(path), "weak", vocabulary=vocabulary)
    ids, (target, _) = np.array(made.vocabulary.ids), made.to_numpy()
    return {
        clip: set(ids[row > 0].tolist())
        for clip, row in zip(made.clip_id.to_pylist(), target, strict=True)
    }


def given(targets: Targets) -> dict[str, set[str]]:
    """Clips with a positive class: their positive ids."""
    ids, (target, _) = np.array(targets.vocabulary.ids), targets.to_numpy()
    return {
        clip: set(ids[row > 0].tolist())
        for clip, row in zip(targets.clip_id.to_pylist(), target, strict=True)
        if row.any()
    }
