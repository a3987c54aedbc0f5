"""The labels of an ESPnet data folder, as `egs2/as2m/cls1` prepares it, and its sampling weights.

Format: `text` has a line per clip, `<utterance> <label> <label> …`, sorted by utterance; labels are
display names with `_` for blanks. `<blank>` alone means no positive class. `utt2weight` has
`<utterance> <weight>`, where the weight is `sampling_weights(…, "ast")` of the exported clips.
`token_list` has the labels in column order, then `<blank>` and `<unk>`; any vocabulary works.
`masked`, which ESPnet does not open, has the unknown classes in the format of `text`, and `soft`
the scores of soft targets, see `soft_columns`.

Not possible: frames, and an utterance with a blank. `wav.scp` and `utt2spk` are not written.
Deviation: ESPnet's own token list has only the classes that occur, the most frequent first.
"""

from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc

from audiolabels.arrays.columns import to_numpy
from audiolabels.errors import OptionError
from audiolabels.exporters.clip_selection import (
    drop_blank,
    name_after,
    refuse_labels,
    select_clips,
    weights_of,
)
from audiolabels.exporters.soft_columns import soft_header
from audiolabels.exporters.text_columns import or_else
from audiolabels.exporters.written_files import Export
from audiolabels.files import refuse_other_classes, write_classes
from audiolabels.targets.targets import Targets

NO_LABEL = "<blank>"


def write_espnet(targets: Targets, path: str | Path, *, keys: str = "{clip}") -> Export:
    """Write `text`, `masked`, `utt2weight` and `token_list`.

    Args:
        targets: N whole clips.
        path: `text`, in the folder of the data set.
        keys: the utterances, see `name_after`.

    Raises:
        OptionError: rows are frames, unsuitable `path`, `keys` or labels, or another token list in
            the folder.
    """
    export, path = Export(), Path(path)
    if path.name != "text":
        raise OptionError(f"{path}: ESPnet finds the labels of a data set by their name: use text")
    tokens = [*(name.replace(" ", "_") for name in targets.vocabulary.names), NO_LABEL, "<unk>"]
    refuse_labels(tokens, r'[\s"]', "espnet")
    token_file, token_rows = path.with_name("token_list"), [token.split(",") for token in tokens]
    refuse_other_classes(token_file, token_rows)
    clips = select_clips(targets, "espnet", name_after(keys), export, empty=True)
    clips = drop_blank(clips, export)
    clips = clips.take(to_numpy(pc.cast(pc.array_sort_indices(clips.names), pa.int64())))
    for place, name in enumerate(["text", "masked", *soft_header(targets)]):
        columns = (
            [part.names, or_else([*texts, *soft][place], NO_LABEL)]
            for part, *texts, soft in clips.columns(tokens, " ")
        )
        export.write_columns(path.with_name(name), [], columns, " ")
    weights = [clips.names, weights_of(clips)]
    export.write_columns(path.with_name("utt2weight"), [], [weights], " ")
    export.files[token_file] = write_classes(token_file, token_rows, header=False, quoted=False)
    return export
