"""Small HTML tables, and metadata, as notebooks show them."""

from collections.abc import Iterable, Sequence
from html import escape
from typing import Any

NAMED = 6  # entries of a list that are shown


class Html(str):
    """A text that is HTML already."""

    __slots__ = ()


def html_table(title: object, head: Iterable[str], rows: Iterable[Iterable[object]]) -> str:
    """A title and a table, the first column of which does not wrap; texts are escaped.

    >>> html_table("<b>", (), []).split("<table>")[0]
    '<p>&lt;b&gt;</p>'
    """
    lines = "".join(_line("td", cells) for cells in rows)
    return f"<p>{_html(title)}</p><table><thead>{_line('th', head)}</thead>{lines}</table>"


def _line(tag: str, cells: Iterable[object]) -> str:
    first, *others = [*map(_html, cells)] or [""]
    ends = "".join(f"<{tag}>{cell}</{tag}>" for cell in others)
    return f'<tr><{tag} style="white-space:nowrap">{first}</{tag}>{ends}</tr>'


def _html(cell: object) -> str:
    return cell if isinstance(cell, Html) else escape(str(cell))


def emphasised(texts: Iterable[tuple[str, bool]]) -> Html:
    """Texts in a row, those that are true in bold, the others grey.

    >>> emphasised([("Guitar", True), ("Music", False)])
    '<b>Guitar</b> · <span style="color:#888">Music</span>'
    """
    grey = '<span style="color:#888">'
    return Html(
        " · ".join(
            f"<b>{escape(text)}</b>" if strong else f"{grey}{escape(text)}</span>"
            for text, strong in texts
        )
    )


def abridged(texts: Sequence[str], limit: int = NAMED) -> str:
    """The first texts of a list, and how many more there are."""
    more = [f"and {len(texts) - limit} more"] if len(texts) > limit else []
    return " · ".join([*texts[:limit], *more])


class Metadata(dict[str, Any]):
    """Metadata, whose long lists are shown by their length.

    >>> Metadata(name="audioset", ids=["/m/09x0r"] * 527, options={"parents": "all"})
    {'name': 'audioset', 'ids': [527 entries], 'options': {'parents': 'all'}}
    """

    def __repr__(self) -> str:
        return _shown(self)


def _shown(value: object) -> str:
    if isinstance(value, dict):
        return f"{{{', '.join(f'{key!r}: {_shown(each)}' for key, each in value.items())}}}"
    if isinstance(value, list):
        if len(value) > NAMED:
            return f"[{len(value):,} entries]"
        return f"[{', '.join(map(_shown, value))}]"
    return repr(value)
