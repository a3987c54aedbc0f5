"""The report page as one HTML file."""

import base64
import gzip
import json
from importlib.resources import files as resources
from pathlib import Path
from string import Template
from typing import Any

from audiolabels.errors import extra
from audiolabels.files import atomic_path, blame

PARTS = resources("audiolabels.report_page")


def write_page(content: dict[str, Any], path: str | Path) -> int:
    """Write the page of a content to a file; the number of bytes.

    Plotly's script is compressed, and unpacked by the browser. Texts reach the page as JSON in
    which `<` is an escape, so that none can end the element that holds it, and are shown as text.

    Raises:
        OptionError: plotly is not installed.
        TargetsFileError: the file cannot be written.
    """
    with extra("plots"):
        from plotly.offline import get_plotlyjs
    data = json.dumps(content, ensure_ascii=False, allow_nan=False, separators=(",", ":"))
    for character in "<>&\u2028\u2029":
        data = data.replace(character, f"\\u{ord(character):04x}")
    plotly = gzip.compress(get_plotlyjs().encode(), 9, mtime=0)
    page = Template(_text("page.html")).substitute(
        style=_text("page.css"),
        script=_text("page.js"),
        data=data,
        plotly=base64.b64encode(plotly).decode(),
    )
    with atomic_path(path) as partial, blame(path):
        return partial.write_bytes(page.encode())


def _text(name: str) -> str:
    return (PARTS / name).read_text(encoding="utf-8")
