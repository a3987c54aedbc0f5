"""`audiolabels expand`"""

from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Any

import click
import pyarrow as pa

from audiolabels.cli.declarations import PATH, flag, list_summaries, merge_declared, usage_if
from audiolabels.cli.help import Command
from audiolabels.cli.options import ONTOLOGY, REPORT, VOCABULARY
from audiolabels.cli.output import Summary, report_facts
from audiolabels.cli.progress import progress_bar
from audiolabels.cli.summary import describe_expansion
from audiolabels.expansion.folder import ROWS_PER_PART
from audiolabels.expansion.local import ENGINES, expand_files
from audiolabels.labels.annotations import Annotations
from audiolabels.labels.events import Events
from audiolabels.labels.scores import Scores
from audiolabels.ontology.embedded import sample_path
from audiolabels.ontology.ontology import Ontology
from audiolabels.options import Option, Options
from audiolabels.readers import EventOptions, ReadOptions, ScoreOptions
from audiolabels.schemes import SCHEMES
from audiolabels.schemes.scheme import Scheme
from audiolabels.targets.layouts import LAYOUTS

# What a scheme reads: the title above the options that only such schemes have; how it is read.
READS: Mapping[type, tuple[str, tuple[type[Options], ...]]] = {
    Annotations: ("Scheme", (ReadOptions,)),
    Events: ("Events", (ReadOptions, EventOptions)),
    Scores: ("Scores", (ReadOptions, ScoreOptions)),
}
SCORES = click.Option(
    ["--scores"],
    metavar="FILE",
    type=PATH,
    multiple=True,
    help="Teacher scores: npz, HDF5, Parquet, EfficientAT's .npy, CED's or PretrainedSED's HDF5. "
    "INPUT is then the given labels; for pseudo-strong alone it may be left out. Several files: "
    "a pattern, or repeat the option.",
)
INPUT: list[click.Parameter] = [
    click.Argument(["inputs"], metavar="INPUT...", nargs=-1, type=PATH),
    click.Option(["--sample"], is_flag=True, help="Take the embedded sample as INPUT."),
]
OUTPUT: list[click.Parameter] = [
    click.Option(
        ["-o", "--output"],
        metavar="OUT.parquet",
        help="Where to write: a file, or a folder of parts, OUT/; on the disk, or at an address "
        "such as s3://bucket/OUT/.",
    ),
    click.Option(
        ["--rows-per-part"],
        type=int,
        metavar="N",
        help="Write a folder of parts of at most N rows; an interrupted run goes on with the same "
        f"command.  [default: {ROWS_PER_PART:,} in a folder]",
    ),
    click.Option(
        ["--vocabulary"],
        metavar="NAME|FILE",
        help=f"{VOCABULARY}  [default: audioset; audioset-strong for events; the teacher's classes "
        "for scores; all classes of an --ontology that lacks some of these]",
    ),
    click.Option(
        ["--layout"],
        type=click.Choice(list(LAYOUTS)),
        help="lists: column numbers, for people and SQL, not for soft targets; packed: bits or "
        "float16, for training; dense: plain arrays.  [default: lists; packed for soft targets]",
    ),
    click.Option(
        ["--engine"],
        type=click.Choice(ENGINES),
        default="local",
        help="ray: the parts of a folder are made by tasks of Ray, on the cluster that RAY_ADDRESS "
        "names or on this machine.  [default: local]",
    ),
    REPORT,
]


def options_of(scheme: Scheme) -> dict[str, Option]:
    """The options of a scheme and those of reading what it is made from, by keyword argument."""
    classes = (type(scheme.options), *READS[scheme.reads][1])
    return {name: option for cls in classes for name, option in cls.declared().items()}


def _groups(chosen: str) -> dict[str, list[click.Parameter]]:
    """Title to the options of the chosen scheme, as it declares them, or else of all schemes."""
    schemes = [SCHEMES[chosen]] if chosen else list(SCHEMES.values())
    declared: dict[str, dict[str, Option]] = {}
    for scheme in schemes:
        for name, option in options_of(scheme).items():
            declared.setdefault(name, {})[scheme.name] = option
    scores = [SCORES] if any(scheme.reads is Scores for scheme in schemes) else []
    groups: dict[str, list[click.Parameter]] = {
        "Input": [*INPUT, ONTOLOGY],
        "Scheme": [_scheme_option(schemes)],
        "Events": [],
        "Scores": [*scores],
    }
    for name, options in declared.items():
        title = _title(name)
        peers = [scheme.name for scheme in schemes if READS[scheme.reads][0] == title]
        text = next(iter(options.values())).help
        if title != "Scheme" and len(options) < len(peers):
            text = f"{text.removesuffix('.')} ({', '.join(options)})."
        groups[title].append(merge_declared(options, text))
    return {**groups, "Output": OUTPUT}


def _scheme_option(schemes: Collection[Scheme]) -> click.Option:
    text = list_summaries({s.name: s.summary for s in schemes}) + "\n[default: pe-cml]"
    if len(schemes) == 1:
        (scheme,) = schemes
        text = f"{scheme.name}: {scheme.summary}. Source: {scheme.source}."
    kinds = click.Choice(list(SCHEMES))
    return click.Option(["--scheme"], type=kinds, metavar="SCHEME", default="pe-cml", help=text)


def _title(name: str) -> str:
    if name in ReadOptions.declared():
        return "Input"
    titles = {READS[s.reads][0] for s in SCHEMES.values() if name in options_of(s)}
    return titles.pop() if len(titles) == 1 else "Scheme"


@click.command(
    "expand",
    cls=Command,
    groups=_groups,
    chooser="scheme",
    epilog="""\b
Examples:
  audiolabels expand --sample -o targets.parquet
  audiolabels expand --scheme pe-cml balanced_train_segments.csv -o targets.parquet
  audiolabels expand --scheme weak --frame-length 2 balanced_train_segments.csv -o weak.parquet
  audiolabels expand --scheme pel --parents certain --layout packed \\
      eval_segments.csv unbalanced_train_segments.csv.gz -o targets.parquet
  audiolabels expand --scheme strong-framed audioset_train_strong.tsv -o frames.parquet
  audiolabels expand --scheme strong-framed --negatives both \\
      --explicit-negatives absent.csv audioset_eval_strong.tsv -o frames.parquet
  audiolabels expand --scheme diffuse audioset_train_strong.tsv -o diffuse.parquet
  audiolabels expand --layout packed 'shards/*.csv.gz' -o targets/
  audiolabels expand 's3://bucket/shards/*.csv.gz' -o s3://bucket/targets/
  audiolabels expand --scheme pseudo-strong --scores scores.npz -o soft.parquet
  audiolabels expand --scheme pseudo-strong --scores scores.h5 --teacher-weight 0.5 \\
      balanced_train_segments.csv -o mixed.parquet
  audiolabels expand --scheme co-supervised --scores scores.npz --teacher-weight 0.7 \\
      balanced_train_segments.csv -o stage.parquet
  audiolabels expand --scheme teacher-masked --scores scores.npz --labels-scheme pe-cml \\
      balanced_train_segments.csv -o repaired.parquet
  audiolabels expand --scheme teacher-enhanced --scores scores.npz --labels-scheme pe-cml \\
      --parents certain balanced_train_segments.csv -o enhanced.parquet
""",
)
@click.pass_context
def command(
    ctx: click.Context,
    /,
    inputs: tuple[Path, ...],
    sample: bool,
    output: str | None,
    rows_per_part: int | None,
    engine: str,
    scheme: str,
    scores: tuple[Path, ...],
    vocabulary: str | None,
    layout: str | None,
    ontology: Ontology,
    report_path: Path | None,
    **options: Any,
) -> Summary:
    """Turn label files into training targets: positive, negative, or unknown.

    INPUT is one or more label files, plain, gzip or zip, whose format is detected: AudioSet
    segments CSV, a row per label or per clip (CSV, TSV), AST's JSON, PSL's TSV, FSD50K's CSV,
    Hugging Face style Parquet; for strong-framed and diffuse, event files: AudioSet strong, its
    framed release, DESED (CSV, TSV). For pseudo-strong, co-supervised, teacher-masked and
    teacher-enhanced it holds the given labels, and --scores names the file of scores.

    With --scheme, --help shows the options of that scheme alone.
    """
    if not inputs and not sample and not scores:
        click.echo(ctx.get_help())
        ctx.exit(2)
    usage_if(bool(inputs) and sample, "give either INPUT or --sample")
    usage_if(output is None, "name the output: -o OUT.parquet")
    assert output is not None
    chosen = SCHEMES[scheme]
    given = {name: value for name, value in options.items() if value not in (None, False)}
    for name in given.keys() - options_of(chosen).keys():
        raise click.UsageError(f"scheme {scheme} has no use for {flag(name)}", ctx)
    reads_scores = chosen.reads is Scores
    usage_if(reads_scores and not scores, f"scheme {scheme} needs --scores FILE")
    usage_if(not reads_scores and bool(scores), f"scheme {scheme} has no use for --scores")
    lacking = chosen.needs_labels and not inputs and not sample
    usage_if(lacking, f"scheme {scheme} needs INPUT, the given labels")
    # This process only streams; Arrow's own pools would keep a quarter more memory.
    pa.set_memory_pool(pa.system_memory_pool())
    with progress_bar("expanding") as progress:
        summary = expand_files(
            (sample_path(events=chosen.reads is Events),) if sample else inputs,
            output,
            scheme,
            vocabulary=vocabulary,
            ontology=ontology,
            layout=layout,
            scores=scores or None,
            report=report_path,
            rows_per_part=rows_per_part,
            engine=engine,
            progress=progress,
            **given,
        )
    facts = {
        **summary.metadata,
        "counts": summary.counts.stated(),
        "clips": summary.counts.clips,
        **report_facts(summary.report, summary.finding_counts),
        "output": summary.output,
    }
    return Summary([describe_expansion(summary, report_path)], facts)
