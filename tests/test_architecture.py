"""ARCHITECTURE.md is true: every path, symbol and layer that it names exists."""

import ast
import re
import tomllib
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
PACKAGE = ROOT / "audiolabels"
TEXT = (ROOT / "ARCHITECTURE.md").read_text("utf-8")
PROSE = re.sub(r"^```.*?^```$", "", TEXT, flags=re.MULTILINE | re.DOTALL)
QUOTED = sorted(set(re.findall(r"`([^`\n]+)`", PROSE)))
# Names of other programs, of options and of columns.
FOREIGN = {"import-linter", "import audiolabels", "make check", "id", "name", "shared"}


def block(heading: str) -> list[str]:
    """The lines of the first code block below a heading."""
    return re.search(rf"^## {heading}\n.*?^```\n(.*?)^```$", TEXT, re.M | re.S)[1].splitlines()


def names_in(body: list[ast.stmt]) -> dict[str, ast.stmt]:
    """What a module or class defines or imports, by name."""
    found: dict[str, ast.stmt] = {}
    for node in body:
        if isinstance(node, ast.FunctionDef | ast.ClassDef):
            found[node.name] = node
        elif isinstance(node, ast.Assign | ast.AnnAssign):
            targets = node.targets if isinstance(node, ast.Assign) else [node.target]
            found |= {target.id: node for target in targets if isinstance(target, ast.Name)}
        elif isinstance(node, ast.ImportFrom):
            found |= {alias.asname or alias.name: node for alias in node.names}
    return found


def modules() -> dict[str, dict[str, ast.stmt]]:
    """Names of every module, by its path in the package with dots."""
    found = {}
    for path in PACKAGE.rglob("*.py"):
        name = ".".join(path.relative_to(PACKAGE).with_suffix("").parts)
        found[name.removesuffix(".__init__")] = names_in(ast.parse(path.read_text("utf-8")).body)
    return found


MODULES = modules()
ANYWHERE = {
    name: node
    for names in MODULES.values()
    for name, node in names.items()
    if not isinstance(node, ast.ImportFrom)
}


def exists(quoted: str) -> bool:
    """Whether a path, module or symbol exists; a symbol with its module, its class, or alone."""
    if "/" in quoted or re.search(r"\.(py|md|json)$", quoted):
        return (ROOT / quoted).exists() or (PACKAGE / quoted).exists()
    if quoted in MODULES or quoted in ANYWHERE:
        return True
    module, _, name = quoted.rpartition(".")
    if module in MODULES:
        return name in MODULES[module]
    owner = ANYWHERE.get(module)
    return isinstance(owner, ast.ClassDef) and name in names_in(owner.body)


def test_every_name_in_the_text_exists() -> None:
    assert [quoted for quoted in QUOTED if quoted not in FOREIGN and not exists(quoted)] == []


def test_the_tree_lists_every_package() -> None:
    lines = block("Modules")
    inside = {line.split()[0].rstrip("/") for line in lines if line.startswith("  ")}
    actual = {path.name for path in PACKAGE.iterdir() if path.is_dir() and list(path.glob("*.py"))}
    actual |= {path.name for path in PACKAGE.glob("*.py")} - {"__main__.py"}
    assert inside == actual
    paths = re.findall(r"[\w./]+/[\w./]*", "\n".join(lines))
    named = [path.rstrip("/") for path in paths if "_ontology" not in path]
    known = [ROOT, PACKAGE, PACKAGE / "readers"]
    assert [path for path in named if not any((at / path).exists() for at in known)] == []


def test_layers_are_those_that_are_checked() -> None:
    config = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))
    contracts = config["tool"]["importlinter"]["contracts"]
    layers = next(contract["layers"] for contract in contracts if contract["type"] == "layers")
    assert block("Layers") == layers
    assert len(layers) <= 13
    parts = {part for layer in layers for part in layer.split(" | ")}
    assert parts == {name.split(".")[0] for name in MODULES} - {"__init__", "__main__"}


def test_few_modules_are_beside_the_packages() -> None:
    flat = {path.name for path in PACKAGE.glob("*.py")} - {"__init__.py", "__main__.py"}
    assert len(flat) <= 5
