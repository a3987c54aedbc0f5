"""`audiolabels report`"""

from pathlib import Path
from typing import Any

import click

from audiolabels.cli.declarations import PATH, click_option, path_option
from audiolabels.cli.help import Command
from audiolabels.cli.options import ONTOLOGY, READING, VOCABULARY_OF_LABELS
from audiolabels.cli.output import Summary
from audiolabels.files import refuse_overwriting
from audiolabels.schemes.given_labels import LABELS_SCHEMES


@click.command(
    "report",
    cls=Command,
    groups={
        "Input": (
            click.Argument(["inputs"], metavar="INPUT...", nargs=-1, type=PATH, required=True),
            *READING.values(),
            ONTOLOGY,
        ),
        "Page": (
            click_option(
                "--scheme",
                "What is made of labels.",
                type=click.Choice(list(LABELS_SCHEMES)),
                default="pe-cml",
            ),
            VOCABULARY_OF_LABELS,
            path_option("--scores", "A teacher's scores of these clips."),
            path_option("--against", "Labels or targets to compare with."),
            path_option("--audio", "A folder of recordings, which the page plays.", "FOLDER"),
            path_option("--evaluation", "What evaluate wrote, for AP by class.", "FOLDER"),
            path_option(
                "--class-quality",
                "AudioSet's qa_true_counts.csv, for the quality of labels.",
                "FILE.csv",
            ),
            path_option("--audit", "A list that audit wrote, to be judged.", "AUDIT.csv"),
        ),
        "Output": (path_option("-o --output", "Where to write.", "REPORT.html", required=True),),
    },
    epilog="""\b
Examples:
  audiolabels report balanced_train_segments.csv -o report.html
  audiolabels report targets.parquet --evaluation run/evaluation/eval-3f1c09ab -o report.html
  audiolabels report labels.csv --audio clips/ --audit audit.csv -o review.html
""",
)
def command(inputs: tuple[Path, ...], output: Path, **options: Any) -> Summary:
    """Write a page to look at labels or targets in a browser: one file, which needs no network.

    INPUT is label files, or one targets file or folder. The page has the ontology as a tree to zoom
    into, a table of classes to sort and search, clips of each class and state with a link to the
    video or a player, and the findings.
    """
    from audiolabels.report_page import page_content, write_page

    beside = ("scores", "against", "class_quality", "audit")
    others = [options[name] for name in beside if options[name]]
    refuse_overwriting(inputs, [output], others)
    content = page_content(inputs, page=output.parent, **options)
    size = write_page(content, output)
    text = (
        f"{content['rows']:,} {content['row']}, {len(content['names'])} classes, "
        f"{len(content['clips']):,} clips to look at\nwrote {output} ({size / 1e6:.1f} MB)"
    )
    return Summary([text], {"output": output, "bytes": size, "rows": content["rows"]})
