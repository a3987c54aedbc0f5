"""Label files and targets files compared."""

from pathlib import Path

import pytest

from audiolabels import (
    expand,
    read_labels,
    write_targets,
)
from audiolabels.comparison import compare_files
from audiolabels.errors import (
    LabelFileError,
)


def test_files_of_either_kind(tmp_path: Path) -> None:
    labels = tmp_path / "labels.csv"
    labels.write_text("clip_id,labels\na,Guitar;Rain\nb,Electric guitar\n")
    write_targets(expand(read_labels(labels), "pe-cml"), tmp_path / "targets.parquet")
    found = compare_files(labels, tmp_path / "targets.parquet")
    assert (found.clips, found.overlaps()[0].share_of_a) == (2, 1)
    assert [source["format"] for source in found.report.sources] == ["clip-labels", "targets"]
    assert found.report.notes[1] == (
        "targets.parquet holds targets: pe-cml, parents all, vocabulary audioset (527 classes)"
    )
    same = compare_files(labels, labels)
    assert same.overlaps()[0].share_of_a == same.overlaps()[0].share_of_b == 1


def test_an_ontology_in_the_place_of_labels_is_refused(tmp_path: Path) -> None:
    (tmp_path / "ontology.json").write_text('[{"id": "/a", "name": "A", "child_ids": []}]')
    (tmp_path / "a.csv").write_text("clip_id,labels\na,Guitar\n")
    with pytest.raises(LabelFileError, match=r"ontology\.json"):
        compare_files(tmp_path / "a.csv", tmp_path / "ontology.json")
    with pytest.raises(LabelFileError, match="no such file"):
        compare_files(tmp_path / "gone.csv", tmp_path / "a.csv")


def test_a_pattern_is_one_side(tmp_path: Path) -> None:
    for name in ("a1", "a2", "b"):
        (tmp_path / f"{name}.csv").write_text(f"clip_id,labels\n{name},Dog\n")
    found = compare_files(tmp_path / "a?.csv", tmp_path / "a2.csv")
    assert found.clips == 1
    assert [source["name"] for source in found.report.sources] == ["a1.csv", "a2.csv", "a2.csv"]
