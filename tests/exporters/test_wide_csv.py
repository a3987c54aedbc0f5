"""A wide CSV, read as autrainer reads one."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from export_support import framed_targets
from export_support import sample_targets as sample
from export_support import strange_targets as strange

from audiolabels import Annotations, Scores, Vocabulary, expand, export
from audiolabels.errors import OptionError

torch = pytest.importorskip("torch")


def tensors(path: Path, columns: tuple[str, ...]) -> torch.Tensor:  # type: ignore[name-defined]
    """The targets of all rows, each from its cells in the order of the configuration."""
    table = pd.read_csv(path)
    assert list(table.columns) == ["filename", *columns]
    return torch.stack([torch.Tensor(row.to_list()) for _, row in table[list(columns)].iterrows()])


def test_autrainer_reads_zeros_and_ones(tmp_path: Path) -> None:
    targets, path = sample("weak"), tmp_path / "train.csv"
    done = export(targets, "wide-csv", path, names=True)
    made = tensors(path, targets.vocabulary.names).numpy()
    np.testing.assert_array_equal(made, targets.to_numpy()[0])
    assert pd.read_csv(path)["filename"][0] == "sample-0001_140000.wav"
    assert done.files == {path: 200}


def test_unknown_classes_are_refused_without_a_cell_for_them(tmp_path: Path) -> None:
    with pytest.raises(OptionError, match=r"\d+ targets of 6 clips are unknown.*--unknown-cells"):
        export(strange(), "wide-csv", tmp_path / "a.csv")
    with pytest.raises(OptionError, match="unknown_cells '2' is not offered; choose one of empty"):
        export(strange(), "wide-csv", tmp_path / "a.csv", unknown_cells="2")
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(("cell", "number"), [("empty", np.nan), ("-1", -1), ("0", 0)])
def test_the_chosen_cell_is_written(tmp_path: Path, cell: str, number: float) -> None:
    targets, path = strange(), tmp_path / "a.csv"
    done = export(targets, "wide-csv", path, unknown_cells=cell)
    target, mask = targets.to_numpy(np.arange(6))
    made = tensors(path, targets.vocabulary.ids)
    np.testing.assert_array_equal(made.numpy(), np.where(mask > 0, target, number))
    loss = torch.nn.functional.binary_cross_entropy_with_logits(torch.zeros_like(made), made)
    assert bool(torch.isnan(loss)) == (cell == "empty")  # why it is refused by default
    assert pd.read_csv(path)["filename"][4] == 'a, "b".wav'
    assert done.left_out == {"clips without any known target": 1}


def test_soft_targets_are_the_cells(tmp_path: Path) -> None:
    ids = ["/m/09x0r", "/m/0bt9lr", "/m/06mb1"]
    values = np.array([[0.1, 0, 1], [1 / 3, 3e-8, 0.9999]], np.float16)
    scores = Scores.from_arrays(["a", "b"], values, classes=ids)
    soft = expand(scores, "pseudo-strong", vocabulary=ids)
    export(soft, "wide-csv", tmp_path / "a.csv")
    made = tensors(tmp_path / "a.csv", tuple(ids)).numpy().astype(np.float16)
    np.testing.assert_array_equal(made, values)
    partly = expand(scores, "pseudo-strong", vocabulary=[*ids, "/m/04rlf"])
    with pytest.raises(OptionError, match="2 targets of 2 clips are unknown"):
        export(partly, "wide-csv", tmp_path / "b.csv")
    export(partly, "wide-csv", tmp_path / "b.csv", unknown_cells="empty")
    assert pd.read_csv(tmp_path / "b.csv")["/m/04rlf"].isna().all()


def test_frames_and_equal_columns_are_refused(tmp_path: Path) -> None:
    with pytest.raises(OptionError, match="these are frames"):
        export(framed_targets(), "wide-csv", tmp_path / "a.csv", unknown_cells="0")
    labels = Annotations.from_dict({"a": ["Dog"]})
    odd = Vocabulary("odd", ("/m/0bt9lr",), ("filename",))
    with pytest.raises(OptionError, match="needs labels that differ: 'filename'"):
        export(expand(labels, "weak", vocabulary=odd), "wide-csv", tmp_path / "a.csv", names=True)
