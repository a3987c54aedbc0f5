"""`audiolabels compare`"""

from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import Any

import click

from audiolabels.cli.comparison import describe_comparison
from audiolabels.cli.declarations import PATH, click_option, path_option, usage_if
from audiolabels.cli.evaluation_comparison import describe_evaluations
from audiolabels.cli.help import Command
from audiolabels.cli.options import ONTOLOGY, READING, REPORT
from audiolabels.cli.output import Summary, report_facts
from audiolabels.cli.progress import progress_bar
from audiolabels.comparison.file_comparison import compare_files, write_frame
from audiolabels.expansion.summary import write_report
from audiolabels.files import refuse_overwriting, together
from audiolabels.metrics.evaluation_comparison import compare_evaluations
from audiolabels.metrics.evaluation_folder import evaluation_files, is_evaluation
from audiolabels.ontology.ontology import Ontology

OF_EVALUATIONS = frozenset({"a", "b", "draws", "seed", "level", "rows", "output", "ontology"})


@click.command(
    "compare",
    cls=Command,
    groups={
        "Input": (
            click.Argument(["a"], metavar="A", type=PATH),
            click.Argument(["b"], metavar="B", type=PATH),
            *READING.values(),
            ONTOLOGY,
        ),
        "Comparison": (
            click_option(
                "--vocabulary",
                "Restrict the tables to these classes, and count pairs with and without the "
                "others: audioset, ontology, audioset-strong, fsd50k, or a file with a list of "
                "classes.  [default: all classes of A and B]",
                metavar="NAME|FILE",
            ),
            click_option(
                "--label labels",
                "Show the strongest odds ratios of this class, in A with the classes of B and the "
                "other way round; may be repeated.",
                metavar="NAME",
                multiple=True,
            ),
            click_option(
                "--minimum",
                "Show only classes that have at least this many clips on both sides, and pairs of "
                "classes that have this many clips in common.",
                type=click.IntRange(1),
                default=5,
            ),
            click_option(
                "--level",
                "Level of the confidence intervals.",
                type=click.FloatRange(0, 1, min_open=True, max_open=True),
                default=0.95,
            ),
        ),
        "Evaluations": (
            click_option(
                "--draws",
                "Draws of the bootstrap over clips, for evaluations with --keep-scores.",
                type=click.IntRange(1),
                default=1000,
                metavar="N",
            ),
            click_option(
                "--seed", "Seed of the draws.", type=click.IntRange(0), default=0, metavar="N"
            ),
        ),
        "Output": (
            click_option(
                "--rows", "Rows that each table shows at most.", type=click.IntRange(1), default=10
            ),
            path_option(
                "-o --output",
                "Write priors and pairs of every class to a CSV file; of evaluations average "
                "precision, gain and interval.",
                "FILE.csv",
            ),
            path_option(
                "--odds",
                "Write the odds ratios of all pairs of classes that have a clip in common to a CSV "
                "file.",
                "FILE.csv",
            ),
            REPORT,
        ),
    },
    epilog="""\b
Examples:
  audiolabels compare eval_segments.csv strong_eval.tsv --vocabulary audioset
  audiolabels compare eval_segments.csv strong_eval.tsv --label Speech
  audiolabels compare eval_segments.csv strong_eval.tsv -o classes.csv --odds odds.csv
  audiolabels compare before.parquet after.parquet
  audiolabels compare a/evaluation/eval-3f1c09ab/ b/evaluation/eval-90d2e47c/
""",
)
def command(
    a: Path,
    b: Path,
    labels: tuple[str, ...],
    minimum: int,
    level: float,
    rows: int,
    output: Path | None,
    odds: Path | None,
    report_path: Path | None,
    draws: int,
    seed: int,
    **options: Any,
) -> Summary:
    """Compare the labels of the clips that two files have in common, or two evaluations.

    A and B are label files in any format that expand reads, or targets files that it wrote.
    Shown are the pairs (clip, class) that both hold, the classes whose prior changed most, and
    odds ratios between classes. Unknown targets do not count.

    Or A and B are two folders that evaluate wrote. Shown are the classes whose average precision is
    higher and lower in B, and the mean gain by range, by root and by frequency; with intervals by a
    paired bootstrap over clips if both kept their scores.
    """
    evaluations = [is_evaluation(path) for path in (a, b)]
    if any(evaluations):
        usage_if(not all(evaluations), f"{b if evaluations[0] else a} is no evaluation; an "
                 f"evaluation is compared with another")  # fmt: skip
        _refuse(lambda name: name not in OF_EVALUATIONS, "of labels, not of evaluations")
        refuse_overwriting([file for path in (a, b) for file in evaluation_files(path)],
                           [output] if output else [])  # fmt: skip
        return _compare_evaluations(
            a, b, rows=rows, output=output, draws=draws, level=level, seed=seed,
            ontology=options["ontology"],
        )  # fmt: skip
    _refuse(lambda name: name in ("draws", "seed"), "of evaluations, not of labels")
    refuse_overwriting([a, b], [path for path in (output, odds, report_path) if path])
    comparison = compare_files(a, b, **options)
    text = describe_comparison(
        comparison,
        (a.name, b.name),
        labels,
        minimum=minimum,
        level=level,
        rows=rows,
        report_path=report_path,
    )
    with together():
        if output:
            write_frame(comparison.per_class(), output)
        if odds:
            write_frame(comparison.odds_ratios(level=level), odds)
        if report_path:
            write_report(comparison.report.findings, report_path)
    files = [path for path in (output, odds) if path]
    report = comparison.report
    facts = {
        "a": {"name": a.name, **asdict(comparison.clips_a)},
        "b": {"name": b.name, **asdict(comparison.clips_b)},
        "clips": comparison.clips,
        "pairs": [asdict(overlap) for overlap in comparison.overlaps()],
        **report_facts(report, report.counts()),
        "files": files,
    }
    return Summary([text, *[""] * bool(files), *(f"wrote {path}" for path in files)], facts)


def _refuse(other: Callable[[str], bool], why: str) -> None:
    """Raise a usage error if an option of the other kind of comparison was given."""
    ctx = click.get_current_context()
    given = [
        max(option.opts, key=len)
        for option in ctx.command.params
        if option.name in ctx.params
        and other(option.name)
        and ctx.get_parameter_source(option.name) == click.core.ParameterSource.COMMANDLINE
    ]
    usage_if(bool(given), f"{', '.join(given)}: {why}")


def _compare_evaluations(
    a: Path, b: Path, *, rows: int, output: Path | None, ontology: Ontology, **options: Any
) -> Summary:
    """Compare two folders of evaluations."""
    with progress_bar("bootstrap", "classes") as bar:
        found = compare_evaluations(a, b, ontology=ontology, progress=bar, **options)
    lines = [describe_evaluations(found, (str(a), str(b)), rows)]
    if output:
        write_frame(found.per_class(), output)
        lines += ["", f"wrote {output}"]
    facts = {
        "a": str(a),
        "b": str(b),
        "groups": [group._asdict() for group in found.groups],
        "beyond_chance": found.beyond_chance,
        "rows": found.rows,
        "clips": found.clips,
        "draws": found.draws,
        "level": found.level,
        "notes": found.notes,
        "files": [output] if output else [],
    }
    return Summary(lines, facts)
