"""Files that are whole or not there, alone and together."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from audiolabels.errors import TargetsFileError
from audiolabels.files import atomic_path, together, write_rows

NAMES = ("a.csv", "b.csv", "c.csv")
KILLED = """
import sys, time
from pathlib import Path
from audiolabels.files import together, write_rows
def rows():
    yield "new"
    print("writing", flush=True)
    time.sleep(60)
with together():
    write_rows(Path(sys.argv[1]) / "a.csv", ["new"])
    write_rows(Path(sys.argv[1]) / "b.csv", rows())
"""


def write_all(*paths: Path) -> None:
    with together():
        for path in paths:
            write_rows(path, ["new"])


def test_files_written_together_wait_for_the_last(tmp_path: Path) -> None:
    with together():
        for name in NAMES:
            write_rows(tmp_path / name, [name])
            assert not (tmp_path / name).exists()
    assert sorted(path.name for path in tmp_path.iterdir()) == list(NAMES)


def test_an_error_leaves_all_files_as_they_were(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("old")
    with pytest.raises(TargetsFileError, match="no such folder"):
        write_all(tmp_path / "a.csv", tmp_path / "missing" / "b.csv")
    assert (tmp_path / "a.csv").read_text() == "old"
    assert [path.name for path in tmp_path.iterdir()] == ["a.csv"]


def test_a_part_of_a_whole_waits_for_the_whole(tmp_path: Path) -> None:
    with together():
        with together():
            write_rows(tmp_path / "a.csv", ["new"])
        assert not (tmp_path / "a.csv").exists()
    assert (tmp_path / "a.csv").exists()


def test_a_killed_run_leaves_all_as_it_was_and_the_next_one_cleans_up(tmp_path: Path) -> None:
    for name in NAMES:
        (tmp_path / name).write_text("old")
    command = [sys.executable, "-c", KILLED, str(tmp_path)]
    with subprocess.Popen(command, stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == b"writing\n"
        process.kill()
    assert {(tmp_path / name).read_text() for name in NAMES} == {"old"}
    assert len(list(tmp_path.iterdir())) > len(NAMES)
    with together():
        for name in NAMES:
            write_rows(tmp_path / name, ["next"])
    assert sorted(path.name for path in tmp_path.iterdir()) == list(NAMES)


def test_what_a_running_process_writes_is_not_removed(tmp_path: Path) -> None:
    own = tmp_path / f".a.csv.{os.getppid()}.partial"
    dead = tmp_path / ".a.csv.4194303999.partial"
    other = tmp_path / ".a.csv.notes.partial"
    for path in (own, dead, other):
        path.touch()
    write_rows(tmp_path / "a.csv", [])
    assert own.exists()
    assert other.exists()
    assert not dead.exists()


def test_a_replaced_file_keeps_its_mode(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.touch()
    path.chmod(0o640)
    with atomic_path(path) as partial:
        partial.write_text("new")
    assert path.read_text() == "new"
    assert path.stat().st_mode & 0o777 == 0o640


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give a file away")
def test_a_replaced_file_keeps_its_owner(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.touch()
    os.chown(path, 1234, 1235)
    write_rows(path, ["new"])
    assert (path.stat().st_uid, path.stat().st_gid) == (1234, 1235)


def test_an_interrupt_waits_until_all_files_have_their_places(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    replace = os.replace

    def interrupted(source: str, target: str) -> None:
        signal.raise_signal(signal.SIGINT)
        replace(source, target)

    monkeypatch.setattr(os, "replace", interrupted)
    with pytest.raises(KeyboardInterrupt):
        write_all(*(tmp_path / name for name in NAMES))
    assert sorted(path.name for path in tmp_path.iterdir()) == list(NAMES)
