"""What a row of a table with one column per class states of a class, as its definition reads."""

from collections.abc import Mapping


def state(class_id: str, row: Mapping[str, str], above: set[str]) -> str:
    """`+` positive, `-` negative, `?` unknown, without parents being added.

    `row` are cells by class, `above` the classes that the class implies.
    """
    cell = row.get(class_id)
    if cell == "1":
        return "+"
    if cell == "0":
        return "-"
    if cell is None and any(row.get(other) == "0" for other in above):
        return "-"  # without the parent there is none
    return "?"
