"""Small HTML tables, as notebooks show them."""

from collections.abc import Iterable, Sequence
from html import escape


def html_table(title: object, head: Iterable[str], rows: Iterable[Iterable[object]]) -> str:
    """A title and a table; texts are escaped.

    >>> html_table("<b>", ["clip"], [["a"]])
    '<p>&lt;b&gt;</p><table><thead><tr><th>clip</th></tr></thead><tr><td>a</td></tr></table>'
    """
    lines = "".join(_line("td", cells) for cells in rows)
    return f"<p>{escape(str(title))}</p><table><thead>{_line('th', head)}</thead>{lines}</table>"


def _line(tag: str, cells: Iterable[object]) -> str:
    return f"<tr>{''.join(f'<{tag}>{escape(str(cell))}</{tag}>' for cell in cells)}</tr>"


def abridged(texts: Sequence[str], limit: int = 6) -> str:
    """The first texts of a list, and how many more there are."""
    more = [f"and {len(texts) - limit} more"] if len(texts) > limit else []
    return " · ".join([*texts[:limit], *more])
