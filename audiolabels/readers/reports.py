"""Reports: which files were read and how, the same for the three readers."""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from types import MappingProxyType
from typing import Any, Protocol, TypeVar

from audiolabels.datasets.cache import find_files
from audiolabels.errors import LabelFileError
from audiolabels.files import sha256_of
from audiolabels.labels.report import Finding, Report
from audiolabels.readers.columns import GivenColumns
from audiolabels.readers.formats import Format, Layout
from audiolabels.readers.memory import InMemory, expecting, in_memory
from audiolabels.readers.opening import file_name

NO_LAYOUT = Layout()


class Reported(Protocol):
    """A part of a file, with its report."""

    @property
    def report(self) -> Report:
        """How the part was read."""


Part = TypeVar("Part", bound=Reported)


def described(
    parts: Iterable[Part],
    path: Path | InMemory,
    chosen: Format[Any],
    report: Report,
    layout: Layout = NO_LAYOUT,
    notes: Sequence[str] = (),
    facts: Mapping[str, Any] = MappingProxyType({}),
) -> Iterator[Part]:
    """The parts of a file as they come; at the end, `report` takes in a description of the file.

    The file is hashed meanwhile, in a thread of its own. `notes` are what else there is to know,
    once it is read; `facts` are added to its description in metadata.
    """
    rows = 0
    file = path.path if isinstance(path, InMemory) else path
    with ThreadPoolExecutor(1) as pool:
        digest = pool.submit(_digest, path)
        for part in parts:
            rows += part.report.rows
            yield part
        what = [f"{chosen.name} ({chosen.summary})", *notes]
        if layout.folders:
            what.append("clip ids keep their folders, in which file names repeat")
        if layout.file_clip:
            what.append("the clip has the file's name, as no column gives it")
        if layout.unused:
            what.append(f"columns not used: {', '.join(layout.unused)}")
        whole = file_report(file, chosen.name, digest.result(), rows, "; ".join(what))
        whole.sources[0].update(facts)
        report.merge(whole)


def _digest(path: Path | InMemory) -> str:
    return "" if isinstance(path, InMemory) else sha256_of(path)


def file_report(path: Path, format_name: str, digest: str, rows: int, note: str) -> Report:
    """The report of a file as a whole: what it is, and a note of what it was read as."""
    name = file_name(path)
    source = {"name": name, "format": format_name, "sha256": digest, "rows": rows}
    return Report(sources=[source], notes=[f"{name} was read as {note}"])


def rows_report(used: int, findings: list[Finding]) -> Report:
    """The report of a part: rows that are used, and findings, some about rows that are not."""
    unused = sum(finding.kind == "row unused" for finding in findings)
    return Report(rows=used + unused, rows_used=used, findings=findings)


def listed_inputs(data: Any, kind: str, columns: GivenColumns = None) -> list[Path | InMemory]:
    """The files that paths name, or data in memory as a table.

    Raises:
        InputTypeError: something else.
        LabelFileError: there is none.
    """
    table = in_memory(data, columns)
    listed: list[Path | InMemory] = [] if table is None else [table]
    if table is None:
        with expecting(data):
            listed += find_files(f"{kind} files", data)
    if not listed:
        raise LabelFileError(f"no file given: name at least one {kind} file")
    return listed


def no_usable_row(report: Report, counts: Counter[tuple[str, str]]) -> str:
    """The message about files without usable rows; `counts` are findings by (kind, reason)."""
    reasons = "; ".join(f"{n:,} × {reason}" for (_, reason), n in counts.most_common(3))
    names = ", ".join(source["name"] for source in report.sources)
    return f"{names}: none of the {report.rows:,} rows can be used: {reasons or 'no rows'}"
