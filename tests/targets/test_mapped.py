"""Large files, which are mapped, against plain look-ups in the targets that they were made from."""

import os
import pickle
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from strategies import cases

import audiolabels
from audiolabels import (
    LabelSource,
    Scores,
    SoftTargets,
    Vocabulary,
    expand,
    expand_files,
    load_vocabulary,
    read_targets,
    write_targets,
)
from audiolabels.errors import OptionError, TargetsFileError
from audiolabels.targets import source, store
from audiolabels.targets.layouts import SOFT, SOFT_LAYOUTS
from audiolabels.targets.mapped import MappedRows
from audiolabels.targets.store import map_targets

LAYOUTS = pytest.mark.parametrize("layout", SOFT_LAYOUTS)
NAMES = ["Guitar", "Rain", "Speech", "Music", "Dog", "Cat", "Bark", "Thunder", "Engine"]


@pytest.fixture(scope="module", autouse=True)
def folder(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """Every file counts as large, and row groups are small; the folder of the cache."""
    folder = tmp_path_factory.mktemp("cache")
    with pytest.MonkeyPatch.context() as patch:
        for module in (store, source):
            patch.setattr(module, "LARGE", 1)
        for layout in SOFT:
            patch.setitem(vars(layout), "group", 4)
        patch.setenv("AUDIOLABELS_CACHE", str(folder))
        yield folder / "sources"


def soft_targets(sizes: list[int], seed: int = 0) -> SoftTargets:
    """Clips of so many segments each, of which the teacher scores some classes."""
    rng = np.random.default_rng(seed)
    scored = [NAMES[i] for i in sorted(rng.permutation(len(NAMES))[: rng.integers(1, 10)])]
    onset = [float(2 * i) for size in sizes for i in range(size)]
    scores = Scores.from_arrays(
        [f"clip é {clip}" for clip, size in enumerate(sizes) for _ in range(size)],
        rng.random((len(onset), len(scored))),
        classes=scored,
        onset=onset,
    )
    targets = expand(scores, "pseudo-strong", vocabulary=NAMES)
    assert isinstance(targets, SoftTargets)
    odd = rng.random((len(onset), len(NAMES))) < rng.choice([0, 0.3])
    values = np.where(odd, np.float16(0), targets.scores)
    return replace(targets, scores=values, masked=targets.masked | np.packbits(odd, axis=1))


def look_up(targets: SoftTargets, sizes: list[int], clips: list[int]) -> tuple[Any, Any]:
    """Target and mask of clips, -1 for none, one number after the other."""
    first = [sum(sizes[:clip]) for clip in range(len(sizes))]
    longest = max((sizes[clip] for clip in clips if clip >= 0), default=0)
    columns = len(targets.vocabulary)
    target, mask = np.zeros((2, len(clips), longest, columns), np.float32)
    for row, clip in enumerate(clips):
        for segment in range(sizes[clip] if clip >= 0 else 0):
            place = first[clip] + segment
            for column in range(columns):
                bit = targets.masked[place, column // 8] >> (7 - column % 8) & 1
                target[row, segment, column] = targets.scores[place, column]
                mask[row, segment, column] = 1 - bit
    return (target, mask) if max(sizes) > 1 else (target[:, 0], mask[:, 0])


@LAYOUTS
@given(
    sizes=st.lists(st.integers(1, 4), min_size=1, max_size=8),
    seed=st.integers(0, 1000),
    data=st.data(),
)
@settings(max_examples=30)
def test_sources_give_what_a_plain_look_up_gives(
    tmp_path_factory: Any, layout: str, sizes: list[int], seed: int, data: st.DataObject
) -> None:
    targets, path = soft_targets(sizes, seed), tmp_path_factory.getbasetemp() / "s.parquet"
    write_targets(targets, path, layout=layout)
    opened = audiolabels.open(path)
    assert isinstance(opened._targets.scores, MappedRows)
    clips = data.draw(st.lists(st.integers(0, len(sizes) - 1), min_size=1, max_size=9))
    for one in (opened, LabelSource(targets), pickle.loads(pickle.dumps(opened))):
        assert (len(one), one.frames, one.framed) == (len(sizes), max(sizes), max(sizes) > 1)
        for found in (one.take(clips), one[[f"clip é {clip}" for clip in clips]]):
            for ours, right in zip(found, look_up(targets, sizes, clips), strict=True):
                assert ours.dtype == np.float32
                assert np.array_equal(ours, right)
        holes = [-1, *clips, -1]
        for ours, right in zip(one.take(holes), look_up(targets, sizes, holes), strict=True):
            assert np.array_equal(ours, right)
        assert one.find(["clip é 0", "gone"])[0].tolist() == [0, -1]
        bits, row = one.positive_bits()
        assert np.array_equal(bits[row], LabelSource(targets).positive_bits()[0])
    chosen = data.draw(st.permutations(NAMES).map(lambda names: names[:4]))
    turned = audiolabels.open(path, vocabulary=chosen)
    right = LabelSource(targets.select(load_vocabulary(chosen)))
    for one in (turned, pickle.loads(pickle.dumps(turned))):
        for ours, theirs in zip(one.take(clips), right.take(clips), strict=True):
            assert np.array_equal(ours, theirs)


@given(case=cases(), data=st.data())
def test_hard_targets_come_from_the_cache_as_from_memory(
    tmp_path_factory: Any, case: tuple, data: st.DataObject
) -> None:
    labels, vocabulary = case
    targets, path = expand(labels, "pe-cml", vocabulary=vocabulary), tmp_path_factory.getbasetemp()
    path /= "h.parquet"
    write_targets(targets, path)
    if not len(labels):
        with pytest.raises(OptionError, match="without a clip"):
            audiolabels.open(path)
        return
    rows = data.draw(st.lists(st.integers(-1, len(labels) - 1), min_size=1))
    first = targets.vocabulary.ids[:1]
    for chosen in (targets.vocabulary, Vocabulary("first", first, first)):
        opened = audiolabels.open(path, vocabulary=chosen)
        right = LabelSource(targets.select(chosen))
        for one in (opened, pickle.loads(pickle.dumps(opened))):
            assert (one.framed, one.frames, len(one)) == (False, 1, len(labels))
            assert one.clip_ids.equals(labels.clip_id)
            for ours, theirs in zip(one.take(rows), right.take(rows), strict=True):
                assert np.array_equal(ours, theirs)
            (bits, row), (others, other) = one.positive_bits(), right.positive_bits()
            assert np.array_equal(bits[row], others[other])


@pytest.mark.parametrize("soft", [True, False])
@pytest.mark.parametrize("layout", SOFT_LAYOUTS)
def test_weights_are_mapped_with_their_targets(tmp_path: Path, layout: str, soft: bool) -> None:
    targets: Any = soft_targets([1, 3, 2, 1, 3])
    if not soft:
        names = {f"clip {i}": [NAMES[i % 3]] for i in range(10)}
        targets = expand(audiolabels.Annotations.from_dict(names), "weak", vocabulary=NAMES)
    rows = len(targets.masked)
    weight = np.random.default_rng(1).random((rows, len(NAMES))).astype(np.float16)
    weighted = replace(targets, weight=weight)
    write_targets(weighted, tmp_path / "t.parquet", layout=layout)
    held = read_targets(tmp_path / "t.parquet")
    assert np.array_equal(held.weights(), weighted.weights())
    assert np.array_equal(map_targets(tmp_path / "t.parquet").weights([2, 0]), held.weights([2, 0]))
    opened = audiolabels.open(tmp_path / "t.parquet", weights=True)
    assert isinstance(opened._targets.weight, MappedRows) == soft
    assert len(LabelSource(weighted).take([0])) == 2
    turned = audiolabels.open(tmp_path / "t.parquet", vocabulary=NAMES[::-1], weights=True)
    for one in (opened, LabelSource(weighted, weights=True)):
        for again in (one, pickle.loads(pickle.dumps(one))):
            target, mask, found = again.take([1, -1, 0])
            assert found.shape == target.shape == mask.shape
            assert (found[1] == 1).all()
            if soft:
                assert np.array_equal(found[0], weighted.weights(slice(1, 4)))
                assert np.array_equal(found[2, :1], weighted.weights(slice(0, 1)))
                assert (found[2, 1:] == 1).all()
            else:
                assert np.array_equal(found[[0, 2]], weighted.weights([1, 0]))
    assert np.array_equal(turned.take([0]).weight[..., ::-1], opened.take([0]).weight)


@LAYOUTS
def test_soft_targets_in_a_folder_are_mapped(tmp_path: Path, folder: Path, layout: str) -> None:
    """In place, or where their layout does not allow it, from a copy."""
    before = cached(folder)
    numbers = np.random.default_rng(0).random((20, 527)).astype(np.float32)
    np.savez(tmp_path / "s.npz", clip_id=np.array([f"c{i}" for i in range(20)]), scores=numbers)
    made = {
        name: expand_files(
            None,
            tmp_path / name,
            "pseudo-strong",
            scores=tmp_path / "s.npz",
            layout=layout,
            rows_per_part=rows,
        )
        for name, rows in (("file", None), ("folder", 7))
    }
    one, many = (map_targets(summary.output) for summary in made.values())
    assert isinstance(many, SoftTargets)
    assert isinstance(many.masked, MappedRows)
    for ours, right in zip(many.to_numpy(), one.to_numpy(), strict=True):
        assert np.array_equal(ours, right)
    assert len(many.masked.data) == (3 if layout == "packed" else 1)
    copies = [file for file in cached(folder) - before if file.suffix == ".parquet"]
    assert len(copies) == (0 if layout == "packed" else 2)
    rows = np.array([19, 3, 6, 7, -1, 3])
    assert np.array_equal(many.scores[rows], one.scores[rows])
    sources = [audiolabels.open(summary.output) for summary in made.values()]
    again = pickle.loads(pickle.dumps(sources[1]))
    for source_ in (sources[1], again):
        assert np.array_equal(source_[["c13", "c2"]].target, sources[0][["c13", "c2"]].target)


@LAYOUTS
def test_mapped_targets_are_those_that_are_read(tmp_path: Path, layout: str) -> None:
    path = tmp_path / "t.parquet"
    write_targets(soft_targets([3, 4, 2, 5]), path, layout=layout)
    read, mapped = read_targets(path), map_targets(path)
    assert isinstance(read, SoftTargets)
    assert isinstance(mapped, SoftTargets)
    assert isinstance(mapped.masked, MappedRows)
    assert not isinstance(read.masked, MappedRows)
    assert mapped.clips.equals(read.clips)
    assert mapped.metadata == read.metadata
    for rows in (None, slice(3, 9), [13, 0, 0], np.array([], np.int64)):
        for ours, right in zip(mapped.to_numpy(rows), read.to_numpy(rows), strict=True):
            assert np.array_equal(ours, right)
    for rows in (-1, 2, [-1, 0], [3, -14], read.scores[:, 0] > 0.3):
        assert np.array_equal(mapped.scores[rows], read.scores[rows])
    for rows in (14, [-15], np.array([True])):
        with pytest.raises(IndexError, match="14"):
            mapped.scores[rows]
    assert np.array_equal(mapped.reach(0.5), read.reach(0.5))
    assert np.array_equal(np.asarray(mapped.scores), read.scores)
    part = pickle.loads(pickle.dumps(mapped)).slice(2, 6)
    assert np.array_equal(part.to_numpy(), read.slice(2, 6).to_numpy())
    write_targets(mapped, tmp_path / "again.parquet", layout=layout)
    assert (tmp_path / "again.parquet").read_bytes() == path.read_bytes()


@pytest.mark.parametrize("how", [{"compression": "zstd"}, {"data_page_size": 8}, {}])
def test_files_that_another_program_rewrote_open_alike(tmp_path: Path, how: dict[str, Any]) -> None:
    """With compression, in many pages, or with columns in which something may be null."""
    sizes, path = [3, 4, 2, 5], tmp_path / "t.parquet"
    targets = soft_targets(sizes)
    write_targets(targets, path)
    file = pq.ParquetFile(path)
    table, facts = file.read(), file.metadata.metadata
    null = {"clip_id", "onset", "offset"} if how else set(table.column_names)
    fields = [field.with_nullable(field.name in null) for field in table.schema]
    table = pa.Table.from_arrays(table.columns, schema=pa.schema(fields, metadata=facts))
    pq.write_table(table, path, use_dictionary=False, write_batch_size=1, **how)
    for ours, right in zip(
        audiolabels.open(path).take([3, 0]), look_up(targets, sizes, [3, 0]), strict=True
    ):
        assert np.array_equal(ours, right)


def cached(folder: Path) -> set[Path]:
    return set(folder.glob("*")) if folder.exists() else set()


@pytest.mark.parametrize("damage", ["cut", "flip", "empty", "metadata"])
def test_a_damaged_cache_is_made_again(tmp_path: Path, folder: Path, damage: str) -> None:
    path, before = tmp_path / "t.parquet", cached(folder)
    write_targets(soft_targets([2, 3]), path)
    right = audiolabels.open(path).take([1, 0])
    (file,) = cached(folder) - before
    whole = file.read_bytes()
    file.unlink()  # what is mapped stays as it is
    content = {
        "cut": whole[: len(whole) // 2],
        "flip": whole.replace("clip é 1".encode(), "clip é 7".encode()),
        "empty": b"",
        "metadata": whole.replace(b'"first"', b'"worst"'),
    }[damage]
    assert content != whole
    file.write_bytes(content)
    again = audiolabels.open(path)
    for ours, theirs in zip(again.take([1, 0]), right, strict=True):
        assert np.array_equal(ours, theirs)
    assert file.read_bytes() == whole


def test_a_cache_belongs_to_one_state_of_a_file(tmp_path: Path, folder: Path) -> None:
    path, before = tmp_path / "t.parquet", cached(folder)
    write_targets(soft_targets([2, 3]), path, layout="dense")
    first = pickle.dumps(audiolabels.open(path))
    old = cached(folder) - before
    assert {file.suffix for file in old} == {".arrow", ".parquet"}
    write_targets(soft_targets([4], 1), path, layout="dense")
    assert len(audiolabels.open(path)) == 1
    new = cached(folder) - before
    assert len(new) == 2
    assert not new & old
    with pytest.raises(TargetsFileError, match="not the file that this source was opened from"):
        pickle.loads(first)


def test_what_killed_runs_left_in_the_cache_is_removed(tmp_path: Path, folder: Path) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    left, kept = (folder / f".other-0.arrow.{pid}.partial" for pid in (2**22 + 1, os.getpid()))
    left.touch()
    kept.touch()
    write_targets(soft_targets([2, 3]), tmp_path / "t.parquet")
    audiolabels.open(tmp_path / "t.parquet")
    assert not left.exists()
    assert kept.exists()
    kept.unlink()


def test_a_cache_that_cannot_be_written_is_an_error(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "t.parquet"
    write_targets(soft_targets([2, 3]), path, layout="dense")
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("AUDIOLABELS_CACHE", str(tmp_path / "file"))
    with pytest.raises(TargetsFileError, match=r"t\.parquet: its cache .*AUDIOLABELS_CACHE"):
        audiolabels.open(path)


@pytest.mark.skipif(not hasattr(os, "fork"), reason="limits of files are those of Unix")
@pytest.mark.parametrize("layout", SOFT_LAYOUTS)
def test_a_full_disk_is_an_error_that_leaves_nothing(tmp_path: Path, layout: str) -> None:
    path, folder = tmp_path / "t.parquet", tmp_path / "cache"
    write_targets(soft_targets([2, 3]), path, layout=layout)
    program = (
        "import audiolabels, resource, signal, sys\n"
        "from audiolabels.targets import source, store\n"
        "source.LARGE = store.LARGE = 1\n"
        "signal.signal(signal.SIGXFSZ, signal.SIG_IGN)\n"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (1000, 1000))\n"
        "audiolabels.open(sys.argv[1])\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", program, str(path)],
        env={**os.environ, "AUDIOLABELS_CACHE": str(folder)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert "TargetsFileError" in done.stderr
    assert "AUDIOLABELS_CACHE" in done.stderr
    assert list((folder / "sources").iterdir()) == []


@pytest.mark.slow
def test_processes_that_make_it_at_once_open_the_same(tmp_path: Path) -> None:
    path, folder = tmp_path / "t.parquet", tmp_path / "cache"
    write_targets(soft_targets([2, 3] * 50), path, layout="dense")
    program = (
        "import audiolabels, sys\n"
        "from audiolabels.targets import source, store\n"
        "source.LARGE = store.LARGE = 1\n"
        "print(audiolabels.open(sys.argv[1])['clip é 7'].target.sum())\n"
    )
    running = [
        subprocess.Popen(
            [sys.executable, "-c", program, str(path)],
            env={**os.environ, "AUDIOLABELS_CACHE": str(folder), "PYTHONUTF8": "1"},
            stdout=subprocess.PIPE,
        )
        for _ in range(4)
    ]
    assert len({each.communicate()[0] for each in running}) == 1
    assert [each.returncode for each in running] == [0] * 4
    assert len(list((folder / "sources").iterdir())) == 2
