"""Who is held out, and which part a clip is in: by its recording alone."""

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st
from oracles.clips import recording

from audiolabels.clips.partition import draw_parts, held_out
from audiolabels.errors import OptionError

RNG = np.random.default_rng(0)
# Two clips each of 1,000 videos, and what two projects call them.
PLACES = [
    (f"{n:09x}-_", start) for n in range(1000) for start in RNG.choice(300, 2, False).tolist()
]
NAMES = [
    [f"{video}_{start * 1000}" for video, start in PLACES],
    [f"audio/Y{video}_{start}.000_{start + 10}.000.wav" for video, start in PLACES],
]
CLIPS = st.from_regex(r"Y?[ab_-]{11}(_[0-9]{1,5}){0,2}|[ab0_]+", fullmatch=True)


@pytest.mark.parametrize("share", [0, 0.05, 0.1, 0.5, 1])
def test_the_same_clips_are_held_out_whatever_their_names(share: float) -> None:
    one, other = (held_out(pa.array(names), share) for names in NAMES)
    assert len(one) == 2000
    assert (one == other).all()
    assert abs(one.mean() - share) < 0.03


def test_no_video_is_on_both_sides() -> None:
    for names in NAMES:
        held = held_out(pa.array(names), 0.3)
        sides = [{PLACES[i][0] for i in np.flatnonzero(side)} for side in (held, ~held)]
        assert min(map(len, sides)) > 200
        assert not sides[0] & sides[1]


def test_parts_are_the_same_whatever_the_names_and_near_their_shares() -> None:
    one, other = (draw_parts(pa.array(names)) for names in NAMES)
    assert (one == other).all()
    assert (one[::2] == one[1::2]).all()
    np.testing.assert_allclose(np.bincount(one) / 2000, [0.8, 0.1, 0.1], atol=0.03)
    assert (draw_parts(pa.array(NAMES[0]), seed=1) != one).any()


@given(st.lists(CLIPS, min_size=2), st.integers(0, 9), st.floats(0.05, 0.95))
def test_a_part_depends_on_the_recording_alone(clips: list[str], seed: int, share: float) -> None:
    parts = draw_parts(pa.array(clips), (share, 1 - share), seed=seed)
    held = held_out(pa.array(clips), share, seed=seed)
    assert np.array_equal(held, parts == 0)
    for clip, part in zip(clips, parts.tolist(), strict=True):
        assert draw_parts(pa.array([recording(clip)]), (share, 1 - share), seed=seed) == [part]


def test_clips_that_are_held_out_stay_so_at_a_greater_share() -> None:
    small, large = (held_out(pa.array(NAMES[0]), share) for share in (0.1, 0.2))
    assert (large | ~small).all()


def test_no_clips_have_no_part() -> None:
    none = pa.array([], pa.string())
    assert draw_parts(none).tolist() == held_out(none, 0.5).tolist() == []


@pytest.mark.parametrize(
    ("shares", "named"), [((1, 0), "1, 0"), ((), ""), ((float("nan"),), "nan")]
)
def test_shares_must_be_above_zero(shares: tuple[float, ...], named: str) -> None:
    with pytest.raises(OptionError, match=f"numbers above zero, not {named}$"):
        draw_parts(pa.array(["a"]), shares)
