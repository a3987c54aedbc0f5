"""Cells of text files as columns, a block of rows at a time."""

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from audiolabels.arrays.columns import texts_to_arrow, to_arrow
from audiolabels.files import UNQUOTED, seconds


def quote_texts(cells: pa.StringArray) -> pa.StringArray:
    """`quote` of each."""
    return pc.binary_join_element_wise('"', pc.replace_substring(cells, '"', '""'), '"', "")


def plain_texts(cells: pa.StringArray) -> pa.StringArray:
    """`plain` of each."""
    odd = pc.match_substring_regex(cells, UNQUOTED.pattern)
    return pc.if_else(odd, quote_texts(cells), cells) if pc.any(odd).as_py() else cells


def second_texts(ms: npt.NDArray[np.int64]) -> pa.StringArray:
    """`seconds` of each; few times differ."""
    times, which = np.unique(ms, return_inverse=True)
    return texts_to_arrow(list(map(seconds, times.tolist()))).take(to_arrow(which))
