"""Exports that name unknown classes are read again as they were: these are not negative then."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from audiolabels import Annotations, expand, export, read_events, read_labels
from audiolabels.labels.events import UNSURE

FORMS: dict[str, tuple[str, dict[str, Any]]] = {
    "ast": ("labels.json", {}),
    "ced": ("labels.tsv", {}),
    "desed": ("labels.tsv", {}),
    "fsd50k": ("labels.csv", {}),
    "huggingface": ("labels.parquet", {}),
    "lhotse": ("labels.jsonl.gz", {"clip_duration": 10}),
    "psl": ("labels.tsv", {"clip_duration": 10}),
    "webdataset": ("labels.tar", {}),
}
LABELS = {
    "abcdefghijk_30000": ["Animal", "Dog"],
    "bbcdefghijk_30000": ["Rain"],
    "cbcdefghijk_0": ["Male speech, man speaking"],
}


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("scheme", ["pe-cml", "weak"])
def test_unknown_classes_stay_unknown(form: str, scheme: str, tmp_path: Path) -> None:
    made = expand(Annotations.from_dict(LABELS), scheme, vocabulary="audioset")
    name, options = FORMS[form]
    export(made, form, tmp_path / name, **options)
    again = expand(read_labels(tmp_path / name), "weak", vocabulary="audioset")
    for old, new in zip(made.to_numpy(), again.to_numpy(), strict=True):
        np.testing.assert_array_equal(new, old)


def test_unknown_spans_of_lhotse_stay_unknown(tmp_path: Path) -> None:
    columns = {"clip": ["a", "a"], "label": ["Dishes", "Dog"], "onset": [0, 1], "offset": [1, 2]}
    events = read_events(columns, mapping="desed", clip_duration=4)
    export(events, "lhotse", tmp_path / "cuts.jsonl.gz", vocabulary="audioset")
    again = read_events(tmp_path / "cuts.jsonl.gz", clip_duration=4)
    rows = again.to_pandas().query("state == 'unsure'")[["label", "onset", "offset"]]
    assert rows.to_numpy().tolist() == [["Cutlery, silverware", 0, 1]]
    assert (again.state == UNSURE).sum() == (events.state == UNSURE).sum() == 1
