"""Rows of clips: slices, parts of one size, and joining them again."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from audiolabels import Scores
from audiolabels.clips.rows import SCHEMA, join_rows, rechunk

SIZES = st.lists(st.integers(0, 4), max_size=5)


def scores(count: int) -> Scores:
    ids = [f"clip {number}" for number in range(count)]
    values = [[number / 100, 0.5] for number in range(count)]
    return Scores.from_arrays(ids, values, classes=["Guitar", "Rain"])


@given(sizes=SIZES, size=st.integers(1, 4))
def test_parts_have_one_size_and_lose_nothing(sizes: list[int], size: int) -> None:
    whole = scores(20)
    ends = [sum(sizes[: i + 1]) for i in range(len(sizes))]
    parts = [whole.slice(end - count, end) for end, count in zip(ends, sizes, strict=True)]
    made = list(rechunk(parts, size))
    assert all(len(part) == size for part in made[:-1])
    assert sum(map(len, made)) == sum(sizes)
    joined = Scores.concat([whole.slice(0, 0), *made])
    wanted = whole.slice(0, sum(sizes))
    assert joined.clips.equals(wanted.clips)
    assert joined.scores.tolist() == wanted.scores.tolist()
    assert joined.rows.tolist() == wanted.rows.tolist()


def test_no_batch_joins_to_no_rows() -> None:
    joined = join_rows([])
    assert joined.schema == SCHEMA
    assert len(joined) == 0


def test_taken_rows_keep_what_belongs_to_them() -> None:
    taken = scores(4).take(np.array([3, 1]))
    assert taken.clip_id.to_pylist() == ["clip 3", "clip 1"]
    assert np.allclose(taken.scores[:, 0], [0.03, 0.01])
    assert taken.rows.tolist() == [4, 2]
