"""README, docs and the lists for contributors agree with each other and with the package."""

import re
import tomllib
from pathlib import Path

import nbformat
import pytest
import yaml
from nbclient import NotebookClient

from audiolabels.schemes import SCHEMES

ROOT = Path(__file__).resolve().parent.parent
PAGES = [
    *(path for path in sorted(ROOT.glob("*.md"))),
    *(path for path in sorted((ROOT / "docs").rglob("*.md")) if "_build" not in path.parts),
    *sorted((ROOT / "examples").glob("*.ipynb")),
]
FENCE = re.compile(r"^(```+|:::+).*?^\1$", re.MULTILINE | re.DOTALL)


def anchors(page: Path) -> set[str]:
    """What a link may name after `#`, as GitHub and MyST make it of headings."""
    headings = re.findall(r"^#+ (.*)$", FENCE.sub("", page.read_text("utf-8")), re.MULTILINE)
    plain = (re.sub(r"\[(.*?)\]\(.*?\)", r"\1", heading).lower() for heading in headings)
    return {re.sub(r"[^\w\- ]", "", heading).replace(" ", "-") for heading in plain}


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_every_internal_link_leads_somewhere(page: Path) -> None:
    text = re.sub(r"`[^`\n]*`", "", page.read_text("utf-8"))
    for link in re.findall(r"\]\(([^)\s]+)\)", text):
        if re.match(r"[a-z]+:", link):
            continue
        path, _, anchor = link.partition("#")
        target = (page.parent / path).resolve() if path else page
        if target.parent.name == "notebooks":  # where Sphinx copies them
            target = ROOT / "examples" / target.name
        assert target.exists(), link
        assert not anchor or anchor in anchors(target), link


def test_readme_lists_the_schemes() -> None:
    rows = [
        f"| [`{name}`](docs/schemes/{name}.md) | {scheme.summary} | {scheme.source} |"
        for name, scheme in SCHEMES.items()
    ]
    assert "\n".join(rows) in (ROOT / "README.md").read_text("utf-8")


def test_pre_commit_runs_what_make_check_runs() -> None:
    makefile = (ROOT / "Makefile").read_text("utf-8")
    recipe = re.search(r"^check:.*\n((?:\t.*\n)+)", makefile, re.MULTILINE)
    assert recipe
    commands = [line.strip().replace("$(BIN)", ".venv/bin") for line in recipe[1].splitlines()]
    config = yaml.safe_load((ROOT / ".pre-commit-config.yaml").read_text("utf-8"))
    hooks = [hook for repository in config["repos"] for hook in repository["hooks"]]
    assert [hook["entry"] for hook in hooks] == commands
    assert all(hook["language"] == "system" for hook in hooks)


def test_contributing_lists_the_commands() -> None:
    makefile = (ROOT / "Makefile").read_text("utf-8")
    commands = set(re.findall(r"^([\w-]+):.*## ", makefile, re.MULTILINE))
    text = (ROOT / "CONTRIBUTING.md").read_text("utf-8")
    assert set(re.findall(r"^\| `make ([\w-]+)` ", text, re.MULTILINE)) == commands


def test_the_project_names_its_addresses() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    assert set(project["urls"]) == {"Documentation", "Source", "Changelog", "Issues"}


@pytest.mark.slow
def test_the_first_notebook_shows_what_it_prints() -> None:
    """`jupyter execute --inplace examples/first_steps.ipynb` stores new outputs."""
    path = ROOT / "examples" / "first_steps.ipynb"
    stored, run = nbformat.read(path, 4), nbformat.read(path, 4)
    NotebookClient(run, resources={"metadata": {"path": path.parent}}).execute()
    for old, new in zip(stored.cells, run.cells, strict=True):
        assert shown(old) == shown(new)


def shown(cell: nbformat.NotebookNode) -> list[str]:
    """The plain texts of a cell's outputs."""
    outputs = cell.get("outputs", [])
    return [output.get("text") or output.data["text/plain"] for output in outputs]
