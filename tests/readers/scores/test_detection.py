"""Files that hold no scores."""

from pathlib import Path

import pytest

from audiolabels import read_scores
from audiolabels.errors import ScoresFileError


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"clip_id,scores\n", "no file of scores; those are one of npz, npy, HDF5, Parquet"),
        (b"", "no file of scores"),
        (b"PK\x03\x04rubbish", "broken, or not what it seems"),
    ],
)
def test_other_files_are_refused(tmp_path: Path, content: bytes, message: str) -> None:
    (tmp_path / "x").write_bytes(content)
    with pytest.raises(ScoresFileError, match=message):
        read_scores(tmp_path / "x")
