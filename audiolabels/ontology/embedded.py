"""Paths of the embedded data files, in a wheel and in an editable install."""

from pathlib import Path

PACKAGE = Path(__file__).resolve().parent.parent


def ontology_folder() -> Path:
    """Folder of the embedded ontology: in the wheel, or next to the package in a checkout."""
    wheel = PACKAGE / "_ontology"
    return wheel if wheel.is_dir() else PACKAGE.parent / "ontology"


def sample_path(events: bool = False) -> Path:
    """Path of an embedded sample of made-up clips.

    Args:
        events: the event file in the format of AudioSet's strong labels, instead of the label file
            in AudioSet's segments format.

    >>> sample_path().name, sample_path(events=True).name
    ('sample_segments.csv', 'sample_events.tsv')
    """
    return PACKAGE / ("sample_events.tsv" if events else "sample_segments.csv")
