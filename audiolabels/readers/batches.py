"""Arrow record batches: numbers of their rows, types of their columns."""

from collections.abc import Iterable, Iterator

import pyarrow as pa


def numbered(batches: Iterable[pa.RecordBatch]) -> Iterator[tuple[int, pa.RecordBatch]]:
    """Each batch with the number of its first row, from 1."""
    first = 1
    for batch in batches:
        yield first, batch
        first += len(batch)


def is_list(type_: pa.DataType) -> bool:
    """Whether a column holds lists."""
    tests = (pa.types.is_list, pa.types.is_large_list, pa.types.is_fixed_size_list)
    return any(test(type_) for test in tests)


def is_text(type_: pa.DataType) -> bool:
    """Whether a column holds texts."""
    return bool(pa.types.is_string(type_) or pa.types.is_large_string(type_))
