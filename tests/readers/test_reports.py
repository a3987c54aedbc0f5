"""What is reported of files as a whole."""

from reader_support import (
    Reader,
)

from audiolabels.labels.report import Report
from audiolabels.readers.reports import no_usable_row


def test_nothing_usable_is_explained_by_the_commonest_reasons(read: Reader) -> None:
    report = Report(rows=7, sources=[{"name": "a.csv"}, {"name": "b.csv"}])
    assert no_usable_row(report, report.counts()) == (
        "a.csv, b.csv: none of the 7 rows can be used: no rows"
    )
