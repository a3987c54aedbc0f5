"""The ontology: a graph of classes, vocabularies, and the policies for several parents."""

from audiolabels.ontology.embedded import sample_path
from audiolabels.ontology.graph import OntologyClass
from audiolabels.ontology.hierarchy import coherent_scores, descendant_pairs
from audiolabels.ontology.mapping import (
    LabelMapping,
    check_mapping,
    load_mapping,
    mapping_names,
)
from audiolabels.ontology.mapping_proposals import Proposal, propose, write_draft
from audiolabels.ontology.ontology import Ontology, load_ontology, toy_ontology
from audiolabels.ontology.parents import PARENTS, PARENTS_OR_NONE
from audiolabels.ontology.vocabulary import NAMED, Vocabulary, load_vocabulary

__all__ = [
    "NAMED",
    "PARENTS",
    "PARENTS_OR_NONE",
    "LabelMapping",
    "Ontology",
    "OntologyClass",
    "Proposal",
    "Vocabulary",
    "check_mapping",
    "coherent_scores",
    "descendant_pairs",
    "load_mapping",
    "load_ontology",
    "load_vocabulary",
    "mapping_names",
    "propose",
    "sample_path",
    "toy_ontology",
    "write_draft",
]
