import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from audiolabels.arrays.bits import CHUNK, weigh


@pytest.mark.parametrize("share", [0, 0.01, 0.3, 1])
@given(st.integers(1, 30), st.integers(0, 2**32 - 1))
def test_columns_are_weighed_whether_few_or_most_bits_are_set(
    share: float, columns: int, seed: int
) -> None:
    rng = np.random.default_rng(seed)
    table = rng.random((20, columns)) < share
    weights = rng.integers(0, 2**40, 20)
    found = weigh(np.packbits(table, axis=1), weights, columns)
    assert found.tolist() == (weights @ table).tolist()
    assert found.dtype == np.int64


def test_rows_of_several_chunks_are_weighed() -> None:
    table = np.zeros((CHUNK + 3, 9), np.bool_)
    table[CHUNK - 2 :, 8] = True
    table[:, 0] = True
    assert weigh(np.packbits(table, axis=1), np.full(len(table), 2), 9).tolist() == [
        2 * len(table),
        *[0] * 7,
        10,
    ]
