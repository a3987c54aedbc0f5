"""The JSON of AST, PSLA, SSAST and AudioMAE: `{"data": [{"wav": path, "labels": "/m/a,/m/b"}]}`."""

import json
from collections.abc import Iterator
from typing import Any, TypeGuard

from audiolabels.clips.names import parse_clip_name
from audiolabels.errors import LabelFileError
from audiolabels.labels.annotations import Annotations
from audiolabels.labels.report import Finding
from audiolabels.ontology.ontology import Ontology
from audiolabels.readers.annotations.label_parsing import (
    LabelResolver,
    LabelRow,
    LabelRows,
    TextTable,
    label_clips,
)
from audiolabels.readers.opening import Source
from audiolabels.readers.options import ReadOptions


def read_ast_json(
    source: Source, layout: object, ontology: Ontology, options: ReadOptions
) -> Iterator[Annotations]:
    """Annotations of all entries; the whole file is held in memory.

    Raises:
        LabelFileError: the file is no JSON, or JSON of another kind, such as an ontology.
        UnknownLabelError: a label is unknown, and unknown ones are not dropped.
    """
    rows: list[LabelRow] = []
    findings: list[Finding] = []
    for number, entry in enumerate(_load_entries(source), 1):
        wav, text = (entry.get("wav"), entry.get("labels")) if isinstance(entry, dict) else (0, 0)
        clip = parse_clip_name(wav) if _is_text(wav) else None
        if clip is None or not clip.clip_id or not _is_text(text):
            what = "not an object with the texts 'wav' and 'labels'"
            findings.append(Finding(source.name, number, "", "row unused", what))
        else:
            rows.append(LabelRow(number, clip.clip_id, 0, clip.duration_ms, text))
    resolver = LabelResolver(ontology, drop=options.unknown == "drop")
    table = TextTable(resolver, options.block_sizes.labels)
    yield label_clips(LabelRows.from_list(rows, findings), table, source.name)


def _is_text(value: Any) -> TypeGuard[str]:
    """Whether it is a text that can be stored: JSON can spell halves of characters."""
    return isinstance(value, str) and not any("\ud800" <= c <= "\udfff" for c in value)


def _load_entries(source: Source) -> list[Any]:
    try:
        content = json.loads(source.stream.read().decode("utf-8-sig"))
    except (ValueError, RecursionError) as error:
        raise LabelFileError(f"{source.path}: not valid JSON, cut off?: {error}") from error
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
