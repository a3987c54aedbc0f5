"""`audiolabels expand`"""

from pathlib import Path

import click
import pyarrow as pa

from audiolabels.cli.options import (
    VOCABULARY,
    clip_duration_option,
    clip_durations_option,
    ontology_option,
    open_ontology,
    report_option,
    time_unit_option,
    unknown_option,
    usage_if,
)
from audiolabels.cli.progress import progress_bar
from audiolabels.cli.summary import describe_expansion
from audiolabels.expansion.local import expand_files
from audiolabels.labels.events import Events
from audiolabels.labels.scores import Scores
from audiolabels.ontology.embedded import sample_path
from audiolabels.ontology.parents import PARENTS_OR_NONE
from audiolabels.readers.scores import BEYOND_TOP, VALUES
from audiolabels.schemes import SCHEMES
from audiolabels.schemes.framed import NEGATIVES
from audiolabels.schemes.given_labels import LABELS_SCHEMES
from audiolabels.schemes.teacher_enhanced import ENHANCE, THRESHOLDS
from audiolabels.targets.layouts import LAYOUTS


@click.command(
    "expand",
    epilog="""\b
Examples:
  audiolabels expand --sample -o targets.parquet
  audiolabels expand --scheme pe-cml balanced_train_segments.csv -o targets.parquet
  audiolabels expand --scheme pel --parents certain --layout packed \\
      eval_segments.csv unbalanced_train_segments.csv.gz -o targets.parquet
  audiolabels expand --scheme strong-framed audioset_train_strong.tsv -o frames.parquet
  audiolabels expand --scheme strong-framed --negatives both \\
      --explicit-negatives absent.csv audioset_eval_strong.tsv -o frames.parquet
  audiolabels expand --scheme pseudo-strong --scores scores.npz -o soft.parquet
  audiolabels expand --scheme pseudo-strong --scores scores.h5 --teacher-weight 0.5 \\
      balanced_train_segments.csv -o mixed.parquet
  audiolabels expand --scheme teacher-masked --scores scores.npz --labels-scheme pe-cml \\
      balanced_train_segments.csv -o repaired.parquet
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
    type=click.Choice(list(PARENTS_OR_NONE)),
    help="How far a class with several parents climbs: all: over every path; unambiguous: while "
    "there is one parent in the vocabulary; certain: ancestors on every path, the others are "
    "unknown; none (events only): not at all. For labels beside scores it goes with "
    "--labels-scheme pel or pe-cml.  [default: all; none for events]",
)
@click.option(
    "--negatives",
    type=click.Choice(list(NEGATIVES)),
    help="What counts as negative, for events; the rest is unknown. complementary: other frames "
    "of a clip in which the class sounds; explicit: classes confirmed absent; both, recommended "
    "for evaluation; all: whatever is not positive.  [default: all]",
)
@click.option(
    "--explicit-negatives",
    metavar="FILE",
    type=click.Path(path_type=Path),
    help="Labels of classes confirmed absent, for events: a label file in any form, or a framed "
    "file, of which classes that are only NOT_PRESENT in a clip count.",
)
@click.option("--frame-length", metavar="SECONDS", help="Length of a frame.  [default: 0.96]")
@click.option(
    "--frame-hop", metavar="SECONDS", help="From one frame to the next.  [default: its length]"
)
@clip_duration_option
@clip_durations_option
@click.option(
    "--scores",
    metavar="FILE",
    type=click.Path(path_type=Path),
    help="Teacher scores, for pseudo-strong, co-supervised and teacher-…: npz, HDF5, Parquet, "
    "EfficientAT's .npy, CED's or PretrainedSED's HDF5. INPUT is then the given labels; for "
    "pseudo-strong alone it may be left out.",
)
@click.option(
    "--teacher-weight",
    metavar="W",
    help="The target is W times the score plus 1-W times the given label.  [default: 1; "
    "0.7 for co-supervised]",
)
@click.option(
    "--threshold", metavar="T", help="Make hard targets: positive from T on, else negative."
)
@click.option(
    "--propagate-scores",
    is_flag=True,
    help="A class scores at least as high as each class below it.",
)
@click.option(
    "--mask-share",
    metavar="Q",
    help="For teacher-masked: this share of each class's implicit negatives becomes unknown.  "
    "[default: 0.01]",
)
@click.option(
    "--enhance",
    type=click.Choice(list(ENHANCE)),
    help="For teacher-enhanced: what may be added to a given class: direct children (type I), "
    "ancestors (type II), or both.  [default: both]",
)
@click.option(
    "--score-threshold",
    type=click.Choice(list(THRESHOLDS)),
    help="For teacher-enhanced: above which score a class is added: the mean or a percentile of "
    "its scores where it is given.  [default: mean]",
)
@click.option(
    "--added-as-given",
    is_flag=True,
    help="For teacher-enhanced: added classes count as given when pe-cml masks children.",
)
@click.option(
    "--labels-scheme",
    type=click.Choice(list(LABELS_SCHEMES)),
    help="How given labels beside scores are expanded first.  [default: weak]",
)
@click.option(
    "--class-order",
    metavar="NAME|FILE",
    help="The teacher's classes in its order, as for --vocabulary.  [default: what the file says; "
    "audioset]",
)
@click.option(
    "--score-values",
    type=click.Choice(VALUES),
    default="auto",
    show_default=True,
    help="What the scores are; auto: logits if some lie outside 0 to 1.",
)
@click.option(
    "--scores-index",
    metavar="FILE",
    type=click.Path(path_type=Path),
    help="Which clip each row of a .npy file is: EfficientAT's fname_to_index.pkl, JSON, or a "
    "name a line.  [default: fname_to_index.pkl beside it]",
)
@click.option(
    "--beyond-top",
    type=click.Choice(BEYOND_TOP),
    default="unknown",
    show_default=True,
    help="What classes are that CED's file of the highest scores does not list.",
)
@click.option(
    "--vocabulary",
    metavar="NAME|FILE",
    help=f"{VOCABULARY}  [default: audioset; audioset-strong for events; the teacher's classes "
    "for scores]",
)
@ontology_option
@click.option(
    "--layout",
    type=click.Choice(list(LAYOUTS)),
    help="lists: column numbers, for people and SQL; packed: bits, for training; dense: plain "
    "arrays, the only one for soft targets.  [default: lists; dense for soft targets]",
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
    negatives: str | None,
    explicit_negatives: Path | None,
    frame_length: str | None,
    frame_hop: str | None,
    clip_duration: str | None,
    clip_durations: Path | None,
    scores: Path | None,
    teacher_weight: str | None,
    threshold: str | None,
    propagate_scores: bool,
    mask_share: str | None,
    enhance: str | None,
    score_threshold: str | None,
    added_as_given: bool,
    labels_scheme: str | None,
    class_order: str | None,
    score_values: str,
    scores_index: Path | None,
    beyond_top: str,
    vocabulary: str | None,
    ontology_path: Path | None,
    layout: str | None,
    unknown: str,
    time_unit: str,
    report_path: Path | None,
) -> None:
    """Turn label files into training targets: positive, negative, or unknown.

    INPUT is one or more label files: AudioSet segments CSV, one row a label or one row a clip
    (CSV, TSV), AST's JSON, PSL's TSV, FSD50K's CSV, Hugging Face style Parquet; for strong-framed
    and diffuse, event files: AudioSet strong, its framed release, DESED (CSV, TSV). Each plain,
    gzip or zip. The format is detected and said. For pseudo-strong, co-supervised,
    teacher-masked and teacher-enhanced, scores come from --scores.
    """
    if not inputs and not sample and scores is None:
        click.echo(ctx.get_help())
        ctx.exit(2)
    usage_if(bool(inputs) and sample, "give either INPUT or --sample")
    usage_if(output is None, "say where to write: -o OUT.parquet")
    assert output is not None
    chosen = SCHEMES[scheme]
    options = {
        name: value
        for name, value in {
            "parents": parents,
            "negatives": negatives,
            "frame_length": frame_length,
            "frame_hop": frame_hop,
            "teacher_weight": teacher_weight,
            "threshold": threshold,
            "propagate_scores": propagate_scores or None,
            "mask_share": mask_share,
            "enhance": enhance,
            "score_threshold": score_threshold,
            "added_as_given": added_as_given or None,
            "labels_scheme": labels_scheme,
        }.items()
        if value is not None
    }
    for name in options:
        flag = f"--{name.replace('_', '-')}"
        usage_if(name not in chosen.options, f"scheme {scheme} has no use for {flag}")
    reads_scores = chosen.reads is Scores
    usage_if(reads_scores and scores is None, f"scheme {scheme} needs --scores FILE")
    usage_if(not reads_scores and scores is not None, f"scheme {scheme} has no use for --scores")
    lacking = reads_scores and chosen.needs_labels and not inputs and not sample
    usage_if(lacking, f"scheme {scheme} needs INPUT, the given labels")
    files = (sample_path(events=chosen.reads is Events),) if sample else inputs
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
            clip_duration=clip_duration,
            clip_durations=clip_durations,
            explicit_negatives=explicit_negatives,
            scores=scores,
            class_order=class_order,
            score_values=score_values,
            scores_index=scores_index,
            beyond_top=beyond_top,
            **options,
        )
    click.echo(describe_expansion(summary, report_path))
