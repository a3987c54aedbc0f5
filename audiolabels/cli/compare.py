"""`audiolabels compare`"""

from pathlib import Path

import click

from audiolabels.cli.comparison import describe_comparison
from audiolabels.cli.options import (
    ontology_option,
    open_ontology,
    report_option,
    time_unit_option,
    unknown_option,
)
from audiolabels.comparison.file_comparison import compare_files, write_frame
from audiolabels.expansion.summary import write_report
from audiolabels.files import refuse_overwriting


@click.command(
    "compare",
    epilog="""\b
Examples:
  audiolabels compare eval_segments.csv strong_eval.tsv --vocabulary audioset
  audiolabels compare eval_segments.csv strong_eval.tsv --label Speech
  audiolabels compare eval_segments.csv strong_eval.tsv -o classes.csv --odds odds.csv
  audiolabels compare before.parquet after.parquet
""",
)
@click.argument("a", metavar="A", type=click.Path(path_type=Path))
@click.argument("b", metavar="B", type=click.Path(path_type=Path))
@click.option(
    "--vocabulary",
    metavar="NAME|FILE",
    help="Restrict the tables to these classes, and count pairs with and without the others: "
    "audioset, ontology, audioset-strong, fsd50k, or a file with a list of classes.  [default: "
    "all classes of A and B]",
)
@click.option(
    "--label",
    "labels",
    metavar="NAME",
    multiple=True,
    help="Show the strongest odds ratios of this class, in A with the classes of B and the other "
    "way round; may be given several times.",
)
@click.option(
    "--minimum",
    type=click.IntRange(1),
    default=5,
    show_default=True,
    help="Show only classes that this many clips bear in both sides, and pairs of classes that "
    "this many clips bear together.",
)
@click.option(
    "--level",
    type=click.FloatRange(0, 1, min_open=True, max_open=True),
    default=0.95,
    show_default=True,
    help="Level of the confidence intervals.",
)
@click.option(
    "--rows",
    type=click.IntRange(1),
    default=10,
    show_default=True,
    help="How many rows each table shows at most.",
)
@click.option(
    "-o",
    "--output",
    metavar="FILE.csv",
    type=click.Path(path_type=Path),
    help="Write priors and pairs of every class to a CSV file.",
)
@click.option(
    "--odds",
    metavar="FILE.csv",
    type=click.Path(path_type=Path),
    help="Write the odds ratios of all pairs of classes that some clip bears to a CSV file.",
)
@ontology_option
@unknown_option
@time_unit_option
@report_option
def command(
    a: Path,
    b: Path,
    vocabulary: str | None,
    labels: tuple[str, ...],
    minimum: int,
    level: float,
    rows: int,
    output: Path | None,
    odds: Path | None,
    ontology_path: Path | None,
    unknown: str,
    time_unit: str,
    report_path: Path | None,
) -> None:
    """Compare what two files say of the clips that both have.

    A and B are label files in any format that expand reads, or targets files that it wrote.
    Shown are the pairs (clip, class) that both hold, the classes whose prior changed most, and
    odds ratios between classes. Unknown targets take no part.
    """
    outputs = [path for path in (output, odds, report_path) if path]
    refuse_overwriting([a, b], outputs)
    comparison = compare_files(
        a,
        b,
        vocabulary=vocabulary,
        ontology=open_ontology(ontology_path) if ontology_path else None,
        unknown=unknown,
        time_unit=time_unit,
    )
    text = describe_comparison(
        comparison,
        (a.name, b.name),
        labels,
        minimum=minimum,
        level=level,
        rows=rows,
        report_path=report_path,
    )
    if output:
        write_frame(comparison.per_class(), output)
    if odds:
        write_frame(comparison.odds_ratios(level=level), odds)
    if report_path:
        write_report(comparison.report.findings, report_path)
    written = [f"wrote {path}" for path in (output, odds) if path]
    click.echo("\n".join([text, *([""] if written else []), *written]))
