import pickle

import numpy as np
import pytest

from audiolabels import Annotations, expand

torch = pytest.importorskip("torch")
LABELS = Annotations.from_dict({"a": ["Guitar"], "b": ["Electric guitar"], "c": None, "d": []})
TARGETS = expand(LABELS, "pe-cml")


def test_arrays_have_the_stated_shape_and_type() -> None:
    for array in TARGETS.to_numpy():
        assert array.shape == (4, 527)
        assert array.dtype == np.float32


@pytest.mark.parametrize("rows", [[2, 0, 0], np.array([1, 3]), slice(1, 3), []])
def test_rows_are_chosen(rows: object) -> None:
    for part, full in zip(TARGETS.to_numpy(rows), TARGETS.to_numpy(), strict=True):
        assert np.array_equal(part, full[rows])


def test_torch_gets_the_same() -> None:
    for tensor, array in zip(TARGETS.to_torch(), TARGETS.to_numpy(), strict=True):
        assert tensor.dtype == torch.float32
        assert np.array_equal(tensor.numpy(), array)


def test_pandas_gets_names() -> None:
    frame = TARGETS.to_pandas()
    assert frame["clip_id"].tolist() == ["a", "b", "c", "d"]
    assert frame["positive"][1][-2:] == ["Guitar", "Electric guitar"]
    assert "Electric guitar" in frame["masked"][0]
    assert len(frame["masked"][2]) == 527
    assert frame["positive"][3] == frame["masked"][3] == []


def test_repr_counts() -> None:
    assert repr(TARGETS) == (
        "Targets(pe-cml, 4 clips × 527 classes, 3.00 positive and 2.00 masked per clip)"
    )


def test_html_shows_clips_and_abridges() -> None:
    page = TARGETS._repr_html_()
    assert "Electric guitar" in page
    assert "and 521 more" in page


def test_html_is_escaped() -> None:
    labels = Annotations.from_dict({"<script>": ["Guitar"]})
    assert "<script>" not in labels._repr_html_() + expand(labels)._repr_html_()


def test_slices_keep_the_clips() -> None:
    part = TARGETS.slice(1, 3)
    assert part.clip_id.to_pylist() == ["b", "c"]
    assert np.array_equal(part.to_numpy()[0], TARGETS.to_numpy()[0][1:3])
    assert len(TARGETS.slice(3, 99)) == 1


def test_targets_travel_to_other_processes() -> None:
    there = pickle.loads(pickle.dumps(TARGETS))
    assert np.array_equal(there.to_numpy(), TARGETS.to_numpy())
