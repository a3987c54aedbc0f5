"""Results of claims in files, and tables on their pages.

Results lie in `results/NAME.json`; tables go between a marker and the next end into
`docs/reproduce/NAME.md`.
"""

import json
import statistics
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from audiolabels.files import atomic_path

HERE = Path(__file__).resolve().parent
PAGES = HERE.parents[1] / "docs" / "reproduce"
BEGIN, END = "<!-- {} -->\n", "<!-- end -->\n"

Result = dict[str, Any]


def load_results(path: Path) -> Result:
    """Results by seed; none where there is no file yet."""
    found: Result = json.loads(path.read_text()) if path.exists() else {}
    return found


def save_results(path: Path, results: Result) -> None:
    write(path, json.dumps(results, indent=1) + "\n")


def write_tables(page: Path, made: str, marker: str = "measured") -> None:
    """Replace a page's tables after a marker."""
    begin = BEGIN.format(marker)
    before, _, rest = page.read_text("utf-8").partition(begin)
    after = rest.partition(END)[2]
    write(page, f"{before}{begin}\n{made}\n{END}{after}")


def write(path: Path, text: str) -> None:
    with atomic_path(path) as partial:
        partial.write_text(text, "utf-8")


def spread(values: Iterable[float], digits: int = 3, *, sign: bool = False) -> str:
    """Mean ± standard deviation over seeds.

    >>> spread([0.1, 0.2, 0.3])
    '0.200 ± 0.100'
    """
    numbers = list(values)
    value = round(statistics.fmean(numbers), digits) + 0.0  # never −0
    mean = f"{value:{'+' if sign else ''}.{digits}f}".replace("-", "−")
    if len(numbers) == 1:
        return mean
    return f"{mean} ± {statistics.stdev(numbers):.{digits}f}"


def markdown(head: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    """A table."""
    lines = [head, ["---"] * len(head), *rows]
    return "".join(f"| {' | '.join(map(str, line))} |\n" for line in lines)


def effort(results: Sequence[Result]) -> str:
    """How long it took, in a sentence."""
    minutes = [result["processor_seconds"] / 60 for result in results]
    return (
        f"Mean ± standard deviation over {len(results)} seeds; a seed took "
        f"{min(minutes):.1f} to {max(minutes):.1f} minutes of processor time.\n"
    )
