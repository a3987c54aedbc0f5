"""The TSV of DESED_task: weak labels from whole clips, strong labels from frames or events.

Format: weak labels have `filename` and `event_labels`, joined by commas; strong labels `filename`,
`onset`, `offset`, `event_label`, in seconds. Events of a class in a clip neither overlap nor touch.
DESED_task looks labels up in its own list of classes, which gives the column order, and has a set
of trained classes per data set; `<name>_classes.tsv` has both: `label`, `id`, `name` in column
order, and `known`, 0 for a class that is unknown in all clips.

Unknown classes are in a further column, `masked`, of weak labels, which are read by name, and in
`<name>_masked.tsv`, of the same format, for strong labels. `<name>_durations.tsv` (`filename`,
`duration`) gives the end of the known part: of the clip, or of its last frame.

Not possible: a clip without a positive class (its weak row stops the reader, its strong row is
dropped); the grid of the frames, since DESED_task frames events itself, filling each frame that an
event touches; and the boundary between touching events of a class, without which `strong_framed`
may fill other frames. Deviations: labels are ids by default, since weak labels are split at commas,
which display names contain; there is no `confidence`, which applies to whole events. Scores of soft
targets of clips are in a column `soft` of weak labels, see `soft_columns`; soft segments are
refused.
"""

from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from audiolabels.arrays.columns import texts_to_arrow, whole_ms
from audiolabels.arrays.intervals import Runs
from audiolabels.errors import OptionError, shortlist
from audiolabels.exporters.clip_selection import (
    Rows,
    are_segments,
    clip_spans,
    name_after,
    select_clips,
)
from audiolabels.exporters.event_selection import EventSelection, frame_runs, select_events
from audiolabels.exporters.soft_columns import BinarisedTargets, soft_header
from audiolabels.exporters.text_columns import Chosen, Column, plain_texts, second_texts
from audiolabels.exporters.written_files import Export
from audiolabels.labels.events import Events
from audiolabels.ontology.vocabulary import Vocabulary, load_vocabulary
from audiolabels.targets.targets import Targets

STRONG = ("filename", "onset", "offset", "event_label")

Spans = Iterable[tuple[pa.StringArray, Runs]]


def write_desed(
    labels: Targets | Events,
    path: str | Path,
    *,
    files: str = "{clip}.wav",
    names: bool = False,
    vocabulary: str | Path | Vocabulary | None = None,
    parents: str | None = None,
) -> Export:
    """Write the TSV and its companion files.

    Args:
        labels: targets of whole clips for weak labels; targets of frames, or events, for strong
            ones.
        files: names of the audio files, see `name_after`.
        names: display names as labels, not ids.
        vocabulary: for events, `audioset-strong` by default; events of other classes are left out.
        parents: for events, see `merge_events`; `none` by default.

    Raises:
        OptionError: unsuitable `files`, a comma in a weak label, a vocabulary or parents for
            targets, or no such policy.
        VocabularyError: no such vocabulary, or the ontology lacks one of its classes.
    """
    if isinstance(labels, Events):
        return _from_events(labels, Path(path), files, names, vocabulary, parents or "none")
    if vocabulary is not None or parents is not None:
        raise OptionError("vocabulary and parents are for events; targets have theirs already")
    # Strong labels cannot hold scores: soft segments are refused like frames in weak labels.
    framed = are_segments(labels) and not isinstance(labels, BinarisedTargets)
    write = _from_frames if framed else _from_clips
    return write(labels, Path(path), files, names)


def _from_clips(targets: Targets, path: Path, files: str, names: bool) -> Export:
    export, vocabulary = Export(), targets.vocabulary
    labels = vocabulary.names if names else vocabulary.ids
    split = [label for label in labels if "," in label]
    if split:
        raise OptionError(
            f"weak labels are split at commas, and {len(split)} names have one: "
            f"{shortlist(map(repr, split), 2)}. Leave out --names (names=False), and labels are ids"
        )
    clips = select_clips(targets, "desed", name_after(files), export, empty=False)
    columns = (
        [plain_texts(part.names), positive, unknown, *soft]
        for part, positive, unknown, soft in clips.columns(labels, ",")
    )
    head = ["filename", "event_labels", "masked", *soft_header(targets)]
    export.write_columns(path, head, columns)
    _write_classes(path, vocabulary, labels, _known(targets, clips.rows), export)
    return export


def _from_frames(targets: Targets, path: Path, files: str, names: bool) -> Export:
    export, vocabulary = Export(), targets.vocabulary
    labels = vocabulary.names if names else vocabulary.ids
    name = name_after(files)
    clips = select_clips(targets, "desed", name, export, empty=False, unit="frames")
    first, stop = clip_spans(targets)
    chosen = np.isin(first, clips.rows)
    end_ms = whole_ms(targets.offset)[stop[chosen] - 1]
    rows = np.flatnonzero(np.repeat(chosen, stop - first))
    present, unsure = (frame_runs(clips, state) for state in ("positive", "unknown"))
    _write_strong(path, labels, present, unsure, export)
    _write_durations(path, clips.names, end_ms, export)
    _write_classes(path, vocabulary, labels, _known(targets, rows), export)
    return export


def _from_events(
    events: Events,
    path: Path,
    files: str,
    names: bool,
    vocabulary: str | Path | Vocabulary | None,
    parents: str,
) -> Export:
    vocabulary = load_vocabulary(vocabulary or "audioset-strong", ontology=events.ontology)
    export, labels = Export(), vocabulary.names if names else vocabulary.ids
    selected = select_events(events, vocabulary, parents, name_after(files), export, merged=True)
    called = selected.names
    present, unsure = ([(called, runs)] for runs in (selected.present, selected.unsure))
    _write_strong(path, labels, present, unsure, export)
    _write_durations(path, called, events.duration_ms[selected.clips], export)
    _write_classes(path, vocabulary, labels, _known_of(selected, events, len(vocabulary)), export)
    return export


def _known_of(selected: EventSelection, events: Events, columns: int) -> npt.NDArray[np.bool_]:
    """Whether each class is known anywhere in the clips: bool (C,)."""
    present, unsure = selected.present, selected.unsure
    end = events.duration_ms[selected.clips][unsure.clip]
    whole = unsure.column[(unsure.first == 0) & (unsure.stop >= end)]
    known: npt.NDArray[np.bool_] = np.bincount(whole, minlength=columns) < len(selected.clips)
    known[present.column] = True
    return known


def _known(targets: Targets, rows: Rows) -> npt.NDArray[np.bool_]:
    """Whether each class is known in any of some rows: bool (C,)."""
    masked = targets.masked[np.unique(targets.row_of_clip[rows])]
    unknown = np.bitwise_and.reduce(masked, axis=0, initial=0xFF)
    return np.unpackbits(~unknown, count=len(targets.vocabulary)) > 0


def _write_strong(
    path: Path, labels: Sequence[str], present: Spans, unsure: Spans, export: Export
) -> None:
    for file, spans in ((path, present), (_beside(path, "masked"), unsure)):
        export.write_columns(file, STRONG, _strong_columns(spans, labels))


def _strong_columns(spans: Spans, labels: Sequence[str]) -> Iterator[list[Column]]:
    cells = plain_texts(texts_to_arrow(labels))
    for names, (clip, column, first, stop) in spans:
        times = (second_texts(ms) for ms in (first, stop))
        yield [Chosen(plain_texts(names), clip), *times, Chosen(cells, column)]


def _write_durations(path: Path, names: pa.StringArray, end_ms: Rows, export: Export) -> None:
    columns = [plain_texts(names), second_texts(end_ms)]
    export.write_columns(_beside(path, "durations"), ["filename", "duration"], [columns])


def _write_classes(
    path: Path,
    vocabulary: Vocabulary,
    labels: Sequence[str],
    known: npt.NDArray[np.bool_],
    export: Export,
) -> None:
    texts = (labels, vocabulary.ids, vocabulary.names, ["01"[some] for some in known.tolist()])
    columns = [plain_texts(texts_to_arrow(words)) for words in texts]
    export.write_columns(_beside(path, "classes"), ["label", "id", "name", "known"], [columns])


def _beside(path: Path, what: str) -> Path:
    return path.with_name(f"{path.stem}_{what}.tsv")
