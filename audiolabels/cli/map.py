"""`audiolabels map`"""

from collections import Counter
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import click

from audiolabels.cli.declarations import PATH, click_option, path_option, usage_if
from audiolabels.cli.help import Command
from audiolabels.cli.options import ONTOLOGY, READING
from audiolabels.cli.output import Summary
from audiolabels.errors import shortlist
from audiolabels.files import refuse_overwriting
from audiolabels.ontology.mapping import (
    RELATIONS,
    LabelMapping,
    check_mapping,
    load_draft,
    load_mapping,
    mapping_names,
)
from audiolabels.ontology.mapping_proposals import propose, write_draft
from audiolabels.ontology.ontology import Ontology
from audiolabels.readers import list_labels

SHOWN = 10  # labels and classes of each kind; --json has all
NO_CLASS = "no class"
KINDS = {name: name.removeprefix("skos:").removesuffix("Match") for name in RELATIONS}


@click.command(
    "map",
    cls=Command,
    groups={
        "Input": [
            click.Argument(["inputs"], metavar="FILE...", nargs=-1, type=PATH),
            READING["columns"],
            ONTOLOGY,
        ],
        "Other tasks": [
            click_option(
                "--check mapping",
                "Compare a mapping, finished or not, with the labels of FILE: what is left open?",
                metavar="NAME|FILE",
            ),
            click_option("--list listed", "List the embedded mappings.", is_flag=True),
        ],
        "Output": [
            path_option("-o --output", "Where to write the draft.", metavar="DRAFT.sssom.tsv")
        ],
    },
    epilog="""\b
Examples:
  audiolabels map my_labels.csv -o draft.sssom.tsv
  audiolabels map classes.txt -o draft.sssom.tsv
  audiolabels map --check draft.sssom.tsv my_labels.csv
  audiolabels map --list
""",
)
def command(
    inputs: tuple[Path, ...],
    columns: str | None,
    ontology: Ontology,
    mapping: str | None,
    listed: bool,
    output: Path | None,
) -> Summary:
    """Propose a mapping of labels to classes of the ontology, or check one.

    FILE is a label or event file in any format that is read, or a list of labels, one a line. The
    draft has the classes that each label may mean, with a score. Rows of equal names are decided;
    all others have no predicate_id, and the draft is not read as a mapping before each has one or
    is removed.

    With --check the exit code is 1 if labels have no row, or rows are undecided.
    """
    drafting = not listed and mapping is None
    usage_if(listed and bool(inputs or output or mapping), "--list goes alone")
    usage_if(drafting and not inputs, "name a file of labels, or give --check or --list")
    usage_if(drafting and output is None, "name the output: -o DRAFT.sssom.tsv")
    usage_if(mapping is not None and output is not None, "--check writes nothing: leave out -o")
    if listed:
        return _list(ontology)
    if mapping is not None:
        return _check(load_draft(mapping, ontology=ontology), inputs, columns, ontology)
    assert output is not None
    refuse_overwriting(inputs, [output])
    labels, notes = list_labels(inputs, ontology=ontology, columns=columns)
    proposals = propose(labels, ontology)
    rows = write_draft(output, proposals, ontology)
    exact = sum(any(p.relation for p in own) for own in proposals.values())
    none = sum(not own for own in proposals.values())
    numbers = {
        "labels": len(labels),
        "labels decided by equal names": exact,
        "labels to decide": len(labels) - exact,
        "of these without proposal": none,
    }
    undecided = rows - exact
    lines = [
        *notes,
        "",
        *(f"  {what:<32}{number:>10,}" for what, number in numbers.items()),
        "",
        f"wrote {output} ({rows:,} rows, {undecided:,} of them undecided)",
    ]
    facts = {name.replace(" ", "_"): number for name, number in numbers.items()}
    return Summary(lines, {**facts, "rows": rows, "undecided": undecided, "output": output})


def _check(
    mapping: LabelMapping, inputs: tuple[Path, ...], columns: str | None, ontology: Ontology
) -> Summary:
    labels, notes = None, list[str]()
    if inputs:
        whole = LabelMapping(mapping.name, (*mapping.rows, *mapping.undecided))
        labels, notes = list_labels(inputs, ontology=ontology, columns=columns, mapping=whole)
    found = check_mapping(mapping, labels)
    shared = {ontology.name(id_): own for id_, own in found.shared.items()}
    open_ = len(found.missing) + len(found.undecided)
    lines = [
        *notes,
        f"mapping {mapping.name}: {_relations(mapping)}",
        *_section("labels without a row", found.missing, map(repr, found.missing)),
        *_section("labels with undecided rows", found.undecided, map(repr, found.undecided)),
        *_section("labels that the files lack", found.unused, map(repr, found.unused)),
        *_section(
            "classes of several labels",
            shared,
            (f"{name}: {shortlist(own, show=repr)}" for name, own in shared.items()),
        ),
        "",
        f"{open_:,} labels are open" if open_ else "nothing is open",
    ]
    facts = {**_facts(mapping), **found._asdict(), "shared": shared, "open": open_}
    return Summary(lines, facts, code=1 if open_ else 0)


def _section(title: str, found: Any, shown: Iterable[str]) -> list[str]:
    if not found:
        return []
    listed = [*shown]
    more = [f"    and {len(listed) - SHOWN:,} more"] if len(listed) > SHOWN else []
    return ["", f"  {title}: {len(found):,}", *(f"    {one}" for one in listed[:SHOWN]), *more]


def _list(ontology: Ontology) -> Summary:
    found = [_facts(load_mapping(name, ontology=ontology)) for name in mapping_names()]
    heads = [*found[0]["rows"], "covered"]
    lines = [f"{'name':<16}{'labels':>8}" + "".join(f"{head:>9}" for head in heads)]
    for facts in found:
        numbers = [*facts["rows"].values(), facts["covered"]]
        cells = "".join(f"{number:>9,}" for number in numbers)
        lines.append(f"{facts['mapping']:<16}{facts['labels']:>8,}{cells}")
    return Summary(lines, {"mappings": found})


def _facts(mapping: LabelMapping) -> dict[str, Any]:
    """A mapping in numbers: labels, rows by relation, classes that its data set listened for."""
    rows = Counter(NO_CLASS if row.class_id is None else row.relation for row in mapping.rows)
    return {
        "mapping": mapping.name,
        "labels": len(mapping.labels),
        "rows": {KINDS.get(kind, kind): rows[kind] for kind in (*RELATIONS, NO_CLASS)},
        "covered": len(mapping.covered),
    }


def _relations(mapping: LabelMapping) -> str:
    facts = _facts(mapping)
    rows = ", ".join(f"{number:,} {kind}" for kind, number in facts["rows"].items() if number)
    return (
        f"{facts['labels']:,} labels; rows: {rows or 'none'}; {facts['covered']:,} classes covered"
    )
