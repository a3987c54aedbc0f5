"""What commands print: text, JSON, or nothing; what standard streams are for."""

import codecs
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from audiolabels import cli

SEGMENTS = "# YTID, start_seconds, end_seconds, positive_labels\n"


def run(*args: str, cwd: Path, **options: Any) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "audiolabels", *args],
        cwd=cwd,
        capture_output=True,
        text=True,
        check=False,
        **options,
    )


@pytest.fixture
def labels(tmp_path: Path) -> Path:
    path = tmp_path / "labels.csv"
    path.write_text(f'{SEGMENTS}s9d-2nhuJCQ, 30.000, 40.000, "/m/09x0r,/m/0395lw"\n')
    return path


COMMANDS = [
    (["check", "labels.csv"], 0, {"clips": 1, "rows": 1, "rows_used": 1, "findings": []}),
    (["compare", "labels.csv", "labels.csv"], 0, {"clips": 1, "files": []}),
    (["expand", "labels.csv", "-o", "t.parquet"], 0, {"scheme": "pe-cml", "output": "t.parquet"}),
    (["show", "137"], 0, {"id": "/m/04rlf", "name": "Music", "column": 137}),
    (["tree", "wind", "--depth", "0"], 0, {}),
    (["info", "old.parquet"], 0, {"scheme": "weak", "rows": 1}),
    (["export", "--to", "ast", "old.parquet", "-o", "a.json"], 0, {"left_out": {}}),
    (
        ["split", "two.csv", "--root", "Music", "--base", "b.csv", "--target", "t.csv"],
        0,
        {"clips": {"base": 1, "target": 1}},
    ),
    (["check", "empty_label.csv"], 1, {"rows": 1, "labels_per_clip": 0.0}),
]


@pytest.mark.parametrize(("args", "code", "facts"), COMMANDS, ids=lambda value: str(value)[:40])
def test_summaries_are_text_or_json_or_none(
    args: list[str], code: int, facts: dict[str, Any], labels: Path, tmp_path: Path
) -> None:
    (tmp_path / "two.csv").write_text("clip_id,labels\na,Music\nb,Rain\n")
    (tmp_path / "empty_label.csv").write_text("clip_id,labels\na,\n")
    assert run("expand", "labels.csv", "--scheme", "weak", "-o", "old.parquet", cwd=tmp_path)
    text, as_json, quiet = (
        run(*args, *more, cwd=tmp_path) for more in ([], ["--json"], ["--quiet"])
    )
    assert [done.returncode for done in (text, as_json, quiet)] == [code] * 3
    found = json.loads(as_json.stdout)
    assert facts == {name: found[name] for name in facts}
    assert (quiet.stdout, quiet.stderr) == ("", "")
    assert text.stdout


def test_a_minus_is_standard_input(labels: Path, tmp_path: Path) -> None:
    done = run("check", "-", "--json", cwd=tmp_path, input=labels.read_text())
    assert json.loads(done.stdout)["clips"] == 1
    assert done.returncode == 0


@pytest.mark.parametrize(
    "args",
    [
        ["expand", "labels.csv", "-o", "-"],
        ["compare", "labels.csv", "labels.csv", "-o", "-"],
        ["check", "labels.csv", "--report", "-"],
    ],
)
def test_a_minus_is_no_output(args: list[str], labels: Path, tmp_path: Path) -> None:
    done = run(*args, cwd=tmp_path)
    assert done.returncode == 1
    assert "nothing is written to standard output; name a file" in done.stderr
    assert not (tmp_path / "-").exists()


@pytest.mark.parametrize("name", ["x.csv", "x.TSV", "x.json", "x.npz", "x.csv.gz"])
def test_targets_are_written_as_parquet(name: str, labels: Path, tmp_path: Path) -> None:
    done = run("expand", "labels.csv", "-o", name, cwd=tmp_path)
    assert done.returncode == 1
    assert f"{name}: targets are written as Parquet; name it" in done.stderr
    assert not (tmp_path / name).exists()


def test_a_name_that_begins_with_a_dash_comes_after_two(labels: Path, tmp_path: Path) -> None:
    labels.rename(tmp_path / "-abc.csv")
    done = run("check", "-abc.csv", cwd=tmp_path)
    assert done.returncode == 2
    assert "A file whose name begins with a dash comes after --: -- -abc.csv" in done.stderr
    assert run("check", "--", "-abc.csv", cwd=tmp_path).returncode == 0


@pytest.mark.parametrize("closed", [">&-", "2>&-", "<&-", "<&- >&- 2>&-"])
def test_closed_streams_are_no_fault(closed: str, labels: Path, tmp_path: Path) -> None:
    def code(*args: str) -> int:
        shell = ["sh", "-c", f'exec "$@" {closed}', "sh", sys.executable, "-m", "audiolabels"]
        return subprocess.run([*shell, *args], cwd=tmp_path, check=False).returncode

    assert code("expand", "labels.csv", "-o", "t.parquet") == 0
    assert run("info", "t.parquet", cwd=tmp_path).stdout.startswith("rows        1\n")
    assert code("--help") == 0
    assert code("check", "nowhere.csv") == 1


@pytest.mark.parametrize(
    "args",
    [
        ["expand", "labels.csv", "-o", "loop"],
        ["check", "labels.csv", "--report", "loop"],
        ["check", "loop"],
        ["compare", "labels.csv", "labels.csv", "-o", "loop"],
        ["split", "labels.csv", "--root", "Music", "--base", "loop", "--target", "x.csv"],
    ],
)
def test_links_that_lead_to_each_other_are_refused(
    args: list[str], labels: Path, tmp_path: Path
) -> None:
    (tmp_path / "loop").symlink_to("other")
    (tmp_path / "other").symlink_to("loop")
    done = run(*args, cwd=tmp_path)
    assert (done.returncode, done.stderr) == (
        1,
        "Error: loop: links that lead to each other, not a file\n",
    )


def test_names_that_are_no_text_are_read_and_refused_as_outputs(
    labels: Path, tmp_path: Path
) -> None:
    name = "b\udcff.csv"
    (tmp_path / name).write_bytes(labels.read_bytes())
    assert json.loads(run("check", name, "--json", cwd=tmp_path).stdout)["clips"] == 1
    assert run("compare", name, "labels.csv", "--quiet", cwd=tmp_path).returncode == 0
    done = run("expand", name, "-o", "t\udcff.parquet", cwd=tmp_path)
    assert done.returncode == 1
    assert "parquet: not written, left as it was: " in done.stderr


def test_info_names_the_options_that_a_file_was_read_with(tmp_path: Path) -> None:
    (tmp_path / "home.csv").write_text("clip_id,label\nkitchen,Dishes\n")
    options = ("--mapping", "desed", "--prefix", "d/", "-o", "t.parquet")
    assert run("expand", "home.csv", *options, cwd=tmp_path).returncode == 0
    line = run("info", "t.parquet", cwd=tmp_path).stdout.splitlines()[-1]
    assert line.startswith("source      home.csv (long, 1 rows, ")
    assert line.endswith(", mapping desed, annotated for 18 classes (desed), prefix d/)")


def test_info_names_the_columns_that_a_table_was_annotated_for(tmp_path: Path) -> None:
    (tmp_path / "wide.csv").write_text("clip_id,Speech,Dog\na,1,0\nb,-1,1\n")
    options = ("--scheme", "weak", "-o", "t.parquet")
    assert run("expand", "wide.csv", *options, cwd=tmp_path).returncode == 0
    line = run("info", "t.parquet", cwd=tmp_path).stdout.splitlines()[-1]
    assert line.endswith(", annotated for its columns)")


def test_an_interrupt_within_a_decoder_ends_in_the_usual_message(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def interrupted(*_: object, **__: object) -> Any:
        raise KeyboardInterrupt

    def decode(*_: object, **__: object) -> None:
        b"text".decode("interrupted")

    codec = codecs.CodecInfo(interrupted, interrupted)
    search = {"interrupted": codec}.get
    codecs.register(search)
    monkeypatch.setattr(cli.group, "invoke", decode)
    try:
        assert cli._run(["info"]) == 130
    finally:
        codecs.unregister(search)
    assert capsys.readouterr().err.strip().endswith("unfinished files are as they were before.")
