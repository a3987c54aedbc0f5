"""AudioSet's framed release: one row per frame and known class.

Format: TSV with the columns `segment_id`, `start_time_seconds`, `end_time_seconds`, `label` (an
id), `present` (`PRESENT` or `NOT_PRESENT`), as `audioset_eval_strong_framed_posneg.tsv`.
Deviations: times have three decimals; rows are ordered by clip, frame and column.
"""

from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path

import numpy as np

from audiolabels.arrays.bits import third_state
from audiolabels.arrays.columns import texts_to_arrow, whole_ms
from audiolabels.errors import OptionError
from audiolabels.exporters.text_columns import Chosen, Column, second_texts
from audiolabels.exporters.written_files import Export
from audiolabels.targets.targets import Targets

HEADER = ("segment_id", "start_time_seconds", "end_time_seconds", "label", "present")
ROWS = 1 << 14  # frames unpacked at a time


def write_framed_release(targets: Targets, path: str | Path) -> Export:
    """Write framed targets in the format of AudioSet's framed release.

    Args:
        targets: frames, made with `negatives` other than `all`.

    Raises:
        OptionError: rows are not frames, frames overlap or leave gaps, or all other classes are
            negative, so that almost every class of every frame would have a row.
    """
    options = targets.metadata.get("options", {})
    if "frame_hop" not in options:
        raise OptionError("not framed targets; make them with --scheme strong-framed")
    if Decimal(str(options["frame_length"])) != Decimal(str(options["frame_hop"])):
        raise OptionError(
            f"frames of {options['frame_length']} s every {options['frame_hop']} s: rows that "
            f"overlap, or leave gaps, are read as other frames; give equal hop and length"
        )
    if targets.listed != "negative":
        raise OptionError(
            "under negatives 'all' nearly every class of every frame would be a row; expand with "
            "--negatives both, complementary or explicit (negatives='both')"
        )
    export = Export()
    export.write_columns(path, HEADER, _columns(targets, export))
    return export


def _columns(targets: Targets, export: Export) -> Iterator[list[Column]]:
    ids, states = map(texts_to_arrow, (targets.vocabulary.ids, ("NOT_PRESENT", "PRESENT")))
    onset, offset = whole_ms(targets.onset), whole_ms(targets.offset)
    silent: dict[str, bool] = {}
    for start in range(0, len(targets), ROWS):
        chosen = targets.row_of_clip[start : start + ROWS]
        positive = targets.positive[chosen]
        negative = third_state(positive, targets.masked[chosen], len(ids))
        row, column = np.nonzero(np.unpackbits(positive | negative, axis=1, count=len(ids)))
        present = np.unpackbits(positive, axis=1, count=len(ids))[row, column]
        clips = targets.clip_id.slice(start, ROWS)
        known = np.bincount(row, minlength=len(clips)) > 0
        for clip, some in zip(clips.to_pylist(), known.tolist(), strict=True):
            silent[clip] = silent.get(clip, True) and not some
        times = (second_texts(ms[start + row]) for ms in (onset, offset))
        yield [Chosen(clips, row), *times, Chosen(ids, column), Chosen(states, present)]
    export.left_out["clips without any known target"] = sum(silent.values())
