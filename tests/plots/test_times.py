"""Events, frames and scores over time."""

from pathlib import Path

import numpy as np
import pytest
from matplotlib.axes import Axes
from matplotlib.colors import to_hex

from audiolabels import Events, Scores, expand
from audiolabels.errors import OptionError, UnknownClassError, UnknownClipError
from audiolabels.features import open_features
from audiolabels.plots import event_roll, localisation
from audiolabels.plots.style import INK, NEGATIVE, POSITIVE, UNKNOWN

EVENTS = Events.from_dict(
    {"a": [("Speech", 0.0, 1.92), ("Dog", 9.7, 9.9)], "b": [("Rain", 0, 10)], "c": []}
)


def boxes(axes: Axes) -> list[tuple[str, float, float, float]]:
    """Colour, left, right and top of every bar."""
    found = []
    for bars in axes.collections:
        for path in bars.get_paths():
            (left, top), (right, _) = path.vertices.min(0), path.vertices.max(0)
            colour = to_hex(bars.get_facecolor()[0])
            found.append((colour, *(round(float(x), 3) for x in (left, right, top))))
    return found


def test_events_stand_above_their_frames() -> None:
    axes = event_roll(EVENTS, "a")
    assert [t.get_text() for t in axes.get_yticklabels()] == ["Speech", "Dog"]
    found = boxes(axes)
    events = [box for box in found if box[0] == INK]
    assert events == [(INK, 0, 1.92, 0.1), (INK, 9.7, 9.9, 1.1)]
    frames = [colour for colour, *_ in found if colour != INK]
    assert frames == [POSITIVE] * 2 + [NEGATIVE] * 8 + [UNKNOWN] * 10  # Dog reaches no frame
    assert [t.get_text() for t in axes.texts] == ["+"] * 2 + ["\N{MINUS SIGN}"] * 8 + ["?"] * 10


def test_frames_are_those_that_are_given() -> None:
    targets = expand(EVENTS, "strong-framed", vocabulary=["Speech"], negatives="all")
    axes = event_roll(EVENTS, "a", targets)
    assert [t.get_text() for t in axes.get_yticklabels()] == ["Speech"]
    with pytest.raises(UnknownClassError, match="clip 'b' has no event of a class of the targets"):
        event_roll(EVENTS, "b", targets)
    with pytest.raises(UnknownClassError, match="clip 'c' has no event"):
        EVENTS.plot("c")
    with pytest.raises(UnknownClipError, match="elsewhere"):
        event_roll(EVENTS, "elsewhere")


def test_a_spectrogram_is_drawn_above(tmp_path: Path) -> None:
    soundfile = pytest.importorskip("soundfile")
    (tmp_path / "audio").mkdir()
    tone = np.sin(2 * np.pi * 1000 * np.arange(80_000) / 8000)
    soundfile.write(tmp_path / "audio/a.wav", tone, 8000)
    axes = event_roll(EVENTS, "a", audio=open_features(tmp_path / "audio"))
    (image,) = axes.images
    power = image.get_array()
    assert 4000 * power.mean(axis=1).argmax() / (len(power) - 1) == pytest.approx(1000, abs=20)
    assert (image.get_extent(), image.origin) == ([0, 10, 0, -3], "lower")
    assert axes.get_ylim() == (2, -3)
    assert axes.get_yticklabels()[-1].get_text() == "0 to 4 kHz"
    with pytest.raises(UnknownClipError, match="no audio of clip 'b'"):
        event_roll(EVENTS, "b", audio=open_features(tmp_path / "audio"))
    np.savez(tmp_path / "e.npz", clip_id=["a"], embedding=np.zeros((1, 10, 4), np.float32))
    with pytest.raises(OptionError, match="needs audio"):
        event_roll(EVENTS, "a", audio=open_features(tmp_path / "e.npz"))


SCORES = Scores.from_arrays(
    ["a", "a", "b"], [[0.9, 0.1, 0.2], [0.3, 0.7, 0.2], [0.0, 0.0, 1.0]],
    classes=["Guitar", "Rain", "Speech"], onset=[0, 2, 0], offset=[2, 4, None],
)  # fmt: skip


def test_scores_of_the_highest_classes_over_time() -> None:
    axes = localisation(SCORES, "a", most=2)
    drawn = {patch.get_label(): patch.get_data() for patch in axes.patches}
    assert list(drawn) == ["Guitar", "Rain"]
    np.testing.assert_allclose(drawn["Rain"].values, [0.1, 0.7], rtol=1e-6)
    assert drawn["Rain"].edges.tolist() == [0, 2, 4]


def test_scores_of_named_classes_of_targets() -> None:
    axes = expand(SCORES, "pseudo-strong").plot.localisation("b", ["Speech"])
    (patch,) = axes.patches
    assert (patch.get_label(), patch.get_data().values.tolist()) == ("Speech", [1.0])
    with pytest.raises(UnknownClassError, match="no class 'Dog'"):
        localisation(SCORES, "a", ["Dog"])
    with pytest.raises(UnknownClipError, match="elsewhere"):
        localisation(SCORES, "elsewhere")
