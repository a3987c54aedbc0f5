"""`audiolabels check`"""

from pathlib import Path

import click

from audiolabels.cli.options import ontology_option, open_ontology, report_option, time_unit_option
from audiolabels.cli.summary import describe_findings
from audiolabels.engines.local import refuse_overwriting
from audiolabels.engines.report import write_report
from audiolabels.readers import read_labels


@click.command(
    "check",
    epilog="""\b
Examples:
  audiolabels check eval_segments.csv
  audiolabels check my_labels.tsv --time-unit ms
""",
)
@click.argument(
    "inputs", metavar="INPUT...", nargs=-1, required=True, type=click.Path(path_type=Path)
)
@ontology_option
@time_unit_option
@report_option
@click.pass_context
def command(
    ctx: click.Context,
    inputs: tuple[Path, ...],
    ontology_path: Path | None,
    time_unit: str,
    report_path: Path | None,
) -> None:
    """Read label files and say what could not be used; write no targets.

    Ends with exit code 1 if anything was not used as it stood, unknown labels included.
    """
    refuse_overwriting(inputs, [report_path] if report_path else [])
    annotations = read_labels(
        inputs, ontology=open_ontology(ontology_path), unknown="drop", time_unit=time_unit
    )
    report = annotations.report
    if report_path:
        write_report(report.findings, report_path)
    lines = [
        *report.notes,
        "",
        f"  {'clips':<28}{len(annotations):>14,}",
        f"  {'labels a clip':<28}{annotations.labels_per_clip:>14.2f}",
        *describe_findings(report, report.counts(), report.findings, report_path),
    ]
    click.echo("\n".join(lines))
    ctx.exit(1 if report.findings else 0)
