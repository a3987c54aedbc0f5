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
    "--vocabulary",
    f"{VOCABULARY}  [default: audioset; all classes of an --ontology that lacks some of these]",
    metavar="NAME|FILE",
)
READING = {name: from_declared(option) for name, option in ReadOptions.declared().items()}
CLIP_LENGTHS = {
    name: from_declared(EventOptions.declared()[name])
    for name in ("clip_duration", "clip_durations")
}
REPORT = path_option(
    "--report report_path",
    "Write every row that was not used unchanged, with the reason, to a CSV file.",
)
