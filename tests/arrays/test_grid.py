"""The grid against one-line definitions, in whole milliseconds."""

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from oracles.framing import fills_half, frames_of
from strategies import grids

from audiolabels.arrays import Grid
from audiolabels.arrays.grid import seconds_to_ms
from audiolabels.errors import OptionError

NEAR = range(-12, 30)  # frames that are looked at


@given(grid=grids(), data=st.data())
def test_half_filled_are_the_frames_that_share_half_with_the_event(
    grid: Grid, data: st.DataObject
) -> None:
    onset = data.draw(st.integers(-2, 6)) * grid.hop_ms + data.draw(st.integers(-3, 3))
    onset = data.draw(st.just(onset) | st.integers(-5 * grid.hop_ms, 9 * grid.hop_ms))
    lasting = data.draw(st.integers(1, 4) | st.integers(1, 5 * grid.hop_ms))
    first, stop = grid.half_filled(np.array([onset]), np.array([onset + lasting]))
    found = [i for i in NEAR if fills_half((onset, onset + lasting), grid.span_ms(i))]
    assert found == [i for i in NEAR if first[0] <= i < stop[0]]


@given(grid=grids(), onset=st.integers(-2000, 4000), lasting=st.integers(1, 4000))
def test_inside_are_the_frames_that_the_span_covers(grid: Grid, onset: int, lasting: int) -> None:
    first, stop = grid.inside(np.array([onset]), np.array([onset + lasting]))
    begin = onset // grid.hop_ms - 2
    frames = range(begin, begin + lasting // grid.hop_ms + 6)
    covered = [
        i
        for i in frames
        if onset <= i * grid.hop_ms and i * grid.hop_ms + grid.length_ms <= onset + lasting
    ]
    assert covered == [i for i in frames if first[0] <= i < stop[0]]


@given(grid=grids(), data=st.data())
def test_count_is_that_of_the_whole_frames(grid: Grid, data: st.DataObject) -> None:
    duration = data.draw(st.integers(1, 9 * grid.hop_ms + grid.length_ms))
    frames = frames_of(duration, grid.length_ms, grid.hop_ms)
    assert int(grid.count(duration)) == len(frames)
    assert grid.count(np.array([duration, duration])).tolist() == [len(frames)] * 2
    assert [grid.span_ms(i) for i in range(len(frames))] == frames


@given(length=st.integers(1, 1500), duration=st.integers(1, 20_000))
def test_frames_one_after_the_other_cover_the_clip_up_to_the_last_whole_one(
    length: int, duration: int
) -> None:
    grid = Grid(length, length)
    spans = [grid.span_ms(i) for i in range(int(grid.count(duration)))]
    assert [end for _, end in spans[:-1]] == [start for start, _ in spans[1:]]
    assert spans[0][0] == 0
    assert spans[-1][1] == max(length, duration // length * length)


@given(ms=st.integers(1, 10**9))
@example(ms=960)
def test_seconds_become_the_milliseconds_that_they_spell(ms: int) -> None:
    assert seconds_to_ms(f"{ms // 1000}.{ms % 1000:03}") == ms
    assert seconds_to_ms(ms / 1000) == ms


@pytest.mark.parametrize(
    "seconds", [0, -1, 0.0005, "0.9601", "nan", "inf", "-inf", "", "one", "1e12", float("nan")]
)
def test_times_that_are_no_whole_milliseconds_above_zero_are_refused(seconds: float | str) -> None:
    with pytest.raises(OptionError, match=r"whole milliseconds"):
        Grid.from_seconds(seconds)


@pytest.mark.parametrize(("length", "hop"), [(0, 1), (1, 0), (-960, 960), (960, -960)])
def test_a_grid_without_extent_is_refused(length: int, hop: int) -> None:
    with pytest.raises(OptionError, match="both must be above zero"):
        Grid(length, hop)
