"""Configuration of the documentation: `sphinx-build docs docs/_build/html`."""

import shutil
import sys
from pathlib import Path

import click
from sphinx.application import Sphinx

sys.path.insert(0, str(Path(__file__).resolve().parent))

import audiolabels

HERE = Path(__file__).resolve().parent

project = "audiolabels"
author = "The audiolabels authors"
copyright = author
version = release = audiolabels.__version__

extensions = [
    "matplotlib.sphinxext.plot_directive",
    "myst_nb",
    "sphinx.ext.autodoc",
    "sphinx.ext.napoleon",
    "sphinx_click",
    "sphinx_design",
    "facts",
]
exclude_patterns = ["_build", "jupyter_execute"]
default_role = "code"  # docstrings write code between single backticks
highlight_language = "none"

myst_enable_extensions = ["colon_fence"]
myst_heading_anchors = 3
nb_execution_mode = "off"  # the tests execute the notebooks; the pages show the stored outputs

plot_include_source = True
plot_html_show_source_link = plot_html_show_formats = False
plot_formats = [("png", 130)]
plot_pre_code = ""  # examples are complete, as the tests run them too
plot_working_directory = str(HERE / "_build" / "examples")
sys.path.append(str(HERE.parent / "benchmarks" / "reproduce"))  # which draws what it has measured

napoleon_numpy_docstring = False
napoleon_custom_sections = [("Attributes", "params_style")]  # "onset, offset: ..." names two
autodoc_member_order = "bysource"
autodoc_typehints_format = "short"
python_maximum_signature_line_length = 88
add_module_names = False

html_theme = "furo"
html_title = f"audiolabels {release}"
html_static_path = ["static"]
html_css_files = ["pages.css"]
html_show_sphinx = False
html_copy_source = False


def copy_notebooks() -> None:
    """Copy the example notebooks among the pages, with links that fit there."""
    shutil.rmtree(HERE / "notebooks", ignore_errors=True)
    (HERE / "notebooks").mkdir()
    for path in (HERE.parent / "examples").glob("*.ipynb"):
        text = path.read_text(encoding="utf-8").replace("](../docs/", "](../")
        (HERE / "notebooks" / path.name).write_text(text, encoding="utf-8")


copy_notebooks()


def make_working_directory() -> None:
    """An empty folder for what the examples write, with the results that some of them draw."""
    shutil.rmtree(plot_working_directory, ignore_errors=True)
    results = HERE.parent / "benchmarks" / "reproduce" / "results"
    shutil.copytree(results, Path(plot_working_directory) / "results")


make_working_directory()


def show_examples_as_code(app: Sphinx, ctx: click.Context, lines: list[str]) -> None:
    """Turn the epilog of a command, its examples, into a block of code."""
    examples = [line.removeprefix("| ").strip() for line in lines]
    examples = [line for line in examples if line and line != "Examples:"]
    if examples:
        block = [f"   {line}" for line in examples]
        lines[:] = [".. rubric:: Examples", "", ".. code-block:: sh", "", *block, ""]


def setup(app: Sphinx) -> None:
    app.connect("sphinx-click-process-epilog", show_examples_as_code)
