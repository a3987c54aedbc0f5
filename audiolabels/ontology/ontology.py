"""The AudioSet ontology: an immutable directed acyclic graph of sound classes.

Edges run from the general class to the specific one. "Ancestor" and "descendant" mean over every
path; a class is neither its own ancestor nor its own descendant.

Source: Gemmeke et al., "Audio Set: An ontology and human-labeled dataset for audio events",
ICASSP 2017; ontology v1 (632 classes). Deviations: none in ids, names, edges and flags; the
descriptions are not embedded. The supplement adds the 31 classes of the strong labels (Hershey et
al., ICASSP 2021) that v1 lacks; their parents are this project's own choice.
"""

import csv
import hashlib
import json
import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from functools import cache, cached_property
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from audiolabels.arrays.tables import html_table
from audiolabels.datasets.cache import find_file
from audiolabels.errors import OntologyError, UnknownClassError, expect, guarded, nearest, shortlist
from audiolabels.files import parse_json
from audiolabels.ontology.embedded import ontology_folder
from audiolabels.ontology.graph import (
    OntologyClass,
    invert,
    refuse_bad_ids,
    refuse_dangling,
    topological,
)

if TYPE_CHECKING:
    import networkx

LARGEST = 1 << 26  # bytes of an ontology's file; AudioSet's has 340,000


class Ontology:
    """An immutable graph of sound classes.

    Args:
        classes: the classes, in the order of the vocabulary `ontology`.
        aliases: other ids of the same class, id to id.
        names: further display names in label files, name to id.
        supplement: ids of the classes that a supplement added.

    Raises:
        OntologyError: an id is malformed or occurs twice, a child does not exist, or the graph has
            a cycle; the message names the offenders.

    >>> toy = toy_ontology()
    >>> toy
    Ontology(9 classes, 8 edges, 2 roots, 4 leaves)
    >>> toy.name("/toy/electric"), sorted(toy.ancestors("/toy/electric"))
    ('Electric guitar', ['/toy/guitar', '/toy/music', '/toy/strings'])
    """

    def __init__(
        self,
        classes: Iterable[OntologyClass],
        *,
        aliases: Mapping[str, str] = MappingProxyType({}),
        names: Mapping[str, str] = MappingProxyType({}),
        supplement: Iterable[str] = (),
    ) -> None:
        self.classes: tuple[OntologyClass, ...] = tuple(classes)
        refuse_bad_ids(self.classes)
        self.ids: tuple[str, ...] = tuple(c.id for c in self.classes)
        self._by_id = {c.id: c for c in self.classes}
        refuse_dangling(self._by_id)
        self._parents = invert(self.classes)
        self._downward = topological(self._by_id, self._parents)
        self.aliases: Mapping[str, str] = {
            alias: id_ for alias, id_ in aliases.items() if id_ in self._by_id
        }
        self.supplement: frozenset[str] = frozenset(supplement)
        self._extra_names = {name: id_ for name, id_ in names.items() if id_ in self._by_id}

    def __len__(self) -> int:
        return len(self.classes)

    def __iter__(self) -> Iterator[str]:
        return iter(self.ids)

    def __contains__(self, id_: object) -> bool:
        return id_ in self._by_id

    def __getitem__(self, id_: str) -> OntologyClass:
        try:
            return self._by_id[id_]
        except KeyError:
            raise UnknownClassError(f"no class has the id {id_!r}; find() takes names") from None

    def name(self, id_: str) -> str:
        """Display name of a class."""
        return self[id_].name

    def children(self, id_: str) -> tuple[str, ...]:
        """Ids of the direct children, in the file's order."""
        return self[id_].children

    def parents(self, id_: str) -> tuple[str, ...]:
        """Ids of the direct parents, in the file's order."""
        return self._parents[self[id_].id]

    def ancestors(self, id_: str) -> frozenset[str]:
        """Ids of every class above, over all paths."""
        return self._ancestors[self[id_].id]

    def descendants(self, id_: str) -> frozenset[str]:
        """Ids of every class below, over all paths."""
        return self._descendants[self[id_].id]

    def most_specific(self, ids: Iterable[str]) -> set[str]:
        """Those of some classes below which there is no other of them; unknown ids are kept."""
        own = set(ids)
        return {id_ for id_ in own if id_ not in self or not self.descendants(id_) & own}

    def dominators(self, id_: str) -> frozenset[str]:
        """Ids of the ancestors on every path from a root to the class.

        >>> toy = toy_ontology()
        >>> sorted(toy.ancestors("/toy/church")), sorted(toy.dominators("/toy/church"))
        (['/toy/bell', '/toy/music', '/toy/things'], ['/toy/bell'])
        """
        return self._dominators[self[id_].id]

    @cached_property
    def index(self) -> Mapping[str, int]:
        """Position of each id in `ids`."""
        return {id_: i for i, id_ in enumerate(self.ids)}

    @cached_property
    def display_names(self) -> tuple[tuple[str, str], ...]:
        """Every display name with the id of its class: the ontology's own, those of label files."""
        own = tuple((c.name, c.id) for c in self.classes)
        known = {name for name, _ in own}
        return (*own, *((n, id_) for n, id_ in self._extra_names.items() if n not in known))

    @cached_property
    def roots(self) -> tuple[str, ...]:
        """Ids of the classes without a parent."""
        return tuple(id_ for id_ in self.ids if not self._parents[id_])

    @cached_property
    def leaves(self) -> tuple[str, ...]:
        """Ids of the classes without a child."""
        return tuple(c.id for c in self.classes if not c.children)

    @cached_property
    def edge_count(self) -> int:
        """Number of direct parent-child pairs."""
        return sum(len(c.children) for c in self.classes)

    @cached_property
    def digest(self) -> str:
        """SHA-256 of ids, names, edges, flags and aliases, independent of the file format."""
        facts = sorted((c.id, c.name, sorted(c.children), sorted(c.flags)) for c in self.classes)
        text = json.dumps([facts, sorted(self.aliases.items())], ensure_ascii=False)
        return hashlib.sha256(text.encode()).hexdigest()

    @cached_property
    def graph(self) -> "networkx.DiGraph[str]":
        """A frozen networkx graph; nodes are ids with `name` and `flags`, edges parent to child."""
        import networkx

        graph: networkx.DiGraph[str] = networkx.DiGraph()
        for c in self.classes:
            graph.add_node(c.id, name=c.name, flags=c.flags)
        graph.add_edges_from((c.id, child) for c in self.classes for child in c.children)
        return networkx.freeze(graph)

    def resolve(self, label: str) -> str | None:
        """Id of the class of a label in a file, or None.

        A label is an id, an alias, or a display name in the exact spelling of AudioSet (weak or
        strong labels) or FSD50K.
        """
        return label if label in self._by_id else self._exact.get(label)

    def find(self, text: str) -> str:
        """Id of a class by id or name, ignoring case, punctuation and underscores.

        A part of a name between commas is enough if it is unique.

        Raises:
            UnknownClassError: no class matches, or several; the message suggests the nearest.

        >>> toy_ontology().find("electric_GUITAR")
        '/toy/electric'
        >>> toy_ontology().find("Gitar")
        Traceback (most recent call last):
        audiolabels.errors.UnknownClassError: no class matches 'Gitar'; the nearest: Guitar
        """
        expect("class", text, str, "an id or a name")
        exact = self.resolve(text.strip())
        if exact:
            return exact
        key = _plain(text)
        for table in (self._plain_names, self._plain_parts):
            matches = sorted(table.get(key, ()))
            if len(matches) == 1:
                return matches[0]
            if matches:
                options = shortlist(f"{self.name(m)} ({m})" for m in matches)
                raise UnknownClassError(f"{text!r} is not one class; give an id: {options}")
        near = self._nearest(text, 5)
        hint = f"; the nearest: {'; '.join(near)}" if near else ""
        raise UnknownClassError(f"no class matches {text!r}{hint}")

    def hint(self, label: object, place: str = "") -> str:
        """An unknown label in messages, with its place and the nearest names.

        >>> toy_ontology().hint("Gitar", "row 7")
        "'Gitar' (row 7; the nearest: Guitar)"
        """
        near = self._nearest(str(label), 3)
        facts = [place] * bool(place) + [f"the nearest: {'; '.join(near)}"] * bool(near)
        return f"{label!r} ({'; '.join(facts)})" if facts else repr(label)

    def _nearest(self, text: str, limit: int) -> list[str]:
        pool = self._plain_names | self._plain_parts
        found = nearest(_plain(text), pool, limit)
        return list(dict.fromkeys(self.name(min(pool[key])) for key in found))

    def with_supplement(self) -> "Ontology":
        """This ontology and the classes of the strong labels that it lacks.

        Only classes with a parent in this ontology are added, each as a leaf, so no relation
        between existing classes changes. Aliases and the names in label files are added too.

        >>> len(load_ontology()), len(load_ontology().with_supplement())
        (632, 663)
        """
        supplement = _read_json(ontology_folder() / "audioset_strong.json")
        added = [
            c
            for c in supplement["classes"]
            if c["id"] not in self._by_id and c["parent"] in self._by_id
        ]
        below: dict[str, list[str]] = {}
        for c in added:
            below.setdefault(c["parent"], []).append(c["id"])
        extended = [
            OntologyClass(c.id, c.name, (*c.children, *below.get(c.id, ())), c.flags)
            for c in self.classes
        ]
        return Ontology(
            [*extended, *(OntologyClass(c["id"], c["name"]) for c in added)],
            aliases={**self.aliases, **supplement["aliases"]},
            names={**_names_in_use(), **self._extra_names},
            supplement=self.supplement.union(c["id"] for c in added),
        )

    def __repr__(self) -> str:
        return (
            f"Ontology({len(self)} classes, {self.edge_count} edges, "
            f"{len(self.roots)} roots, {len(self.leaves)} leaves)"
        )

    def _repr_html_(self) -> str:
        rows = ((self.name(root), root, len(self.descendants(root))) for root in self.roots)
        return html_table(self, ("root", "id", "classes below"), rows)

    @cached_property
    def _exact(self) -> dict[str, str]:
        count = Counter(c.name for c in self.classes)
        own = {c.name: c.id for c in self.classes if count[c.name] == 1}
        extra = {name: id_ for name, id_ in self._extra_names.items() if name not in count}
        return {**extra, **own, **self.aliases}

    @cached_property
    def _plain_names(self) -> dict[str, set[str]]:
        table: dict[str, set[str]] = {}
        for name, id_ in [*self._exact.items(), *((c.name, c.id) for c in self.classes)]:
            table.setdefault(_plain(name), set()).add(id_)
        return table

    @cached_property
    def _plain_parts(self) -> dict[str, set[str]]:
        table: dict[str, set[str]] = {}
        for name, id_ in self._exact.items():
            for part in name.split(","):
                table.setdefault(_plain(part), set()).add(id_)
        return table

    @cached_property
    def _ancestors(self) -> dict[str, frozenset[str]]:
        above: dict[str, frozenset[str]] = {}
        for id_ in self._downward:
            parents = self._parents[id_]
            above[id_] = frozenset(parents).union(*(above[p] for p in parents))
        return above

    @cached_property
    def _descendants(self) -> dict[str, frozenset[str]]:
        below: dict[str, frozenset[str]] = {}
        for id_ in reversed(self._downward):
            children = self._by_id[id_].children
            below[id_] = frozenset(children).union(*(below[c] for c in children))
        return below

    @cached_property
    def _dominators(self) -> dict[str, frozenset[str]]:
        over: dict[str, frozenset[str]] = {}
        for id_ in self._downward:
            ways = [over[p] | {p} for p in self._parents[id_]]
            over[id_] = frozenset.intersection(*ways) if ways else frozenset()
        return over


def default_ontology(ontology: Ontology | None) -> Ontology:
    """An ontology that was given, or the embedded one with its supplement.

    Raises:
        InputTypeError: something else, such as the path of a file.
    """
    if ontology is None:
        return load_ontology().with_supplement()
    expect("ontology", ontology, Ontology, "what load_ontology returns")
    return ontology


def load_ontology(path: str | Path | None = None) -> Ontology:
    """Load the embedded AudioSet ontology v1, or one from a JSON file.

    Args:
        path: an official `ontology.json` (a list of classes with `id`, `name`, `child_ids`,
            `restrictions`) or a file in the embedded format; None for the embedded ontology.

    Raises:
        OntologyError: the file is not an ontology, or its graph is invalid.

    >>> load_ontology()
    Ontology(632 classes, 670 edges, 7 roots, 474 leaves)
    """
    if path is None:
        return _embedded()
    expect("ontology", path, str | Path, "the path of an ontology.json")
    return _build(find_file("ontology", path))


@cache
def _embedded() -> Ontology:
    return _build(ontology_folder() / "audioset.json")


def toy_ontology() -> Ontology:
    """Nine classes with a chain, a class of two parents, and two roots, for examples and tests.

    >>> toy = toy_ontology()
    >>> [toy.name(root) for root in toy.roots]
    ['Music', 'Things']
    """
    shape = {
        "music": ("Music", "strings bell"),
        "strings": ("Plucked string instrument", "guitar"),
        "guitar": ("Guitar", "electric acoustic"),
        "electric": ("Electric guitar", ""),
        "acoustic": ("Acoustic guitar", ""),
        "things": ("Things", "bell engine"),
        "bell": ("Bell", "church"),
        "church": ("Church bell", ""),
        "engine": ("Engine", ""),
    }
    return Ontology(
        OntologyClass(f"/toy/{key}", name, tuple(f"/toy/{c}" for c in children.split()))
        for key, (name, children) in shape.items()
    )


def _plain(text: str) -> str:
    return " ".join(re.sub(r"[^\w]|_", " ", text.casefold()).split())


def _build(path: Path) -> Ontology:
    content = _read_json(path)
    entries = content.get("classes") if isinstance(content, dict) else content
    if not isinstance(entries, list) or not entries:
        raise OntologyError(f"{path}: not an ontology: expected a list of classes")
    try:
        return Ontology([_parse_class(path, i, entry) for i, entry in enumerate(entries)])
    except OntologyError as error:
        message = str(error)
        raise OntologyError(
            message if message.startswith(str(path)) else f"{path}: {message}"
        ) from None


def _parse_class(path: Path, position: int, entry: Any) -> OntologyClass:
    fields = entry if isinstance(entry, dict) else {}
    id_, name = fields.get("id"), fields.get("name")
    children: Any = fields.get("children", fields.get("child_ids", []))
    flags: Any = fields.get("flags", fields.get("restrictions", []))
    if not (
        isinstance(id_, str) and isinstance(name, str) and _is_texts(children) and _is_texts(flags)
    ):
        shown = json.dumps(entry, ensure_ascii=False)[:80]
        raise OntologyError(
            f"{path}: entry {position + 1} is not a class with the texts 'id' and 'name' and the "
            f"list 'child_ids': {shown}"
        )
    return OntologyClass(id_, name, tuple(children), tuple(flags))


def _is_texts(value: Any) -> bool:
    return isinstance(value, list) and all(isinstance(item, str) for item in value)


def _read_json(path: Path) -> Any:
    with guarded(path, OntologyError, "cannot be read"):
        size = path.stat().st_size
        if size > LARGEST:
            raise OntologyError(f"{path}: {size:,} bytes are too many for an ontology")
        content = path.read_bytes()
    with guarded(path, OntologyError, "not valid JSON"):
        return parse_json(content)


@cache
def _names_in_use() -> Mapping[str, str]:
    """Display names of the embedded vocabularies; some differ from the ontology's."""
    names: dict[str, str] = {}
    for path in sorted((ontology_folder() / "vocabularies").glob("*.csv")):
        with path.open(encoding="utf-8", newline="") as file:
            names.update((row["name"], row["id"]) for row in csv.DictReader(file))
    return names
