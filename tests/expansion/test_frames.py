"""Events to a file of frames: the bytes of the library, however the input is cut up."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.parquet as pq
import pytest

from audiolabels import expand, expand_files, read_events, read_targets, sample_path, write_targets
from audiolabels.errors import AudioLabelsError, LabelFileError, OptionError
from audiolabels.expansion import frames, job
from audiolabels.readers import BlockSizes
from audiolabels.schemes.framed import NEGATIVES
from audiolabels.targets import read_info
from audiolabels.targets.layouts import LAYOUTS

TSV = "filename\tonset\toffset\tevent_label\n"
LABELS = ["Dog", "/m/09x0r", "Church bell", "/t/dd00138", "Music", "Male speech, man speaking"]


def write_events(path: Path, clips: int, *, scattered: bool = False) -> Path:
    """Every fifth clip is empty, every seventh has an event without length and a long one."""
    rows = []
    for i in range(clips):
        name = f"Y{i:011}_{i}.000_{i + 3 + i % 9}.500.wav"
        if i % 5 == 4:
            rows.append(f"{name}\t\t\t\n")
            continue
        for j in range(1 + i % 3):
            onset = (i * 37 + j * 811) % 3000 / 1000
            rows.append(f"{name}\t{onset}\t{onset + 0.3 * (j + 1):.3f}\t{LABELS[(i + j) % 6]}\n")
        if i % 7 == 0:
            rows += [f"{name}\t1\t1\tCat\n", f"{name}\t0.5\t30\tRain\n"]
    rows = rows[::2] + rows[1::2] if scattered else rows
    path.write_text(TSV + "".join(rows))
    return path


def write_absences(path: Path, clips: int) -> Path:
    names = [f"{i:011}_{i * 1000}" for i in range(0, clips, 2)]
    path.write_text("clip_id,labels\n" + "".join(f"{name},Animal;Wind\n" for name in names))
    return path


@pytest.fixture
def files(tmp_path: Path) -> tuple[Path, Path]:
    """Events of forty clips, and absences of half of them and of a few others."""
    return write_events(tmp_path / "e.tsv", 40), write_absences(tmp_path / "absent.csv", 46)


def by_hand(
    inputs: list[Path], output: Path, scheme: str, layout: str, absent: Path | None, **options: Any
) -> bytes:
    events = read_events(inputs, explicit_negatives=absent)
    write_targets(expand(events, scheme, **options), output, layout=layout)
    return output.read_bytes()


@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("negatives", NEGATIVES)
@pytest.mark.parametrize("scheme", ["strong-framed", "diffuse"])
def test_streaming_gives_the_bytes_of_the_library(
    tmp_path: Path, files: tuple[Path, Path], layout: str, negatives: str, scheme: str
) -> None:
    """All of the metadata too."""
    events, absent = files
    options = {"negatives": negatives, "parents": "certain"}
    made = by_hand([events], tmp_path / "made", scheme, layout, absent, **options)
    out = tmp_path / "streamed"
    expand_files(events, out, scheme, layout=layout, explicit_negatives=absent, **options)
    assert out.read_bytes() == made


@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("block", [1, 200, 1000])
@pytest.mark.parametrize("pieces", [1, 30])
def test_bytes_do_not_depend_on_how_the_input_is_cut(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, layout: str, block: int, pieces: int
) -> None:
    events, absent = write_events(tmp_path / "e", 12), write_absences(tmp_path / "a", 14)
    more = tmp_path / "more.tsv"
    more.write_text(TSV + "other.wav\t0\t2\tDog\nanother.wav\t0\t2\tDog\n")
    options = {"layout": layout, "explicit_negatives": absent, "negatives": "both"}
    monkeypatch.setitem(vars(LAYOUTS[layout]), "group", 16)
    expand_files([events, more], tmp_path / "whole", "strong-framed", **options)
    sizes = BlockSizes(text=block, frames=pieces)
    expand_files([events, more], tmp_path / "parts", "strong-framed", block_sizes=sizes, **options)
    assert (tmp_path / "parts").read_bytes() == (tmp_path / "whole").read_bytes()


@pytest.mark.parametrize("block", [1, 100, 1000])
def test_scattered_clips_are_put_together(tmp_path: Path, block: int) -> None:
    path = write_events(tmp_path / "e.tsv", 30, scattered=True)
    sizes = BlockSizes(text=block, events=7)
    made = by_hand([path], tmp_path / "made", "strong-framed", "lists", None)
    report, out = tmp_path / "report.csv", tmp_path / "out"
    summary = expand_files(path, out, "strong-framed", report=report, block_sizes=sizes)
    assert out.read_bytes() == made
    assert summary.report.rows == path.read_text().count("\n") - 1
    assert sum(summary.finding_counts.values()) == report.read_text().count("\n") - 1
    assert not list(tmp_path.glob(".*"))


def test_two_files_that_share_clips(tmp_path: Path) -> None:
    path = write_events(tmp_path / "e.tsv", 20, scattered=True)
    header, *rows = path.read_text().splitlines(keepends=True)
    one, two = tmp_path / "one.tsv", tmp_path / "two.tsv"
    one.write_text(header + "".join(sorted(rows[:20])))
    two.write_text(header + "".join(sorted(rows[20:])))
    made = by_hand([one, two], tmp_path / "made", "strong-framed", "packed", None)
    expand_files([one, two], tmp_path / "out", "strong-framed", layout="packed")
    assert (tmp_path / "out").read_bytes() == made


def held_whole(*job: Any, whole: bool) -> Any:
    return frames.framed_events(*job, whole=True)


def test_the_report_does_not_depend_on_whether_the_input_is_held_whole(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = write_events(tmp_path / "e.tsv", 30)
    found = []
    for streamed in (True, False):
        report = tmp_path / f"{streamed}.csv"
        if not streamed:
            monkeypatch.setattr(job, "framed_events", held_whole)
        summary = expand_files(path, tmp_path / "out", "strong-framed", report=report)
        found.append((sorted(report.read_text().splitlines()), summary.finding_counts))
    assert found[0] == found[1]
    assert len(found[0][0]) > 5


@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("negatives", NEGATIVES)
def test_what_is_written_is_read_again(
    tmp_path: Path, files: tuple[Path, Path], layout: str, negatives: str
) -> None:
    options = {"negatives": negatives, "parents": "certain"}
    events = read_events(files[0], explicit_negatives=files[1])
    targets = expand(events, "strong-framed", **options)
    out, again = tmp_path / "out", tmp_path / "again"
    write_targets(targets, out, layout=layout)
    back = read_targets(out)
    assert back.listed == targets.listed == ("masked" if negatives == "all" else "negative")
    for one, other in zip(back.to_numpy(), targets.to_numpy(), strict=True):
        assert (one == other).all()
    for name in ("clip_id", "onset", "offset"):
        assert getattr(back, name).equals(getattr(targets, name))
    assert back.metadata == targets.metadata
    columns = {"dense": ["target", "mask"]}.get(layout, ["positive", targets.listed])
    assert pq.read_schema(out).names == ["clip_id", "onset", "offset", *columns]
    write_targets(back, again, layout=layout)
    assert again.read_bytes() == out.read_bytes()


@pytest.mark.parametrize("layout", LAYOUTS)
def test_row_groups_have_a_fixed_size(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, layout: str
) -> None:
    monkeypatch.setitem(vars(LAYOUTS[layout]), "group", 64)
    summary = expand_files(write_events(tmp_path / "e", 30), tmp_path / "o", "strong-framed")
    expand_files(tmp_path / "e", tmp_path / "o", "strong-framed", layout=layout)
    meta = pq.ParquetFile(tmp_path / "o").metadata
    sizes = [meta.row_group(i).num_rows for i in range(meta.num_row_groups)]
    assert sizes[:-1] == [64] * (len(sizes) - 1)
    assert sum(sizes) == summary.counts.frames == read_info(tmp_path / "o")["rows"]
    assert 0 < sizes[-1] <= 64


def test_a_single_huge_clip(tmp_path: Path) -> None:
    """An hour in frames of 40 ms every 20 ms: pieces are clips, however large."""
    rows = [f"a.wav\t{i}\t{i + 0.5}\t{LABELS[i % 6]}\n" for i in range(0, 3600, 3)]
    (tmp_path / "e.tsv").write_text(TSV + "b.wav\t0\t1\tDog\n" + "".join(rows))
    options = {"frame_length": 0.04, "frame_hop": 0.02, "vocabulary": ["Dog", "Speech"]}
    made = tmp_path / "made"
    events = read_events(tmp_path / "e.tsv", clip_duration=3600)
    write_targets(expand(events, "strong-framed", **options), made)
    options |= {"clip_duration": "3600", "block_sizes": BlockSizes(frames=100)}
    summary = expand_files(tmp_path / "e.tsv", tmp_path / "o", "strong-framed", **options)
    assert summary.counts.frames == 2 * 179_999
    assert (tmp_path / "o").read_bytes() == made.read_bytes()


def test_frames_that_overlap(tmp_path: Path) -> None:
    (tmp_path / "e.tsv").write_text(TSV + "a.wav\t0.5\t1\tDog\n")
    options = {"frame_length": 1, "frame_hop": "0.25", "vocabulary": ["Dog"]}
    expand_files(tmp_path / "e.tsv", tmp_path / "o", "strong-framed", clip_duration=2, **options)
    targets = read_targets(tmp_path / "o")
    spans = zip(targets.onset.to_pylist(), targets.offset.to_pylist(), strict=True)
    assert list(spans) == [(0.0, 1.0), (0.25, 1.25), (0.5, 1.5), (0.75, 1.75), (1.0, 2.0)]
    assert targets.to_numpy()[0][:, 0].tolist() == [1, 1, 1, 1, 0]


def test_numbers_as_text_are_the_same_options(tmp_path: Path) -> None:
    """The command gives text, Python numbers: equal options give equal bytes."""
    path = write_events(tmp_path / "e.tsv", 5)
    for name, length, hop in [("a", 0.5, 0.25), ("b", "0.50", "0.250")]:
        expand_files(path, tmp_path / name, "strong-framed", frame_length=length, frame_hop=hop)
    assert (tmp_path / "a").read_bytes() == (tmp_path / "b").read_bytes()
    expand_files(path, tmp_path / "c", "strong-framed", frame_length="0.5")
    assert read_info(tmp_path / "c")["options"]["frame_hop"] == 0.5


def test_counts_are_those_of_the_library(tmp_path: Path, files: tuple[Path, Path]) -> None:
    out = tmp_path / "o"
    summary = expand_files(files[0], out, "strong-framed", explicit_negatives=files[1])
    target, mask = read_targets(out).to_numpy()
    assert summary.counts.positive == target.sum()
    assert summary.counts.unknown == (1 - mask).sum()
    assert summary.counts.frames_by_class.tolist() == target.sum(0).tolist()
    assert read_info(out)["counts"] == summary.counts.stated()
    assert summary.counts.unlabelled == 3
    assert summary.counts.empty == 8


def test_progress_ends_at_the_size_of_the_input(tmp_path: Path) -> None:
    inputs = [write_events(tmp_path / "a.tsv", 10), tmp_path / "b.tsv"]
    inputs[1].write_text(TSV + "x.wav\t0\t1\tDog\n")
    seen: list[tuple[int, int]] = []
    expand_files(inputs, tmp_path / "o", "strong-framed", progress=lambda *step: seen.append(step))
    total = sum(path.stat().st_size for path in inputs)
    assert seen == sorted(seen)
    assert seen[-1] == (total, total)


@pytest.mark.parametrize(
    ("change", "error", "message"),
    [
        ({"output": "e.tsv"}, OptionError, "e.tsv is an input or another output"),
        ({"output": "absent.csv"}, OptionError, "absent.csv is an input or another output"),
        ({"report": "absent.csv"}, OptionError, "absent.csv is an input or another output"),
        ({"output": "d.csv"}, OptionError, "d.csv is an input or another output"),
        ({"output": "v.txt"}, OptionError, "v.txt is an input or another output"),
        ({"clip_duration": 0}, OptionError, "a clip of 0 seconds"),
        ({"frame_hop": 0}, OptionError, "a hop of 0 seconds"),
        ({"negatives": "none"}, OptionError, "negatives 'none' is not offered"),
        ({"explicit_negatives": "gone"}, LabelFileError, "gone: no such file"),
        ({"clip_durations": "gone"}, LabelFileError, "gone: no such file"),
        ({"inputs": "absent.csv"}, LabelFileError, "no events: labels of whole clips"),
        ({"inputs": "bad.tsv"}, LabelFileError, r"none of the \d rows can be used: 2 × 1 cells"),
        ({"inputs": ["e.tsv", "late.tsv"]}, LabelFileError, r"'Blub' \(row 3"),
    ],
)
def test_bad_calls_are_refused_and_leave_everything_as_it_was(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    change: dict[str, Any],
    error: type[AudioLabelsError],
    message: str,
) -> None:
    monkeypatch.chdir(tmp_path)
    write_events(Path("e.tsv"), 5)
    write_absences(Path("absent.csv"), 5)
    Path("v.txt").write_text("Dog\n")
    Path("bad.tsv").write_text(TSV + "a\nb\n")
    Path("late.tsv").write_text(TSV + "x.wav\t0\t1\tDog\ny.wav\t0\t1\tBlub\n")
    Path("d.csv").write_text("filename,duration\nY00000000000_0.wav,4\n")
    Path("out").write_text("old")
    before = {path.name: path.read_bytes() for path in tmp_path.iterdir()}
    call = {
        "inputs": "e.tsv",
        "output": "out",
        "vocabulary": "v.txt",
        "explicit_negatives": "absent.csv",
        "clip_durations": "d.csv",
    } | change
    with pytest.raises(error, match=message):
        expand_files(scheme="strong-framed", **call)
    assert {path.name: path.read_bytes() for path in tmp_path.iterdir()} == before


@pytest.mark.parametrize("option", [{"clip_duration": 5}, {"clip_durations": "x"}])
def test_what_says_nothing_to_labels_of_clips_is_refused(
    option: dict[str, Any], tmp_path: Path
) -> None:
    with pytest.raises(OptionError, match=r"scheme 'pel' has no option 'clip_d"):
        expand_files(sample_path(), tmp_path / "o", "pel", **option)


def test_the_sample_of_events(tmp_path: Path) -> None:
    summary = expand_files(sample_path(events=True), tmp_path / "o", "strong-framed")
    assert summary.counts.clips > 5
    assert summary.counts.frames == len(read_targets(tmp_path / "o"))


@pytest.mark.parametrize("sent", [signal.SIGINT, signal.SIGTERM])
def test_an_interrupt_leaves_the_old_output(tmp_path: Path, sent: signal.Signals) -> None:
    """While it is streamed."""
    path, out = tmp_path / "long.tsv", tmp_path / "o.parquet"
    path.write_text(
        TSV
        + "".join(f"{i:07}.wav\t{i % 9}.1\t{i % 9}.7\t{LABELS[i % 6]}\n" for i in range(300_000))
    )
    out.write_text("old")
    command = "-m audiolabels expand --scheme strong-framed"
    process = subprocess.Popen(
        [sys.executable, *f"{command} --layout dense {path} -o {out}".split()],
        stderr=subprocess.PIPE,
        text=True,
        env=os.environ,
    )
    deadline = time.monotonic() + 60
    while len(list(tmp_path.iterdir())) < 3 and time.monotonic() < deadline:
        time.sleep(0.005)
    assert len(list(tmp_path.iterdir())) == 3, "the partial file never appeared"
    process.send_signal(sent)
    _, message = process.communicate(timeout=60)
    assert process.returncode == 130
    assert "Interrupted" in message
    assert out.read_text() == "old"
    assert sorted(p.name for p in tmp_path.iterdir()) == ["long.tsv", "o.parquet"]


def test_an_empty_stream_of_parts_still_has_its_columns(tmp_path: Path) -> None:
    """A vocabulary that no event reaches: all frames are there, all negative."""
    path = write_events(tmp_path / "e.tsv", 3)
    expand_files(path, tmp_path / "o", "strong-framed", vocabulary=["Accordion"])
    target, mask = read_targets(tmp_path / "o").to_numpy()
    assert target.shape[1] == 1
    assert not target.any()
    assert mask.all()
    assert np.array_equal(mask.shape, target.shape)
