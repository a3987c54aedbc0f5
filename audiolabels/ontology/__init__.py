"""The ontology: a graph of classes, vocabularies, and the policies for several parents."""

from audiolabels.ontology.embedded import sample_path
from audiolabels.ontology.graph import OntologyClass
from audiolabels.ontology.ontology import Ontology, load_ontology, toy_ontology
from audiolabels.ontology.parents import PARENTS, PARENTS_OR_NONE
from audiolabels.ontology.vocabulary import NAMED, Vocabulary, load_vocabulary

__all__ = [
    "NAMED",
    "PARENTS",
    "PARENTS_OR_NONE",
    "Ontology",
    "OntologyClass",
    "Vocabulary",
    "load_ontology",
    "load_vocabulary",
    "sample_path",
    "toy_ontology",
]
