"""Exporters: labels in the files that other projects' code reads. One module per family of formats.

`EXPORTERS` is the table from which command line and documentation are made. All exporters replace
existing files at the end, once they are complete, and raise TargetsFileError if a file cannot be
written and VocabularyError for other classes than those that the readers of the format expect.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from types import MappingProxyType, UnionType
from typing import Any, get_args

from audiolabels.errors import OptionError, choose
from audiolabels.exporters.ast import write_ast
from audiolabels.exporters.ced import write_ced
from audiolabels.exporters.desed import write_desed
from audiolabels.exporters.eat import write_eat
from audiolabels.exporters.editors import write_audacity, write_raven
from audiolabels.exporters.efficientat import write_efficientat
from audiolabels.exporters.espnet import write_espnet
from audiolabels.exporters.evaluators import write_events
from audiolabels.exporters.flexsed import write_flexsed
from audiolabels.exporters.framed_release import write_framed_release
from audiolabels.exporters.fsd50k import write_fsd50k
from audiolabels.exporters.hear import write_hear
from audiolabels.exporters.huggingface import write_huggingface
from audiolabels.exporters.label_studio import write_label_studio
from audiolabels.exporters.lhotse import write_lhotse
from audiolabels.exporters.panns import write_panns
from audiolabels.exporters.passt import write_passt
from audiolabels.exporters.pretrained_sed import write_pretrained_sed
from audiolabels.exporters.psl import write_psl
from audiolabels.exporters.soft_columns import binarise
from audiolabels.exporters.webdataset import DOTS, write_webdataset
from audiolabels.exporters.wide_csv import UNKNOWN_CELLS, write_wide_csv
from audiolabels.exporters.written_files import Export
from audiolabels.files import on_disk, together
from audiolabels.labels.events import Events
from audiolabels.ontology.parents import PARENTS_OR_NONE
from audiolabels.options import Option, above_zero, portion, refuse_unknown, whole_number
from audiolabels.targets.targets import SoftTargets, Targets

__all__ = ["EXPORTERS", "Export", "Exporter", "export"]


@dataclass(frozen=True)
class Exporter:
    """One format.

    Attributes:
        write: a function `(labels, path, **options) -> Export`.
        reads: what it is made from, `Targets`, `Events` or both.
        summary: what it is, in a line.
        options: its keyword arguments; `threshold` is one of `export`, for formats that are read as
            hard labels and keep the scores of soft targets too.
        soft: where the scores of soft targets are written, if the format has a place for them.
        back: what of this library reads its files, and how much of them.
    """

    write: Callable[..., Export]
    reads: type | UnionType
    summary: str
    options: Mapping[str, Option] = field(default_factory=dict)
    soft: str = ""
    back: str = ""

    @property
    def sources(self) -> tuple[type, ...]:
        """The types of its input."""
        return get_args(self.reads) or (self.reads,)


def _named(**options: Option) -> Mapping[str, Option]:
    return MappingProxyType({n: replace(o, name=n, field=n) for n, o in options.items()})


LINKED = Option(
    None, "The project's HDF5 file with the audio, to which the new file links.", metavar="FILE"
)
LISTED = Option(
    None, "The project's HDF5 file with the audio, whose path the list gives.", metavar="FILE"
)
COPIED = Option(
    None, "The project's HDF5 file with the audio, which is copied, of events.", metavar="FILE"
)
FOLDER = Option(
    None, "The folder of the audio files, from which their sizes are read.", metavar="FOLDER"
)
INDEX = Option(None, "Where to write the index that samplers read, with --audio.", metavar="FILE")
BY_VIDEO = Option(
    "{id}.wav",
    "Names of the audio files: {id} is the video's 11 characters, {clip} the whole id of the clip.",
    metavar="PATTERN",
)
BY_CLIP = replace(BY_VIDEO, default="{clip}.wav")
SAMPLE_RATE = Option(
    None,
    "Sample rate of the audio files, in place of --audio: their sizes are then the lengths of the "
    "clips times the rate.",
    check=partial(whole_number, least=0),
    metavar="HZ",
)
LIKE = Option(
    None,
    "A CSV whose column split is copied by fname, such as FSD50K's dev.csv.",
    metavar="FILE",
    shown="a tenth of the recordings is val, by hash",
)
LENGTH = Option(None, "Length of clips whose length the targets do not give.", metavar="SECONDS")
THRESHOLD = Option(
    None,
    "Score from which on a class of soft targets is positive, such as 0.5; the scores are written "
    "too.",
    check=partial(portion, above=True),
    metavar="NUMBER",
)
KEYS = Option(
    "{clip}",
    "Names of the clips in the project's other files: {id} is the video's 11 characters, {clip} "
    "the whole id of the clip.",
    metavar="PATTERN",
)
CUTS = Option(
    None,
    "A manifest of cuts or supervisions that is copied with the new labels; clips are found by the "
    "paths of their recordings.",
    metavar="FILE",
)
DOTTED = Option(
    "refuse",
    "What becomes of a key with a dot, where webdataset cuts it: refuse it, cut it there, or write "
    "an underscore for each dot.",
    choices=DOTS,
)
FIELD = Option("labels", "Key of the labels in the JSON; X-ARES has soundevent for FSD50K.")
UNKNOWN_CELL = Option(
    None,
    "Cell of an unknown class; without it targets with unknown classes are refused, since an empty "
    "one makes autrainer's loss NaN.",
    choices=UNKNOWN_CELLS,
)
HIGHEST = Option(8000.0, "Upper edge of the selections.", check=above_zero, metavar="HZ")
AUDIO_URL = Option(
    "/data/local-files/?d={clip}.wav",
    "Addresses of the audio: {id} is the video's 11 characters, {clip} the whole id of the clip.",
    metavar="PATTERN",
)
IDS = Option(False, "Labels are ids, not display names.")
NAMES = Option(False, "Labels are display names, not ids.")
VOCABULARY = Option(
    None,
    "Classes of events, the others are left out: a named vocabulary or a file with a list of "
    "classes, as in expand.",
    metavar="NAME|FILE",
    shown="audioset-strong",
)
PARENTS = Option(
    None,
    "Which ancestors the class of an event implies, as in expand.",
    choices=PARENTS_OR_NONE,
    shown="none",
)
DURATIONS = Option(
    None,
    "Where to write the lengths of the clips, which sed_scores_eval and psds_eval need.",
    metavar="FILE",
)
OF_EVENTS = _named(vocabulary=VOCABULARY, parents=PARENTS, names=NAMES, durations=DURATIONS)

EXPORTERS: Mapping[str, Exporter] = MappingProxyType(
    {
        "panns": Exporter(
            write_panns,
            Targets | SoftTargets,
            "HDF5 with links to the waveforms in another file, and the index",
            _named(audio=LINKED, index=INDEX, threshold=THRESHOLD),
            "data set `soft`",
        ),
        "passt": Exporter(
            write_passt,
            Targets | SoftTargets,
            "HDF5 of PaSST and EfficientAT, with links to the audio in another file",
            _named(audio=LINKED, threshold=THRESHOLD),
            "data set `soft`",
        ),
        "ast": Exporter(
            write_ast,
            Targets | SoftTargets,
            "JSON of AST, PSLA, SSAST and AudioMAE, sampling weights, list of classes",
            _named(files=BY_VIDEO, threshold=THRESHOLD),
            "key `soft`",
            "`read_labels`, the positive classes",
        ),
        "psl": Exporter(
            write_psl,
            Targets | SoftTargets,
            "TSV of PSL, one row per clip or frame",
            _named(audio=LISTED, clip_duration=LENGTH, threshold=THRESHOLD),
            "column `soft`, of clips or segments",
            "`read_labels`, the positive classes",
        ),
        "ced": Exporter(
            write_ced,
            Targets | SoftTargets,
            "list of CED, one row per clip, list of classes; of soft targets the highest scores",
            _named(files=BY_VIDEO, audio=LISTED),
            "file of scores, of clips or segments, the 20 highest",
            "`read_labels`, with `--audio`, the positive classes; `read_scores`, the 20 highest",
        ),
        "eat": Exporter(
            write_eat,
            Targets | SoftTargets,
            "manifest and labels of EAT, sampling weights, list of classes",
            _named(
                files=BY_VIDEO,
                audio=FOLDER,
                sample_rate=SAMPLE_RATE,
                clip_duration=LENGTH,
                threshold=THRESHOLD,
            ),
            "file `<split>.soft`",
            "`read_labels`, of the `.lbl`, the positive classes",
        ),
        "fsd50k": Exporter(
            write_fsd50k,
            Targets | SoftTargets,
            "CSV of FSD50K, and vocabulary.csv",
            _named(like=LIKE, threshold=THRESHOLD),
            "column `soft`",
            "`read_labels`, the positive classes",
        ),
        "desed": Exporter(
            write_desed,
            Targets | SoftTargets | Events,
            "TSV of DESED_task, weak from clips, strong from frames or events",
            _named(
                files=BY_CLIP,
                names=NAMES,
                vocabulary=VOCABULARY,
                parents=PARENTS,
                threshold=THRESHOLD,
            ),
            "column `soft`, of clips",
            "`read_labels`, the positive classes of weak labels; `read_events` of strong ones",
        ),
        "hear": Exporter(
            write_hear,
            Targets,
            "JSON of HEAR, labels per clip or events from frames, and labelvocabulary.csv",
            _named(files=BY_CLIP, names=NAMES),
        ),
        "huggingface": Exporter(
            write_huggingface,
            Targets | SoftTargets,
            "Parquet in the format of agkphysics/AudioSet, without audio",
            _named(threshold=THRESHOLD),
            "column `soft`",
            "`read_labels`, the positive classes",
        ),
        "pretrained-sed": Exporter(
            write_pretrained_sed,
            Events | SoftTargets,
            "a split of PretrainedSED's Hugging Face data set, in a new folder; of soft targets "
            "its HDF5 of pseudo labels",
            _named(audio=COPIED, parents=PARENTS),
            "file of pseudo labels, of clips or segments",
            "`read_events`; `read_scores` of pseudo labels, within 0.4 %",
        ),
        "efficientat": Exporter(
            write_efficientat,
            SoftTargets,
            "teacher scores for EfficientAT's distillation, a .npy array of logits, and "
            "fname_to_index.pkl",
            back="`read_scores`, within 0.4 %",
        ),
        "framed-release": Exporter(
            write_framed_release,
            Targets,
            "frames, PRESENT or NOT_PRESENT, in the format of AudioSet's framed release",
            back="`read_events`",
        ),
        "lhotse": Exporter(
            write_lhotse,
            Targets | SoftTargets | Events,
            "supervisions of Lhotse as icefall's recipe for AudioSet reads them, sampling weights, "
            "list of classes",
            _named(
                keys=KEYS,
                clip_duration=LENGTH,
                like=CUTS,
                vocabulary=VOCABULARY,
                parents=PARENTS,
                threshold=THRESHOLD,
            ),
            "key `soft` of `custom`, of clips or segments",
        ),
        "espnet": Exporter(
            write_espnet,
            Targets | SoftTargets,
            "text, utt2weight and token list of an ESPnet data folder",
            _named(keys=KEYS, threshold=THRESHOLD),
            "file `soft`",
        ),
        "webdataset": Exporter(
            write_webdataset,
            Targets | SoftTargets,
            "tar with a JSON of labels for each key, list of classes",
            _named(keys=KEYS, dots=DOTTED, field=FIELD, names=NAMES, threshold=THRESHOLD),
            "key `soft`",
        ),
        "flexsed": Exporter(
            write_flexsed,
            Targets | SoftTargets,
            "CSV of FlexSED with positives and explicit negatives, and label_to_id.csv",
            _named(files=BY_CLIP, threshold=THRESHOLD),
            "column `soft`",
        ),
        "wide-csv": Exporter(
            write_wide_csv,
            Targets | SoftTargets,
            "CSV with a column per class, for autrainer",
            _named(files=BY_CLIP, names=NAMES, unknown_cells=UNKNOWN_CELL),
            "the cells",
        ),
        "label-studio": Exporter(
            write_label_studio,
            Targets,
            "tasks of Label Studio with the positive classes as predictions, and its configuration",
            _named(audio_url=AUDIO_URL),
            back="`read_labels`, of the annotated project's JSON export",
        ),
        "raven": Exporter(
            write_raven,
            Targets | Events,
            "selection tables of Raven Pro, of frames or events",
            _named(
                files=BY_CLIP,
                ids=IDS,
                vocabulary=VOCABULARY,
                parents=PARENTS,
                high_frequency=HIGHEST,
            ),
        ),
        "audacity": Exporter(
            write_audacity,
            Targets | Events,
            "labels of Audacity, of frames or events, a file per clip in a new folder",
            _named(files=BY_CLIP, ids=IDS, vocabulary=VOCABULARY, parents=PARENTS),
        ),
        **{
            form: Exporter(
                partial(write_events, form=form),
                Events,
                summary,
                OF_EVENTS,
                back="`read_events`, of events that were merged",
            )
            for form, summary in (
                ("sed-scores-eval", "events merged per class, and rows for clips without any"),
                ("psds-eval", "events merged per class"),
                ("sed-eval", "the same as psds-eval"),
            )
        },
    }
)


WEIGHTLESS = (
    "the targets have weights, which this format cannot hold: its consumer counts all known "
    "targets the same"
)


def export(
    labels: Targets | SoftTargets | Events, to: str, path: str | Path, **options: Any
) -> Export:
    """Write labels in the files that another project's code reads.

    Args:
        labels: targets or events, depending on the format.
        to: a key of `EXPORTERS`.
        path: an existing file is replaced at the end.
        **options: those of the format. Soft targets need `threshold` in one that is read as hard
            labels: the score from which on a class is positive. The scores are written too, in the
            place that `Exporter.soft` names. Weights are not: no format has a place for them, which
            a note states.

    Raises:
        OptionError: no such format or option, a value that an option does not take, not the labels
            that the format needs, or soft targets without a threshold.
        InputTypeError: `path` is not a path.
        TargetsFileError: a file cannot be written; existing files are unchanged.
    """
    done = _export(labels, to, path, options)
    if not isinstance(labels, Events) and labels.weight is not None:
        done.notes.append(WEIGHTLESS)
    return done


@together()
def _export(
    labels: Targets | SoftTargets | Events, to: str, path: str | Path, options: dict[str, Any]
) -> Export:
    exporter = EXPORTERS[choose("format", to, EXPORTERS)]
    if not isinstance(labels, exporter.sources):
        wanted = " or ".join(source.__name__ for source in exporter.sources)
        hint = ""
        if isinstance(labels, SoftTargets):
            hint = "; it cannot hold scores: expand them with a threshold (--threshold 0.5)"
        raise OptionError(f"{to} is made from {wanted}, not {type(labels).__name__}{hint}")
    refuse_unknown(f"format {to!r}", options, exporter.options)
    options = {name: exporter.options[name].checked(value) for name, value in options.items()}
    path = on_disk("output", path)
    if not path.name:
        raise OptionError(f"output: {str(path)!r} is no name of a file")
    threshold = options.pop("threshold", None)
    if not isinstance(labels, SoftTargets):
        if threshold is not None:
            raise OptionError("a threshold is for soft targets only")
        done = exporter.write(labels, path, **options)
        if isinstance(labels, Events) and labels.annotated is not None:
            done.notes.append(
                f"the clips were annotated for {len(labels.annotated)} classes; the files cannot "
                f"state that the others are unknown, and who reads them takes these for absent"
            )
        return done
    if "threshold" not in exporter.options:
        return exporter.write(labels, path, **options)
    done = exporter.write(binarise(labels, to, threshold), path, **options)
    done.notes.append(f"hard labels: scores from {threshold} on; the scores: {exporter.soft}")
    return done
