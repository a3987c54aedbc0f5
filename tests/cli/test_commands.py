"""The commands as a user meets them: output, exit codes, messages."""

import json
import os
import pty
import subprocess
import sys
from pathlib import Path

import pytest

from audiolabels import read_targets, sample_path
from audiolabels.cli import COMMANDS


def run(*arguments: object, cwd: Path | None = None) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "audiolabels", *map(str, arguments)],
        capture_output=True,
        text=True,
        cwd=cwd,
        check=False,
    )


def test_the_overview_names_every_command_with_an_example() -> None:
    text = run("--help").stdout
    assert all(name in text for name in COMMANDS)
    assert "audiolabels expand --scheme pe-cml" in text


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_has_help_with_an_example(name: str) -> None:
    done = run(name, "--help")
    assert done.returncode == 0
    assert f"audiolabels {name}" in done.stdout.split("Examples:")[1]


def test_the_version_is_that_of_the_package() -> None:
    import audiolabels

    assert audiolabels.__version__ in run("--version").stdout


def test_expand_without_input_explains_itself() -> None:
    done = run("expand")
    assert done.returncode == 2
    assert "Usage: audiolabels expand" in done.stdout


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--sample"], "say where to write: -o OUT.parquet"),
        (["--sample", "x.csv", "-o", "o.parquet"], "give either INPUT or --sample"),
        (
            ["--sample", "--scheme", "weak", "--parents", "all", "-o", "o.parquet"],
            "no use for --parents",
        ),
        (["--sample", "--scheme", "pecml", "-o", "o.parquet"], "'pecml' is not one of 'weak'"),
    ],
)
def test_wrong_usage_is_said(tmp_path: Path, arguments: list[str], message: str) -> None:
    done = run("expand", *arguments, cwd=tmp_path)
    assert done.returncode == 2
    assert message in done.stderr
    assert list(tmp_path.iterdir()) == []


def test_expand_writes_and_sums_up(tmp_path: Path) -> None:
    done = run("expand", "--sample", "-o", "o.parquet", cwd=tmp_path)
    assert done.returncode == 0
    assert done.stderr == ""
    for line in (
        "sample_segments.csv was read as audioset-segments",
        "pe-cml, parents all, vocabulary audioset (527 classes)",
        "clips                                  200",
        "labels a clip, before                 2.21",
        "labels a clip, after                  3.46",
        "masked a clip                         8.80",
        "Animal                                    15        52       +37",
        "200 rows read, 200 used",
        "wrote o.parquet",
    ):
        assert line in done.stdout
    assert len(read_targets(tmp_path / "o.parquet")) == 200


def test_expand_says_what_could_not_be_used_and_why(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_text(
        'abcdefghijk, 0.000, 10.000, "/m/0342h,Tender"\n'
        '#NAME?, 0.000, 10.000, "/m/0342h"\n'
        'abcdefghijk, 0.000, 10.000, ""\n'
    )
    done = run("expand", path, "--unknown", "drop", "--report", "r.csv", "-o", "o", cwd=tmp_path)
    assert done.returncode == 0
    for line in (
        "of these without any label               1",
        "3 rows read, 2 used",
        "1 × row unused (not in the result)",
        "1 × the clip's id is lost: #NAME? (row 2)",
        "1 × unknown label: Tender (row 1)",
        "1 × no label (row 3)",
        "1 × the clip stands there more than once (row 3)",
        "every row: r.csv",
    ):
        assert line in done.stdout
    assert (tmp_path / "r.csv").read_text().splitlines()[0] == (
        "source,row,clip_id,kind,reason,fate,label"
    )


def test_errors_are_one_message(tmp_path: Path) -> None:
    done = run("expand", "gone.csv", "-o", "o.parquet", cwd=tmp_path)
    assert done.returncode == 1
    assert done.stderr == "Error: gone.csv: no such file\n"


def test_a_terminal_shows_progress_and_a_pipe_does_not(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "audiolabels", "expand", "--sample", "-o", "o.parquet"]
    screen, keyboard = pty.openpty()
    subprocess.run(command, cwd=tmp_path, stderr=keyboard, stdout=subprocess.PIPE, check=True)
    os.close(keyboard)
    shown = os.read(screen, 1 << 16).decode()
    os.close(screen)
    assert "expanding" in shown
    assert run("expand", "--sample", "-o", "o.parquet", cwd=tmp_path).stderr == ""


def test_check_is_silent_on_clean_files_and_fails_on_others(tmp_path: Path) -> None:
    clean = run("check", sample_path())
    assert clean.returncode == 0
    assert "nothing was left out" in clean.stdout
    (tmp_path / "a.csv").write_text("clip_id,labels\na.wav,Tender\n")
    dirty = run("check", tmp_path / "a.csv")
    assert dirty.returncode == 1
    assert "unknown label: Tender" in dirty.stdout
    run("check", "a.csv", "--report", "r.csv", cwd=tmp_path)
    assert "a.csv,2,a,label dropped,unknown label: Tender" in (tmp_path / "r.csv").read_text()


def test_info_says_how_a_file_was_made(tmp_path: Path) -> None:
    run("expand", "--sample", "--scheme", "pel", "--parents", "certain", "-o", "o", cwd=tmp_path)
    text = run("info", tmp_path / "o").stdout
    assert "scheme      pel, parents certain" in text
    assert "source      sample_segments.csv (audioset-segments, 200 rows" in text
    facts = json.loads(run("info", "--json", tmp_path / "o").stdout)
    assert facts["options"] == {"parents": "certain"}


def test_show_gives_the_ancestors_under_each_policy() -> None:
    lines = [line.strip() for line in run("show", "church bell").stdout.splitlines()]
    assert lines == [
        "Church bell  /m/03w41f",
        "flags        none",
        "column       201 of audioset",
        "parents      Bell",
        "children     none",
        "below        0 classes",
        "ancestors in audioset, by policy (unknown ones in brackets)",
        "all          Bell; Musical instrument; Music",
        "unambiguous  Bell; Musical instrument; Music",
        "certain      Bell (Musical instrument; Music)",
    ]


def test_show_suggests_the_nearest() -> None:
    done = run("show", "electirc gutiar")
    assert done.returncode == 1
    assert "the nearest: Electric guitar" in done.stderr


def test_tree_draws_branches() -> None:
    text = run("tree", "bell", "--depth", "1").stdout
    assert text.splitlines()[:2] == [
        "Bell  /m/0395lw (+1 other parent)",
        "├── Church bell  /m/03w41f",
    ]
    assert text.splitlines()[-1].startswith("└── ")


def test_tree_of_everything_holds_every_class() -> None:
    text = run("tree").stdout
    assert text.count("\n") > 663
    assert "[abstract]" in text


def test_an_ontology_of_ones_own(tmp_path: Path) -> None:
    facts = [
        {"id": "/a", "name": "Bird", "child_ids": ["/b"], "restrictions": []},
        {"id": "/b", "name": "Wren", "child_ids": [], "restrictions": []},
    ]
    (tmp_path / "birds.json").write_text(json.dumps(facts))
    (tmp_path / "a.csv").write_text("clip_id,labels\none.wav,Wren\n")
    own = ["--ontology", "birds.json", "--vocabulary", "ontology"]
    done = run("expand", "a.csv", *own, "-o", "o.parquet", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert read_targets(tmp_path / "o.parquet").to_pandas()["positive"][0] == ["Bird", "Wren"]
    refused = run("expand", "a.csv", *own[:2], "-o", "x.parquet", cwd=tmp_path)
    assert "527 classes that the ontology lacks" in refused.stderr


def test_check_never_writes_over_its_input(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("clip_id,labels\na.wav,Dog\n")
    done = run("check", "a.csv", "--report", "a.csv", cwd=tmp_path)
    assert done.returncode == 1
    assert "a.csv is an input or another output" in done.stderr
    assert (tmp_path / "a.csv").read_text() == "clip_id,labels\na.wav,Dog\n"


def test_a_screen_that_takes_no_more_is_an_error() -> None:
    with Path("/dev/full").open("w") as full:
        done = subprocess.run(
            [sys.executable, "-m", "audiolabels", "tree"],
            stdout=full,
            stderr=subprocess.PIPE,
            text=True,
            check=False,
        )
    assert done.returncode == 1
    assert "Traceback" not in done.stderr
