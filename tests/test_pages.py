"""README, docs and the lists for contributors agree with each other and with the package."""

import importlib.util
import re
import shutil
import tomllib
from pathlib import Path

import nbformat
import pytest
import yaml
from nbclient import NotebookClient

from audiolabels.datasets.table import DATASETS
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


def broken_links(page: Path) -> list[str]:
    """Links and images of a page that lead nowhere within the repository."""
    text = re.sub(r"`[^`\n]*`", "", page.read_text("utf-8"))
    broken = []
    for link in re.findall(r"\]\(([^)\s]+)\)", text):
        if re.match(r"[a-z]+:", link):
            continue
        path, _, anchor = link.partition("#")
        target = (page.parent / path).resolve() if path else page
        if target.parent.name == "notebooks":  # where Sphinx copies them
            target = ROOT / "examples" / target.name
        if not target.exists() or (anchor and anchor not in anchors(target)):
            broken.append(link)
    return broken


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_every_internal_link_leads_somewhere(page: Path) -> None:
    assert broken_links(page) == []


def test_the_check_finds_broken_links(tmp_path: Path) -> None:
    (tmp_path / "other.md").write_text("# What it is\n## `code`, and more\n", "utf-8")
    page = tmp_path / "page.md"
    right = "[a](other.md#what-it-is) [b](other.md#code-and-more) [c](#here) ![](page.md) `[](e)`"
    wrong = "[a](nothing.md) [b](other.md#what) [c](#there) ![d](nothing.png)"
    page.write_text(f"# Here\n{right}\n{wrong}\n", "utf-8")
    assert broken_links(page) == ["nothing.md", "other.md#what", "#there", "nothing.png"]


def test_the_picture_of_the_readme_is_what_its_script_draws(tmp_path: Path) -> None:
    compare = pytest.importorskip("matplotlib.testing.compare").compare_images
    spec = importlib.util.spec_from_file_location("script", ROOT / "scripts/draw_before_after.py")
    assert spec
    assert spec.loader
    script = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(script)
    assert script.FILE.relative_to(ROOT).as_posix() in (ROOT / "README.md").read_text("utf-8")
    stored, tolerance = shutil.copy(script.FILE, tmp_path / "stored.png"), 2
    script.draw(tmp_path / "now.png")
    assert compare(stored, tmp_path / "now.png", tolerance) is None
    script.PANELS = dict(zip(("weak", "pel"), script.PANELS.values(), strict=True))
    script.draw(tmp_path / "other.png")  # the check can fail
    assert compare(stored, tmp_path / "other.png", tolerance) is not None


def test_figures_on_choosing_a_scheme_are_those_that_were_measured() -> None:
    measured = "\n".join(path.read_text("utf-8") for path in (ROOT / "docs/reproduce").glob("*.md"))
    measured += (ROOT / "docs" / "fsd50k.md").read_text("utf-8")
    page = (ROOT / "docs" / "which_scheme.md").read_text("utf-8")
    figures = set(re.findall(r"[+−]?\d+\.\d+(?: ± \d+\.\d+)?", page))
    figures |= set(re.findall(r"−?\d+ ± \d+ %", page + (ROOT / "README.md").read_text("utf-8")))
    assert len(figures) > 20
    assert {figure for figure in figures if figure not in measured} == set()


def test_pages_name_parts_of_data_sets_that_there_are() -> None:
    name = re.compile(rf"(?<![\w-])({'|'.join(DATASETS)}):([\w-]+)")
    named = {pair for page in PAGES for pair in name.findall(page.read_text("utf-8"))}
    assert len(named) > 3
    assert {pair for pair in named if pair[1] not in DATASETS[pair[0]].files} == set()


@pytest.mark.parametrize("page", [path for path in PAGES if path.suffix == ".md"], ids=str)
def test_every_block_of_code_begins_and_ends(page: Path) -> None:
    assert re.findall(r"^(?:```|:::).*$", FENCE.sub("", page.read_text("utf-8")), re.M) == []


@pytest.mark.parametrize("page", sorted((ROOT / "docs/reproduce").glob("*.md")), ids=str)
def test_a_page_has_one_place_for_each_file_of_results(page: Path) -> None:
    results = ROOT / "benchmarks" / "reproduce" / "results"
    marks = re.findall(r"^<!-- (\w+) -->$", page.read_text("utf-8"), re.M)
    parts = [
        path.stem.removeprefix(f"{page.stem}_") for path in results.glob(f"{page.stem}_*.json")
    ]
    names = ["measured"] * (results / f"{page.stem}.json").exists() + parts
    assert marks == [mark for name in names for mark in (name, "end")]


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
