"""Reference events for evaluators: merged per class, since these refuse touching events.

All read TSV with the columns `filename`, `onset`, `offset`, `event_label`. sed_scores_eval needs a
row without label for a clip without events; psds_eval takes such clips from the lengths alone,
sed_eval not at all. The first two also need the clips' lengths: `filename`, `duration`.

File names are the clip's id and `.wav`, since some readers cut names at the last dot. Labels are
ids by default, since display names contain commas, at which some readers split. sed_eval's reader
works without a header, but with one it does not lose the first event.
"""

from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType

import numpy as np

from audiolabels.arrays.columns import texts_to_arrow
from audiolabels.errors import OptionError, choose
from audiolabels.exporters.text_columns import Chosen, Column, join, second_texts
from audiolabels.exporters.written_files import Export
from audiolabels.files import real_path
from audiolabels.labels.events import PRESENT, UNKNOWN, Events
from audiolabels.ontology.vocabulary import Vocabulary, load_vocabulary
from audiolabels.schemes.event_spans import covered, merge_events

# Whether clips without events have a row.
FORMS: Mapping[str, bool] = MappingProxyType(
    {"sed-scores-eval": True, "psds-eval": False, "sed-eval": False}
)


def write_events(
    events: Events,
    path: str | Path,
    *,
    form: str = "sed-scores-eval",
    vocabulary: str | Path | Vocabulary = "audioset-strong",
    parents: str = "none",
    names: bool = False,
    durations: str | Path | None = None,
) -> Export:
    """Write reference events for an evaluator, merged per class and cut to the clip.

    Args:
        events: N clips; unannotated ones are left out, and counted.
        form: a key of `FORMS`.
        vocabulary: events of other classes are left out, and counted.
        parents: see `merge_events`.
        names: display names as labels, not ids.
        durations: where to write the clips' lengths.

    Raises:
        OptionError: no such format or policy, or one path for both files.
        VocabularyError: no such vocabulary, or the ontology lacks one of its classes.
    """
    silent = FORMS[choose("format", form, FORMS)]
    if durations is not None and real_path(durations) == real_path(path):
        raise OptionError(f"{path}: events and lengths need a file each")
    vocabulary = load_vocabulary(vocabulary, ontology=events.ontology)
    runs = merge_events(events, vocabulary, parents=parents)
    labels = vocabulary.names if names else vocabulary.ids
    files = join(events.clip_id, ".wav")
    sounding = np.zeros(len(events), np.bool_)
    sounding[runs.clip] = True
    quiet = np.flatnonzero(events.labelled & ~sounding)
    texts, times = texts_to_arrow(labels), (second_texts(ms) for ms in (runs.first, runs.stop))
    rows: list[list[Column]] = [[Chosen(files, runs.clip), *times, Chosen(texts, runs.column)]]
    if silent:
        rows.append([Chosen(files, quiet), "", "", ""])
    export = Export()
    export.write_columns(path, ("filename", "onset", "offset", "event_label"), rows)
    if durations is not None:
        own = np.flatnonzero(events.labelled)
        lengths = [Chosen(files, own), second_texts(events.duration_ms[own])]
        export.write_columns(durations, ("filename", "duration"), [lengths])
    given, reached = events.state == PRESENT, covered(events, vocabulary, parents=parents)
    export.left_out.update(
        {
            "unannotated clips": int((~events.labelled).sum()),
            "clips without events": 0 if silent else len(quiet),
            "events of classes outside the vocabulary": int((given & ~reached).sum()),
            "events with impossible times": int((events.state == UNKNOWN).sum()),
        }
    )
    return export
