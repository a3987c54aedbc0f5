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
                "--quality", "AudioSet's qa_true_counts.csv: how often ratings confirmed a label."
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
  audiolabels report eval_segments.csv --audit audit.csv -o review.html
""",
)
def command(
    labels: tuple[Path, ...],
    output: Path,
    scores: Path | None,
    quality: Path | None,
    vocabulary: str | None,
    ontology: Ontology,
    most: int,
    **reading: Any,
) -> Summary:
    """Rank the labels that are likely to be missing or wrong, with the evidence.

    Kinds are implied (a given class implies it), excluded (given with a class that hardly ever
    occurs with it) and contradictory (rows of a clip differ); with scores of a teacher also missing
    (it is sure), wrong (it doubts a given label) and unspecified (it finds a class below).
    """
    from audiolabels.audit import audit
    from audiolabels.comparison.file_comparison import write_frame
    from audiolabels.readers import read_labels, read_scores
    from audiolabels.schemes.class_quality import read_class_quality

    refuse_overwriting(labels, [output], [path for path in (scores, quality) if path])
    found = audit(
        read_labels(labels, ontology=ontology, **reading),
        None if scores is None else read_scores(scores, ontology=ontology),
        vocabulary=vocabulary,
        quality=None if quality is None else read_class_quality(quality),
        most=most,
    )
    write_frame(found.table, output)
    counts = {kind: int(n) for kind, n in found.table["kind"].value_counts(sort=False).items()}
    pairs = found.statistics.pairs()
    lines = [repr(found.statistics), "", f"{'parent · child':<60}{'clips':>8}{'given':>8}"]
    lines += [
        f"{f'{row.parent} · {row.child}'[:58]:<60}{row.clips:>8,}{row.share:>8.1%}"
        for row in pairs.head(SHOWN).itertuples()
    ]
    lines += ["", *(f"{kind:<16}{n:>8,}" for kind, n in counts.items()), "", f"wrote {output}"]
    facts = {"output": output, "counts": counts, "clips": found.statistics.clips}
    return Summary(lines, {**facts, "share_of_parents": found.statistics.share_of_parents})
