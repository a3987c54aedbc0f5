"""Pictures of classes: how frequent they are, what is unknown, what a label implies."""

from typing import TYPE_CHECKING, Any

import numpy as np

from audiolabels.errors import OptionError, expect
from audiolabels.labels.annotations import Annotations
from audiolabels.ontology.ontology import Ontology, default_ontology
from audiolabels.ontology.vocabulary import Vocabulary, load_vocabulary
from audiolabels.plots.style import (
    EDGE,
    GREY,
    IMPLIED,
    INK,
    NEGATIVE,
    POSITIVE,
    ROW,
    SERIES,
    SMALL,
    UNKNOWN,
    axes_or_new,
    name_points,
    short,
)
from audiolabels.schemes import expand
from audiolabels.targets.targets import TargetRows

if TYPE_CHECKING:
    from matplotlib.axes import Axes

Labelled = Annotations | TargetRows
NAMED = 4  # classes that are named in a picture of all


def frequencies(
    before: Labelled, after: Labelled | None = None, *, ax: "Axes | None" = None
) -> "Axes":
    """Clips, or frames, in which each class is positive, the most frequent class first; a class
    without any is not drawn.

    Args:
        before: annotations or targets.
        after: a second set, such as what a scheme made of the first; drawn in the order of the
            first. The classes that gained most are named.
        ax: where to draw; a new figure by default.

    Raises:
        OptionError: matplotlib is not installed.
        VocabularyError: the second set lacks a class of the first.
    """
    first = as_targets(before, after)
    counts = first.summary()["positive"].to_numpy()
    then = counts
    if after is not None:
        second = as_targets(after, first).select(first.vocabulary)
        then = second.summary()["positive"].to_numpy()
    order = np.argsort(-counts, kind="stable")
    order = order[(counts + then)[order] > 0]
    rank = np.arange(1, len(order) + 1)
    axes = axes_or_new(ax)
    axes.set(xscale="log", yscale="log", xlim=(0.9, 1.1 * len(order)))
    axes.set(xlabel="rank of the class", ylabel=f"{_rows(first)} in which it is positive")
    if after is not None:
        style: dict[str, Any] = {"s": 9, "color": SERIES[1], "lw": 0}
        axes.scatter(rank, then[order], label=_scheme(second, "after"), **style)
        most = np.argsort(-(then - counts)[order], kind="stable")[:NAMED]
        most = most[(then - counts)[order][most] > 0]
    axes.plot(rank, counts[order], color=SERIES[0], lw=1.8, label=_scheme(first, "before"))
    axes.autoscale(axis="y")
    if after is not None:
        names = [first.vocabulary.names[c] for c in order[most]]
        name_points(axes, rank[most].tolist(), then[order][most].tolist(), names)
        axes.legend(frameon=False, fontsize=SMALL, loc="lower left")
    return axes


def labels_per_clip(
    *labels: Labelled, names: "tuple[str, ...] | None" = None, most: int = 15,
    ax: "Axes | None" = None,
) -> "Axes":  # fmt: skip
    """Share of the clips, or frames, by their number of positive classes.

    Args:
        labels: one or several annotations or targets, drawn beside each other.
        names: of each, for the legend; the scheme by default.
        most: number of classes from which on clips are one bar.
        ax: where to draw; a new figure by default.

    Raises:
        OptionError: nothing to draw, or another number of names.
    """
    if not labels or (names is not None and len(names) != len(labels)):
        raise OptionError("give one set of labels or more, and a name for each or none")
    axes = axes_or_new(ax)
    width = 0.8 / len(labels)
    for number, each in enumerate(labels):
        targets = as_targets(each)
        bits, which = targets.positive_bits()
        sizes = np.minimum(np.bitwise_count(bits).sum(1, dtype=np.int64)[which], most)
        share = 100 * np.bincount(sizes, minlength=most + 1) / max(1, len(sizes))
        place = np.arange(most + 1) + (number - (len(labels) - 1) / 2) * width
        name = names[number] if names else _scheme(targets, "given")
        axes.bar(place, share, width, color=SERIES[number % len(SERIES)], label=name)
    axes.set_xticks(range(most + 1), [*map(str, range(most)), f"{most}+"], fontsize=SMALL)
    axes.set(xlabel="positive classes", ylabel=f"% of {_rows(targets)}")
    if len(labels) > 1:
        axes.legend(frameon=False, fontsize=SMALL)
    return axes


def masked_share(targets: TargetRows, *, most: int = 25, ax: "Axes | None" = None) -> "Axes":
    """The classes that are unknown in the largest share of the clips, or frames.

    Args:
        targets: hard or soft.
        most: classes shown.
        ax: where to draw; a new figure by default.
    """
    expect("targets", targets, TargetRows, "targets")
    table = targets.summary()
    share = 100 * table["unknown"].to_numpy() / max(1, len(targets))
    order = np.argsort(-share, kind="stable")[:most]
    order = order[share[order] > 0][::-1]
    axes = axes_or_new(ax, 1.0 + ROW * max(1, len(order)))
    axes.barh(range(len(order)), share[order], color=SERIES[0])
    names = [short(targets.vocabulary.names[c]) for c in order]
    axes.set_yticks(range(len(order)), names, fontsize=SMALL)
    axes.set_xlabel(f"% of {_rows(targets)} in which the class is unknown")
    axes.margins(y=0.01)
    return axes


def neighbourhood(
    label: str,
    scheme: str = "pe-cml",
    *,
    vocabulary: "str | Vocabulary" = "audioset",
    ontology: Ontology | None = None,
    siblings: bool = True,
    ax: "Axes | None" = None,
) -> "Axes":
    """What a scheme makes of a single label: given, implied, unknown, and negative around it.

    Rows are the class with its ancestors, descendants and siblings, each once, below one of its
    parents.

    Args:
        label: the id or name of a class, as `Ontology.find` takes it.
        scheme: of labels.
        vocabulary: classes outside it are not drawn.
        ontology: the embedded one with its supplement by default.
        siblings: whether classes that share a parent with the label's are drawn.
        ax: where to draw; a new figure by default.

    Raises:
        UnknownClassError: no such class.
    """
    ontology = default_ontology(ontology)
    id_ = ontology.find(label)
    near = {id_, *ontology.ancestors(id_), *ontology.descendants(id_)}
    if siblings:
        near |= {child for parent in ontology.parents(id_) for child in ontology.children(parent)}
    inside = set(load_vocabulary(vocabulary, ontology=ontology).ids)
    rows = list(_tree(ontology, near & inside))
    classes = load_vocabulary([row for row, _ in rows], ontology=ontology)
    labels = Annotations.from_dict({label: [id_]}, ontology=ontology)
    target, mask = expand(labels, scheme, vocabulary=classes)[0]
    axes = axes_or_new(ax, 0.6 + ROW * len(rows))
    states = {"given": POSITIVE, "implied": IMPLIED, "negative": NEGATIVE, "unknown": UNKNOWN}
    for y, (row, depth) in enumerate(rows):
        state = "unknown" if not mask[y] else "negative" if not target[y] else "implied"
        state = "given" if row == id_ else state
        style: dict[str, Any] = {"color": states[state], "edgecolor": EDGE, "linewidth": 0.7}
        axes.scatter(depth, y, s=52, marker="s", zorder=2, **style)
        axes.text(depth + 0.35, y, short(ontology.name(row)), va="center", fontsize=SMALL,
                  color=INK, weight="bold" if row == id_ else "normal")  # fmt: skip
        above = [u for u, (_, d) in enumerate(rows[:y]) if d == depth - 1]
        if depth and above:
            axes.plot(
                [depth - 1, depth - 1, depth], [above[-1], y, y], color=GREY, lw=0.8, zorder=1
            )
    deepest = max(depth for _, depth in rows)
    axes.set(xlim=(-0.4, deepest + 5), ylim=(len(rows) - 0.4, -0.6))
    axes.set_axis_off()
    for state, colour in states.items():
        axes.scatter([], [], s=52, marker="s", color=colour, edgecolor=EDGE, lw=0.7, label=state)
    axes.legend(frameon=False, fontsize=SMALL, loc="upper right")
    return axes


def as_targets(labels: Labelled, like: "Labelled | None" = None) -> TargetRows:
    """Targets as they are; annotations as given, over the classes of other targets if any."""
    expect("labels", labels, Annotations | TargetRows, "annotations or targets")
    if isinstance(labels, TargetRows):
        return labels
    vocabulary = like.vocabulary if isinstance(like, TargetRows) else "audioset"
    return expand(labels, "weak", vocabulary=vocabulary)


def _rows(targets: TargetRows) -> str:
    return "frames" if "frame_length" in targets.metadata.get("options", {}) else "clips"


def _scheme(targets: TargetRows, otherwise: str) -> str:
    name = targets.metadata.get("scheme")
    return otherwise if name is None else "as given" if name == "weak" else str(name)


def _tree(ontology: Ontology, ids: "set[str]") -> "list[tuple[str, int]]":
    """The classes with their depth, each after its first parent among them, in depth."""
    rows: list[tuple[str, int]] = []
    seen: set[str] = set()

    def add(id_: str, depth: int) -> None:
        if id_ in ids and id_ not in seen:
            seen.add(id_)
            rows.append((id_, depth))
            for child in ontology.children(id_):
                add(child, depth + 1)

    for id_ in ontology:
        if id_ in ids and not ids.intersection(ontology.parents(id_)):
            add(id_, 0)
    return rows
