"""`audiolabels fetch`"""

from typing import Any

import click

from audiolabels.cli.declarations import click_option, usage_if
from audiolabels.cli.help import Command
from audiolabels.cli.output import Summary
from audiolabels.cli.progress import progress_bar
from audiolabels.datasets import DATASETS, fetch
from audiolabels.datasets.cache import split_name


@click.command(
    "fetch",
    cls=Command,
    groups={
        "Options": [
            click.Argument(["names"], metavar="NAME...", nargs=-1),
            click_option("--list listed", "List the data sets and their files.", is_flag=True),
            click_option("--force", "Download files again that are in the cache.", is_flag=True),
            click_option(
                "--mirror",
                "Download from another server, where the files are named as in the cache.",
                metavar="URL",
            ),
        ]
    },
    epilog="""\b
Examples:
  audiolabels fetch --list
  audiolabels fetch esc50 fsd50k-labels
  audiolabels fetch audioset:eval
""",
)
def command(names: tuple[str, ...], listed: bool, **options: Any) -> Summary:
    """Download the label files of public data sets into the cache.

    NAME is a data set or, as NAME:PART, one of its files; the other commands take NAME:PART as an
    input. The cache is the folder AUDIOLABELS_CACHE, or audiolabels in the user's cache folder.
    """
    usage_if(listed == bool(names), "name a data set, or give --list")
    if listed:
        return _list()
    for name in names:
        split_name(name)  # a wrong name is refused before anything is downloaded
    lines: list[str] = []
    files: list[dict[str, Any]] = []
    for name in names:
        dataset = name.partition(":")[0]
        with progress_bar(f"fetching {name}") as progress:
            fetched = fetch(name, progress=progress, **options)
        about = _about(dataset)
        for part, file in fetched.items():
            what = "downloaded" if file.downloaded else "in the cache"
            lines.append(f"{dataset}:{part}  {file.path}")
            lines.append(f"  {what}, {file.path.stat().st_size:,} bytes, checksum {file.checksum}")
            files.append({"name": f"{dataset}:{part}", **vars(file), **about})
        lines.append(f"  licence {about['licence']}; cite {about['citation']}; {about['page']}")
    return Summary(lines, {"files": files})


def _list() -> Summary:
    lines = [f"{'name':<30}{'file':<40}{'bytes':>10}  licence"]
    files = []
    for dataset, known in DATASETS.items():
        for part, file in known.files.items():
            name = f"{dataset}:{part}"
            size = f"{file.size:,}" if file.size and not file.member else "-"
            lines.append(f"{name:<30}{file.name:<40}{size:>10}  {known.licence}")
            files.append({"name": name, "file": file.name, **vars(file), **_about(dataset)})
    return Summary(lines, {"files": files})


def _about(dataset: str) -> dict[str, str]:
    """What is to be known about a data set by those who use its files."""
    return {name: getattr(DATASETS[dataset], name) for name in ("licence", "citation", "page")}
