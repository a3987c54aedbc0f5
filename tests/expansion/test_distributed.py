"""Ray makes the same folder as this machine alone, whatever dies meanwhile."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from addresses import files_at, put, s3_server

from audiolabels.errors import OptionError
from audiolabels.expansion.local import expand_files
from audiolabels.files import atomic_path
from audiolabels.targets import read_info, read_targets

pytestmark = pytest.mark.slow
SHARDS = 4


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Shards of labels, of which two share a clip, and what the local engine makes of them."""
    for shard in range(SHARDS):
        rows = "".join(f"c{shard * 40 + i},{['Dog', 'Rain', ''][i % 3]}\n" for i in range(41))
        (tmp_path / f"{shard}.csv").write_text(f"clip_id,labels\n{rows}")
    assert expand(tmp_path, "local/").returncode == 0
    return tmp_path


def command(output: str, *options: str) -> list[str]:
    made = [sys.executable, "-m", "audiolabels", "expand", "[0-9].csv", "-o", output]
    return [*made, "--rows-per-part", "15", *options]


def expand(folder: Path, *options: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        command(*options), cwd=folder, capture_output=True, text=True, check=False
    )


def same_folder(one: Path, two: Path) -> None:
    files = [{path.name: path.read_bytes() for path in each.iterdir()} for each in (one, two)]
    assert files[0] == files[1]
    assert len(files[0]) == SHARDS * 3 + 1


def test_ray_makes_the_same_bytes(folder: Path) -> None:
    made = expand(folder, "ray/", "--engine", "ray", "--report", "report.csv")
    assert made.returncode == 0, made.stderr
    same_folder(folder / "local", folder / "ray")
    assert "3 × duplicate clip" in made.stdout
    assert (folder / "report.csv").read_text().count("duplicate clip") == 3


def test_ray_writes_the_same_weights(folder: Path) -> None:
    (folder / "quality.csv").write_text("label_id,num_rated,num_true\nDog,10,1\n")
    by = ("--class-quality", "quality.csv", "--weights", "quality", "--layout", "packed")
    for output, *engine in (("here/",), ("there/", "--engine", "ray")):
        made = expand(folder, output, *by, *engine)
        assert made.returncode == 0, made.stderr
    same_folder(folder / "here", folder / "there")
    assert read_targets(folder / "there").weights().min() == 0.5


def test_parts_at_an_address_are_the_same(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with s3_server():
        monkeypatch.setenv("AUDIOLABELS_CACHE", str(folder / "cache"))
        for path in folder.glob("?.csv"):
            put(f"s3://bucket/in/{path.name}", path)
        for engine in ("local", "ray"):
            address = f"s3://bucket/{engine}"
            made = command(f"{address}/", "--engine", engine)
            made[made.index("[0-9].csv")] = "s3://bucket/in/[0-9].csv"
            done = subprocess.run(made, capture_output=True, text=True, check=False)
            assert done.returncode == 0, done.stderr
            assert f"wrote {address} (12 parts" in done.stdout
            right = {path.name: path.read_bytes() for path in (folder / "local").iterdir()}
            assert files_at(address) == right


def test_memory_is_not_shared_with_tasks(tmp_path: Path) -> None:
    for path, output in (("memory://in/a.csv", "out/"), (tmp_path / "a.csv", "memory://out/")):
        with atomic_path(path) as written:
            written.write_text("clip_id,labels\na,Dog\n")
        with pytest.raises(OptionError, match=r"memory://.*: the memory of one process"):
            expand_files(path, output, engine="ray")


def test_an_error_in_a_task_is_that_of_the_local_engine(folder: Path) -> None:
    (folder / "2.csv").write_text("clip_id,labels\na,Nonesuch\n")
    here, there = expand(folder, "a/"), expand(folder, "b/", "--engine", "ray")
    assert "2.csv: labels that ontology, supplement and aliases all lack" in here.stderr
    assert (there.returncode, there.stderr) == (here.returncode, here.stderr)


def test_one_file_is_not_for_ray(folder: Path) -> None:
    made = [sys.executable, "-m", "audiolabels", "expand", "0.csv", "-o", "o.parquet"]
    done = subprocess.run(
        [*made, "--engine", "ray"], cwd=folder, capture_output=True, text=True, check=False
    )
    assert done.returncode == 1
    assert "end the output's name in a slash" in done.stderr


def test_a_task_that_always_dies_is_an_error_of_ours(folder: Path) -> None:
    code = (
        "import os; from audiolabels.expansion import distributed, local\n"
        "distributed._make = lambda *arguments: os._exit(9)\n"
        "local.expand_files('0.csv', 'dead/', engine='ray')"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=folder, capture_output=True, text=True, check=False
    )
    assert "TargetsFileError: dead: Ray gave a part up after 3 retries" in done.stderr
    assert not (folder / "dead").exists()


DYING = """\
import os
from pathlib import Path
from audiolabels.expansion import distributed, local

make = distributed._make

def dying(here, arguments, shard, number, folder, rows):
    make(here, arguments, shard, number, folder, rows)
    mark = Path({marks!r}) / str(number)
    if not mark.exists():  # the first time each worker dies, when its shard is half made
        mark.touch()
        (Path(folder) / f"_shard-{{number:05}}.json").unlink()
        next(Path(folder).glob(f"part-{{number:05}}-00001.parquet")).unlink()
        os._exit(9)

distributed._make = dying
inputs = [f"{{i}}.csv" for i in range(4)]
local.expand_files(inputs, "died/", rows_per_part=15, engine="ray")
"""


def test_a_task_whose_worker_dies_is_made_again(folder: Path) -> None:
    marks = folder / "marks"
    marks.mkdir()
    done = subprocess.run(
        [sys.executable, "-c", DYING.format(marks=str(marks))],
        cwd=folder, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert len([*marks.iterdir()]) == SHARDS
    same_folder(folder / "local", folder / "died")


@pytest.mark.parametrize("engine", ["local", "ray"])
def test_a_driver_that_is_killed_leaves_parts_that_the_next_run_takes_up(
    folder: Path, engine: str
) -> None:
    slow = (
        "import time; from audiolabels.expansion import folder as f; end = f.PartsWriter._end\n"
        "def slowly(self): end(self); time.sleep(0.3)\n"
        "f.PartsWriter._end = slowly\n"
        "from audiolabels.cli import main; main()"
    )
    made = [sys.executable, "-c", slow, *command("killed/", "--engine", engine)[3:]]
    nowhere = subprocess.DEVNULL
    driver = subprocess.Popen(made, cwd=folder, stdout=nowhere, stderr=nowhere)
    wait_for_part(folder / "killed", driver)
    driver.send_signal(signal.SIGKILL)
    driver.wait()
    time.sleep(1)  # workers of Ray end when their driver does
    assert not (folder / "killed/_audiolabels.json").exists()
    parts = (folder / "killed").glob("*.parquet")
    kept = {path: path.stat().st_ino for path in parts if read_info(path)["rows"] == 15}
    assert kept
    again = expand(folder, "killed/")
    assert again.returncode == 0, again.stderr
    same_folder(folder / "local", folder / "killed")
    assert {path: path.stat().st_ino for path in kept} == kept


def wait_for_part(folder: Path, driver: subprocess.Popen[bytes]) -> None:
    for _ in range(600):
        if [*folder.glob("*.parquet")]:
            return
        assert driver.poll() is None, "it ended before it was killed"
        time.sleep(0.05)
    os.kill(driver.pid, signal.SIGKILL)
    raise AssertionError("no part within half a minute")
