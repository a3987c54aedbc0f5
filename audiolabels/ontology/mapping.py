"""Mappings: what the labels of another data set mean in the ontology.

A mapping is a file in the TSV form of SSSOM, the Simple Standard for Sharing Ontological Mappings
(Matentzoglu et al. 2022), whose relations are those of SKOS. Of each relation `RELATIONS` states
what a label means for the class where it is given, and where it is not. A label may have several
rows; a row with the object `sssom:NoTermFound` states that no class fits. `annotated=none` in the
slot `other` states that of a label that is not given nothing is known, as annotators were
asked about a few labels of each clip.
"""

import csv
import re
from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cache, cached_property
from os.path import lexists
from pathlib import Path
from types import MappingProxyType
from typing import NamedTuple

from audiolabels.errors import MappingError, VocabularyError, expect, guarded, nearest, shortlist
from audiolabels.files import as_path
from audiolabels.ontology.embedded import ontology_folder
from audiolabels.ontology.ontology import Ontology, default_ontology
from audiolabels.ontology.vocabulary import NAMED, load_vocabulary

MODIFIER = "predicate_modifier"  # Not, in SSSOM
COLUMNS = ("subject_label", "predicate_id", "object_id")
NO_CLASS = "sssom:NoTermFound"


class Relation(NamedTuple):
    """What a label means for a class.

    Attributes:
        given: where the label is given, the class is `present` or `unsure`.
        covers: whether the class is absent where the label is not given.
    """

    given: str
    covers: bool


RELATIONS: Mapping[str, Relation] = MappingProxyType(
    {
        "skos:exactMatch": Relation("present", True),
        "skos:broadMatch": Relation("present", False),
        "skos:narrowMatch": Relation("unsure", True),
        "skos:closeMatch": Relation("present", False),
    }
)


class Row(NamedTuple):
    """One row of a mapping: a label, a key of `RELATIONS`, and the id of a class, or None.

    The relation of a row that is not decided yet is empty.
    """

    label: str
    relation: str
    class_id: str | None


@dataclass(frozen=True)
class LabelMapping:
    """What the labels of a data set mean in an ontology.

    Attributes:
        name: of the mapping, in metadata.
        rows: in the order of the file.
        annotated: whether each clip was annotated for all labels.
        undecided: rows of a draft without a relation, see `load_draft`; they count for nothing.

    >>> desed = load_mapping("desed")
    >>> desed
    LabelMapping('desed', 10 labels, 20 rows)
    >>> desed.find("running water"), desed.find("Thunder")
    ('Running_water', None)
    """

    name: str
    rows: tuple[Row, ...]
    annotated: bool = True
    undecided: tuple[Row, ...] = ()

    @cached_property
    def labels(self) -> tuple[str, ...]:
        """The labels, each once."""
        return tuple(dict.fromkeys(row.label for row in self.rows))

    @cached_property
    def covered(self) -> frozenset[str]:
        """Ids of the classes that the data set was annotated for."""
        covering = (r for r in self.rows if self.annotated and RELATIONS[r.relation].covers)
        return frozenset(row.class_id for row in covering if row.class_id is not None)

    def classes(self, label: str) -> dict[str, tuple[str, ...]]:
        """Ids of the classes that are `present` or `unsure` where a label is given, and `absent`
        where it is confirmed absent.
        """
        found: dict[str, list[str]] = {"present": [], "unsure": [], "absent": []}
        for row in self._rows_of[label]:
            if row.class_id is not None:
                relation = RELATIONS[row.relation]
                found[relation.given].append(row.class_id)
                if relation.covers:
                    found["absent"].append(row.class_id)
        return {state: tuple(ids) for state, ids in found.items()}

    def find(self, label: str) -> str | None:
        """The label of the mapping that a label of a file is: in its spelling, or the only one that
        differs in case, spaces, underscores and hyphens alone.
        """
        if label in self._rows_of:
            return label
        alike = self._alike.get(plain(label), ())
        return alike[0] if len(alike) == 1 else None

    @cached_property
    def _rows_of(self) -> Mapping[str, list[Row]]:
        rows: defaultdict[str, list[Row]] = defaultdict(list)
        for row in self.rows:
            rows[row.label].append(row)
        return dict(rows)

    @cached_property
    def _alike(self) -> Mapping[str, list[str]]:
        alike: defaultdict[str, list[str]] = defaultdict(list)
        for label in self.labels:
            alike[plain(label)].append(label)
        return alike

    def __repr__(self) -> str:
        return f"LabelMapping({self.name!r}, {len(self.labels)} labels, {len(self.rows)} rows)"


def plain(label: str) -> str:
    """A label without case, with single spaces for underscores and hyphens.

    >>> plain("Electric_shaver  toothbrush")
    'electric shaver toothbrush'
    """
    return " ".join(re.sub(r"[_-]", " ", label.casefold()).split())


@cache
def mapping_names() -> tuple[str, ...]:
    """Names of the embedded mappings."""
    paths = (ontology_folder() / "mappings").glob("*.sssom.tsv")
    return tuple(sorted(path.name.removesuffix(".sssom.tsv") for path in paths))


def load_mapping(
    source: str | Path | LabelMapping, *, ontology: Ontology | None = None
) -> LabelMapping:
    """Load an embedded mapping, or one from a file.

    Args:
        source: a name in `mapping_names()`, the path of a TSV file in SSSOM's form with the columns
            subject_label, predicate_id and object_id, or a mapping, which is returned.
        ontology: that of the classes; the embedded one with its supplement by default.

    Raises:
        MappingError: no such name or file, a column is missing, a row is undecided, has another
            relation or is of no class, or a label has two relations to one class.
    """
    mapping = load_draft(source, ontology=ontology)
    if mapping.undecided:
        labels = dict.fromkeys(row.label for row in mapping.undecided)
        raise MappingError(
            f"mapping {str(source) if isinstance(source, str | Path) else mapping.name}: "
            f"{len(mapping.undecided)} rows are undecided, of the labels "
            f"{shortlist(labels, show=repr)}. Give each a predicate_id or remove it; 'audiolabels "
            f"map --check' lists them"
        )
    return mapping


def load_draft(
    source: str | Path | LabelMapping, *, ontology: Ontology | None = None
) -> LabelMapping:
    """As `load_mapping`, of a mapping that may have undecided rows: those without a predicate_id.

    Raises:
        MappingError: see `load_mapping`.
    """
    if isinstance(source, LabelMapping):
        return source
    expect("mapping", source, str | Path, "a name, or the path of a file in SSSOM's TSV form")
    if source in mapping_names():
        path, name = ontology_folder() / "mappings" / f"{source}.sssom.tsv", str(source)
    else:
        path = as_path("mapping", source)
        name = path.name.removesuffix(".tsv").removesuffix(".sssom")
        if not path.exists():
            near = nearest(str(source), mapping_names(), 1)
            raise MappingError(
                f"{str(source)!r} is neither a named mapping ({', '.join(mapping_names())}) nor a "
                f"file{''.join(f'; did you mean {other!r}?' for other in near)}"
            )
    ontology = default_ontology(ontology)
    with guarded(path, MappingError, "cannot be read"):
        lines = path.read_text("utf-8-sig").splitlines()
        rows = tuple(_parse(path, lines, ontology))
    found = [re.match(r"# ?other:.*annotated=(\w*)", line) for line in lines]
    stated = {match[1] for match in found if match}
    if stated - {"none"}:
        raise MappingError(f"{path}: annotated={min(stated)} in the slot other: only none is read")
    annotated = not stated
    decided, undecided = (
        tuple(r for r in rows if bool(r.relation) is is_) for is_ in (True, False)
    )
    return LabelMapping(name, decided, annotated, undecided)


def _parse(path: Path, lines: list[str], ontology: Ontology) -> Iterable[Row]:
    numbered = [(i, line) for i, line in enumerate(lines, 1) if line and not line.startswith("#")]
    table = csv.reader((line for _, line in numbered), delimiter="\t")
    head = next(table, [])
    missing = [name for name in COLUMNS if name not in head]
    if missing:
        raise MappingError(
            f"{path}: no column {', '.join(missing)}; a mapping is a TSV file with the columns "
            f"{', '.join(COLUMNS)}"
        )
    seen: dict[tuple[str, str | None], str] = {}
    for (number, _), cells in zip(numbered[1:], table, strict=False):
        where = f"{path}: row {number:,}"
        if len(cells) < len(head):
            raise MappingError(f"{where} has {len(cells)} of {len(head)} cells")
        label, relation, object_id = (cells[head.index(name)].strip() for name in COLUMNS)
        if not label:
            raise MappingError(f"{where} has no subject_label")
        class_id = None if object_id == NO_CLASS else ontology.resolve(object_id)
        if MODIFIER in head and (modifier := cells[head.index(MODIFIER)].strip()):
            raise MappingError(
                f"{where}: {MODIFIER} {modifier!r}: relations that do not hold are not read; "
                "remove the row"
            )
        if not relation:
            yield Row(label, "", class_id)
            continue
        if relation not in RELATIONS:
            near = "".join(f"; did you mean {r!r}?" for r in nearest(relation, RELATIONS, 1))
            raise MappingError(
                f"{where}: predicate_id {relation!r} is none of {', '.join(RELATIONS)}{near}"
            )
        if class_id is None and object_id != NO_CLASS:
            raise MappingError(
                f"{where}: the ontology has no class {object_id!r}; a label that no class fits has "
                f"the object_id {NO_CLASS}"
            )
        if seen.setdefault((label, class_id), relation) != relation:
            raise MappingError(f"{where}: {label!r} has two relations to {object_id}")
        yield Row(label, relation, class_id)


class MappingCheck(NamedTuple):
    """What is left to do about a mapping, and what may be.

    Attributes:
        missing: labels of the data set without a row.
        undecided: labels with an undecided row.
        unused: labels with rows, which the data set lacks.
        shared: ids of the classes of several labels, with these.
    """

    missing: tuple[str, ...]
    undecided: tuple[str, ...]
    unused: tuple[str, ...]
    shared: Mapping[str, tuple[str, ...]]


def check_mapping(mapping: LabelMapping, labels: Iterable[str] | None = None) -> MappingCheck:
    """Compare a mapping with the labels of its data set, if they are given.

    >>> check_mapping(load_mapping("desed"), ["Dog", "dishes", "Thunder"]).missing
    ('Thunder',)
    """
    whole = LabelMapping(mapping.name, (*mapping.rows, *mapping.undecided))
    given = None if labels is None else {label: whole.find(label) for label in labels}
    shared: defaultdict[str, dict[str, None]] = defaultdict(dict)
    for row in mapping.rows:
        if row.class_id is not None:
            shared[row.class_id][row.label] = None
    return MappingCheck(
        tuple(label for label, own in (given or {}).items() if own is None),
        tuple(dict.fromkeys(row.label for row in mapping.undecided)),
        () if given is None else tuple(x for x in whole.labels if x not in given.values()),
        {id_: tuple(own) for id_, own in shared.items() if len(own) > 1},
    )


def load_annotated(
    source: str | Path | Iterable[str], ontology: Ontology
) -> tuple[str, frozenset[str]]:
    """The classes that a data set was annotated for, by name: id.

    Args:
        source: `none`, a mapping or a vocabulary by name, a list of classes, or a file of one.
        ontology: that of the classes.

    Raises:
        VocabularyError: no such vocabulary or file, or a class that the ontology lacks.
        MappingError: a broken mapping.
    """
    if source == "none":
        return "none", frozenset()
    if isinstance(source, str) and source in mapping_names():
        return source, load_mapping(source, ontology=ontology).covered
    if isinstance(source, str | Path) and str(source).endswith(".sssom.tsv"):
        mapping = load_mapping(source, ontology=ontology)
        return mapping.name, mapping.covered
    known = (*mapping_names(), *NAMED)
    if (
        isinstance(source, str)
        and source not in known
        and ":" not in source
        and not lexists(source)
    ):
        raise VocabularyError(
            f"annotated: {source!r} is neither 'none', nor a named mapping "
            f"({', '.join(mapping_names())}), nor a named vocabulary ({', '.join(NAMED)}), nor a "
            f"file{''.join(f'; did you mean {n!r}?' for n in nearest(source, known, 1))}"
        )
    vocabulary = load_vocabulary(source, ontology=ontology)
    ids = frozenset(ontology.resolve(id_) or id_ for id_ in vocabulary.ids)
    return vocabulary.name, ids
