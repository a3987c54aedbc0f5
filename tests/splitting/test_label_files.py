"""Labels written and read back, and the files of a split."""

import re
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from audiolabels import Annotations, load_ontology, load_vocabulary, read_labels, sample_path
from audiolabels.arrays.columns import doubles_to_arrow
from audiolabels.clips.rows import clip_rows as batch_of
from audiolabels.errors import OptionError
from audiolabels.splitting.label_files import split_files, write_labels

CLASSES = ("Rain", "Dog", "Male speech, man speaking", "Bass, drum")
NAMES = [name for name in CLASSES if load_ontology().with_supplement().resolve(name)]
VIDEO = "abcdefghi-_"


def clip_rows(annotations: Annotations) -> list[tuple]:
    return list(
        zip(
            annotations.clip_id.to_pylist(),
            annotations.onset.to_pylist(),
            annotations.offset.to_pylist(),
            map(annotations.labels, range(len(annotations))),
            strict=True,
        )
    )


@given(
    st.lists(
        st.tuples(
            st.sampled_from(["a", "b, c", "d;e", VIDEO, f"{VIDEO}_0", f"{VIDEO}_30000"]),
            st.one_of(st.none(), st.lists(st.sampled_from(NAMES), min_size=1, unique=True)),
        ),
        unique_by=lambda row: row[0],
        min_size=1,
    ),
    st.sampled_from([None, 10.0, 1.234]),
)
def test_labels_read_back_as_they_were(
    tmp_path_factory: pytest.TempPathFactory, rows: list, length: float | None
) -> None:
    labels = Annotations.from_dict(dict(rows))
    offset = doubles_to_arrow([length] * len(labels))
    labels = Annotations(
        batch_of(labels.clip_id, labels.onset, offset),
        labels.ontology,
        labels.set_of_clip,
        labels.rows,
        labels.sets,
    )
    path = tmp_path_factory.mktemp("labels") / "labels.csv"
    assert write_labels(labels, path) == len(labels)
    found, wanted = clip_rows(read_labels(path)), clip_rows(labels)
    if VIDEO in dict(rows):  # such a file has no times
        wanted = [(clip, 0.0, None, names) for clip, _, _, names in wanted]
    assert found == wanted


def test_clips_of_videos_make_audiosets_own_form(tmp_path: Path) -> None:
    write_labels(read_labels(sample_path()), tmp_path / "again.csv")
    ours, theirs = (
        [re.split(r"[, ]+", line)[:3] for line in path.read_text().splitlines() if line[0] != "#"]
        for path in (tmp_path / "again.csv", sample_path())
    )
    assert ours == theirs
    assert clip_rows(read_labels(tmp_path / "again.csv")) == clip_rows(read_labels(sample_path()))


@pytest.mark.parametrize("clip", ["folder/a", "a.wav", "#a", " a", "a\nb"])
def test_ids_that_would_read_back_otherwise_are_refused(tmp_path: Path, clip: str) -> None:
    with pytest.raises(OptionError, match="would be read back as others"):
        write_labels(Annotations.from_dict({clip: ["Rain"]}), tmp_path / "o.csv")
    assert list(tmp_path.iterdir()) == []


def test_a_split_writes_labels_and_classes(tmp_path: Path) -> None:
    base, target = tmp_path / "base.csv", tmp_path / "target.csv"
    done = split_files([sample_path()], "Natural sounds", base=base, target=target)
    for path, own, classes in (
        (base, done.split.base, done.split.base_vocabulary),
        (target, done.split.target, done.split.target_vocabulary),
    ):
        assert clip_rows(read_labels(path)) == clip_rows(own)
        assert done.clips[path] == len(own)
        listed = path.with_suffix(".classes.csv")
        assert load_vocabulary(listed).ids == classes.ids
        assert done.classes[listed] == len(classes)
    assert len(done.classes) == len(done.clips) == 2


def test_parts_hold_each_clip_once(tmp_path: Path) -> None:
    base, target = tmp_path / "b.csv", tmp_path / "t.csv"
    done = split_files(
        [sample_path()], "Human sounds", base=base, target=target, shares=(60, 20, 20), seed=3
    )
    assert {path.name for path in done.clips} == {
        f"{side}.{part}.csv" for side in "bt" for part in ("train", "validation", "test")
    }
    found = [clip for path in done.clips for clip in read_labels(path).clip_id.to_pylist()]
    assert sorted(found) == sorted(read_labels(sample_path()).clip_id.to_pylist())


def test_bad_requests_write_nothing(tmp_path: Path) -> None:
    base, target = tmp_path / "base.csv", tmp_path / "target.csv"
    with pytest.raises(OptionError, match="2 shares; give one for each of train"):
        split_files([sample_path()], "Rain", base=base, target=target, shares=(1, 1))
    with pytest.raises(OptionError, match="is an input or another output"):
        split_files([sample_path()], "Rain", base=base, target=base)
    with pytest.raises(OptionError, match="no clip has a label of Gargling"):
        split_files([sample_path()], "Gargling", base=base, target=target)
    assert list(tmp_path.iterdir()) == []
    base.with_suffix(".classes.csv").write_text("other")
    with pytest.raises(OptionError, match="lists other classes"):
        split_files([sample_path()], "Human sounds", base=base, target=target)
    assert not base.exists()
