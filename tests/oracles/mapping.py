"""What a mapping makes of labels, as its definition reads."""


def mapped(
    rows: list[tuple[str, str, str]], given: set[str], denied: set[str]
) -> tuple[set[str], set[str], set[str]]:
    """Classes that are positive, unknown and confirmed absent, of labels given and denied.

    `rows` are label, relation and class.
    """
    positive, unknown, absent = set(), set(), set()
    for label, relation, class_id in rows:
        if label in given and relation in ("exactMatch", "broadMatch", "closeMatch"):
            positive.add(class_id)
        if label in given and relation == "narrowMatch":
            unknown.add(class_id)
        if label in denied and relation in ("exactMatch", "narrowMatch"):
            absent.add(class_id)
    return positive, unknown, absent


def annotated_for(rows: list[tuple[str, str, str]]) -> set[str]:
    return {c for _, relation, c in rows if relation in ("exactMatch", "narrowMatch")}
