"""Where the embedded data files lie, in a wheel and in an editable install alike."""

from pathlib import Path

PACKAGE = Path(__file__).resolve().parent.parent


def ontology_folder() -> Path:
    """Folder with the embedded ontology: inside the wheel, or beside the package in a checkout."""
    wheel = PACKAGE / "_ontology"
    return wheel if wheel.is_dir() else PACKAGE.parent / "ontology"


def sample_path(events: bool = False) -> Path:
    """Path of an embedded sample of made-up clips.

    Args:
        events: whether to name the event file in the form of AudioSet's strong labels, instead of
            the label file in AudioSet's segments form.

    >>> sample_path().name, sample_path(events=True).name
    ('sample_segments.csv', 'sample_events.tsv')
    """
    return PACKAGE / ("sample_events.tsv" if events else "sample_segments.csv")
