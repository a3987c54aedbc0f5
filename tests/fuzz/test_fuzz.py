"""Damaged files of every reader: each is read, or refused with an error of this library."""

import pytest

from fuzz.run import READ, REFUSED, foreign_cases, fuzz
from fuzz.subjects import READERS


@pytest.mark.parametrize("reader", READERS)
def test_damaged_files_are_read_or_refused(reader: str) -> None:
    results = fuzz(reader, cases=200)
    assert not foreign_cases(results)
    assert len(results) == 200
    assert {result[0] for result in results} == {READ, REFUSED}
