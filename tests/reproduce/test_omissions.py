"""Labels left out on purpose: the laws of leaving out, and the script from data to page."""

import importlib
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import audiolabels

pytest.importorskip("lightning")
FOLDER = Path(__file__).resolve().parents[2] / "benchmarks" / "reproduce"
SOUNDS = ("Acoustic guitar", "Cough", "Car", "Rain", "Thunder", "Bark", "Guitar", "Hiss")
CLIPS = 240


@pytest.fixture(scope="module", autouse=True)
def scripts() -> Any:
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(FOLDER)
        yield


@st.composite
def closed_labels(draw: Any) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Labels closed under what classes imply, some of them given, and what implies what."""
    classes, clips = draw(st.integers(2, 5)), draw(st.integers(1, 30))
    rng = np.random.default_rng(draw(st.integers(0, 99)))
    implied = np.triu(rng.random((classes, classes)) < 0.5, 1)
    for _ in range(classes):
        implied |= implied @ implied
    labels = rng.random((clips, classes)) < 0.5
    given_ = labels & (rng.random(labels.shape) < 0.7)
    return labels | (labels @ implied), given_, implied


@given(closed_labels(), st.sampled_from((0, 0.25, 0.5, 0.75, 1)), st.integers(0, 5))
def test_only_implied_and_more_specific_labels_are_left_out(
    drawn: tuple[np.ndarray, np.ndarray, np.ndarray], share: float, seed: int
) -> None:
    omit = importlib.import_module("omit").omit
    complete, given_, implied = drawn
    given_[:, :] |= complete & ~given_.any(0)  # each class is given somewhere
    remaining, counts = omit(complete, given_, implied, share, seed)
    assert not (remaining & ~complete).any()
    assert (remaining.any(1) == complete.any(1)).all()
    assert counts["unspecified"] <= share * counts["below"]
    assert counts["left_out"] <= share * counts["above"]
    assert (complete & ~remaining).sum() == counts["unspecified"] + counts["left_out"]
    if share == 0:
        assert (remaining == complete).all()
    # What is left out has, among what remains, a class above it or a class that implies it.
    around = remaining @ (implied | implied.T)
    assert not (complete & ~remaining & ~around).any()


def test_rates_are_those_of_the_labels() -> None:
    omit = importlib.import_module("omit")
    rng = np.random.default_rng(0)
    implied = np.zeros((3, 3), bool)
    implied[0, 2] = implied[1, 2] = True
    given_ = np.zeros((3000, 3), bool)
    given_[:1000, 0] = given_[1000:2000, 1] = True
    given_[:900, 2] = given_[1000:1100, 2] = given_[2000:, 2] = True
    unspecified, left_out = omit.measured_odds(given_, implied)
    assert omit.probability(unspecified[2]) == pytest.approx(1000 / 2000, abs=0.01)
    assert omit.probability(left_out[0, 2]) == pytest.approx(0.1, abs=0.01)
    assert omit.probability(left_out[1, 2]) == pytest.approx(0.9, abs=0.01)
    complete = given_ | (given_ @ implied)
    remaining, counts = omit.omit(complete, given_, implied, 0.5, int(rng.integers(9)))
    assert counts["below"] == counts["above"] + counts["unspecified"] == 2000
    assert counts["unspecified"] == pytest.approx(1000, abs=5)
    lost = complete[:, 2] & ~remaining[:, 2]
    assert lost[:1000].sum() < lost[1000:2000].sum() / 3


def test_the_script_runs_from_data_to_page(tmp_path: Path, monkeypatch: Any) -> None:
    omissions = importlib.import_module("omissions")
    common = importlib.import_module("common")
    page = importlib.import_module("omissions_page")
    ids = [audiolabels.load_ontology().find(name) for name in SOUNDS]
    rng = np.random.default_rng(0)
    for part, labels in common.LABELS.items():
        sound = rng.integers(0, len(ids), CLIPS)
        names = [f"{part}{n:0{11 - len(part)}}" for n in range(CLIPS)]
        rows = [f'{name}, 0.000, 10.000, "{ids[s]}"' for name, s in zip(names, sound, strict=True)]
        (tmp_path / labels).write_text(
            "# a\n# b\n# YTID, start_seconds, end_seconds, positive_labels\n"
            + "\n".join(rows)
            + "\n"
        )
        values = rng.integers(0, 200, (CLIPS, 2, len(ids))).astype(np.uint8)
        values[np.arange(CLIPS), :, sound] = 255
        np.savez(tmp_path / common.FEATURES[part], clip_id=[f"{name}_0" for name in names],
                 embedding=values, n_frames=np.full(CLIPS, 2, np.uint8))  # fmt: skip
    some = ("weak", "pe-cml, certain", "co-supervised + pe-cml, certain", page.COMPLETE)
    monkeypatch.setattr(omissions, "SETTINGS", {("certain", 0.5, ""): some})
    results, written = tmp_path / "results.json", tmp_path / "page.md"
    written.write_text("# Before\n")
    arguments = [tmp_path, "--seeds", 0, "--epochs", 1, "--results", results, "--page", written]
    omissions.main([*map(str, arguments)])
    found = json.loads(results.read_text())["0"]["certain, 0.5"]
    assert [*found] == ["labels", *some]
    assert 0 < found["labels"]["left_out"] < found["labels"]["above"]
    assert found["weak"]["restored"] == 0 < found["weak"]["missing"]
    assert found[page.COMPLETE]["restored"] == found["weak"]["missing"]
    assert found["pe-cml, certain"]["restored"] > 0 == found["pe-cml, certain"]["false"]
    assert "| pe-cml, certain | 1 |" in written.read_text()
    before = results.read_bytes()
    omissions.main([*map(str, arguments)])  # goes on where it was: nothing is left to do
    assert results.read_bytes() == before
    pytest.importorskip("matplotlib").use("agg")
    assert len(page.draw(results).axes) == 2
