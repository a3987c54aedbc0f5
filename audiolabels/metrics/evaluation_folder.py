"""The folder of an evaluation: what `audiolabels evaluate` writes, and what is read of it again.

| file | content |
|---|---|
| `evaluation.json` | what was evaluated, by digests, and how |
| `metrics.json` | the overall numbers, and the fingerprint of clips and labels |
| `classes.csv` | a row for each class |
| `thresholds.csv` | with `--thresholds`: a threshold for each class |
| `rows.parquet` | with `--keep-scores`: scores, targets and mask of each row |
"""

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from audiolabels.errors import MetricError, guarded, shortlist
from audiolabels.files import atomic_path, blame, together, write_rows
from audiolabels.files.records import read_record
from audiolabels.files.remote import to_path
from audiolabels.metrics.evaluated_rows import EvaluatedRows, read_evaluated_rows
from audiolabels.metrics.ranking import Floats
from audiolabels.ontology.vocabulary import Vocabulary

METRICS, RECORD, CLASSES = "metrics.json", "evaluation.json", "classes.csv"
THRESHOLDS, ROWS = "thresholds.csv", "rows.parquet"
FILES = (METRICS, RECORD, CLASSES, THRESHOLDS, ROWS)


@dataclass(frozen=True, eq=False)
class StoredEvaluation:
    """An evaluation read from its folder.

    Attributes:
        folder: its path.
        numbers: content of `metrics.json`.
        vocabulary: the C classes.
        average_precision: float64 (C,); nan for classes without a positive.
        positives: int64 (C,): rows in which each class is positive.
    """

    folder: Path
    numbers: Mapping[str, Any]
    vocabulary: Vocabulary
    average_precision: Floats
    positives: npt.NDArray[np.int64]

    @property
    def fingerprint(self) -> str | None:
        """Of clips and labels; None in the folders of earlier versions."""
        return self.numbers.get("fingerprint")

    @cached_property
    def rows(self) -> EvaluatedRows | None:
        """Scores, targets and mask; None if they were not kept.

        Raises:
            MetricError: the file is damaged, or of other classes.
        """
        path = self.folder / ROWS
        if not path.exists():
            return None
        rows = read_evaluated_rows(path)
        if rows.vocabulary.ids != self.vocabulary.ids:
            raise MetricError(f"{path} has other classes than {CLASSES}; evaluate again")
        return rows


def evaluation_files(path: Path) -> list[Path]:
    """The files of the evaluations that a path can mean."""
    return [folder / name for folder in _folders(path) for name in FILES]


def is_evaluation(path: Path) -> bool:
    """Whether a path is an evaluation's folder, one of its files, or a run with evaluations."""
    return bool(_folders(path))


def _folders(path: Path) -> list[Path]:
    """The evaluations that a path can mean."""
    folder = path.parent if path.name in FILES else path
    if (folder / METRICS).is_file():
        return [folder]
    return [found.parent for found in sorted((folder / "evaluation").glob(f"*/{METRICS}"))]


def read_evaluation(path: str | Path) -> StoredEvaluation:
    """Read an evaluation.

    Args:
        path: its folder, a file in it, or the folder of a run with one evaluation.

    Raises:
        MetricError: it is none of targets, or a run with several.
    """
    folder = to_path(path)
    with guarded(folder, MetricError, "no folder that `audiolabels evaluate` wrote"):
        import pandas

        folders = _folders(folder)
        if not folders:
            raise MetricError(f"{folder}: no folder that `audiolabels evaluate` wrote (there is no "
                              f"{METRICS})")  # fmt: skip
        if len(folders) > 1:
            raise MetricError(f"{folder} holds {len(folders)} evaluations; name one: "
                              f"{shortlist(map(str, folders))}")  # fmt: skip
        folder = folders[0]
        table = pandas.read_csv(folder / CLASSES, dtype={"id": str, "name": str},
                                keep_default_na=False, na_values=[""])  # fmt: skip
        if "average_precision" not in table:
            raise MetricError(f"{folder}: an evaluation of events alone has no average precision; "
                              f"evaluate with --labels")  # fmt: skip
        ids, names = (tuple(table[name].fillna("").tolist()) for name in ("id", "name"))
        return StoredEvaluation(
            folder,
            read_record(folder / METRICS),
            Vocabulary("evaluated", ids, names),
            table["average_precision"].to_numpy(np.float64),
            table["positives"].to_numpy(np.int64),
        )


@together()
def write_evaluation(
    folder: Path,
    results: Sequence[Any],
    stated: Mapping[str, Any],
    *,
    facts: Mapping[str, Any],
    rows: EvaluatedRows | None = None,
    thresholds: Any = None,
) -> dict[str, Any]:
    """Write the folder of an evaluation.

    Args:
        folder: made if need be.
        results: an `Evaluation`, a `HierarchicalEvaluation`, a `Detection`, or several.
        stated: what was evaluated, and how.
        facts: further entries of `metrics.json`.
        rows: written if given.
        thresholds: `Thresholds`, written if given.

    Returns:
        What `metrics.json` holds.

    Raises:
        TargetsFileError: a file cannot be written.
    """
    import pandas

    with blame(folder):
        folder.mkdir(parents=True, exist_ok=True)
    overall = {name: value for result in results for name, value in result.numbers().items()}
    table, *others = [pandas.DataFrame(result.per_class()) for result in results]
    for other in others:
        table = table.merge(other, "left", ["id", "name"])
    numbers: dict[str, Any] = {
        **{name: value if math.isfinite(value) else None for name, value in overall.items()},
        **facts,
    }
    for name, content in ((METRICS, numbers), (RECORD, stated)):
        write_rows(folder / name, [json.dumps(content, indent=1)])
    with atomic_path(folder / CLASSES) as partial:
        table.to_csv(partial, index=False)
    if rows is not None:
        rows.write(folder / ROWS)
    if thresholds is not None:
        thresholds.write(folder / THRESHOLDS)
    return numbers
