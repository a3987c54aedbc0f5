"""Arrow record batches: numbers of their rows, types of their columns."""

from collections.abc import Iterable, Iterator

import pyarrow as pa


def numbered(batches: Iterable[pa.RecordBatch]) -> Iterator[tuple[int, pa.RecordBatch]]:
    """Each batch with the number of its first row, from 1."""
    first = 1
    for batch in batches:
        yield first, batch
        first += len(batch)


def validated(batches: Iterable[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
    """Batches of a file; ArrowInvalid if the content is, since Arrow trusts offsets and texts."""
    for batch in batches:
        batch.validate(full=True)
        yield batch


def is_list(type_: pa.DataType) -> bool:
    """Whether a column holds lists."""
    tests = (pa.types.is_list, pa.types.is_large_list, pa.types.is_fixed_size_list)
    return any(test(type_) for test in tests)


def is_text(type_: pa.DataType) -> bool:
    """Whether a column holds texts, in any of Arrow's ways."""
    value = type_.value_type if pa.types.is_dictionary(type_) else type_
    tests = (pa.types.is_string, pa.types.is_large_string, pa.types.is_string_view)
    return any(test(value) for test in tests)
