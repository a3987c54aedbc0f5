"""The table of formats of scores, and files that hold none."""

from pathlib import Path

import pytest

from audiolabels import read_scores
from audiolabels.errors import ScoresFileError
from audiolabels.readers import SCORE_FORMATS


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


def test_every_form_is_tried_here() -> None:
    tried = ["npz", "ced", "pretrained-sed", "hdf5", "efficientat", "parquet", "table"]
    assert sorted(SCORE_FORMATS) == sorted(tried)
