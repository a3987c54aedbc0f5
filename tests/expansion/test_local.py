"""Streaming expansion: the same result however it is cut up, and nothing half done."""

import csv
import os
import resource
import signal
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.parquet as pq
import pytest
from strategies import SCHEME_OPTIONS

from audiolabels import expand, expand_files, read_labels, read_targets, sample_path, write_targets
from audiolabels.arrays.bits import weigh
from audiolabels.errors import AudioLabelsError, LabelFileError, OptionError, TargetsFileError
from audiolabels.expansion import joined
from audiolabels.readers import BlockSizes
from audiolabels.schemes.label_targets import LabelCounts
from audiolabels.targets import read_info
from audiolabels.targets.layouts import LAYOUTS

SETS = ["/m/0342h", "/m/02sgy,/m/0342h", "/m/06mb1", "/m/09x0r,/m/0ngt1", "", "/m/0395lw"]


def write_segments(path: Path, clips: int, *, sets: list[str] | None = None) -> Path:
    chosen = sets or SETS
    with path.open("w", encoding="utf-8") as file:
        for i in range(clips):
            file.write(f'{i:011}, {i % 300}.000, {i % 300 + 10}.000, "{chosen[i % len(chosen)]}"\n')
    return path


@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize(("scheme", "options"), SCHEME_OPTIONS)
def test_streaming_gives_the_bytes_of_the_library(
    tmp_path: Path, layout: str, scheme: str, options: dict[str, str]
) -> None:
    streamed, made = tmp_path / "streamed.parquet", tmp_path / "made.parquet"
    expand_files([sample_path()], streamed, scheme, layout=layout, **options)
    write_targets(expand(read_labels(sample_path()), scheme, **options), made, layout=layout)
    assert streamed.read_bytes() == made.read_bytes()


@pytest.mark.slow
@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("block", [64, 1000, 1 << 20])
@pytest.mark.parametrize("table", [1, 3, 1 << 16])
def test_bytes_do_not_depend_on_how_the_input_is_cut(
    tmp_path: Path, layout: str, block: int, table: int
) -> None:
    inputs = [write_segments(tmp_path / "a.csv", 40), sample_path()]
    expand_files(inputs, tmp_path / "whole.parquet", layout=layout)
    sizes = BlockSizes(text=block, labels=table)
    expand_files(inputs, tmp_path / "parts.parquet", layout=layout, block_sizes=sizes)
    assert (tmp_path / "parts.parquet").read_bytes() == (tmp_path / "whole.parquet").read_bytes()


@pytest.mark.parametrize("layout", LAYOUTS)
def test_row_groups_have_a_fixed_size(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, layout: str
) -> None:
    monkeypatch.setitem(vars(LAYOUTS[layout]), "group", 64)
    out = tmp_path / "o.parquet"
    expand_files([write_segments(tmp_path / "a.csv", 150)], out, layout=layout)
    meta = pq.ParquetFile(out).metadata
    assert [meta.row_group(i).num_rows for i in range(meta.num_row_groups)] == [64, 64, 22]
    targets = expand(read_labels(tmp_path / "a.csv"))
    assert np.array_equal(read_targets(out).to_numpy(), targets.to_numpy())


def test_counts_are_those_of_the_targets(tmp_path: Path) -> None:
    out = tmp_path / "o.parquet"
    summary = expand_files([write_segments(tmp_path / "a.csv", 60)], out)
    labels = read_labels(tmp_path / "a.csv")
    target, mask = expand(labels).to_numpy()
    labelled = np.array([labels.labels(i) is not None for i in range(60)])
    counts = summary.counts
    assert counts.clips == 60
    assert counts.unlabelled == 10
    assert counts.given == sum(len(labels.labels(i) or ()) for i in range(60))
    assert counts.positive_by_class.tolist() == target.sum(0).tolist()
    assert counts.positive == target.sum()
    assert counts.masked == (1 - mask[labelled]).sum()
    assert counts.masked_by_class.tolist() == (1 - mask[labelled]).sum(0).tolist()


def test_what_the_cut_removes_is_counted(tmp_path: Path) -> None:
    path = write_segments(tmp_path / "a.csv", 3, sets=["/m/02sgy", "/m/06mb1", "/m/09x0r"])
    counts = expand_files(
        [path], tmp_path / "o.parquet", "pel", vocabulary=_guitars(tmp_path)
    ).counts
    assert counts.given_cut == 2
    assert counts.positive == 2
    # Music, Musical instrument, Plucked string; Rain, Water, Natural sounds; Speech, voice, Human
    assert counts.positive_cut == 3 + 3 + 3


def _guitars(folder: Path) -> Path:
    (folder / "guitars.txt").write_text("Guitar\nElectric guitar\n")
    return folder / "guitars.txt"


def test_weighing_bits_is_counting_rows() -> None:
    rng = np.random.default_rng(0)
    bits = rng.integers(0, 2, (9000, 11)).astype(np.uint8)
    weights = rng.integers(0, 1000, 9000)
    found = weigh(np.packbits(bits, axis=1), weights, 11)
    assert found.tolist() == (weights @ bits.astype(np.int64)).tolist()


def test_adding_counts_of_parts() -> None:
    whole, part = LabelCounts(), LabelCounts(clips=2, given_by_class=np.array([1, 2]))
    whole.add(part)
    whole.add(part)
    assert whole.clips == 4
    assert whole.given_by_class.tolist() == [2, 4]
    assert part.given_by_class.tolist() == [1, 2]


def test_sources_are_named_with_their_digest(tmp_path: Path) -> None:
    one, two = write_segments(tmp_path / "one.csv", 3), write_segments(tmp_path / "two.csv", 2)
    expand_files([one, two], tmp_path / "o.parquet")
    sources = read_info(tmp_path / "o.parquet")["sources"]
    assert [(s["name"], s["format"], s["rows"]) for s in sources] == [
        ("one.csv", "audioset-segments", 3),
        ("two.csv", "audioset-segments", 2),
    ]
    assert (
        sources[0]["sha256"]
        == (
            subprocess.run(["sha256sum", one], capture_output=True, text=True, check=True).stdout[
                :64
            ]
        )
    )


def test_report_lists_every_finding_and_duplicates_with_their_place(tmp_path: Path) -> None:
    one, two = write_segments(tmp_path / "one.csv", 6), write_segments(tmp_path / "two.csv", 3)
    with one.open("a") as file:
        file.write('#NAME?, 0.000, 10.000, "/m/06mb1"\n')
    report = tmp_path / "report.csv"
    summary = expand_files([one, two], tmp_path / "o.parquet", report=report)
    with report.open(newline="") as file:
        listed = [(r["source"], r["row"], r["kind"]) for r in csv.DictReader(file)]
    assert listed == [
        ("one.csv", "7", "row unused"),
        ("one.csv", "5", "clip unlabelled"),
        ("two.csv", "1", "duplicate clip"),
        ("two.csv", "2", "duplicate clip"),
        ("two.csv", "3", "duplicate clip"),
    ]
    assert sum(summary.finding_counts.values()) == 5
    assert summary.report.rows == 10
    assert summary.report.rows_used == 9


def test_progress_ends_at_the_size_of_the_input(tmp_path: Path) -> None:
    inputs = [write_segments(tmp_path / "a.csv", 10), write_segments(tmp_path / "b.csv", 20)]
    seen: list[tuple[int, int]] = []
    expand_files(inputs, tmp_path / "o.parquet", progress=lambda *step: seen.append(step))
    total = sum(path.stat().st_size for path in inputs)
    assert seen == sorted(seen)
    assert seen[-1] == (total, total)


@pytest.mark.parametrize(
    ("change", "error", "message"),
    [
        ({"inputs": []}, OptionError, "no input"),
        ({"output": "in.csv"}, OptionError, "in.csv is an input or another output"),
        ({"report": "out.parquet"}, OptionError, "out.parquet is an input or another output"),
        ({"output": "."}, TargetsFileError, "not an empty folder"),
        ({"output": "gone/out.parquet"}, TargetsFileError, "gone: no such folder"),
        ({"layout": "sparse"}, OptionError, "layout 'sparse'"),
        ({"unknown": "skip"}, OptionError, "unknown 'skip'"),
        ({"time_unit": "h"}, OptionError, "time_unit 'h'"),
        ({"scheme": "pecml"}, OptionError, "scheme 'pecml'"),
        ({"inputs": ["gone.csv"]}, LabelFileError, "gone.csv: no such file"),
    ],
)
def test_bad_calls_are_refused_and_leave_nothing(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    change: dict[str, Any],
    error: type[AudioLabelsError],
    message: str,
) -> None:
    monkeypatch.chdir(tmp_path)
    write_segments(Path("in.csv"), 5)
    call = {"inputs": ["in.csv"], "output": "out.parquet"} | change
    with pytest.raises(error, match=message):
        expand_files(**call)
    assert [path.name for path in tmp_path.iterdir()] == ["in.csv"]
    assert Path("in.csv").read_text().count("\n") == 5


def test_nothing_usable_is_an_error(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_text('#NAME?, 0.000, 10.000, "/m/06mb1"\n' * 3)
    with pytest.raises(LabelFileError, match=r"none of the 3 rows can be used: 3 × the clip's id"):
        expand_files([path], tmp_path / "o.parquet")
    assert not (tmp_path / "o.parquet").exists()


def test_an_error_late_in_the_input_leaves_the_old_output(tmp_path: Path) -> None:
    path = write_segments(tmp_path / "a.csv", 1000)
    with path.open("a") as file:
        file.write('zzzzzzzzzzz, 0.000, 10.000, "Tender"\n')
    out, report = tmp_path / "o.parquet", tmp_path / "r.csv"
    out.write_text("old")
    report.write_text("old report")
    with pytest.raises(LabelFileError, match=r"'Tender' \(row 1,001"):
        expand_files([path], out, report=report)
    assert out.read_text() == "old"
    assert report.read_text() == "old report"
    assert len(list(tmp_path.iterdir())) == 3


def command(*arguments: object) -> list[str]:
    return [sys.executable, "-m", "audiolabels", "expand", *map(str, arguments)]


@pytest.fixture(scope="module")
def long_input(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_segments(tmp_path_factory.mktemp("long") / "long.csv", 600_000)


@pytest.mark.parametrize("sent", [signal.SIGINT, signal.SIGTERM, signal.SIGKILL])
def test_an_interrupt_leaves_the_old_output(
    tmp_path: Path, long_input: Path, sent: signal.Signals
) -> None:
    out = tmp_path / "o.parquet"
    out.write_text("old")
    process = subprocess.Popen(
        command(long_input, "--layout", "dense", "-o", out), stderr=subprocess.PIPE, text=True
    )
    deadline = time.monotonic() + 60
    while len(list(tmp_path.iterdir())) < 2 and time.monotonic() < deadline:
        time.sleep(0.005)
    assert len(list(tmp_path.iterdir())) == 2, "the partial file never appeared"
    process.send_signal(sent)
    _, message = process.communicate(timeout=60)
    assert out.read_text() == "old"
    left = [path for path in tmp_path.iterdir() if path != out]
    if sent == signal.SIGKILL:
        assert process.returncode == -signal.SIGKILL
        (partial,) = left
        assert partial.name.endswith(".partial")
        with pytest.raises(TargetsFileError, match="cannot be read as Parquet"):
            read_targets(partial)
    else:
        assert process.returncode == 130
        assert "Interrupted; unfinished files are as they were before" in message
        assert left == []


def test_a_full_disk_leaves_the_old_output(tmp_path: Path, long_input: Path) -> None:
    out = tmp_path / "o.parquet"
    out.write_text("old")

    def little_room() -> None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (50_000, 50_000))

    run = subprocess.run(
        command(long_input, "--layout", "packed", "-o", out),
        preexec_fn=little_room,
        capture_output=True,
        text=True,
        check=False,
    )
    assert run.returncode == 1
    assert "o.parquet: not written, left as it was" in run.stderr
    assert "Traceback" not in run.stderr
    assert out.read_text() == "old"
    assert list(tmp_path.iterdir()) == [out]


def test_each_label_set_is_expanded_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(vars(LAYOUTS["lists"]), "group", 16)
    expanded = []
    bind = joined.bind_scheme

    def spying(*arguments: Any) -> Any:
        scheme = bind(*arguments)

        def spy(clips: Any, vocabulary: Any, options: Any) -> Any:
            expanded.append(len(clips.sets))
            return scheme.make(clips, vocabulary, options)

        return replace(scheme, make=spy)

    monkeypatch.setattr(joined, "bind_scheme", spying)
    path, sizes = write_segments(tmp_path / "a.csv", 200), BlockSizes(text=500)
    expand_files([path], tmp_path / "o.parquet", block_sizes=sizes)
    assert sum(expanded) == len(SETS)


def test_a_full_disk_blames_the_output_and_not_the_report(
    tmp_path: Path, tmp_path_factory: pytest.TempPathFactory
) -> None:
    folder = tmp_path_factory.mktemp("clean")
    clean = write_segments(folder / "clean.csv", 100_000, sets=["/m/0342h"])

    def little_room() -> None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (50_000, 50_000))

    run = subprocess.run(
        command(clean, "-o", tmp_path / "o.parquet", "--report", tmp_path / "r.csv"),
        preexec_fn=little_room,
        capture_output=True,
        text=True,
        check=False,
    )
    assert "o.parquet: not written" in run.stderr
    assert list(tmp_path.iterdir()) == []


def test_a_link_stays_a_link(tmp_path: Path) -> None:
    (tmp_path / "real.parquet").write_text("old")
    (tmp_path / "link.parquet").symlink_to(tmp_path / "real.parquet")
    expand_files(sample_path(), tmp_path / "link.parquet")
    assert (tmp_path / "link.parquet").is_symlink()
    assert len(read_targets(tmp_path / "real.parquet")) == 200


def test_the_summary_has_a_short_repr(tmp_path: Path) -> None:
    summary = expand_files(sample_path(), tmp_path / "o.parquet")
    assert repr(summary) == (f"Summary(pe-cml, 200 clips to {tmp_path / 'o.parquet'}, 0 findings)")


def test_a_name_that_is_no_text_does_not_stop_the_work(tmp_path: Path) -> None:
    odd = tmp_path / os.fsdecode(b"caf\xe9.csv")
    odd.write_bytes(sample_path().read_bytes())
    expand_files(odd, tmp_path / "o.parquet")
    assert read_info(tmp_path / "o.parquet")["sources"][0]["name"] == "caf\ufffd.csv"


def test_an_impossible_input_is_blamed_itself(tmp_path: Path) -> None:
    with pytest.raises(LabelFileError, match="cannot be read"):
        expand_files("a" * 300 + ".csv", tmp_path / "o.parquet")


def test_a_result_in_which_nothing_is_known_is_refused(tmp_path: Path) -> None:
    mapping = tmp_path / "own.sssom.tsv"
    rows = ("subject_label\tpredicate_id\tobject_id", "Hum\tskos:exactMatch\tsssom:NoTermFound")
    mapping.write_text("\n".join(rows), "utf-8")
    labels, joint = tmp_path / "hum.csv", tmp_path / "joint.toml"
    labels.write_text("clip_id,label\na,Hum\nb,Hum\n", "utf-8")
    joint.write_text("[hum]\nlabels = 'hum.csv'\nmapping = 'own.sssom.tsv'\n", "utf-8")
    unknown = r"hum\.csv: all 527 targets of all 2 clips are unknown"
    with pytest.raises(LabelFileError, match=unknown):
        expand_files(labels, tmp_path / "t.parquet", mapping=mapping)
    with pytest.raises(LabelFileError, match=unknown):
        expand_files(joint, tmp_path / "t.parquet")
    assert not (tmp_path / "t.parquet").exists()
    labels.write_text("clip_id,label\na,Hum\nb,/m/09x0r\n", "utf-8")
    aliases = {"/m/09x0r": "Speech"}
    expand_files(labels, tmp_path / "t.parquet", mapping=mapping, aliases=aliases)
    _, mask = read_targets(tmp_path / "t.parquet").to_numpy()
    assert mask.sum(1).tolist()[0] == 0
    assert mask.sum(1).tolist()[1] > 0


NOTHING_KNOWN = "subject_label\tpredicate_id\tobject_id\nHum\tskos:exactMatch\tsssom:NoTermFound\n"


@pytest.mark.parametrize("out", ["t.parquet", "parts/"])
@pytest.mark.parametrize(
    ("text", "scheme", "options"),
    [
        ("clip_id,label\na,Hum\nb,Hum\n", "weak", {}),
        ("clip,onset,offset,label\na,0,1,Hum\nb,0,1,Hum\n", "strong-framed", {}),
        ("clip,onset,offset,label\na,0,1,Hum\nb,0,1,Hum\n", "diffuse", {}),
        ("clip_id,label\na,Hum\nb,Hum\n", "co-supervised", {"teacher_weight": 0.5}),
    ],
)
def test_nothing_known_is_refused_and_nothing_is_left(
    text: str, scheme: str, options: dict[str, Any], out: str, tmp_path: Path
) -> None:
    (tmp_path / "own.sssom.tsv").write_text(NOTHING_KNOWN)
    (tmp_path / "hum.csv").write_text(text)
    if scheme == "co-supervised":
        scores = np.full((2, 527), 0.5, np.float32)
        np.savez(tmp_path / "s.npz", clip_id=np.array(["a", "b"]), scores=scores)
        options = options | {"scores": tmp_path / "s.npz"}
    path, before = f"{tmp_path}/{out}", {*tmp_path.iterdir()}
    mapped = {"mapping": tmp_path / "own.sssom.tsv", **options}
    unknown = r"hum\.csv.*: all \d+ targets of all \d+ clips are unknown"
    with pytest.raises(LabelFileError, match=unknown):
        expand_files(tmp_path / "hum.csv", path, scheme, **mapped)
    assert {*tmp_path.iterdir()} == before
    (tmp_path / "hum.csv").write_text(
        text.replace("b,Hum", "b,Dog").replace("b,0,1,Hum", "b,0,1,Dog")
    )
    expand_files(tmp_path / "hum.csv", path, scheme, **mapped, aliases={"Dog": "Dog"})
    assert read_targets(path).clip_id[0].as_py() == "a"
