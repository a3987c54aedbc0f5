"""Options that several commands share."""

from audiolabels.cli.declarations import click_option, from_declared, path_option
from audiolabels.ontology.ontology import load_ontology
from audiolabels.readers import EventOptions, ReadOptions

ONTOLOGY = path_option(
    "--ontology",
    "An ontology.json in place of the embedded AudioSet ontology.",
    callback=lambda ctx, option, path: load_ontology(path).with_supplement(),
)
VOCABULARY = (
    "Classes of the columns: audioset (527), ontology (632), audioset-strong (456; -train 447, "
    "-eval 416, -both 407), fsd50k (200), or a file with a list of classes."
)
VOCABULARY_OF_LABELS = click_option(
    "--vocabulary", VOCABULARY, default="audioset", metavar="NAME|FILE"
)
TIME_UNIT, UNKNOWN_LABELS, CLIP_DURATION, CLIP_DURATIONS = (
    from_declared(options.declared()[name])
    for options, name in (
        (ReadOptions, "time_unit"),
        (ReadOptions, "unknown"),
        (EventOptions, "clip_duration"),
        (EventOptions, "clip_durations"),
    )
)
REPORT = path_option(
    "--report report_path",
    "Write every row that was not used unchanged, with the reason, to a CSV file.",
)
