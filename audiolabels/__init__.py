"""Turns AudioSet-like labels into training targets: positive, negative or unknown.

Label files become annotations, a scheme turns annotations into targets, and Parquet files bring the
targets to any training code:

>>> import audiolabels
>>> labels = audiolabels.Annotations.from_dict({"clip": ["Electric guitar"]})
>>> audiolabels.expand(labels, "pe-cml").to_pandas()["positive"][0]
['Music', 'Musical instrument', 'Plucked string instrument', 'Guitar', 'Electric guitar']
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from audiolabels.comparison import compare as compare
    from audiolabels.errors import AudioLabelsError as AudioLabelsError
    from audiolabels.expansion import expand_files as expand_files
    from audiolabels.expansion import join as join
    from audiolabels.exporters import export as export
    from audiolabels.labels import Annotations as Annotations
    from audiolabels.labels import Events as Events
    from audiolabels.labels import Scores as Scores
    from audiolabels.metrics import evaluate as evaluate
    from audiolabels.ontology import Vocabulary as Vocabulary
    from audiolabels.ontology import load_ontology as load_ontology
    from audiolabels.ontology import load_vocabulary as load_vocabulary
    from audiolabels.ontology import sample_path as sample_path
    from audiolabels.ontology import toy_ontology as toy_ontology
    from audiolabels.readers import read_events as read_events
    from audiolabels.readers import read_labels as read_labels
    from audiolabels.readers import read_scores as read_scores
    from audiolabels.schemes import expand as expand
    from audiolabels.targets import LabelSource as LabelSource
    from audiolabels.targets import SoftTargets as SoftTargets
    from audiolabels.targets import Targets as Targets
    from audiolabels.targets import open as open
    from audiolabels.targets import read_info as read_info
    from audiolabels.targets import read_targets as read_targets
    from audiolabels.targets import write_targets as write_targets

__version__ = "0.1.0"

# The packages, each with its names that are public here too. Both load when first used, so that the
# command line starts without numpy.
_PACKAGES = {
    "arrays": "",
    "audit": "",
    "comparison": "compare",
    "datasets": "",
    "errors": "AudioLabelsError",
    "expansion": "expand_files join",
    "exporters": "export",
    "labels": "Annotations Events Scores",
    "metrics": "evaluate",
    "ontology": "Vocabulary load_ontology load_vocabulary sample_path toy_ontology",
    "plots": "",
    "readers": "read_events read_labels read_scores",
    "report_page": "",
    "schemes": "expand",
    "splitting": "",
    "targets": "LabelSource SoftTargets Targets open read_info read_targets write_targets",
}
_HOMES = {name: package for package, names in _PACKAGES.items() for name in names.split()}
__all__ = sorted(_HOMES)


def __getattr__(name: str) -> Any:
    if name in _PACKAGES:
        return import_module(f"audiolabels.{name}")
    if name not in _HOMES:
        raise AttributeError(f"module 'audiolabels' has no attribute {name!r}")
    value = getattr(import_module(f"audiolabels.{_HOMES[name]}"), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *_HOMES})
