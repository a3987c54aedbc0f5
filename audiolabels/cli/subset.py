"""`audiolabels subset`"""

from pathlib import Path
from typing import Any

import click
import numpy as np

from audiolabels.cli.declarations import PATH, from_declared, path_option
from audiolabels.cli.help import Command
from audiolabels.cli.options import ONTOLOGY, READING, REPORT
from audiolabels.cli.output import Summary, report_facts
from audiolabels.cli.summary import describe_findings
from audiolabels.expansion.summary import write_report
from audiolabels.files import refuse_overwriting, together
from audiolabels.splitting.subsets import Subset, SubsetOptions, subset_files


@click.command(
    "subset",
    cls=Command,
    groups={
        "Input": (
            click.Argument(["inputs"], metavar="LABELS...", nargs=-1, required=True, type=PATH),
            *READING.values(),
            ONTOLOGY,
        ),
        "Subset": (
            *(from_declared(option) for option in SubsetOptions.declared().values()),
            path_option(
                "--always", "Labels of clips that are kept in any case; repeatable.", multiple=True
            ),
        ),
        "Output": (
            path_option(
                "-o --output", "Where to write: .csv, or .parquet for all that the labels hold.",
                "FILE", required=True,
            ),
            REPORT,
        ),
    },
    epilog="""\b
Examples:
  audiolabels subset unbalanced.csv balanced.csv --per-class 200 \\
      --always balanced.csv -o aud300h.csv
  audiolabels subset balanced_train_segments.csv --share 0.1 -o tenth.csv
""",
)  # fmt: skip
def command(
    inputs: tuple[Path, ...],
    output: Path,
    always: tuple[Path, ...],
    report_path: Path | None,
    **options: Any,
) -> Summary:
    """Take a subset of the clips, the same ones in whatever order they come.

    Which clips are taken depends on a hash of the recording. A smaller share is part of a larger
    one. Per class, from the rarest class on, clips of which it is the rarest label are taken until
    N of the clips taken have it.
    """
    if report_path:
        refuse_overwriting([*inputs, *always, output], [report_path])
    with together():
        subset = subset_files(inputs, output, always=always, **options)
        if report_path:
            write_report(subset.report.findings, report_path)
    report, per_class = subset.report, options["per_class"]
    facts = {
        "clips": {"before": subset.clips, "kept": subset.kept, "always": subset.always},
        "always_not_found": subset.not_found,
        "classes": _classes(subset, per_class),
        **report_facts(report, report.counts()),
        "files": [{"path": output, "rows": len(subset.labels)}],
    }
    return Summary(
        [
            *report.notes,
            *_describe(subset, facts["classes"]),
            *describe_findings(report, report.counts(), report_path),
            "",
            f"wrote {output} ({len(subset.labels):,} rows)",
        ],
        facts,
    )


def _classes(subset: Subset, per_class: str | None) -> dict[str, int]:
    """How many classes there are, how many are lost, and how they compare with the limit."""
    before, kept = subset.clips_by_class, subset.kept_by_class
    lost = (before > 0) & (kept == 0)
    counts = {"given": int(np.count_nonzero(before)), "without_clips": int(lost.sum())}
    if per_class is not None:
        most = int(per_class)
        counts["above"] = int((kept > most).sum())
        counts["below"] = int(((before > 0) & (kept < most)).sum())
        counts["below_though_there_are_more"] = int(((kept < most) & (kept < before)).sum())
    return counts


def _describe(subset: Subset, classes: dict[str, int]) -> list[str]:
    some = subset.kept_by_class[subset.clips_by_class > 0]
    numbers = {
        "clips": subset.clips,
        "clips kept": subset.kept,
        "of these in any case": subset.always,
        "to be kept, but not among the labels": subset.not_found,
        "classes given": classes["given"],
        "classes without a clip that is kept": classes["without_clips"],
        "classes with more clips than asked for": classes.get("above", 0),
        "classes with fewer": classes.get("below", 0),
        "of these with clips that are not kept": classes.get("below_though_there_are_more", 0),
    }
    always = ("clips", "clips kept", "classes given")
    return [
        "",
        *(f"  {what:<42}{n:>10,}" for what, n in numbers.items() if n or what in always),
        f"  {'clips per class: least, median, most':<42}"
        f"{f'{some.min():,}, {np.median(some):,.0f}, {some.max():,}' if len(some) else 'none':>10}",
    ]
