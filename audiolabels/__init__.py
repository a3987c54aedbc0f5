"""AudioSet labels, repaired before training.

Label files become annotations, a scheme makes targets of them (positive, negative or unknown), and
Parquet takes them to anyone's training code:

>>> import audiolabels
>>> labels = audiolabels.Annotations.from_dict({"clip": ["Electric guitar"]})
>>> audiolabels.expand(labels, "pe-cml").to_pandas()["positive"][0]
['Music', 'Musical instrument', 'Plucked string instrument', 'Guitar', 'Electric guitar']
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from audiolabels.arrays.grid import Grid
    from audiolabels.clips.partition import draw_parts
    from audiolabels.comparison.comparison import Comparison, compare
    from audiolabels.comparison.files import compare_files
    from audiolabels.errors import AudioLabelsError
    from audiolabels.expansion.local import expand_files
    from audiolabels.exporters import export
    from audiolabels.labels.annotations import Annotations
    from audiolabels.labels.events import Events
    from audiolabels.labels.scores import Scores
    from audiolabels.metrics.ranking import Evaluation, evaluate, hard_negatives
    from audiolabels.metrics.teacher import analyse_scores
    from audiolabels.ontology.embedded import sample_path
    from audiolabels.ontology.ontology import Ontology, load_ontology, toy_ontology
    from audiolabels.ontology.vocabulary import Vocabulary, load_vocabulary
    from audiolabels.readers import read_events, read_labels
    from audiolabels.readers.scores import read_scores, write_scores
    from audiolabels.schemes import SCHEMES, expand
    from audiolabels.splitting.roots import Split, split_by_root
    from audiolabels.targets.sampling import Mixture, balanced_order, sampling_weights
    from audiolabels.targets.soft import SoftTargets
    from audiolabels.targets.source import LabelSource
    from audiolabels.targets.source import open_source as open
    from audiolabels.targets.store import read_info, read_targets, write_targets
    from audiolabels.targets.targets import Targets

__version__ = "0.1.0"

__all__ = [
    "SCHEMES",
    "Annotations",
    "AudioLabelsError",
    "Comparison",
    "Evaluation",
    "Events",
    "Grid",
    "LabelSource",
    "Mixture",
    "Ontology",
    "Scores",
    "SoftTargets",
    "Split",
    "Targets",
    "Vocabulary",
    "analyse_scores",
    "balanced_order",
    "compare",
    "compare_files",
    "draw_parts",
    "evaluate",
    "expand",
    "expand_files",
    "export",
    "hard_negatives",
    "load_ontology",
    "load_vocabulary",
    "open",
    "read_events",
    "read_info",
    "read_labels",
    "read_scores",
    "read_targets",
    "sample_path",
    "sampling_weights",
    "split_by_root",
    "toy_ontology",
    "write_scores",
    "write_targets",
]

# Names load with their module when first used, so that the command line starts without numpy.
_HOMES = {
    "comparison.comparison": ["Comparison", "compare"],
    "comparison.files": ["compare_files"],
    "errors": ["AudioLabelsError"],
    "arrays.grid": ["Grid"],
    "expansion.local": ["expand_files"],
    "exporters": ["export"],
    "labels.annotations": ["Annotations"],
    "labels.events": ["Events"],
    "labels.scores": ["Scores"],
    "metrics.ranking": ["Evaluation", "evaluate", "hard_negatives"],
    "metrics.teacher": ["analyse_scores"],
    "ontology.embedded": ["sample_path"],
    "ontology.ontology": ["Ontology", "load_ontology", "toy_ontology"],
    "ontology.vocabulary": ["Vocabulary", "load_vocabulary"],
    "readers": ["read_events", "read_labels"],
    "readers.scores": ["read_scores", "write_scores"],
    "schemes": ["SCHEMES", "expand"],
    "splitting.roots": ["Split", "split_by_root"],
    "clips.partition": ["draw_parts"],
    "targets.sampling": ["Mixture", "balanced_order", "sampling_weights"],
    "targets.soft": ["SoftTargets"],
    "targets.source": ["LabelSource"],
    "targets.store": ["read_info", "read_targets", "write_targets"],
    "targets.targets": ["Targets"],
}


def __getattr__(name: str) -> Any:
    if name == "open":  # a builtin's name, which only the package itself bears
        return import_module("audiolabels.targets.source").open_source
    for module, names in _HOMES.items():
        if name in names:
            value = getattr(import_module(f"audiolabels.{module}"), name)
            globals()[name] = value
            return value
    raise AttributeError(f"module 'audiolabels' has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
