"""Folders of parts hold what one file would, whoever made them and however often it was cut off."""

import json
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from score_files import NAMES, write_hdf5

import audiolabels
from audiolabels import export, read_targets
from audiolabels.comparison.file_comparison import compare_files
from audiolabels.errors import AudioLabelsError, LabelFileError, ScoresFileError, TargetsFileError
from audiolabels.expansion import folder as parts_of
from audiolabels.expansion.local import expand_files
from audiolabels.readers import BlockSizes
from audiolabels.targets import read_info
from audiolabels.targets.parts import INDEX, UNFINISHED

LABELS = ["Dog", "Guitar", "Rain", "Dog,Rain", "", "Nonesuch"]
ODD = {"unknown": "drop"}


def write_labels(path: Path, clips: list[int], start: int = 0) -> Path:
    rows = [f'clip{start + i},"{LABELS[label]}"\n' for i, label in enumerate(clips)]
    path.write_text("clip_id,labels\n" + "".join(rows))
    return path


def files_of(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir()}


def same(one: Any, two: Any) -> bool:
    arrays = zip(one.to_numpy(), two.to_numpy(), strict=True)
    return bool(one.clips.equals(two.clips)) and all(np.array_equal(a, b) for a, b in arrays)


@pytest.fixture
def inputs(tmp_path: Path) -> list[Path]:
    rng = np.random.default_rng(3)
    drawn = [rng.integers(0, len(LABELS), size).tolist() for size in (40, 0, 25)]
    paths = [write_labels(tmp_path / f"{i}.csv", d, 30 * i) for i, d in enumerate(drawn)]
    return [paths[0], paths[2], write_labels(tmp_path / "again.csv", [0, 1, 2], 5)]


@settings(max_examples=15)
@given(rows=st.integers(1, 80), layout=st.sampled_from(["lists", "packed", "dense"]))
def test_a_folder_holds_what_a_file_does(
    tmp_path_factory: pytest.TempPathFactory, rows: int, layout: str
) -> None:
    base = tmp_path_factory.mktemp("folder")
    paths = [
        write_labels(base / "a.csv", [0, 1, 2, 5] * 9),
        write_labels(base / "b.csv", [3, 4], 9),
    ]
    reports = [base / "one-report.csv", base / "all-report.csv"]
    one = expand_files(paths, base / "o", layout=layout, report=reports[0], **ODD)
    made = expand_files(
        paths, base / "f", layout=layout, report=reports[1], rows_per_part=rows, **ODD
    )
    assert same(read_targets(base / "o"), read_targets(base / "f"))
    assert sorted(reports[0].read_text()) == sorted(reports[1].read_text())
    assert made.finding_counts == one.finding_counts
    assert "duplicate clip" in {kind for kind, _ in made.finding_counts}
    whole, facts = read_info(base / "o"), read_info(base / "f")
    assert {name: facts[name] for name in whole} == whole
    sizes = [part["rows"] for part in facts["parts"]]
    assert sum(sizes) == 38
    assert max(sizes) <= rows
    assert not [name for name in files_of(base / "f") if name.startswith(".")]


@pytest.mark.parametrize("stop", [0, 1, 2])
@pytest.mark.parametrize("whole_shards", [True, False])
def test_an_interrupted_run_goes_on(
    tmp_path: Path,
    inputs: list[Path],
    monkeypatch: pytest.MonkeyPatch,
    stop: int,
    whole_shards: bool,
) -> None:
    expand_files(inputs, tmp_path / "right", rows_per_part=7, **ODD)
    calls, kept = 0, parts_of.PartsWriter._end if not whole_shards else parts_of.make_shard

    def interrupted(*args: Any) -> None:
        nonlocal calls
        calls += 1
        if calls > stop:
            raise KeyboardInterrupt
        kept(*args)

    out = tmp_path / "out"
    owner, name = (parts_of, "make_shard") if whole_shards else (parts_of.PartsWriter, "_end")
    with monkeypatch.context() as patch:
        patch.setattr(owner, name, interrupted)
        with pytest.raises(KeyboardInterrupt):
            expand_files(inputs, out, rows_per_part=7, **ODD)
    finished = {path: path.stat() for path in out.glob("*.parquet")}
    assert bool(finished) == bool(stop)
    with pytest.raises(TargetsFileError, match="run the same command again"):
        read_targets(out)
    with pytest.raises(TargetsFileError, match="with other inputs or options"):
        expand_files(inputs, out, "weak", rows_per_part=7, **ODD)
    summary = expand_files(inputs, out, rows_per_part=7, **ODD)
    assert files_of(out) == files_of(tmp_path / "right")
    for path, before in finished.items():
        assert (path.stat().st_ino, path.stat().st_mtime_ns) == (before.st_ino, before.st_mtime_ns)
    assert summary.counts.clips == 68


def interrupted(monkeypatch: pytest.MonkeyPatch, *args: Any, **options: Any) -> None:
    """Expand, and stop after the first part."""
    end, calls = parts_of.PartsWriter._end, 0

    def stop(writer: parts_of.PartsWriter) -> None:
        nonlocal calls
        calls += 1
        if calls > 1:
            raise KeyboardInterrupt
        end(writer)

    with monkeypatch.context() as patch:
        patch.setattr(parts_of.PartsWriter, "_end", stop)
        with pytest.raises(KeyboardInterrupt):
            expand_files(*args, rows_per_part=2, **options)


def test_whatever_changes_the_bytes_is_another_run(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    write_labels(Path("a.csv"), [0, 1, 2, 0, 1, 2])
    head, rows = "subject_label\tpredicate_id\tobject_id\n", "Dog\tskos:exactMatch\t/m/0bt9lr\n"
    rows += "Guitar\tskos:exactMatch\t/m/0342h\nRain\tskos:exactMatch\t/m/06mb1\n"
    Path("m.tsv").write_text(head + rows)
    Path("joint.toml").write_text('[x]\nlabels = "a.csv"\nmapping = "m.tsv"\n')
    numbers = np.random.default_rng(0).random((6, 527)).astype(np.float32)
    np.savez("s.npz", clip_id=np.array([f"c{i}" for i in range(6)]), scores=numbers)
    scores: dict[str, Any] = {"scheme": "pseudo-strong", "scores": "s.npz"}
    for out, inputs, first, other in (
        ("1", None, scores, {**scores, "score_values": "logits"}),
        ("2", "joint.toml", {}, {"scheme": "weak"}),
        ("3", "a.csv", {}, {"layout": "packed"}),
        ("4", "a.csv", {}, {"prefix": "x/"}),
    ):
        interrupted(monkeypatch, inputs, out, **first)
        with pytest.raises(TargetsFileError, match="with other inputs or options"):
            expand_files(inputs, out, rows_per_part=2, **other)
        expand_files(inputs, out, rows_per_part=2, block_sizes=BlockSizes(text=50), **first)
    interrupted(monkeypatch, "a.csv", "5", mapping="m.tsv")
    Path("m.tsv").write_text(head + rows.replace("/m/0bt9lr", "/m/01yrx"))
    with pytest.raises(TargetsFileError, match="with other inputs or options"):
        expand_files("a.csv", "5", mapping="m.tsv", rows_per_part=2)


def test_progress_ends_at_the_whole(tmp_path: Path, inputs: list[Path]) -> None:
    join = tmp_path / "joint.toml"
    join.write_text('[a]\nlabels = "0.csv"\n[b]\nlabels = "2.csv"\nprefix = "b/"\n')
    for name, paths in {"join": join, "files": inputs}.items():
        steps: list[tuple[int, ...]] = []
        note = partial(_note, steps)
        expand_files(paths, tmp_path / name, rows_per_part=9, progress=note, **ODD)
        assert steps == sorted(steps)
        assert steps[-1][0] == steps[-1][1] > 0


def _note(steps: list[tuple[int, ...]], *step: int) -> None:
    steps.append(step)


def test_a_run_that_fails_before_its_first_part_leaves_nothing(
    tmp_path: Path, inputs: list[Path]
) -> None:
    with pytest.raises(AudioLabelsError, match="Nonesuch"):
        expand_files(inputs, tmp_path / "out", rows_per_part=7)
    assert not (tmp_path / "out").exists()
    empty = tmp_path / "empty.csv"
    empty.write_text("clip_id,labels\n,Dog\n")
    with pytest.raises(LabelFileError, match="none of the 1 rows"):
        expand_files(empty, tmp_path / "out", rows_per_part=7)
    assert not (tmp_path / "out").exists()


def test_events_scores_and_joins_are_folders_too(tmp_path: Path) -> None:
    events = tmp_path / "events.csv"
    rows = "".join(f"c{i % 5},{i}.0,{i + 1}.5,Dog\n" for i in range(9))
    events.write_text(f"filename,onset,offset,event_label\n{rows}")
    numbers = np.random.default_rng(0).random((6, 2, 3)).astype(np.float32)
    scores = write_hdf5(
        tmp_path / "s.h5",
        clip_id=[f"c{i}" for i in range(6)],
        scores=numbers,
        classes=NAMES,
        segment_seconds=5,
    )
    write_labels(tmp_path / "labels.csv", [0, 1, 2, 3, 0, 0])
    join = tmp_path / "joint.toml"
    join.write_text('[a]\nlabels = "labels.csv"\n[b]\nlabels = "labels.csv"\nprefix = "b/"\n')
    tasks: dict[str, tuple[Any, dict[str, Any]]] = {
        "events": (events, {"scheme": "strong-framed"}),
        "soft": (None, {"scheme": "pseudo-strong", "scores": scores}),
        "join": (join, {"scheme": "pel"}),
        "cosupervised": (write_given(tmp_path), {"scheme": "co-supervised", "scores": scores}),
        "masked": (write_given(tmp_path), {"scheme": "teacher-masked", "scores": scores}),
    }
    for name, (path, options) in tasks.items():
        one = expand_files(path, tmp_path / f"{name}.parquet", **options)
        made = expand_files(path, tmp_path / name, rows_per_part=5, **options)
        assert same(read_targets(one.output), read_targets(made.output)), name
        whole, facts = read_info(one.output), read_info(made.output)
        assert {key: facts[key] for key in whole} == whole, name
        assert len(facts["parts"]) > 1
        assert repr(made.agreement) == repr(one.agreement)


def write_given(tmp_path: Path) -> Path:
    path = tmp_path / "given.csv"
    path.write_text("clip_id,labels\n" + "".join(f"c{i},Dog\n" for i in range(6)))
    return path


def test_scores_in_several_files(tmp_path: Path) -> None:
    numbers = np.random.default_rng(0).random((6, 527)).astype(np.float32)
    names = np.array([f"c{i}" for i in range(6)])
    np.savez(tmp_path / "all.npz", clip_id=names, scores=numbers)
    for i in range(3):
        own = slice(2 * i, 2 * i + 2)
        np.savez(tmp_path / f"s{i}.npz", clip_id=names[own], scores=numbers[own])
    one = expand_files(None, tmp_path / "o", "pseudo-strong", scores=tmp_path / "all.npz")
    many = expand_files(None, f"{tmp_path}/f/", "pseudo-strong", scores=tmp_path / "s?.npz")
    assert same(read_targets(one.output), read_targets(many.output))
    assert [p["rows"] for p in read_info(many.output)["parts"]] == [2, 2, 2]
    given_labels = write_given(tmp_path)
    for scheme in ("co-supervised", "teacher-masked", "teacher-enhanced"):
        one = expand_files(given_labels, tmp_path / "o", scheme, scores=tmp_path / "all.npz")
        many = expand_files(given_labels, tmp_path / "m", scheme, scores=tmp_path / "s?.npz")
        assert same(read_targets(one.output), read_targets(many.output))
        assert repr(many.agreement) == repr(one.agreement)
        assert vars(many.counts).keys() == vars(one.counts).keys()
        read = [source["name"] for source in many.report.sources]
        assert read == ["given.csv", "s0.npz", "s1.npz", "s2.npz"]
    np.savez(tmp_path / "s3.npz", clip_id=np.array(["c3"]), scores=numbers[:1])
    with pytest.raises(ScoresFileError, match=r"s3.npz: clip c3 has scores in another file too"):
        expand_files(given_labels, tmp_path / "g", "co-supervised", scores=tmp_path / "s?.npz")


@pytest.mark.parametrize("output", ["o", "f/"])
def test_progress_of_scores_reaches_their_bytes(tmp_path: Path, output: str) -> None:
    numbers = np.full((6, 527), 0.25, np.float16)
    for name in "ab":
        clips = np.array([f"{name}{i}" for i in range(6)])
        np.savez(tmp_path / f"{name}.npz", clip_id=clips, scores=numbers)
    size = sum((tmp_path / f"{name}.npz").stat().st_size for name in "ab")
    shown: list[tuple[int, int]] = []
    expand_files(
        None,
        f"{tmp_path}/{output}",
        "pseudo-strong",
        scores=tmp_path / "?.npz",
        block_sizes=BlockSizes(scores=2),
        progress=lambda done, total: shown.append((done, total)),
    )
    assert {total for _, total in shown} == {size}
    assert shown == sorted(shown)
    assert shown[-1] == (size, size)
    assert len({done for done, _ in shown}) == 6


def test_whatever_takes_a_file_takes_a_folder(tmp_path: Path, inputs: list[Path]) -> None:
    expand_files(tmp_path / "[02].csv", tmp_path / "o", **ODD)
    expand_files(tmp_path / "[02].csv", tmp_path / "f", rows_per_part=9, **ODD)
    one, many = (audiolabels.open(tmp_path / name) for name in "of")
    clips = ["clip3", "clip64", "clip12"]
    assert np.array_equal(one[clips].target, many[clips].target)
    assert np.array_equal(one[clips].mask, many[clips].mask)
    for name in "of":
        targets, path = read_targets(tmp_path / name), tmp_path / f"{name}.wide.csv"
        export(targets, "wide-csv", path, unknown_cells="-1")
    assert (tmp_path / "o.wide.csv").read_bytes() == (tmp_path / "f.wide.csv").read_bytes()
    found = compare_files(tmp_path / "o", tmp_path / "f")
    assert repr(found) == repr(compare_files(tmp_path / "o", tmp_path / "o"))


def test_patterns_name_files_in_order(tmp_path: Path, inputs: list[Path]) -> None:
    summary = expand_files(str(tmp_path / "[02].csv"), tmp_path / "o", **ODD)
    assert [source["name"] for source in summary.report.sources] == ["0.csv", "2.csv"]
    with pytest.raises(LabelFileError, match="no file matches"):
        expand_files(tmp_path / "nothing*.csv", tmp_path / "o2")


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda f: (f / INDEX).unlink(), "it holds no targets"),
        (lambda f: (f / INDEX).write_text("{"), "broken metadata"),
        (lambda f: (f / "other.parquet").write_bytes(b"PAR1"), "does not name: other.parquet"),
        (lambda f: (f / "part-00001-00000.parquet").unlink(), "no such file"),
        (lambda f: (f / "part-00001-00000.parquet").write_bytes(b"PAR1"), "cannot be read"),
        (
            lambda f: (f / "part-00001-00000.parquet").write_bytes(
                (f / "part-00000-00001.parquet").read_bytes()
            ),
            "not the part that",
        ),
        (lambda f: rename_part(f), "a part is not in the folder"),
    ],
)
def test_a_damaged_folder_is_refused(
    tmp_path: Path, inputs: list[Path], change: Callable[[Path], object], message: str
) -> None:
    out = tmp_path / "out"
    expand_files(inputs, out, rows_per_part=33, **ODD)
    change(out)
    with pytest.raises(TargetsFileError, match=message):
        read_targets(out)


def rename_part(folder: Path) -> None:
    facts = json.loads((folder / INDEX).read_text())
    facts["parts"][0]["name"] = "../part.parquet"
    (folder / INDEX).write_text(json.dumps(facts))


def test_a_run_killed_before_its_first_note_begins_again(
    tmp_path: Path, inputs: list[Path]
) -> None:
    whole, killed = tmp_path / "whole", tmp_path / "killed"
    expand_files(inputs, whole, rows_per_part=33, **ODD)
    killed.mkdir()
    (killed / f".{UNFINISHED}.{2**30}.partial").touch()
    expand_files(inputs, killed, rows_per_part=33, **ODD)
    assert files_of(killed) == files_of(whole)


def test_a_finished_folder_is_not_written_into(tmp_path: Path, inputs: list[Path]) -> None:
    out = tmp_path / "out"
    expand_files(inputs, out, rows_per_part=33, **ODD)
    before = files_of(out)
    assert UNFINISHED not in before
    with pytest.raises(TargetsFileError, match="not an empty folder"):
        expand_files(inputs, out, "weak", **ODD)
    assert files_of(out) == before
    with pytest.raises(AudioLabelsError, match="whole number"):
        expand_files(inputs, tmp_path / "new", rows_per_part=0, **ODD)
