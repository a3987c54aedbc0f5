"""`audiolabels expand`"""

from pathlib import Path

import click
import pyarrow as pa

from audiolabels.cli.options import (
    ontology_option,
    open_ontology,
    report_option,
    time_unit_option,
    unknown_option,
    usage_if,
    vocabulary_option,
)
from audiolabels.cli.progress import progress_bar
from audiolabels.cli.summary import describe_expansion
from audiolabels.engines.local import expand_files
from audiolabels.layouts import LAYOUTS
from audiolabels.resources import sample_path
from audiolabels.schemes import SCHEMES
from audiolabels.schemes.parents import PARENTS


@click.command(
    "expand",
    epilog="""\b
Examples:
  audiolabels expand --sample -o targets.parquet
  audiolabels expand --scheme pe-cml balanced_train_segments.csv -o targets.parquet
  audiolabels expand --scheme pel --parents certain --layout packed \\
      eval_segments.csv unbalanced_train_segments.csv.gz -o targets.parquet
""",
)
@click.argument("inputs", metavar="INPUT...", nargs=-1, type=click.Path(path_type=Path))
@click.option("--sample", is_flag=True, help="Take the embedded sample as INPUT.")
@click.option(
    "-o", "--output", metavar="OUT.parquet", type=click.Path(path_type=Path), help="Where to write."
)
@click.option(
    "--scheme",
    type=click.Choice(list(SCHEMES)),
    default="pe-cml",
    show_default=True,
    help="; ".join(f"{name}: {scheme.summary}" for name, scheme in SCHEMES.items()) + ".",
)
@click.option(
    "--parents",
    type=click.Choice(list(PARENTS)),
    help="How far a class with several parents climbs (pel, pe-cml): all: over every path; "
    "unambiguous: while there is one parent in the vocabulary; certain: ancestors on every path, "
    "the others are unknown.  [default: all]",
)
@vocabulary_option
@ontology_option
@click.option(
    "--layout",
    type=click.Choice(list(LAYOUTS)),
    default="lists",
    show_default=True,
    help="lists: column numbers, for people and SQL; packed: bits, for training; dense: plain "
    "arrays.",
)
@unknown_option
@time_unit_option
@report_option
@click.pass_context
def command(
    ctx: click.Context,
    inputs: tuple[Path, ...],
    sample: bool,
    output: Path | None,
    scheme: str,
    parents: str | None,
    vocabulary: str,
    ontology_path: Path | None,
    layout: str,
    unknown: str,
    time_unit: str,
    report_path: Path | None,
) -> None:
    """Turn label files into training targets: positive, negative, or unknown.

    INPUT is one or more label files: AudioSet segments CSV, one row a label or one row a clip
    (CSV, TSV), AST's JSON, PSL's TSV, FSD50K's CSV, Hugging Face style Parquet; plain, gzip or
    zip. The format is detected and said.
    """
    if not inputs and not sample:
        click.echo(ctx.get_help())
        ctx.exit(2)
    usage_if(bool(inputs) and sample, "give either INPUT or --sample")
    usage_if(output is None, "say where to write: -o OUT.parquet")
    assert output is not None
    usage_if(
        parents is not None and "parents" not in SCHEMES[scheme].options,
        f"scheme {scheme} does not climb, so --parents says nothing",
    )
    files = (sample_path(),) if sample else inputs
    # This process only streams; Arrow's own pools would keep a quarter more memory.
    pa.set_memory_pool(pa.system_memory_pool())
    with progress_bar("expanding") as progress:
        summary = expand_files(
            files,
            output,
            scheme,
            vocabulary=vocabulary,
            ontology=open_ontology(ontology_path) if ontology_path else None,
            layout=layout,
            unknown=unknown,
            time_unit=time_unit,
            report=report_path,
            progress=progress,
            **({"parents": parents} if parents else {}),
        )
    click.echo(describe_expansion(summary, report_path))
