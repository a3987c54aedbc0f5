"""Runs of frames against sets of frames."""

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from audiolabels.arrays.intervals import Runs, gaps, merge, paint, united

MOST = 12  # frames of a clip
Stretch = tuple[int, int, int, int]  # clip, column, first, stop

SMALL = st.tuples(st.integers(0, 2), st.integers(0, 9), st.integers(0, MOST), st.integers(0, MOST))


@st.composite
def stretches(draw: st.DrawFn) -> list[Stretch]:
    return draw(st.lists(SMALL, max_size=12))


def runs_of(given: list[Stretch]) -> Runs:
    return merge(*np.array(given, np.int64).reshape(-1, 4).T)


def cells(given: list[Stretch]) -> set[tuple[int, int, int]]:
    return {(clip, column, i) for clip, column, first, stop in given for i in range(first, stop)}


def rows(runs: Runs) -> list[Stretch]:
    return list(zip(*(part.tolist() for part in runs), strict=True))


@given(stretches())
def test_merging_is_the_union_and_its_runs_never_meet(given: list[Stretch]) -> None:
    found = rows(runs_of(given))
    assert cells(found) == cells(given)
    assert found == sorted(found)
    assert all(first < stop for _, _, first, stop in found)
    for one, other in pairwise(found):
        assert one[:2] != other[:2] or one[3] < other[2], "runs that meet are one"


@given(stretches(), st.integers(0, 3))
def test_merging_does_not_depend_on_how_large_the_numbers_are(
    given: list[Stretch], far: int
) -> None:
    """From some size on the three keys do not fit into one number."""
    clips, frames = 10 ** (4 * far), 10 ** (2 * far)
    near = rows(runs_of(given))
    moved = [(c * clips + clips, x, first * frames, stop * frames) for c, x, first, stop in given]
    assert rows(runs_of(moved)) == [
        (c * clips + clips, x, first * frames, stop * frames) for c, x, first, stop in near
    ]


def test_keys_that_do_not_fit_into_one_number_are_sorted_all_the_same() -> None:
    far, late = 1 << 30, 1 << 20
    given = [(far, 400, late, late + 5), (far, 3, 2, 9), (0, 3, 1, late), (far, 400, 7, late)]
    sizes = [((far << 9) | 400).bit_length(), late.bit_length(), (late + 5).bit_length()]
    assert sum(sizes) > 63, "else this is the other branch"
    assert rows(runs_of(given)) == [(0, 3, 1, late), (far, 3, 2, 9), (far, 400, 7, late + 5)]


@given(stretches(), st.lists(st.integers(MOST, MOST + 3), min_size=3, max_size=3))
def test_gaps_are_the_other_frames_of_pairs_that_have_any(
    given: list[Stretch], frames: list[int]
) -> None:
    runs = runs_of(given)
    filled = cells(given)
    pairs = {(clip, column) for clip, column, _ in filled}
    right = {(clip, x, i) for clip, x in pairs for i in range(frames[clip])} - filled
    found = rows(gaps(runs, np.array(frames)))
    assert cells(found) == right
    assert found == sorted(found)
    assert len(right) == sum(stop - first for *_, first, stop in found), "no frame twice"


@given(stretches(), st.integers(10, 20))
def test_painting_sets_the_bits_of_the_runs(given: list[Stretch], columns: int) -> None:
    frames = [MOST, MOST + 2, MOST + 1]
    first_row = np.cumsum(frames) - frames
    bits = paint(runs_of(given), first_row, sum(frames), columns)
    assert bits.shape == (sum(frames), -(-columns // 8))
    table = np.zeros((sum(frames), columns), np.uint8)
    for clip, column, i in cells(given):
        table[first_row[clip] + i, column] = 1
    assert (np.packbits(table, axis=1) == bits).all()


@given(stretches())
def test_the_first_run_of_each_pair_is_known(given: list[Stretch]) -> None:
    runs = runs_of(given)
    found = rows(runs)
    right = [i == 0 or found[i - 1][:2] != run[:2] for i, run in enumerate(found)]
    assert runs.starts_pair.tolist() == right


@pytest.mark.parametrize("make", [lambda: runs_of([]), lambda: runs_of([(1, 2, 5, 5)])])
def test_no_run_at_all(make) -> None:
    runs = make()
    assert rows(runs) == rows(gaps(runs, np.array([3, 3]))) == []
    assert runs.starts_pair.tolist() == []
    assert not paint(runs, np.array([0, 3]), 6, 9).any()


@given(st.lists(st.tuples(st.integers(0, 2), st.integers(-9, 9), st.integers(1, 6)), max_size=12))
def test_united_stretches_are_those_of_a_plain_union(given_: list[tuple[int, int, int]]) -> None:
    key = np.array([k for k, _, _ in given_], np.int64)
    first = np.array([start for _, start, _ in given_], np.int64)
    stop = first + np.array([length for _, _, length in given_], np.int64)
    unions: list[list[int]] = [[a, b] for a, b in zip(first.tolist(), stop.tolist(), strict=True)]
    for _ in unions:  # as often as one can still grow
        for i, one in enumerate(unions):
            for j, other in enumerate(unions):
                if key[i] == key[j] and one[0] <= other[1] and other[0] <= one[1]:
                    one[:] = other[:] = [min(one[0], other[0]), max(one[1], other[1])]
    begin, end = united(key, first=first, stop=stop)
    assert [list(pair) for pair in zip(begin.tolist(), end.tolist(), strict=True)] == unions
