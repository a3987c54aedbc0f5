"""Splitting: labels divided by a class of the ontology, and clips into parts."""
