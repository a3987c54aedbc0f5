"""The directive `facts`: tables that the pages take from the library instead of repeating them."""

import json
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from docutils import nodes
from sphinx.application import Sphinx
from sphinx.util.docutils import SphinxDirective

from audiolabels import SCHEMES, load_ontology, load_vocabulary
from audiolabels.annotations import FATES
from audiolabels.importers import IMPORTERS
from audiolabels.layouts import LAYOUTS
from audiolabels.readers import FORMATS, dialect
from audiolabels.resources import ontology_folder
from audiolabels.vocabulary import NAMED

Table = tuple[list[str], list[list[str]]]


def schemes() -> Table:
    """The schemes with their sources and options."""
    return ["scheme", "what it does", "source", "options"], [
        [
            f"`{name}`",
            scheme.summary,
            scheme.source,
            ", ".join(
                f"`{option}`" + (f" (default `{value}`)" if value is not None else "")
                for option, value in scheme.options.items()
            )
            or "none",
        ]
        for name, scheme in SCHEMES.items()
    ]


def formats() -> Table:
    """The formats that are read."""
    return ["format", "what it is"], [[f"`{name}`", what] for name, what in FORMATS.items()]


def importers() -> Table:
    """The forms of files of scores."""
    return ["form", "what it is", "container"], [
        [f"`{name}`", importer.summary, importer.container] for name, importer in IMPORTERS.items()
    ]


def fates() -> Table:
    """What becomes of a row with a finding."""
    return ["kind", "what becomes of it"], [[f"`{kind}`", fate] for kind, fate in FATES.items()]


def columns() -> Table:
    """The column names that readers know."""
    known = {
        "clip": dialect.CLIP,
        "start": dialect.START,
        "end": dialect.END,
        "labels of one row a clip": dialect.LABELS,
        "label of one row a label": dialect.LABEL,
    }
    return ["column", "names, in order of preference"], [
        [what, ", ".join(f"`{name}`" for name in names)] for what, names in known.items()
    ]


def layouts() -> Table:
    """Column names and Arrow types of the layouts, for the 527 classes."""
    return ["layout", "column", "type with 527 classes", "rows in a row group"], [
        [f"`{name}`", f"`{column}`", f"`{type_}`", f"{layout.group:,}"]
        for name, layout in LAYOUTS.items()
        for column, type_ in layout.columns(527, "masked").items()
    ]


def vocabularies() -> Table:
    """The named vocabularies with their first and last classes."""
    rows = []
    for name in NAMED:
        vocabulary = load_vocabulary(name)
        ends = [f"{vocabulary.names[i]} (`{vocabulary.ids[i]}`)" for i in (0, -1)]
        rows.append([f"`{name}`", str(len(vocabulary)), *ends])
    return ["name", "classes", "first column", "last column"], rows


def supplement() -> Table:
    """The classes of the strong labels that the ontology lacks, with the parents chosen here."""
    ontology = load_ontology()
    return ["class", "id", "parent, as chosen by this project"], [
        [c["name"], f"`{c['id']}`", f"{ontology.name(c['parent'])} (`{c['parent']}`)"]
        for c in _supplement()["classes"]
    ]


def aliases() -> Table:
    """Ids that mean another class's id."""
    ontology = load_ontology()
    return ["alias", "means", "class"], [
        [f"`{alias}`", f"`{id_}`", ontology.name(id_)]
        for alias, id_ in _supplement()["aliases"].items()
    ]


def _supplement() -> Any:
    path = ontology_folder() / "audioset_strong.json"
    return json.loads(path.read_text(encoding="utf-8"))


FACTS: Mapping[str, Callable[[], Table]] = {
    make.__name__: make
    for make in (
        schemes,
        formats,
        importers,
        fates,
        columns,
        layouts,
        vocabularies,
        supplement,
        aliases,
    )
}


class FactsDirective(SphinxDirective):
    """A table of `FACTS`."""

    required_arguments = 1

    def run(self) -> list[nodes.Node]:
        """The table, parsed as the page around it is."""
        header, rows = FACTS[self.arguments[0]]()
        lines = [_line(header), _line(["---"] * len(header)), *map(_line, rows)]
        return self.parse_text_to_nodes("\n".join(lines))


def _line(cells: Iterable[str]) -> str:
    return "| " + " | ".join(cell.replace("|", r"\|") for cell in cells) + " |"


def setup(app: Sphinx) -> dict[str, Any]:
    """Register the directive."""
    app.add_directive("facts", FactsDirective)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
