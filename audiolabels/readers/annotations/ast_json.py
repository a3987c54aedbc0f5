"""The JSON of AST, PSLA, SSAST and AudioMAE: `{"data": [{"wav": path, "labels": "/m/a,/m/b"}]}`."""

import json
import re
from collections.abc import Iterator
from typing import Any

from audiolabels.errors import LabelFileError, guarded, shortlist
from audiolabels.readers.annotations.label_parsing import LabelRows
from audiolabels.readers.formats import Layout
from audiolabels.readers.opening import Source
from audiolabels.readers.options import ReadOptions


def read_ast_json(source: Source, layout: Layout, options: ReadOptions) -> Iterator[LabelRows]:
    """The rows of all entries; the whole file is held in memory.

    Raises:
        LabelFileError: the file is no JSON, or JSON of another kind, such as an ontology.
    """
    entries = [_texts(entry) for entry in _load_entries(source)]
    fault = "not an object with the texts 'wav' and 'labels'"
    yield LabelRows.of_entries(entries, 1, source.name, fault)


def _texts(entry: Any) -> tuple[str | None, str, str]:
    """Path, labels and unknown labels of an entry; no path if it is not as it should be."""
    entry = entry if isinstance(entry, dict) else {"wav": "", "labels": ""}
    wav, labels = entry.get("wav"), entry.get("labels")
    if not isinstance(wav, str) or not isinstance(labels, str):
        return None, "", ""
    unsure = entry.get("masked")  # as the exporter of this format writes it
    unsure = unsure if isinstance(unsure, str) else ""
    # JSON can spell halves of characters, which cannot be stored.
    odd = re.search("[\ud800-\udfff]", wav + labels + unsure)
    return (None, "", "") if odd else (wav, labels, unsure)


def _load_entries(source: Source) -> list[Any]:
    with guarded(source.path, LabelFileError, "not valid JSON, cut off?"):
        text = source.stream.read().decode("utf-8-sig").strip()
        content, end = json.JSONDecoder().raw_decode(text)
        if isinstance(content, dict) and text[end:].lstrip(" \r").startswith("\n"):
            raise LabelFileError(
                f"{source.path}: JSON lines without a field of a clip or of labels; fields are "
                f"{shortlist(content)}; name them clip and labels, or use --columns (columns=…)"
            )
        if text[end:]:
            json.loads(text)  # raises the error of what follows
    first = content[0] if isinstance(content, list) and content else None
    official = isinstance(first, dict) and "child_ids" in first
    if official or (isinstance(content, dict) and isinstance(content.get("classes"), list)):
        raise LabelFileError(f"{source.path}: an ontology, not labels; it is given with --ontology")
    entries = content.get("data") if isinstance(content, dict) else None
    if not isinstance(entries, list):
        raise LabelFileError(
            f"{source.path}: JSON of an unknown kind; known is "
            f'{{"data": [{{"wav": …, "labels": "/m/a,/m/b"}}]}}'
        )
    return entries
