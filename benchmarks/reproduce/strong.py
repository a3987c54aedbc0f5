"""What the scripts share that read the evaluation set's strong labels."""

from pathlib import Path

import numpy as np
import numpy.typing as npt

import audiolabels
from audiolabels.labels.events import PRESENT

STRONG = "strong_eval_110_classes.tsv.gz"

Flags = npt.NDArray[np.bool_]


def shared_classes(events: audiolabels.Events) -> audiolabels.Vocabulary:
    """The classes that have events and are among the 527, in their order."""
    heard = np.unique(events.classes[events.state == PRESENT])
    ids = {events.ontology.ids[position] for position in heard.tolist()}
    both = [id_ for id_ in audiolabels.load_vocabulary("audioset").ids if id_ in ids]
    return audiolabels.load_vocabulary(both, ontology=events.ontology)


def states(
    targets: audiolabels.Targets, rows: npt.NDArray[np.int64] | None = None
) -> tuple[Flags, Flags]:
    """Positive and known, bool (N, C) each."""
    target, mask = targets.to_numpy(rows)
    return target > 0, mask > 0


def read_strong(data: Path) -> audiolabels.Events:
    return audiolabels.read_events(data / STRONG)
