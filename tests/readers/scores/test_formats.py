"""The table of formats of scores."""

from audiolabels.readers import SCORE_FORMATS


def test_every_form_is_tried_here() -> None:
    tried = ["npz", "ced", "pretrained-sed", "hdf5", "efficientat", "parquet"]
    assert sorted(SCORE_FORMATS) == sorted(tried)
