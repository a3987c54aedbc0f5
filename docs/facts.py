"""The directive `facts`: tables that the pages take from the library instead of repeating them."""

import json
import re
import tempfile
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any

from docutils import nodes
from sphinx.application import Sphinx
from sphinx.util.docutils import SphinxDirective

from audiolabels import (
    Events,
    SoftTargets,
    Targets,
    expand_files,
    load_ontology,
    load_vocabulary,
)
from audiolabels.datasets import DATASETS
from audiolabels.exporters import EXPORTERS
from audiolabels.labels.report import FATES
from audiolabels.ontology import load_mapping, mapping_names
from audiolabels.ontology.embedded import ontology_folder
from audiolabels.ontology.mapping import RELATIONS
from audiolabels.ontology.vocabulary import NAMED
from audiolabels.options import Option
from audiolabels.readers import EVENT_FORMATS, LABEL_FORMATS, SCORE_FORMATS
from audiolabels.readers.columns import ROLES
from audiolabels.schemes import SCHEMES
from audiolabels.targets.layouts import LAYOUTS, SOFT_LAYOUTS
from audiolabels.training.models import MODELS
from audiolabels.training.recipes import RECIPES

Table = tuple[list[str], list[list[str]]]


def schemes() -> Table:
    """The schemes with their sources and options."""
    return ["scheme", "what it does", "source", "options"], [
        [
            f"`{name}`",
            scheme.summary,
            scheme.source,
            ", ".join(f"`{option}`" for option in scheme.options.declared()) or "none",
        ]
        for name, scheme in SCHEMES.items()
    ]


def datasets() -> Table:
    """The data sets that can be fetched."""
    return ["name", "parts", "data set", "licence", "to cite"], [
        [
            f"`{name}`",
            ", ".join(f"`{part}`" for part in dataset.files),
            f"[{dataset.title}]({dataset.page})",
            dataset.licence,
            dataset.citation,
        ]
        for name, dataset in DATASETS.items()
    ]


GIVEN = {"present": "positive", "unsure": "unknown"}


def relations() -> Table:
    """What the relations of mappings mean, each with its first row in DESED's."""
    ontology, rows = load_ontology().with_supplement(), load_mapping("desed").rows
    first = {row.relation: row for row in reversed(rows)}
    header = ["relation", "example", "class where the label is given", "class where it is not"]
    return header, [
        [
            f"`{name}`",
            f"{first[name].label} → {ontology.name(first[name].class_id or '')}",
            GIVEN[relation.given],
            "negative" if relation.covers else "not concerned",
        ]
        for name, relation in RELATIONS.items()
    ]


def mappings() -> Table:
    """The embedded mappings: what is mapped, labels, rows by relation, coverage."""
    kinds = [name.removeprefix("skos:").removesuffix("Match") for name in RELATIONS]
    found = []
    for name in mapping_names():
        mapping = load_mapping(name)
        text = (ontology_folder() / "mappings" / f"{name}.sssom.tsv").read_text("utf-8")
        source = re.search(r'^#subject_source: "(.*)"$', text, re.MULTILINE)
        rows = [row.relation for row in mapping.rows if row.class_id is not None]
        none = len(mapping.rows) - len(rows)
        numbers = [len(mapping.labels), none, *map(rows.count, RELATIONS), len(mapping.covered)]
        found.append([f"`{name}`", source[1] if source else "", *map(str, numbers)])
    header = ["mapping", "data set", "labels", "of no class", *kinds, "classes annotated for"]
    return header, found


def scheme_options() -> Table:
    """The options of each scheme."""
    return _options("scheme", {name: s.options.declared() for name, s in SCHEMES.items()})


def exporter_options() -> Table:
    """The options of each form that is written."""
    return _options("form", {name: form.options for name, form in EXPORTERS.items()})


def _options(owner: str, declared: Mapping[str, Mapping[str, Option]]) -> Table:
    return [owner, "option", "values", "default", "what it does"], [
        [
            f"`{name}`",
            f"`{option.name}`",
            ", ".join(f"`{value}`" for value in option.choices)
            or ("`True`, `False`" if option.is_flag else option.metavar),
            option.default_text or ("`False`" if option.is_flag else "none"),
            option.help,
        ]
        for name, options in declared.items()
        for option in options.values()
    ]


def formats() -> Table:
    """The formats that are read."""
    return ["format", "what it is"], [
        [f"`{name}`", each.summary] for name, each in {**LABEL_FORMATS, **EVENT_FORMATS}.items()
    ]


def score_formats() -> Table:
    """The formats of score files."""
    return ["format", "what it is", "container"], [
        [f"`{name}`", each.summary, each.container] for name, each in SCORE_FORMATS.items()
    ]


def fates() -> Table:
    """The fate of a row with each kind of finding."""
    return ["kind", "fate"], [[f"`{kind}`", fate] for kind, fate in FATES.items()]


# Rows of event files with one thing odd in each, or in two together.
ODD_EVENTS = """\
filename,event_label,onset,offset
a.wav,Bark,2.0,1.0
a.wav,Meow,3.0,3.0
a.wav,Rain,12.0,13.0
a.wav,Wind,one,2.0
b.wav,Bark,-0.5,1.0
b.wav,Bark,0.5,2.0
b.wav,Bark,2.0,3.0
b.wav,Meow,1.0,2.0
b.wav,Meow,1.0,2.0
b.wav,Wind,9.0,12.0
b.wav,Rain,9.7,10.0
c.wav,,,
c.wav,Bark,1.0,2.0
d.wav,,1.0,2.0
e.wav,Nosuch,1.0,2.0
f.wav,Bark,1.0,2.0
f.mp3,Bark,1.0,2.0
,Bark,1.0,2.0
g.wav,Bark,1.0
"""
ODD_FRAMES = """\
segment_id,start_time_seconds,end_time_seconds,label,present,clip_duration
s9d-2nhuJCQ_30000,0.00,0.96,/m/04rlf,PRESENT,10
s9d-2nhuJCQ_30000,0.96,1.92,/m/04rlf,MAYBE,10
s9d-2nhuJCQ_30000,1.92,2.88,/m/04rlf,PRESENT,9
"""
ODD_PLACES = "video_id,onset,offset,label\ns9d-2nhuJCQ,30.96,31.92,/m/04rlf\n"
ODD_ABSENCES = "filename,labels\nb.wav,Bark\nh.wav,Bark\n"


def event_fates() -> Table:
    """The fate of odd rows of event files, found by reading such rows."""
    texts = {"events": ODD_EVENTS, "frames": ODD_FRAMES, "places": ODD_PLACES}
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        for stem, text in {**texts, "absent": ODD_ABSENCES}.items():
            (folder / f"{stem}.csv").write_text(text, encoding="utf-8")
        summary = expand_files(
            [folder / f"{stem}.csv" for stem in texts],
            folder / "frames.parquet",
            "strong-framed",
            unknown="drop",
            explicit_negatives=folder / "absent.csv",
        )
    kinds = list(FATES)
    found = sorted(summary.finding_counts, key=lambda key: kinds.index(key[0]))
    return ["kind", "reason", "fate"], [
        [f"`{kind}`", reason, FATES[kind]] for kind, reason in found
    ]


def columns() -> Table:
    """The column names that the readers recognise."""
    return ["column", "names, in order of preference"], [
        [role.summary, ", ".join(f"`{name}`" for name in role.names)] for role in ROLES.values()
    ]


def layouts() -> Table:
    """Column names and Arrow types of the layouts, for the 527 classes."""
    kinds = {"hard": LAYOUTS, "soft": SOFT_LAYOUTS}
    return ["targets", "layout", "column", "type with 527 classes", "rows in a row group"], [
        [kind, f"`{name}`", f"`{column}`", f"`{type_}`", f"{layout.group:,}"]
        for kind, layouts in kinds.items()
        for name, layout in layouts.items()
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


def strong_classes() -> Table:
    """Where the classes of the strong labels come from, for each of their vocabularies."""
    ontology, weak = load_ontology(), load_vocabulary("audioset")
    header = ["vocabulary", "classes", "of the 527", "only in the ontology", "not in the ontology"]
    rows = []
    for name in (name for name in NAMED if name.startswith("audioset-strong")):
        ids = load_vocabulary(name).ids
        shared = sum(id_ in weak.index for id_ in ids)
        known = sum(id_ in ontology for id_ in ids)
        numbers = [len(ids), shared, known - shared, len(ids) - known]
        rows.append([f"`{name}`", *map(str, numbers)])
    return header, rows


def strong_only() -> Table:
    """The classes of the strong labels that are in the ontology, but not among the 527."""
    ontology, weak = load_ontology(), load_vocabulary("audioset")
    strong = load_vocabulary("audioset-strong")
    chosen = [id_ for id_ in strong.ids if id_ in ontology and id_ not in weak.index]
    return ["class", "id", "parents"], [
        [ontology.name(id_), f"`{id_}`", _names(ontology.parents(id_)) or "none"] for id_ in chosen
    ]


def renamed() -> Table:
    """The classes whose names differ between strong and weak labels."""
    weak, strong = load_vocabulary("audioset"), load_vocabulary("audioset-strong")
    pairs = [(id_, weak.names[weak.index[id_]]) for id_ in strong.ids if id_ in weak.index]
    return ["id", "weak labels", "strong labels"], [
        [f"`{id_}`", name, strong.names[strong.index[id_]]]
        for id_, name in pairs
        if name != strong.names[strong.index[id_]]
    ]


def without_strong() -> Table:
    """The classes of the 527 without strong labels, by their relation to Music."""
    ontology, weak = load_ontology(), load_vocabulary("audioset")
    strong, music = load_vocabulary("audioset-strong"), load_ontology().find("Music")
    below = ontology.descendants(music)
    groups = {
        "below Music on every path": [id_ for id_ in below if music in ontology.dominators(id_)],
        "below Music on some path": [id_ for id_ in below if music not in ontology.dominators(id_)],
        "not below Music": [id_ for id_ in weak.ids if id_ not in below],
    }
    header = ["classes of the 527", "number", "with strong labels", "without", "which"]
    rows = []
    for where, ids in groups.items():
        ids = [id_ for id_ in weak.ids if id_ in set(ids)]
        lacking = [id_ for id_ in ids if id_ not in strong.index]
        numbers = [len(ids), len(ids) - len(lacking), len(lacking)]
        rows.append([where, *map(str, numbers), _names(lacking) or "none"])
    return header, rows


def _names(ids: Iterable[str]) -> str:
    ontology = load_ontology()
    return "; ".join(ontology.name(id_) for id_ in ids)


def exporters() -> Table:
    """The formats that are exported."""
    return ["format", "what it is", "made from", "options", "soft targets", "read again by"], [
        [
            f"`{name}`",
            form.summary,
            " or ".join(
                {Targets: "a targets file", SoftTargets: "a soft one", Events: "an event file"}[s]
                for s in form.sources
            ),
            ", ".join(f"`--{option.replace('_', '-')}`" for option in form.options) or "none",
            form.soft or "refused",
            form.back or "nothing",
        ]
        for name, form in EXPORTERS.items()
    ]


def models() -> Table:
    """The models."""
    return ["model", "what it is", "takes", "options", "source", "deviations"], [
        [
            f"`{name}`",
            model.summary,
            f"{model.takes} at {model.rate:,} Hz" if model.rate else model.takes,
            ", ".join(
                f"`{name}`" + (f" (default `{value}`)" if value != "" else "")
                for name, value in model.options().items()
            )
            or "none",
            model.source,
            model.deviations,
        ]
        for name, model in MODELS.items()
    ]


def recipes() -> Table:
    """The recipes, with what each sets."""
    found = []
    for name, recipe in RECIPES.items():
        made = recipe.settings()
        options = made.pop("model_options", {})
        shown = [f"`--{option.replace('_', '-')} {value}`" for option, value in made.items()]
        shown += [f"`--set {option}={value}`" for option, value in options.items()]
        needs = "; ".join(f"`--{option}`: {what}" for option, what in recipe.needs.items())
        found.append([f"`{name}`", recipe.summary, ", ".join(shown), needs or "nothing",
                      recipe.source, recipe.deviations])  # fmt: skip
    header = ["recipe", "what it trains", "what it sets", "needs", "source", "deviations"]
    return header, found


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
        scheme_options,
        datasets,
        relations,
        mappings,
        formats,
        score_formats,
        fates,
        event_fates,
        columns,
        layouts,
        vocabularies,
        strong_classes,
        strong_only,
        renamed,
        without_strong,
        supplement,
        aliases,
        exporters,
        exporter_options,
        models,
        recipes,
    )
}


class FactsDirective(SphinxDirective):
    """A table of `FACTS`; or the rows that begin with a name, without that column."""

    required_arguments = 1
    optional_arguments = 1

    def run(self) -> list[nodes.Node]:
        """The table, parsed as the page around it is."""
        header, rows = FACTS[self.arguments[0]]()
        for name in self.arguments[1:]:
            header, rows = header[1:], [row[1:] for row in rows if row[0] == f"`{name}`"]
        lines = [_line(header), _line(["---"] * len(header)), *map(_line, rows)]
        return self.parse_text_to_nodes("\n".join(lines))


def _line(cells: Iterable[str]) -> str:
    return "| " + " | ".join(cell.replace("|", r"\|") for cell in cells) + " |"


def setup(app: Sphinx) -> dict[str, Any]:
    """Register the directive."""
    app.add_directive("facts", FactsDirective)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
