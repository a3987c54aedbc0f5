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
        (["--sample"], "name the output: -o OUT.parquet"),
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
        "labels per clip, before               2.21",
        "labels per clip, after                3.46",
        "masked per clip                       8.80",
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
        "of these unannotated                     1",
        "3 rows read, 2 used",
        "1 × row unused (not in the result)",
        "1 × the clip's id is lost: #NAME? (row 2)",
        "1 × unknown label: Tender (row 1)",
        "1 × no label (row 3)",
        "1 × the clip occurs more than once (row 3)",
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
    (tmp_path / "a.csv").write_text("clip_id,labels\na.wav,Tender\nb.wav,Rain\n")
    dirty = run("check", tmp_path / "a.csv")
    assert dirty.returncode == 1
    assert "unknown label: Tender" in dirty.stdout
    run("check", "a.csv", "--report", "r.csv", cwd=tmp_path)
    assert "a.csv,2,a,label dropped,unknown label: Tender" in (tmp_path / "r.csv").read_text()


def test_check_counts_confirmed_absences(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("clip_id,label,present\na,Dog,1\na,Cat,0\n")
    shown = run("check", "a.csv", cwd=tmp_path).stdout
    assert [line.split()[-1] for line in shown.splitlines() if "absences" in line] == ["1"]


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
        {"id": "/b", "name": "Wren", "restrictions": []},
    ]
    (tmp_path / "birds.json").write_text(json.dumps(facts))
    (tmp_path / "a.csv").write_text("clip_id,labels\none.wav,Wren\n")
    own = ["expand", "a.csv", "--ontology", "birds.json", "-o"]
    for more in ([], ["--vocabulary", "ontology"]):
        done = run(*own, "o.parquet", *more, cwd=tmp_path)
        assert done.returncode == 0, done.stderr
        assert read_targets(tmp_path / "o.parquet").to_pandas()["positive"][0] == ["Bird", "Wren"]
    assert "column       0 of ontology" in run("show", "0", *own[2:4], cwd=tmp_path).stdout
    refused = run(*own, "x.parquet", "--vocabulary", "audioset", cwd=tmp_path)
    assert "the ontology lacks 527 classes" in refused.stderr


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


WEAK = "clip_id,labels\na,Speech\nb,Speech;Dog\nc,Music\ne,Dog\n"
STRONG = "clip_id,label\na,Speech\nb,Bark\nb,Dog\nc,Bark\nf,Dog\n"


@pytest.fixture
def two_files(tmp_path: Path) -> Path:
    (tmp_path / "weak.csv").write_text(WEAK)
    (tmp_path / "strong.csv").write_text(STRONG)
    return tmp_path


def test_compare_counts_clips_and_pairs(two_files: Path) -> None:
    done = run("compare", "weak.csv", "strong.csv", "--vocabulary", "audioset", cwd=two_files)
    assert (done.returncode, done.stderr) == (0, "")
    lines = done.stdout.splitlines()
    for line in (
        "strong.csv was read as long (one row per label: clip, label, with or without times; "
        "CSV or TSV)",
        "A is weak.csv, B is strong.csv",
        "  of these only here                         1           1",
        "  compared                                   3           3",
        "  only in A: e",
        "  only in B: f",
        "  all classes                            4           4           4           2   50.0%"
        "   50.0%",
        "  in both sides                          2           3           2           2   66.7%"
        "  100.0%",
        "  classes of B alone: 1 (pairs: 2): Bark (2)",
        "9 rows read, 9 used",
        "nothing was left out",
    ):
        assert line in lines
    assert any(line.startswith("  in vocabulary audioset") for line in lines)


def test_compare_shows_the_odds_ratios_of_a_class(two_files: Path) -> None:
    options = ("--label", "speech", "--minimum", 1, "--level", 0.9, "--rows", 1)
    done = run("compare", "weak.csv", "strong.csv", *options, cwd=two_files)
    assert done.returncode == 0
    shown = [" ".join(line.split()) for line in done.stdout.splitlines()]
    assert "Speech in A, class in B odds ratio 90% interval clips" in shown
    assert "Speech (itself) 3.00* 0.11 to 80.51 1" in shown
    assert "and 2 more" in shown
    assert "* one of the four counts is zero; a half was added to all four" in shown
    assert "priors that changed" not in done.stdout


def test_compare_writes_tables(two_files: Path) -> None:
    files = ("-o", "classes.csv", "--odds", "odds.csv")
    done = run("compare", "weak.csv", "strong.csv", *files, cwd=two_files)
    assert done.stdout.splitlines()[-2:] == ["wrote classes.csv", "wrote odds.csv"]
    classes = (two_files / "classes.csv").read_text().splitlines()
    assert classes[0].startswith("id,name,in_a,in_b,positive_a,known_a,prior_a,positive_b")
    assert "/m/09x0r,Speech,1,1,2,3,0.666667,1,3,0.333333,0.5,3,1,1,0,0.5,1,0,0" in classes
    odds = (two_files / "odds.csv").read_text().splitlines()
    assert len(odds) == 7
    assert odds[0] == (
        "id_a,name_a,id_b,name_b,both,a_only,b_only,neither,odds_ratio,low,high,corrected"
    )


def test_compare_takes_targets_and_says_what_is_unknown(two_files: Path) -> None:
    run("expand", "weak.csv", "-o", "weak.parquet", cwd=two_files)
    done = run("compare", "weak.parquet", "strong.csv", cwd=two_files)
    assert done.returncode == 0
    assert "weak.parquet holds targets: pe-cml, parents all, vocabulary audioset" in done.stdout
    assert "not counted, unknown on the other side" in done.stdout


def test_compare_reports_what_could_not_be_used(two_files: Path) -> None:
    (two_files / "weak.csv").write_text(WEAK + "b,Tender\na,Dog\n")
    refused = run("compare", "weak.csv", "strong.csv", cwd=two_files)
    assert (refused.returncode, refused.stdout) == (1, "")
    assert "'Tender'" in refused.stderr
    options = ("--unknown", "drop", "--report", "r.csv")
    done = run("compare", "weak.csv", "strong.csv", *options, cwd=two_files)
    assert done.returncode == 0
    assert "of these with several rows                 2           0" in done.stdout
    assert "1 × unknown label: Tender (weak.csv row 6)" in done.stdout
    assert "weak.csv,6,b,label dropped" in (two_files / "r.csv").read_text()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["weak.csv", "gone.csv"], "gone.csv: no such file"),
        (["weak.csv", "other.csv"], "A has ids like 'a', B like 'z'"),
        (["weak.csv", "strong.csv", "--label", "Rain"], "neither A nor B has the class Rain"),
        (["weak.csv", "strong.csv", "--label", "Spech"], "the nearest: Speech"),
        (["weak.csv", "strong.csv", "-o", "weak.csv"], "weak.csv is an input or another output"),
        (["weak.csv", "strong.csv", "-o", "x.csv", "--odds", "x.csv"], "another output"),
        (["weak.csv", "strong.csv", "--vocabulary", "none"], "neither a named vocabulary"),
    ],
)
def test_compare_refuses_and_writes_nothing(
    two_files: Path, arguments: list[str], message: str
) -> None:
    (two_files / "other.csv").write_text("clip_id,labels\nz,Dog\n")
    before = sorted(path.name for path in two_files.iterdir())
    done = run("compare", *arguments, cwd=two_files)
    assert (done.returncode, done.stdout) == (1, "")
    assert message in done.stderr
    assert sorted(path.name for path in two_files.iterdir()) == before
    assert (two_files / "weak.csv").read_text() == WEAK


def test_compare_of_a_file_with_itself_finds_no_difference() -> None:
    done = run("compare", sample_path(), sample_path())
    assert done.returncode == 0
    assert done.stdout.count("100.0%") == 4
    assert "alone" not in done.stdout


def test_export_says_what_was_written_and_left_out(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("clip_id,labels\nabcdefghijk_0,/m/0342h\nbbcdefghijk_0,\n")
    run("expand", "a.csv", "-o", "t.parquet", cwd=tmp_path)
    done = run(
        *("export", "--to", "ast", "t.parquet", "-o", "a.json", "--files", "audio/{id}.flac"),
        cwd=tmp_path,
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines() == [
        "left out: 1 clips without any known target: bbcdefghijk_0",
        "wrote a.json (1 rows)",
        "wrote a_weight.csv (1 rows)",
        "wrote class_labels_indices.csv (527 rows)",
    ]
    assert '"wav": "audio/abcdefghijk.flac"' in (tmp_path / "a.json").read_text()
    done = run("export", "--to", "psl", "t.parquet", "-o", "b.csv", cwd=tmp_path)
    assert done.returncode == 1
    assert "psl needs the length of each clip" in done.stderr


@pytest.mark.parametrize(
    ("form", "option"), [("fsd50k", "--audio"), ("passt", "--files"), ("ast", "--clip-duration")]
)
def test_export_refuses_what_a_form_has_no_use_for(tmp_path: Path, form: str, option: str) -> None:
    done = run("export", "--to", form, "t.parquet", "-o", "out", option, "10", cwd=tmp_path)
    assert done.returncode == 2
    assert f"--to {form} has no use for {option}" in done.stderr


def test_export_takes_targets_or_events_where_a_form_does(tmp_path: Path) -> None:
    (tmp_path / "weak.csv").write_text("clip_id,labels\nabcdefghijk_0,/m/0342h\n")
    (tmp_path / "events.tsv").write_text(
        "filename\tonset\toffset\tevent_label\nabcdefghijk_0.wav\t1\t2\tDog\n"
    )
    run("expand", "weak.csv", "-o", "t.parquet", cwd=tmp_path)
    for source, written in (("t.parquet", "a.tsv"), ("events.tsv", "b.tsv")):
        done = run("export", "--to", "desed", source, "-o", written, cwd=tmp_path)
        assert done.returncode == 0, done.stderr
    assert (tmp_path / "a.tsv").read_text().startswith("filename\tevent_labels\tmasked\n")
    assert (tmp_path / "b.tsv").read_text().endswith("abcdefghijk_0.wav\t1.000\t2.000\t/m/0bt9lr\n")
    done = run("export", "--to", "desed", "missing.tsv", "-o", "c.tsv", cwd=tmp_path)
    assert done.returncode == 1
    assert "missing.tsv" in done.stderr
