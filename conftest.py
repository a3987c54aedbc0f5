"""Runs the examples: doctests of the package, and every block of README.md and docs/**/*.md.

In Markdown, `python` blocks are executed, those with `>>>` as doctests. In `console` blocks each
line after `$ ` is run in a temporary folder, and the lines up to the next `$` must equal what it
prints; `...` matches anything, and sizes of files may differ. The code of `plot` directives, which
draws the pictures when the docs are built, runs too. Examples between `skip` comments that need
AudioSet's own files run only where the folder `shared/data` stands beside the checkout.
"""

import difflib
import doctest
import importlib.util
import os
import re
import shlex
import shutil
import subprocess
import sys
import tempfile
import textwrap
from pathlib import Path
from typing import Any

import pytest
from sybil import Example, Sybil
from sybil.parsers.myst import CodeBlockParser, PythonCodeBlockParser, SkipParser
from sybil.parsers.rest import DocTestParser

FLAGS = doctest.ELLIPSIS
ROOT = Path(__file__).resolve().parent
SHARED = ROOT.parent / "shared" / "data"
REPRODUCE = ROOT / "benchmarks" / "reproduce"
sys.path.append(str(REPRODUCE))  # which draws what it has measured
FILE_SIZE = re.compile(r"\([\d,.]+ [kM]B\)")  # differs between versions of pyarrow
PROGRAMS = {"audiolabels": [sys.executable, "-m", "audiolabels"], "cat": ["cat"], "head": ["head"]}


def run_console(example: Example) -> str | None:
    """Run the commands of a `console` block; say where their output differs."""
    source = str(example.parsed).replace("\\\n", " ")
    head, *commands = re.split(r"^\$ ", source, flags=re.MULTILINE)
    if head.strip() or not commands:
        return "a console block begins with '$ ' and a command"
    for text in commands:
        line, _, wanted = text.partition("\n")
        got = run_line(line)
        if not same_output(wanted.strip("\n"), got.strip("\n")):
            lines = difflib.ndiff(wanted.strip("\n").split("\n"), got.strip("\n").split("\n"))
            return f"$ {line}\n(- shown on the page, + printed)\n" + "\n".join(lines)
    return None


def run_plot(example: Example) -> str | None:
    """Run the code of a `plot` directive; say if it draws nothing, and has no `:nofigs:`."""
    head, _, body = str(example.parsed).partition("\n\n")
    if not head.startswith(".. plot::"):
        return None
    from matplotlib import pyplot

    pyplot.close("all")
    code = compile(textwrap.dedent(body), example.path, "exec")
    exec(code, example.namespace)  # noqa: S102
    figures = len(pyplot.get_fignums())
    pyplot.close("all")
    return None if bool(figures) != (":nofigs:" in head) else f"it has drawn {figures} figures"


def run_line(line: str) -> str:
    """What a command prints, errors included."""
    program, *arguments = shlex.split(line)
    done = subprocess.run(  # noqa: S603
        [*PROGRAMS[program], *arguments],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        encoding="utf-8",
        env={**os.environ, "NO_COLOR": "1", "COLUMNS": "80", "PYTHONIOENCODING": "utf-8"},
        check=False,
    )
    return done.stdout


def same_output(wanted: str, got: str) -> bool:
    """Whether the output is the one shown, sizes of files apart."""
    wanted, got = (FILE_SIZE.sub("(size)", text) + "\n" for text in (wanted, got))
    return doctest.OutputChecker().check_output(wanted, got, doctest.ELLIPSIS)


def enter_folder(namespace: dict[str, Any]) -> None:
    """Give a page a folder of its own, with AudioSet's files if they are there."""
    folder = tempfile.TemporaryDirectory()
    namespace["_back"] = Path.cwd(), folder
    if SHARED.is_dir():
        for pattern in ("audioset/*segments.csv", "audioset/strong_eval*", "fsd50k/*dev.csv"):
            for path in SHARED.glob(pattern):
                # A copy: what a page writes through a link would take the place of the data.
                shutil.copyfile(path, Path(folder.name) / path.name)
    shutil.copytree(REPRODUCE / "results", Path(folder.name) / "results")
    namespace["no_audioset"] = not SHARED.is_dir()
    namespace["lacks"] = lambda module: importlib.util.find_spec(module) is None
    os.chdir(folder.name)
    os.environ["AUDIOLABELS_CACHE"] = str(Path(folder.name) / "cache")


def leave_folder(namespace: dict[str, Any]) -> None:
    """Go back, and remove the page's folder."""
    back, folder = namespace["_back"]
    os.chdir(back)
    del os.environ["AUDIOLABELS_CACHE"]
    folder.cleanup()
    namespace.clear()


collect_ignore = ["docs/_build", "docs/notebooks"]  # made by Sphinx

# Examples, tests that start programs, and tests of large networks.
SLOW = (
    "README.md",
    "docs/",
    "examples/",
    "tests/cli/",
    "tests/docs/",
    "tests/expansion/test_scored.py",
    "tests/fuzz/",
    "tests/reproduce/",
    "tests/test_examples.py",
    "tests/test_install.py",
    "tests/training/test_models.py",
)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark as `slow` what always is: `SLOW`, tests by hypothesis, and tests on real files."""
    for item in items:
        by_hypothesis = getattr(getattr(item, "obj", None), "is_hypothesis_test", False)
        on_real_files = "shared_data" in getattr(item, "fixturenames", ())
        if by_hypothesis or on_real_files or item.nodeid.startswith(SLOW):
            item.add_marker("slow")


pages = Sybil(
    parsers=[
        PythonCodeBlockParser(doctest_optionflags=FLAGS),
        CodeBlockParser("console", run_console),
        CodeBlockParser("{eval-rst}", run_plot),
        SkipParser(),
    ],
    patterns=["README.md", "docs/*.md", "docs/**/*.md"],
    excludes=["docs/_build/**", "docs/notebooks/**"],
    setup=enter_folder,
    teardown=leave_folder,
)
docstrings = Sybil(
    parsers=[DocTestParser(optionflags=FLAGS)],
    patterns=["audiolabels/*.py", "audiolabels/**/*.py"],
)
pytest_collect_file = (pages + docstrings).pytest()
