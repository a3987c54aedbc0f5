"""The package as others install it: a wheel and an editable install both find the ontology."""

import os
import re
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).resolve().parent.parent
PROGRAM = """
import audiolabels, sys
assert len(audiolabels.load_ontology().with_supplement()) == 663
assert len(audiolabels.load_vocabulary("fsd50k")) == 200
assert len(audiolabels.read_labels(audiolabels.sample_path())) == 200
print(audiolabels.ontology.embedded.ontology_folder())
"""


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("wheel")
    command = [sys.executable, "-m", "hatchling", "build", "--target", "wheel", "--directory"]
    subprocess.run([*command, str(folder)], cwd=REPOSITORY, check=True, capture_output=True)
    (built,) = folder.glob("*.whl")
    return built


def python(program: str, path: Path, cwd: Path) -> str:
    """Output of a program that finds the package in `path` before anywhere else."""
    environment = os.environ | {"PYTHONPATH": str(path)}
    done = subprocess.run(
        [sys.executable, "-c", program],
        cwd=cwd,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


def test_wheel_finds_its_ontology(wheel: Path, tmp_path: Path) -> None:
    pip = [sys.executable, "-m", "pip", "install", "--quiet", "--no-deps", "--no-index"]
    subprocess.run([*pip, "--target", str(tmp_path), str(wheel)], check=True)
    folder = python(PROGRAM, tmp_path, tmp_path)
    assert folder == str(tmp_path / "audiolabels" / "_ontology")


def test_wheel_holds_licences_and_type_marker(wheel: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        names = archive.namelist()
    assert "audiolabels/py.typed" in names
    assert any(name.endswith("licenses/LICENSE") for name in names)
    assert any(name.endswith("licenses/ontology/LICENSE") for name in names)
    assert not any(name.startswith(("tests", "benchmarks")) for name in names)


def test_editable_install_finds_its_ontology(tmp_path: Path) -> None:
    """`make test` installs the checkout so; nothing but that install is on the path here."""
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM], cwd=tmp_path, capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == str(REPOSITORY / "ontology")


def test_wheel_has_the_command(wheel: Path, tmp_path: Path) -> None:
    pip = [sys.executable, "-m", "pip", "install", "--quiet", "--no-deps", "--no-index"]
    subprocess.run([*pip, "--target", str(tmp_path), str(wheel)], check=True)
    done = subprocess.run(
        [tmp_path / "bin" / "audiolabels", "--version"],
        env=os.environ | {"PYTHONPATH": str(tmp_path)},
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout.startswith("audiolabels, version 0.1.0")


def test_everything_but_torch_works_without_the_extras(tmp_path: Path) -> None:
    program = """
import sys
extras = "torch h5py pooch requests sklearn scipy matplotlib polars duckdb"
for name in extras.split():
    sys.modules[name] = None
import audiolabels
labels = audiolabels.Annotations.from_dict({"a": ["Guitar"]})
targets = audiolabels.expand(labels)
audiolabels.write_targets(targets, "t.parquet")
assert len(audiolabels.read_targets("t.parquet")) == 1
try:
    targets.to_torch()
except audiolabels.AudioLabelsError as error:
    print(error)
"""
    message = python(program, REPOSITORY, tmp_path)
    assert message == "torch is not installed; install it with: pip install 'audiolabels[train]'"


def test_importing_loads_nothing_heavy(tmp_path: Path) -> None:
    program = """
import sys, audiolabels
from audiolabels import expand_files, sample_path
from audiolabels.comparison import compare_files
expand_files([sample_path()], "o.parquet")
masked = ["numpy.ma"] if "numpy.ma" in sys.modules else []
expand_files(sample_path(events=True), "o.parquet", "strong-framed")
compare_files(sample_path(), "o.parquet")
ids = audiolabels.read_labels(sample_path()).clip_id.to_pylist()[:9]
scores = audiolabels.Scores.from_arrays(ids, [[0.1] * 527] * 9)
audiolabels.readers.write_scores(scores, "s.parquet")
mixed = dict(scores="s.parquet", teacher_weight=0.5)
expand_files([sample_path()], "o.parquet", "pseudo-strong", **mixed)
heavy = ("pandas", "networkx", "rich", "torch", "sklearn", "h5py", "click")
print(masked + [m for m in heavy if m in sys.modules])
"""
    assert python(program, REPOSITORY, tmp_path) == "[]"


def test_help_starts_without_numpy(tmp_path: Path) -> None:
    program = """
import sys, audiolabels.cli
print([m for m in ("numpy", "pyarrow") if m in sys.modules])
"""
    assert python(program, REPOSITORY, tmp_path) == "[]"


def test_every_public_name_exists_and_is_documented() -> None:
    import audiolabels

    assert len(audiolabels.__all__) <= 25
    page = (REPOSITORY / "docs" / "api.md").read_text(encoding="utf-8")
    described = {*re.findall(r":: audiolabels\.(\w+)", page), "SCHEMES"}
    assert set(audiolabels.__all__) <= described
    assert all(getattr(audiolabels, name) is not None for name in audiolabels.__all__)
    assert set(audiolabels.__all__) <= set(dir(audiolabels))
    with pytest.raises(AttributeError, match="has no attribute 'nothing'"):
        _ = audiolabels.nothing
