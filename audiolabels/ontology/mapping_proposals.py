"""Proposals for a mapping: the classes that a label may mean, by its spelling, each with a score.

A label is the exact match of a class only if their names are equal, up to case, underscores,
hyphens and plurals, and no other class has the same name. All else is left for a person to decide.
Such rows of a draft have no relation, and `audiolabels.ontology.mapping.load_mapping` refuses the
file until they are decided or removed.

Source: this project. Scores order proposals; they are no probabilities.
"""

import re
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping
from difflib import SequenceMatcher, get_close_matches
from functools import cached_property
from pathlib import Path
from typing import NamedTuple

from audiolabels.errors import MappingError, OptionError
from audiolabels.files import plain as cell
from audiolabels.files import quote, write_rows
from audiolabels.files.remote import to_path
from audiolabels.ontology.mapping import plain
from audiolabels.ontology.ontology import Ontology

EXACT = "skos:exactMatch"
NEAREST = 3  # names of the most similar spelling
SIMILAR = 0.75  # least ratio of characters in common, by difflib
LARGEST = 0.8  # score of a name that is merely similar
COLUMNS = (
    *("subject_label", "predicate_id", "object_id", "object_label"),
    *("mapping_justification", "confidence", "comment"),
)
HEADER = (
    '#comment: "A draft. Give each row without predicate_id one, or remove it; fill in the rest."',
    "#curie_map:",
    '#  semapv: "https://w3id.org/semapv/vocab/"',
    '#  skos: "http://www.w3.org/2004/02/skos/core#"',
    '#  sssom: "https://w3id.org/sssom/"',
    '#license: ""',
    '#mapping_set_id: ""',
    '#subject_source: ""',
    '#subject_type: "rdfs literal"',
    "\t".join(COLUMNS),
)


class Proposal(NamedTuple):
    """A class that a label may mean.

    Attributes:
        class_id: its id.
        relation: `skos:exactMatch`, or empty where a person has to decide.
        confidence: the score, above 0 to 1.
        reason: in what label and name agree.
    """

    class_id: str
    relation: str
    confidence: float
    reason: str

    @property
    def justification(self) -> str:
        """SSSOM's `mapping_justification`."""
        lexical = self.confidence > LARGEST
        return "semapv:LexicalMatching" if lexical else "semapv:UnspecifiedMatching"


def singular(text: str) -> str:
    """A plain text without the plural endings of its words.

    >>> singular("Church_bells"), singular("glass bus stories")
    ('church bell', 'glass bus story')
    """
    return " ".join(map(_singular, plain(text).split()))


def _singular(word: str) -> str:
    if re.search(r".[^aeiou]ies$", word):
        return f"{word[:-3]}y"
    if re.search(r"(ch|sh|ss|x|z)es$", word):
        return word[:-2]
    return word[:-1] if re.search(r"..[^sui]s$", word) else word


def _stems(text: str) -> frozenset[str]:
    """The words of a text without plural, `-ing` and a final `-e`."""
    words = (_singular(word) for word in re.sub(r"[^\w\s]", " ", plain(text)).split())
    stems = (re.sub(r"(?<=...)(ing|e)$", "", word) for word in words)
    return frozenset(re.sub(r"([^aeiousl])\1$", r"\1", stem) for stem in stems)


# Equality of names, the strictest first: what is left of a name, score, reason.
EQUAL: tuple[tuple[Callable[[str], str], float, str], ...] = (
    (str, 1.0, "same name"),
    (str.casefold, 0.99, "same name but for case"),
    (plain, 0.98, "same name but for case, underscores and hyphens"),
    (singular, 0.95, "same name but for case, underscores, hyphens and plurals"),
)
PART = (0.9, "part of the name between commas")


Table = Mapping[str, set[str]]


class _Names:
    """The names of an ontology's classes, by what is left of them."""

    def __init__(self, ontology: Ontology) -> None:
        self.ontology = ontology
        self.equal = [self._table(key) for key, _, _ in EQUAL]
        self.parts = self._table(singular, ",")

    def _table(self, key: Callable[[str], str], separator: str | None = None) -> Table:
        """Key to ids of classes; where names have parts, of these."""
        table: defaultdict[str, set[str]] = defaultdict(set)
        for name, id_ in self.ontology.display_names:
            for part in name.split(separator) if separator else [name]:
                table[key(part)].add(id_)
        table.pop("", None)
        return dict(table)

    @cached_property
    def pool(self) -> Table:
        """Names and parts of names."""
        whole, parts = self.equal[-1], self.parts
        return {key: whole.get(key, set()) | parts.get(key, set()) for key in {**whole, **parts}}

    @cached_property
    def stems(self) -> list[tuple[frozenset[str], set[str]]]:
        return [(stems, ids) for key, ids in self.pool.items() if (stems := _stems(key))]


def propose(labels: Iterable[str], ontology: Ontology) -> dict[str, tuple[Proposal, ...]]:
    """The classes that labels may mean, those of the highest score first.

    Args:
        labels: the labels.
        ontology: that of the classes.

    Returns:
        Label, each once, to its proposals: the class of the same name alone, if there is one; else
        classes of several with equal names, those whose names have a part or words in common with
        the label, or, if there is none, those of the most similar names. Equal scores are in the
        order of the ontology.

    >>> from audiolabels import toy_ontology
    >>> found = propose(["electric_guitars", "bell ringing"], toy_ontology())
    >>> found["electric_guitars"][0][:3]
    ('/toy/electric', 'skos:exactMatch', 0.95)
    >>> found["bell ringing"]
    (Proposal(class_id='/toy/bell', relation='', confidence=0.4, reason='words of the name'),)
    """
    names = _Names(ontology)
    return {label: _propose(label, names) for label in dict.fromkeys(labels)}


def _propose(label: str, names: _Names) -> tuple[Proposal, ...]:
    ontology = names.ontology
    if label in ontology or label in ontology.aliases:
        id_ = ontology.resolve(label)
        assert id_ is not None
        return (Proposal(id_, EXACT, 1.0, "the class's id"),)
    for (key, score, reason), table in zip(EQUAL, names.equal, strict=True):
        if ids := table.get(key(label)):
            relation = EXACT if len(ids) == 1 else ""
            reason = reason if len(ids) == 1 else f"{reason}, as {len(ids)} classes have"
            found = [Proposal(id_, relation, score, reason) for id_ in ids]
            break
    else:
        found = [*_of_parts(label, names), *_of_words(label, names)] or _of_spelling(label, names)
    best: dict[str, Proposal] = {}
    for each in sorted(found, key=lambda p: (-p.confidence, ontology.index[p.class_id])):
        best.setdefault(each.class_id, each)
    return tuple(best.values())


def _of_parts(label: str, names: _Names) -> list[Proposal]:
    keys = {singular(part) for part in (label, *label.split(","))}
    return [Proposal(id_, "", *PART) for key in keys for id_ in names.parts.get(key, ())]


def _of_words(label: str, names: _Names) -> list[Proposal]:
    own = _stems(label)
    return [
        Proposal(id_, "", round(LARGEST * len(stems) / len(own), 2), "words of the name")
        for stems, ids in names.stems
        if stems <= own
        for id_ in ids
    ]


def _of_spelling(label: str, names: _Names) -> list[Proposal]:
    key = singular(label)
    return [
        Proposal(
            id_,
            "",
            round(LARGEST * SequenceMatcher(a=near, b=key).ratio(), 2),
            "similar spelling",
        )
        for near in get_close_matches(key, sorted(names.pool), NEAREST, SIMILAR)
        for id_ in names.pool[near]
    ]


def write_draft(
    path: str | Path, proposals: Mapping[str, tuple[Proposal, ...]], ontology: Ontology
) -> int:
    """Write proposals as a mapping in SSSOM's TSV form; returns the number of rows.

    A label without proposals has a row of empty cells.

    Raises:
        OptionError: the file exists; a finished mapping would be lost.
        MappingError: a label is empty, or has line breaks or outer spaces.
        TargetsFileError: the file cannot be written.
    """
    if to_path(path).exists():
        raise OptionError(f"{path}: exists already, perhaps with decisions; name another file")
    rows: list[str] = []
    for label, own in proposals.items():
        if label != label.strip() or len(label.splitlines()) != 1:
            raise MappingError(f"label {label!r}: a mapping has no line breaks or outer spaces")
        first = quote(label) if label.startswith("#") else cell(label)
        for p in own or (None,):
            rest = ("",) * 6 if p is None else _cells(p, ontology)
            rows.append("\t".join([first, *map(cell, rest)]))
    return write_rows(path, [*HEADER, *rows]) - len(HEADER)


def _cells(proposal: Proposal, ontology: Ontology) -> tuple[str, ...]:
    """The cells of a row after that of the label."""
    class_id, relation, confidence, reason = proposal
    name = ontology.name(class_id)
    return relation, class_id, name, proposal.justification, f"{confidence:g}", reason
