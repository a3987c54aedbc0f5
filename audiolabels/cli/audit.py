"""`audiolabels audit`"""

from pathlib import Path
from typing import Any

import click

from audiolabels.cli.declarations import PATH, click_option, path_option
from audiolabels.cli.help import Command
from audiolabels.cli.options import ONTOLOGY, READING, VOCABULARY_OF_LABELS
from audiolabels.cli.output import Summary
from audiolabels.files import refuse_overwriting
from audiolabels.ontology.ontology import Ontology

SHOWN = 8  # parents that are most often left out


@click.command(
    "audit",
    cls=Command,
    groups={
        "Input": (
            click.Argument(["labels"], metavar="LABELS...", nargs=-1, type=PATH, required=True),
            path_option("--scores", "A teacher's scores, not trained on these clips."),
            path_option(
                "--class-quality",
                "AudioSet's qa_true_counts.csv: how often ratings confirmed a label.",
            ),
            path_option(
                "--targets",
                "Targets made of these clips: what they settle is left out of the list.",
            ),
            *READING.values(),
            ONTOLOGY,
        ),
        "Audit": (
            VOCABULARY_OF_LABELS,
            click_option("--most", "Pairs of each kind.", type=click.IntRange(1), default=5000),
        ),
        "Output": (path_option("-o --output", "Where to write.", "AUDIT.csv", required=True),),
    },
    epilog="""\b
Examples:
  audiolabels audit balanced_train_segments.csv -o audit.csv
  audiolabels audit eval_segments.csv --scores scores.parquet -o audit.csv
  audiolabels audit eval_segments.csv --scores scores.parquet --targets targets.parquet \\
      -o left.csv
  audiolabels report eval_segments.csv --audit audit.csv -o review.html
""",
)
def command(
    labels: tuple[Path, ...],
    output: Path,
    scores: Path | None,
    class_quality: Path | None,
    targets: Path | None,
    vocabulary: str | None,
    ontology: Ontology,
    most: int,
    **reading: Any,
) -> Summary:
    """Rank the labels that are likely to be missing or wrong, with the evidence.

    Kinds are implied (a given class implies it), excluded (given with a class that hardly ever
    occurs with it) and contradictory (rows of a clip differ); with scores of a teacher also missing
    (it is sure), wrong (it doubts a given label) and unspecified (it finds a class below). With
    targets the list is what training on them would still learn wrong.
    """
    from audiolabels.audit import audit
    from audiolabels.comparison.file_comparison import write_frame
    from audiolabels.readers import read_labels, read_scores
    from audiolabels.targets.store import map_targets

    beside = [path for path in (scores, class_quality, targets) if path]
    refuse_overwriting(labels, [output], beside)
    found = audit(
        read_labels(labels, ontology=ontology, **reading),
        None if scores is None else read_scores(scores, ontology=ontology),
        targets=None if targets is None else map_targets(targets),
        vocabulary=vocabulary,
        class_quality=class_quality,
        most=most,
    )
    write_frame(found.table, output)
    counts = {kind: int(n) for kind, n in found.table["kind"].value_counts(sort=False).items()}
    pairs = found.statistics.pairs()
    lines = [str(found.statistics), "", f"{'parent · child':<60}{'clips':>8}{'given':>8}"]
    lines += [
        f"{f'{row.parent} · {row.child}'[:58]:<60}{row.clips:>8,}{row.share:>8.1%}"
        for row in pairs.head(SHOWN).itertuples()
    ]
    if found.settled:
        lines += ["", f"{'kind':<16}{'listed':>8}{'settled by the targets':>26}"]
        lines += [f"{kind:<16}{counts.get(kind, 0):>8,}{n:>26,}"
                  for kind, n in found.settled.items() if n or kind in counts]  # fmt: skip
        if found.without_targets:
            lines += ["", f"{found.without_targets:,} clips are not among the targets"]
    else:
        lines += ["", *(f"{kind:<16}{n:>8,}" for kind, n in counts.items())]
    lines += ["", f"wrote {output}"]
    facts = {"output": output, "counts": counts, "settled": dict(found.settled)}
    facts |= {"clips": found.statistics.clips, "without_targets": found.without_targets}
    return Summary(lines, {**facts, "share_of_parents": found.statistics.share_of_parents})
