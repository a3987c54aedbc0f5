"""Where the embedded data files lie, in a wheel and in an editable install alike."""

from pathlib import Path

PACKAGE = Path(__file__).resolve().parent


def ontology_folder() -> Path:
    """Folder with the embedded ontology: inside the wheel, or beside the package in a checkout."""
    wheel = PACKAGE / "_ontology"
    return wheel if wheel.is_dir() else PACKAGE.parent / "ontology"


def sample_path() -> Path:
    """Path of the embedded sample: a label file in AudioSet's segments form, with made-up clips.

    >>> sample_path().name
    'sample_segments.csv'
    """
    return PACKAGE / "sample_segments.csv"
