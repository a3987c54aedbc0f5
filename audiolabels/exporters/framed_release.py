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
from audiolabels.arrays.columns import whole_ms
from audiolabels.errors import OptionError
from audiolabels.exporters.written_files import Export
from audiolabels.files import seconds
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
    export.write_table(path, HEADER, _rows(targets, export))
    return export


def _rows(targets: Targets, export: Export) -> Iterator[tuple[str, ...]]:
    ids, columns = targets.vocabulary.ids, len(targets.vocabulary)
    onset, offset = whole_ms(targets.onset), whole_ms(targets.offset)
    silent: dict[str, bool] = {}
    for start in range(0, len(targets), ROWS):
        chosen = targets.row_of_clip[start : start + ROWS]
        positive = targets.positive[chosen]
        negative = third_state(positive, targets.masked[chosen], columns)
        row, column = np.nonzero(np.unpackbits(positive | negative, axis=1, count=columns))
        present = np.unpackbits(positive, axis=1, count=columns)[row, column]
        clips = targets.clip_id.slice(start, ROWS).to_pylist()
        known = np.bincount(row, minlength=len(clips)) > 0
        for clip, some in zip(clips, known.tolist(), strict=True):
            silent[clip] = silent.get(clip, True) and not some
        for r, c, p in zip(row.tolist(), column.tolist(), present.tolist(), strict=True):
            span = seconds(int(onset[start + r])), seconds(int(offset[start + r]))
            yield clips[r], *span, ids[c], "PRESENT" if p else "NOT_PRESENT"
    export.left_out["clips without any known target"] = sum(silent.values())
