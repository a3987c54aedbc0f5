"""`audiolabels fetch`, and its files as inputs of other commands."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from file_server import FileServer, serving

from audiolabels.datasets import DATASETS

LABELS = b'glLQrEijrKg_000300.mp4,Guitar\nLDoXsip0BEQ_000177.mp4,"Speech"\n'


@pytest.fixture
def server() -> Iterator[FileServer]:
    with serving() as running:
        running.files["/vggsound/test.csv"] = LABELS
        yield running


def run(folder: Path, *arguments: object) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "audiolabels", *map(str, arguments)],
        capture_output=True,
        text=True,
        cwd=folder,
        env={**os.environ, "AUDIOLABELS_CACHE": str(folder / "cache")},
        check=False,
    )


def test_fetched_files_are_inputs(server: FileServer, tmp_path: Path) -> None:
    before = run(tmp_path, "check", "vggsound:test")
    assert before.returncode == 1
    assert before.stderr.endswith("fetch it first: audiolabels fetch vggsound:test\n")
    done = run(tmp_path, "fetch", "vggsound:test", "--mirror", server.url)
    assert (done.returncode, done.stderr) == (0, "")
    path = tmp_path / "cache" / "vggsound" / "test.csv"
    assert done.stdout.splitlines() == [
        f"vggsound:test  {path}",
        f"  downloaded, {len(LABELS)} bytes, checksum noted; none is published",
        f"  licence CC BY 4.0; cite {DATASETS['vggsound'].citation}; {DATASETS['vggsound'].page}",
    ]
    assert run(tmp_path, "expand", "vggsound:test", "-o", "o.parquet").returncode == 0
    assert "in the cache" in run(tmp_path, "fetch", "vggsound:test").stdout


def test_the_summary_is_json_or_nothing(server: FileServer, tmp_path: Path) -> None:
    done = run(tmp_path, "fetch", "vggsound:test", "--mirror", server.url, "--json")
    (file,) = json.loads(done.stdout)["files"]
    assert file == {
        "name": "vggsound:test",
        "path": str(tmp_path / "cache" / "vggsound" / "test.csv"),
        "downloaded": True,
        "checksum": "noted; none is published",
        "licence": "CC BY 4.0",
        "citation": DATASETS["vggsound"].citation,
        "page": DATASETS["vggsound"].page,
    }
    assert (
        run(tmp_path, "fetch", "vggsound:test", "--force", "--quiet", "--mirror", server.url).stdout
        == ""
    )
    assert len(server.asked) == 2


def test_failures_are_one_message(server: FileServer, tmp_path: Path) -> None:
    server.files["/esc50/esc50.csv"] = b"filename,category\n"
    done = run(tmp_path, "fetch", "esc50", "--mirror", server.url)
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr.startswith(f"Error: {server.url}/esc50/esc50.csv: another checksum")
    assert done.stderr.count("\n") == 1
    assert list((tmp_path / "cache" / "esc50").iterdir()) == []


def test_wrong_names_are_refused_before_anything_is_fetched(
    server: FileServer, tmp_path: Path
) -> None:
    done = run(tmp_path, "fetch", "vggsound:test", "esc5", "--mirror", server.url)
    assert (done.returncode, server.asked) == (1, [])
    assert "did you mean 'esc50'?" in done.stderr
    for arguments in ((), ("--list", "esc50")):
        assert run(tmp_path, "fetch", *arguments).returncode == 2


def test_the_list_has_every_file(tmp_path: Path) -> None:
    lines = run(tmp_path, "fetch", "--list").stdout.splitlines()
    named = [f"{name}:{part}" for name, known in DATASETS.items() for part in known.files]
    assert [line.split()[0] for line in lines[1:]] == named
    files = json.loads(run(tmp_path, "fetch", "--list", "--json").stdout)["files"]
    assert [file["name"] for file in files] == named
    assert files[0]["address"].endswith("/v1/csv/eval_segments.csv")
    assert all(file["licence"] and file["citation"] and file["page"] for file in files)
