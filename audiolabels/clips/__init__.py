"""Clips: what a name says, which clip a name means, and which part of a data set it is in."""
