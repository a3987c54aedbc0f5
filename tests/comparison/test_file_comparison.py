"""Label files and targets files compared."""

from pathlib import Path

import pytest

from audiolabels import (
    expand,
    expand_files,
    read_labels,
    write_targets,
)
from audiolabels.comparison import compare_files
from audiolabels.errors import (
    LabelFileError,
    UnknownClipError,
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


def test_clips_of_a_join_are_those_of_a_source_with_its_prefix(tmp_path: Path) -> None:
    for name in ("home", "yard"):
        (tmp_path / f"{name}.csv").write_text("clip_id,labels\na,Dog\nb,Cat\nc,Rain\n")
    (tmp_path / "joint.toml").write_text(
        '[home]\nlabels = "home.csv"\nprefix = "home/"\n'
        '[yard]\nlabels = "yard.csv"\nprefix = "yard/"\n'
    )
    expand_files(tmp_path / "joint.toml", joint := tmp_path / "joint.parquet", "weak")
    for sides in ((joint, tmp_path / "yard.csv"), (tmp_path / "yard.csv", joint)):
        names = " and ".join(rf"\S*{side.name}" for side in sides)
        with pytest.raises(
            UnknownClipError,
            match=rf"^{names}: .*'a' could mean several .*home/a \(0\), yard/a \(3\); other .*: "
            r"'b', 'c'\. .*--prefix home/ for home, --prefix yard/ for yard",
        ):
            compare_files(*sides)
        assert compare_files(*sides, prefix="yard/").clips == 3
    (tmp_path / "folders.csv").write_text("clip_id,labels\nx/a.wav,Dog\ny/a.wav,Dog\n")
    with pytest.raises(UnknownClipError, match=r"so that its ids are those of the other"):
        compare_files(tmp_path / "folders.csv", tmp_path / "yard.csv")
