"""Files that hold no events."""

from pathlib import Path

import pytest
from reader_support import (
    write,
)

from audiolabels import read_events
from audiolabels.errors import LabelFileError

TSV = "filename\tonset\toffset\tevent_label\n"


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("clip,label\na,Dog\n", "no events: labels of whole clips, read as long"),
        ("clip_id,labels\na,Dog\n", "no events: labels of whole clips, read as clip-labels"),
        ('{"data": []}', "not an event file; those are CSV or TSV"),
        ("PAR1....", "not an event file; those are CSV or TSV"),
        (TSV, "no rows but a header"),
        ("# num_segs=3\n" + TSV + "a\t0\t1\tDog\n", "cut off: its header announces 3 rows, it hol"),
        (TSV + "a\n", "none of the 1 rows can be used: 1 × 1 cells where 4 are expected"),
        ("", "empty"),
    ],
)
def test_what_holds_no_events_is_refused(content: str, message: str, tmp_path: Path) -> None:
    with pytest.raises(LabelFileError, match=message):
        read_events(write(tmp_path, content, "e.tsv"))
