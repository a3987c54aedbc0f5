"""Numbers that are checked, and the order of segments."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from score_files import (
    NAMES,
    write_npz,
)

from audiolabels import SoftTargets, expand_files, read_scores, read_targets
from audiolabels.errors import OptionError, ScoresFileError

VALUES = np.array([[0.5, 0.25, 0.0], [1.0, 0.125, 0.75]])
PAIR = ["a", "b"]


def broken(tmp_path: Path, **changes: Any) -> Path:
    arrays = {"clip_id": PAIR, "scores": VALUES, "classes": NAMES} | changes
    return write_npz(tmp_path / "s.npz", **{k: v for k, v in arrays.items() if v is not None})


def test_numbers_that_turn_out_to_be_no_probabilities(tmp_path: Path) -> None:
    path = broken(tmp_path, scores=VALUES * 3 - 1)
    assert read_scores(path).scores.max() < 0.9
    with pytest.raises(
        ScoresFileError, match=r"a \(row 1\) has a score -0.25.*score-values logits"
    ):
        read_scores(path, values="probabilities")
    with pytest.raises(OptionError, match="values 'odds' is not offered"):
        read_scores(path, values="odds")


def test_a_clip_that_comes_again_is_refused(tmp_path: Path) -> None:
    rows = np.zeros((4, 3))
    path = broken(tmp_path, clip_id=["a", "b", "a", "c"], scores=rows)
    with pytest.raises(ScoresFileError, match="a clip comes again, in rows 1 and 3"):
        read_scores(path)


def test_a_clip_without_id_is_left_out_and_reported(tmp_path: Path) -> None:
    scores = read_scores(broken(tmp_path, clip_id=["a", " "]))
    assert scores.clip_id.to_pylist() == ["a"]
    (finding,) = scores.report.findings
    assert (finding.row, finding.kind) == (2, "row unused")


@pytest.mark.parametrize(
    ("odd", "made"), [(-0.0, 0), (-5.96e-8, 0), (1.001, None), (np.nan, None), (-1, None)]
)
def test_halves_of_a_file_that_is_expanded_are_checked(
    tmp_path: Path, odd: float, made: float | None
) -> None:
    values = VALUES.astype(np.float16)
    values[1, 0] = odd
    path, output = broken(tmp_path, scores=values), tmp_path / "o.parquet"
    options: dict[str, Any] = {"scores": path, "score_values": "probabilities"}
    if made is None:
        with pytest.raises(ScoresFileError, match=r"b \(row 2\) has a score"):
            expand_files(None, output, "pseudo-strong", **options)
        return
    expand_files(None, output, "pseudo-strong", **options)
    targets = read_targets(output)
    assert isinstance(targets, SoftTargets)
    assert targets.scores.tolist() == [VALUES[0].tolist(), [made, *VALUES[1, 1:].tolist()]]
