"""The same events in every format."""

from pathlib import Path
from typing import Any

from reader_support import (
    ONTOLOGY,
    event_outcome,
    streamed_outcome,
    write,
)

from audiolabels import Events, read_events
from audiolabels.readers.events.reading import ScatteredError


def read(folder: Path, content: bytes | str, name: str = "e.tsv", **options: Any) -> Events:
    """Both ways of reading, which must agree where the stream can be read at all."""
    path = write(folder, content, name)
    streamed = streamed_outcome(path, **options)
    assert streamed[0] is ScatteredError or streamed == event_outcome(path, **options)
    return read_events(path, ontology=ONTOLOGY, **options)
