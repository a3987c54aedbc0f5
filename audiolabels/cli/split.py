"""`audiolabels split`"""

from pathlib import Path
from typing import Any

import click

from audiolabels.cli.declarations import PATH, click_option, path_option
from audiolabels.cli.help import Command
from audiolabels.cli.options import ONTOLOGY, READING, REPORT, VOCABULARY_OF_LABELS
from audiolabels.cli.output import Summary, report_facts
from audiolabels.cli.summary import describe_findings
from audiolabels.expansion.summary import write_report
from audiolabels.files import refuse_overwriting, together
from audiolabels.splitting.label_files import PARTS, SplitFiles, split_files


@click.command(
    "split",
    cls=Command,
    groups={
        "Input": (
            click.Argument(["inputs"], metavar="LABELS...", nargs=-1, required=True, type=PATH),
            *READING.values(),
            ONTOLOGY,
        ),
        "Split": (
            click_option(
                "--root",
                "The class that divides, with all classes below it.",
                metavar="NAME",
                required=True,
            ),
            VOCABULARY_OF_LABELS,
            click_option(
                "--shares",
                f"Divide both into {', '.join(PARTS)} in these proportions, by a hash of the "
                "recording.",
                metavar="A,B,C",
            ),
            click_option("--seed", "Another seed divides differently.", default=0),
        ),
        "Output": (
            path_option(
                "--base",
                "Where to write the clips without a label of the root or below.",
                "FILE.csv",
                required=True,
            ),
            path_option(
                "--target",
                "Where to write the clips with such labels, and these labels alone.",
                "FILE.csv",
                required=True,
            ),
            REPORT,
        ),
    },
    epilog="""\b
Examples:
  audiolabels split balanced_train_segments.csv eval_segments.csv \\
      --root "Natural sounds" --base base.csv --target target.csv
  audiolabels split eval_segments.csv --root "Human sounds" --shares 80,10,10 \\
      --base base.csv --target target.csv
""",
)
def command(
    inputs: tuple[Path, ...],
    root: str,
    base: Path,
    target: Path,
    shares: str | None,
    report_path: Path | None,
    **options: Any,
) -> Summary:
    """Split label files into a base and a target by a class of the ontology.

    A clip with any label of the root or below it goes to the target, where its other labels are
    discarded; all others are the base. The classes of base.csv are listed in base.classes.csv, for
    expand --vocabulary, and likewise for the target.
    """
    if report_path:
        refuse_overwriting([*inputs, base, target], [report_path])
    with together():
        done = split_files(
            inputs,
            root,
            base=base,
            target=target,
            shares=_numbers(shares) if shares is not None else None,
            **options,
        )
        if report_path:
            write_report(done.report.findings, report_path)
    split, files = done.split, {**done.clips, **done.classes}
    facts = {
        "root": split.root,
        "clips": {"base": len(split.base), "target": len(split.target)},
        "labels_discarded": split.discarded,
        **report_facts(done.report, done.report.counts()),
        "files": [{"path": path, "rows": rows} for path, rows in files.items()],
    }
    return Summary(_describe(done, report_path), facts)


def _numbers(text: str) -> list[float]:
    try:
        return [float(part) for part in text.split(",")]
    except ValueError:
        raise click.UsageError(f"--shares {text!r}: give numbers like 80,10,10") from None


def _describe(done: SplitFiles, report_path: Path | None) -> list[str]:
    split = done.split
    clips = len(split.base) + len(split.target)
    classes = len(split.base_vocabulary) + len(split.target_vocabulary)
    table = [
        f"  {side:<20}{len(own):>10,}{len(own) / clips:>6.0%}"
        f"{len(vocabulary):>10,}{len(vocabulary) / classes:>6.0%}{own.labels_per_clip:>10.2f}"
        for side, own, vocabulary in (
            ("target", split.target, split.target_vocabulary),
            ("base", split.base, split.base_vocabulary),
        )
    ]
    counts = [
        f"  {what:<42}{number:>10,}"
        for what, number, always in (
            ("labels discarded", split.discarded, True),
            ("target clips that had them", split.mixed, True),
            ("unannotated base clips", split.unlabelled, False),
            ("further rows of target clips dropped", split.rows_dropped, False),
        )
        if number or always
    ]
    return [
        *done.report.notes,
        "",
        f"split by {split.base.ontology.name(split.root)} ({split.root})",
        "",
        f"  {'':<20}{'clips':>10}{'':>6}{'classes':>10}{'':>6}{'labels':>10}",
        *table,
        f"  labels: per clip, over all classes; classes: of {classes:,}",
        "",
        *counts,
        *describe_findings(done.report, done.report.counts(), report_path),
        "",
        *(f"wrote {path} ({number:,} clips)" for path, number in done.clips.items()),
        *(f"wrote {path} ({number:,} classes)" for path, number in done.classes.items()),
    ]
