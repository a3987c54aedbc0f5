"""FSD50K's CSV, read by its vocabulary."""

import csv
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from export_support import framed_targets, given, positives, rows_of
from export_support import sample_targets as sample
from export_support import strange_targets as strange

from audiolabels import (
    Annotations,
    Targets,
    expand,
    export,
    load_ontology,
    load_vocabulary,
    read_labels,
)
from audiolabels.errors import OptionError
from audiolabels.exporters.fsd50k import underscored


@pytest.mark.parametrize("vocabulary", ["fsd50k", "audioset"])
@pytest.mark.parametrize("make", [sample, strange])
def test_its_readers_read_it(tmp_path: Path, make: Callable[..., Targets], vocabulary: str) -> None:
    targets, path = make("pe-cml", vocabulary), tmp_path / "dev.csv"
    done = export(targets, "fsd50k", path)
    with (tmp_path / "vocabulary.csv").open(newline="") as file:
        classes = list(csv.reader(file))
    with path.open(newline="") as file:
        rows = list(csv.DictReader(file))
    clips = [row["fname"] for row in rows]
    target, mask = rows_of(targets, clips)
    by_name, by_id = ({row[k]: int(row[0]) for row in classes} for k in (1, 2))
    for key, column, wanted in (
        ("labels", by_name, target),
        ("mids", by_id, target),
        ("masked", by_id, 1 - mask),
    ):
        made = np.zeros_like(target)
        for line, row in zip(made, rows, strict=True):
            line[[column[label] for label in row[key].split(",") if label]] = 1
        assert (made == wanted).all()
    assert clips == list(given(targets))
    assert done.files[path] == len(rows) == len(targets) - sum(done.left_out.values())
    assert positives(path, vocabulary) == given(targets)


def test_the_split_is_copied_or_drawn_by_recording(tmp_path: Path) -> None:
    clips = [f"s9d-2nhuJ{n:02}_{start}" for n in range(60) for start in (0, 30_000)]
    targets = expand(Annotations.from_dict({clip: ["Dog"] for clip in clips}), "weak")
    export(targets, "fsd50k", tmp_path / "dev.csv")
    split = splits(tmp_path / "dev.csv")
    assert {split[clip] for clip in clips} == {"train", "val"}
    assert all(split[a] == split[b] for a, b in zip(clips[::2], clips[1::2], strict=True))
    assert 0 < list(split.values()).count("val") < 30
    own = "".join(f"{clip},x,y,{n}\n" for n, clip in enumerate(reversed(clips)))
    (tmp_path / "like.csv").write_text(f"fname,labels,mids,split\n{own}")
    export(targets, "fsd50k", tmp_path / "dev.csv", like=tmp_path / "like.csv")
    assert splits(tmp_path / "dev.csv") == {c: str(119 - n) for n, c in enumerate(clips)}
    (tmp_path / "like.csv").write_text("fname,split\ns9d-2nhuJ00_0,val\n")
    with pytest.raises(OptionError, match=r"no split of 119 of 120 clips: s9d-2nhuJ00_30000"):
        export(targets, "fsd50k", tmp_path / "dev.csv", like=tmp_path / "like.csv")
    for rows in ("a,x,val\na,x,train\n", "a,x,\n", "a,x\n"):
        (tmp_path / "like.csv").write_text(f"fname,labels,split\n{rows}")
        with pytest.raises(OptionError, match="no split of a, or several"):
            export(targets, "fsd50k", tmp_path / "dev.csv", like=tmp_path / "like.csv")
    (tmp_path / "like.csv").write_text("fname,labels\n")
    with pytest.raises(OptionError, match="no columns fname and split"):
        export(targets, "fsd50k", tmp_path / "dev.csv", like=tmp_path / "like.csv")


def splits(path: Path) -> dict[str, str]:
    with path.open(newline="") as file:
        return {row["fname"]: row["split"] for row in csv.DictReader(file)}


def test_names_are_those_of_fsd50k() -> None:
    ontology, vocabulary = load_ontology(), load_vocabulary("fsd50k")
    assert [underscored(ontology.name(id_)) for id_ in vocabulary.ids] == list(vocabulary.names)


def test_frames_and_another_vocabulary_are_refused(tmp_path: Path) -> None:
    with pytest.raises(OptionError, match="these are frames"):
        export(framed_targets(), "fsd50k", tmp_path / "dev.csv")
    export(sample(), "fsd50k", tmp_path / "dev.csv")
    with pytest.raises(OptionError, match="lists other classes"):
        export(sample("weak", "fsd50k"), "fsd50k", tmp_path / "dev.csv")


@pytest.mark.shared
def test_real_labels_come_back(tmp_path: Path, shared_data: Path) -> None:
    own = shared_data / "fsd50k"
    targets = expand(read_labels(own / "dev.csv"), "weak", vocabulary="fsd50k")
    export(targets, "fsd50k", tmp_path / "dev.csv")
    assert positives(tmp_path / "dev.csv", "fsd50k") == given(targets)
    assert (tmp_path / "vocabulary.csv").read_bytes() == (own / "vocabulary.csv").read_bytes()
    with (own / "dev.csv").open() as a, (tmp_path / "dev.csv").open() as b:
        for theirs, ours in zip(csv.DictReader(a), csv.DictReader(b), strict=True):
            assert theirs["fname"] == ours["fname"]
            assert all(
                set(theirs[key].split(",")) == set(ours[key].split(","))
                for key in ("labels", "mids")
            )
