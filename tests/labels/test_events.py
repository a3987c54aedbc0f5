"""Events made in memory."""

import pytest

from audiolabels import Events
from audiolabels.errors import LabelFileError, OptionError, UnknownLabelError


def test_of_dict() -> None:
    events = Events.from_dict({"a": iter([("Dog", 0, 1)]), "b": iter([]), "c": None})
    assert events.labelled.tolist() == [True, True, False]
    with pytest.raises(
        LabelFileError, match=r"clip 'a': an event without length: \('Dog', 1000, 1"
    ):
        Events.from_dict({"a": [("Dog", 1, 1)]})
    with pytest.raises(UnknownLabelError, match="the ontology lacks 'Blub'"):
        Events.from_dict({"a": [("Blub", 0, 1)]})
    with pytest.raises(OptionError, match="no duration for clip 'b'"):
        Events.from_dict({"a": [], "b": []}, duration={"a": 3})
