"""AudioSet labels, repaired before training.

Label files become annotations, a scheme makes targets of them (positive, negative or unknown), and
Parquet takes them to anyone's training code:

>>> import audiolabels
>>> labels = audiolabels.Annotations.from_dict({"clip": ["Electric guitar"]})
>>> audiolabels.expand(labels, "pe-cml").to_pandas()["positive"][0]
['Music', 'Musical instrument', 'Plucked string instrument', 'Guitar', 'Electric guitar']
"""

from audiolabels.annotations import Annotations
from audiolabels.engines.local import expand_files
from audiolabels.errors import AudioLabelsError
from audiolabels.ontology import Ontology, load_ontology, toy_ontology
from audiolabels.readers import read_labels
from audiolabels.resources import sample_path
from audiolabels.schemes import SCHEMES, expand
from audiolabels.store import read_info, read_targets, write_targets
from audiolabels.targets import Targets
from audiolabels.vocabulary import Vocabulary, load_vocabulary

__version__ = "0.1.0"

__all__ = [
    "SCHEMES",
    "Annotations",
    "AudioLabelsError",
    "Ontology",
    "Targets",
    "Vocabulary",
    "expand",
    "expand_files",
    "load_ontology",
    "load_vocabulary",
    "read_info",
    "read_labels",
    "read_targets",
    "sample_path",
    "toy_ontology",
    "write_targets",
]
