"""Features of clips: precomputed embeddings, or audio."""

from pathlib import Path

import numpy as np

from audiolabels.errors import FeaturesFileError, OptionError, guarded
from audiolabels.features.audio import open_audio
from audiolabels.features.embeddings import open_embeddings
from audiolabels.features.inputs import Features, Inputs, Progress
from audiolabels.files import as_path, on_disk
from audiolabels.readers.opening import container_of

__all__ = ["Features", "Inputs", "open_features"]

VGGISH_HOP = 0.96  # seconds


def open_features(
    path: str | Path,
    *,
    rate: int | None = None,
    frame_seconds: float = VGGISH_HOP,
    progress: Progress | None = None,
) -> Features:
    """Open features of clips.

    Args:
        path: a file of embeddings (npz, HDF5 or Parquet), a folder of audio, or a table (CSV or
            TSV) of audio files.
        rate: sampling rate in Hz of the audio; by default the most common of the files.
        frame_seconds: distance between frames of embeddings; the first begins at 0.
        progress: called with (files opened, files in all).

    Raises:
        FeaturesFileError: nothing there, or nothing usable; unsuitable shapes; embeddings of a clip
            that occurs twice; values that are not finite.
        OptionError: a rate or frame of no length, or a package is not installed.
    """
    path = as_path("features", path)
    if (rate is not None and rate < 1) or not 0 < frame_seconds < np.inf:
        raise OptionError("rate and frame_seconds must be above 0")
    if container := _container(path):
        return open_embeddings(path, container, frame_seconds)
    return open_audio(on_disk("features", path), rate, progress)


def kind_of(path: str | Path) -> str:
    """`embeddings` or `audio`, by the first bytes alone; raises as `open_features`."""
    return "embeddings" if _container(as_path("features", path)) else "audio"


def _container(path: Path) -> str:
    """Which container of embeddings a file is; empty if it is none."""
    with guarded(path, FeaturesFileError, "cannot be read"):
        if not path.exists():
            raise FeaturesFileError(f"{path}: no such file or folder")
        head = b""
        if path.is_file():
            with path.open("rb") as file:
                head = file.read(4)
    container = container_of(head) if head else ""
    return container if container in ("npz", "HDF5", "Parquet") else ""
