"""`audiolabels map`: drafts, checks, and the list of mappings."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from audiolabels.ontology.mapping import load_mapping, mapping_names

LABELS = "filename,category\na.wav,dog\nb.wav,airplane\nc.wav,xyzzy\nd.wav,Dogs\n"


@pytest.fixture(autouse=True)
def labels(tmp_path: Path) -> None:
    (tmp_path / "labels.csv").write_text(LABELS)


def run(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "audiolabels", "map", *arguments],
        capture_output=True,
        text=True,
        cwd=folder,
        check=False,
    )


def test_a_draft_is_written_checked_and_finished(tmp_path: Path) -> None:
    done = run(tmp_path, "labels.csv", "-o", "draft.sssom.tsv")
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.splitlines()[-6:] == [
        "  labels                                   4",
        "  labels decided by equal names            2",
        "  labels to decide                         2",
        "  of these without proposal                1",
        "",
        "wrote draft.sssom.tsv (4 rows, 2 of them undecided)",
    ]
    draft = tmp_path / "draft.sssom.tsv"
    before = draft.read_text()
    (tmp_path / "labels.csv").write_text(f"{LABELS}e.wav,Rain\n")
    checked = run(tmp_path, "--check", "draft.sssom.tsv", "labels.csv")
    assert checked.returncode == 1
    assert checked.stdout.splitlines()[1:] == [
        "mapping draft: 2 labels; rows: 2 exact; 1 classes covered",
        "",
        "  labels without a row: 1",
        "    'Rain'",
        "",
        "  labels with undecided rows: 2",
        "    'airplane'",
        "    'xyzzy'",
        "",
        "  classes of several labels: 1",
        "    Dog: 'dog', 'Dogs'",
        "",
        "3 labels are open",
    ]
    again = run(tmp_path, "labels.csv", "-o", "draft.sssom.tsv")
    assert again.returncode == 1
    assert "draft.sssom.tsv: exists already" in again.stderr
    assert draft.read_text() == before

    decided = before.replace("airplane\t\t", "airplane\tskos:closeMatch\t")
    decided = decided.replace("xyzzy\t\t\t", "xyzzy\tskos:exactMatch\tsssom:NoTermFound\t")
    draft.write_text(f"{decided}Rain\tskos:exactMatch\t/m/06mb1\tRain\tx\t1\t\n")
    assert len(load_mapping(draft).rows) == 5
    checked = run(tmp_path, "--check", "draft.sssom.tsv", "labels.csv")
    assert (checked.returncode, checked.stdout.splitlines()[-1]) == (0, "nothing is open")


def test_what_the_files_lack_is_listed_but_not_open(tmp_path: Path) -> None:
    (tmp_path / "some.txt").write_text("dog\nRAIN\n")
    done = run(tmp_path, "--check", "esc50", "some.txt", "--json")
    facts = json.loads(done.stdout)
    assert (done.returncode, facts["open"], len(facts["unused"])) == (0, 0, 48)
    assert facts["shared"]["Rain"] == ["rain", "thunderstorm"]
    assert facts["missing"] == facts["undecided"] == []
    assert run(tmp_path, "--check", "esc50", "labels.csv", "--quiet").returncode == 1


def test_the_list_has_every_mapping_in_numbers(tmp_path: Path) -> None:
    head, *lines = run(tmp_path, "--list").stdout.splitlines()
    assert head.split() == "name labels exact broad narrow close no class covered".split()
    assert [line.split()[0] for line in lines] == [*mapping_names()]
    for facts in json.loads(run(tmp_path, "--list", "--json").stdout)["mappings"]:
        mapping = load_mapping(facts["mapping"])
        assert facts["labels"] == len(mapping.labels)
        assert sum(facts["rows"].values()) == len(mapping.rows)
        assert facts["covered"] == len(mapping.covered)


def test_facts_of_a_draft(tmp_path: Path) -> None:
    done = run(tmp_path, "labels.csv", "-o", "draft.sssom.tsv", "--json")
    assert json.loads(done.stdout) == {
        "labels": 4,
        "labels_decided_by_equal_names": 2,
        "labels_to_decide": 2,
        "of_these_without_proposal": 1,
        "rows": 4,
        "undecided": 2,
        "output": "draft.sssom.tsv",
    }


@pytest.mark.parametrize(
    ("arguments", "code", "message"),
    [
        ([], 2, "name a file of labels, or give --check or --list"),
        (["labels.csv"], 2, "name the output: -o DRAFT.sssom.tsv"),
        (["--list", "labels.csv"], 2, "--list goes alone"),
        (["--check", "desed", "-o", "x.tsv"], 2, "--check writes nothing"),
        (["labels.csv", "-o", "labels.csv"], 1, "is an input or another output"),
        (["--check", "dsed"], 1, "did you mean 'desed'?"),
        (["nowhere.csv", "-o", "x.tsv"], 1, "nowhere.csv: no such file"),
    ],
)
def test_wrong_usage_is_refused(
    tmp_path: Path, arguments: list[str], code: int, message: str
) -> None:
    done = run(tmp_path, *arguments)
    assert (done.returncode, message in done.stderr) == (code, True)
    assert [path.name for path in tmp_path.iterdir()] == ["labels.csv"]


def test_an_undecided_draft_is_not_read_as_a_mapping(tmp_path: Path) -> None:
    run(tmp_path, "labels.csv", "-o", "draft.sssom.tsv")
    for option in ("--mapping", "--annotated"):
        done = subprocess.run(
            [sys.executable, "-m", "audiolabels", "check", "labels.csv", option, "draft.sssom.tsv"],
            capture_output=True,
            text=True,
            cwd=tmp_path,
            check=False,
        )
        assert done.returncode == 1
        assert "2 rows are undecided, of the labels 'airplane', 'xyzzy'" in done.stderr
