"""A subset per class as its definition reads: one class and one clip at a time."""

from collections.abc import Mapping, Sequence


def per_class(
    labels: Mapping[str, set[str]],
    order: Sequence[str],
    classes: Sequence[str],
    most: int,
    always: set[str],
) -> set[str]:
    """Clips that are kept.

    Args:
        labels: clip to its labels.
        order: the clips in the order in which they are taken.
        classes: all classes in the ontology's order.
    """
    number = {c: sum(c in own for own in labels.values()) for c in classes}
    ranked = sorted(classes, key=lambda c: number[c])
    kept = set(always)
    for class_ in ranked:
        for clip in order:
            rarest = next((c for c in ranked if c in labels[clip]), None)
            have = sum(class_ in labels[other] for other in kept)
            if rarest == class_ and clip not in kept and have < most:
                kept.add(clip)
    return kept
