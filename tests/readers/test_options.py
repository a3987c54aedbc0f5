"""Options of reading."""

import pytest
from label_examples import EXAMPLES
from reader_support import (
    Reader,
)

from audiolabels.errors import OptionError


@pytest.mark.parametrize(
    ("options", "match"),
    [
        ({"unknown": "ignore"}, "unknown 'ignore' is not offered; choose one of error, drop"),
        ({"time_unit": "h"}, "time_unit 'h' is not offered; choose one of auto, s, ms"),
    ],
)
def test_options_that_are_not_offered_are_refused(
    options: dict[str, str], match: str, read: Reader
) -> None:
    with pytest.raises(OptionError, match=match):
        read(EXAMPLES["psl"], **options)
