"""Subsets of clips against a slow oracle, and their laws."""

from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st
from oracles import subsets as oracle

from audiolabels import Annotations, read_labels, sample_path, toy_ontology
from audiolabels.arrays.columns import to_arrow
from audiolabels.clips.partition import held_out, in_subset, subset_order
from audiolabels.errors import OptionError, UnknownClipError
from audiolabels.splitting import Subset, draw_subset, subset_files

TOY = toy_ontology()
# Two clips of some videos, and names that are none of YouTube's.
NAMES = [*(f"abcdefghij{n // 2}_{n % 2 * 10_000}" for n in range(8)), "street", "park", "café"]
LABELS = st.one_of(st.none(), st.sets(st.sampled_from(TOY.ids), max_size=4))
CLIPS = st.dictionaries(st.sampled_from(NAMES), LABELS, min_size=1)


def draw(clips: dict[str, Any], always: Annotations | None = None, **options: Any) -> Subset | None:
    """A subset, or None if it is empty."""
    with suppress(OptionError):  # which nothing else here raises
        return draw_subset(Annotations.from_dict(clips, ontology=TOY), always=always, **options)
    return None


def kept(clips: dict[str, Any], **options: Any) -> set[str]:
    subset = draw(clips, **options)
    return set(subset.labels.clip_id.to_pylist()) if subset else set()


@given(CLIPS, st.integers(1, 3), st.integers(0, 3), st.sets(st.sampled_from(NAMES)))
def test_per_class_is_what_its_definition_reads(
    clips: dict[str, Any], most: int, seed: int, wanted: set[str]
) -> None:
    always = Annotations.from_dict(dict.fromkeys(wanted), ontology=TOY)
    order = [list(clips)[i] for i in subset_order(pa.array(list(clips)), seed=seed).tolist()]
    labels = {clip: set(own or ()) for clip, own in clips.items()}
    expected = oracle.per_class(labels, order, TOY.ids, most, wanted & set(clips))
    subset = draw(clips, always, per_class=most, seed=seed)
    assert (set(subset.labels.clip_id.to_pylist()) if subset else set()) == expected
    if subset:
        assert (subset.kept, subset.clips) == (len(expected), len(clips))
        assert (subset.always, subset.not_found) == (
            len(wanted & set(clips)), len(wanted - set(clips))
        )  # fmt: skip
        counts = [sum(c in labels[clip] for clip in expected) for c in TOY.ids]
        assert subset.kept_by_class.tolist() == counts


@given(CLIPS, st.integers(1, 3))
def test_a_class_has_more_clips_than_asked_for_only_by_rarer_ones(
    clips: dict[str, Any], most: int
) -> None:
    labels = {clip: set(own or ()) for clip, own in clips.items()}
    number = {c: sum(c in own for own in labels.values()) for c in TOY.ids}
    chosen = kept(clips, per_class=most)
    for class_ in TOY.ids:
        own = [clip for clip in chosen if class_ in labels[clip]]
        rarest = [
            clip
            for clip in own
            if min(labels[clip], key=lambda c: (number[c], TOY.ids.index(c))) == class_
        ]
        assert len(own) <= most or not rarest


@given(CLIPS, st.randoms(), st.integers(0, 3), st.booleans())
def test_the_order_of_rows_does_not_matter(
    clips: dict[str, Any], random: Any, seed: int, share: bool
) -> None:
    shuffled = random.sample(list(clips.items()), len(clips))
    options: dict[str, Any] = {"share": 0.5} if share else {"per_class": 1}
    assert kept(clips, seed=seed, **options) == kept(dict(shuffled), seed=seed, **options)


@given(CLIPS, st.floats(0.01, 1), st.floats(0.01, 1), st.integers(0, 3))
def test_shares_are_nested_and_keep_recordings_whole(
    clips: dict[str, Any], one: float, other: float, seed: int
) -> None:
    smaller, larger = sorted((one, other))
    few, many = kept(clips, share=smaller, seed=seed), kept(clips, share=larger, seed=seed)
    assert few <= many
    assert {clip[:11] for clip in many} & {clip[:11] for clip in set(clips) - many} == set()
    assert kept(clips, share=1) == set(clips)


def test_all_rows_of_a_clip_are_kept_and_it_counts_once() -> None:
    names = {"a": ["/toy/guitar"], "b": ["/toy/engine"]}
    part = Annotations.from_dict(names, ontology=TOY)
    more = Annotations.from_dict({"a": ["/toy/church"], "x/a": ["/toy/guitar"]}, ontology=TOY)
    subset = draw_subset(Annotations.concat([part, more, part], TOY), per_class=5)
    assert subset.labels.clip_id.to_pylist() == ["a", "b", "a", "x/a", "a", "b"]
    assert (subset.clips, subset.kept) == (3, 3)
    assert subset.clips_by_class.sum() == 4


def test_a_subset_has_its_share_of_the_clips_to_validate_on() -> None:
    clips = pa.array([f"{n:011d}_0" for n in range(20_000)])
    chosen = in_subset(clips, 0.1)
    assert abs(chosen.mean() - 0.1) < 0.01
    assert abs(held_out(clips.filter(pa.array(chosen)), 0.1).mean() - 0.1) < 0.03


def test_another_seed_takes_others() -> None:
    clips = {f"clip{n}": ["/toy/guitar"] for n in range(100)}
    few = [kept(clips, per_class=10, seed=seed) for seed in (0, 1)]
    assert [len(own) for own in few] == [10, 10]
    assert few[0] != few[1]


def test_the_first_of_a_class_are_those_of_the_smallest_share() -> None:
    clips = pa.array([f"clip{n}" for n in range(100)])
    order = subset_order(clips, seed=2)
    chosen = in_subset(clips, 0.2, seed=2)
    assert chosen[order].tolist() == sorted(chosen.tolist(), reverse=True)


def test_files_are_read_and_written(tmp_path: Path) -> None:
    always = tmp_path / "always.csv"
    text = sample_path().read_text()
    always.write_text("".join(line for line in text.splitlines(True) if "sample-000" in line))
    whole = read_labels(sample_path())
    for name in ("out.csv", "out.parquet"):
        done = subset_files([sample_path()], tmp_path / name, always=[always], per_class=2)
        written = read_labels(tmp_path / name)
        assert set(read_labels(always).clip_id.to_pylist()) <= set(written.clip_id.to_pylist())
        assert len(written) == done.kept < len(whole) == done.clips
        assert written.clip_id.equals(done.labels.clip_id)
        assert [*written] == [*done.labels] == [whole[c] for c in written.clip_id.to_pylist()]
        assert done.report.rows == len(whole)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({}, "give either a number of clips per class"),
        ({"per_class": 3, "share": 0.1}, "give either a number of clips per class"),
        ({"per_class": 0}, "per_class 0: give a whole number from 1 on"),
        ({"share": 0}, "share 0: give a number from above 0 to 1"),
        ({"share": 1e-9}, "none of the 1 clips is in the subset"),
    ],
)
def test_bad_requests_are_refused(options: dict[str, Any], message: str) -> None:
    with pytest.raises(OptionError, match=message):
        draw_subset(Annotations.from_dict({"a": ["Rain"]}), **options)


def test_bad_files_write_nothing(tmp_path: Path) -> None:
    output = tmp_path / "out.csv"
    with pytest.raises(OptionError, match="is an input or another output"):
        subset_files([sample_path()], sample_path(), share=0.1)
    with pytest.raises(OptionError, match="give either"):
        subset_files([tmp_path / "none.csv"], output)
    always = Annotations.from_dict({"abcdefghijk": None})
    labels = Annotations.from_dict({"abcdefghijk_0": ["Rain"], "abcdefghijk_5000": ["Rain"]})
    with pytest.raises(UnknownClipError, match="abcdefghijk"):
        draw_subset(labels, share=0.5, always=always)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("name", ["s.json", "s.csv.gz", "s.tsv"])
def test_names_of_other_formats_are_refused_before_anything_is_read(
    tmp_path: Path, name: str
) -> None:
    with pytest.raises(OptionError, match=r"labels are written as \.csv or \.parquet"):
        subset_files([tmp_path / "nowhere.csv"], tmp_path / name, share=0.5)
    assert list(tmp_path.iterdir()) == []


def test_what_a_format_would_lose_is_refused(tmp_path: Path) -> None:
    table = pa.table({"clip_id": ["a", "b"], "labels": [["Rain"], ["Dog"]],
                      "label_values": [[0.5], [1.0]]})  # fmt: skip
    pa.parquet.write_table(table, tmp_path / "in.parquet")
    files = [tmp_path / "in.parquet"]
    with pytest.raises(OptionError, match=r"values, which this format would lose; write a \.parq"):
        subset_files(files, tmp_path / "out.csv", share=1, values="soft")
    subset_files(files, tmp_path / "out.parquet", share=1, values="soft")
    again = read_labels(tmp_path / "out.parquet", values="soft")
    assert again.sets.values is not None
    assert again.sets.take(again.set_of_clip).values.tolist() == [0.5, 1.0]


@pytest.mark.shared
def test_real_labels_have_at_most_so_many_of_the_rarest_label(shared_data: Path) -> None:
    labels = read_labels(shared_data / "audioset" / "balanced_train_segments.csv")
    subset = draw_subset(labels, per_class=30)
    given = subset.clips_by_class > 0
    assert np.median(subset.kept_by_class[given]) == 30
    assert (subset.kept_by_class[given] >= 1).all()
    reordered = labels.take(np.random.default_rng(0).permutation(len(labels)))
    again = draw_subset(reordered, per_class=30)
    assert set(again.labels.clip_id.to_pylist()) == set(subset.labels.clip_id.to_pylist())
    assert len(to_arrow(subset.kept_by_class)) == len(labels.ontology)
