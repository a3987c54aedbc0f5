"""Comparison of two sides, annotations or targets: priors, common pairs, odds ratios."""
