"""`audiolabels info`"""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import click

from audiolabels.cli.declarations import PATH
from audiolabels.cli.help import Command
from audiolabels.cli.output import Summary
from audiolabels.errors import TargetsFileError, guarded
from audiolabels.readers.options import STATED
from audiolabels.targets.store import read_info


@click.command(
    "info",
    cls=Command,
    groups={"Options": (click.Argument(["file"], type=PATH),)},
    epilog="""\b
Examples:
  audiolabels info targets.parquet
  audiolabels info --json targets.parquet
""",
)
def command(file: Path) -> Summary:
    """Show the contents of a targets file and how it was made; with --json, all its metadata."""
    facts = read_info(file)
    with guarded(file, TargetsFileError, "broken metadata"):
        rows = _rows(facts)
    return Summary([f"{name:<12}{value}" for name, value in rows], facts)


def _rows(facts: Mapping[str, Any]) -> list[tuple[str, str]]:
    vocabulary = facts["vocabulary"]
    options = "".join(
        f", {name.replace('_', ' ')} {value}" for name, value in facts["options"].items()
    )
    weight = ["weight"] if facts.get("weights") else []
    counts = {name.replace("_", " "): n for name, n in facts.get("counts", {}).items() if n}
    return [
        ("rows", f"{facts['rows']:,}"),
        ("scheme", facts["scheme"] + options),
        ("vocabulary", f"{vocabulary['name']} ({len(vocabulary['ids'])} classes)"),
        ("layout", f"{facts['layout']} ({', '.join([*facts['columns'], *weight])})"),
        *([("parts", f"{len(facts['parts'])} files")] if "parts" in facts else []),
        *([("counts", ", ".join(f"{n:,} {name}" for name, n in counts.items()))] * bool(counts)),
        ("ontology", f"{facts['ontology']['classes']} classes, {facts['ontology']['digest'][:12]}"),
        ("written by", f"{facts['library']}, format {facts['format_version']}"),
        *(
            ("source", f"{s['name']} ({s['format']}, {s['rows']:,} rows{_reading(s)})")
            for s in facts.get("sources", [])
        ),
    ]


def _reading(source: Mapping[str, Any]) -> str:
    """The start of a file's hash, of data in memory none, and the options of reading."""
    options = {name: source[name] for name in STATED if name in source}
    if coverage := options.get("annotated"):
        own = (
            f"{coverage['classes']:,} classes ({coverage['name']})" if "classes" in coverage else ""
        )
        options["annotated"] = f"for {own or coverage['name']}"
    stated = [f"{name} {value}" for name, value in options.items()]
    return "".join(f", {text}" for text in (source["sha256"][:12], *stated) if text)
