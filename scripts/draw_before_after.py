"""Draw the README's picture: the targets of one label before and after PE-CML.

    python scripts/draw_before_after.py

The pictures of the documentation are drawn when it is built, but a README needs a file. A test
compares that file with what this script draws. Needs matplotlib (extra `plots`).
"""

from pathlib import Path

import matplotlib as mpl
from matplotlib.figure import Figure

from audiolabels import plots

mpl.use("Agg")

FILE = Path(__file__).resolve().parents[1] / "docs" / "images" / "before_after.png"
PANELS = {"weak": "“Guitar”, as given", "pe-cml": "“Guitar”, after PE-CML"}


def draw(path: Path) -> None:
    figure = Figure(figsize=(8.6, 3.9), dpi=130, layout="constrained")
    panels = figure.subplots(1, len(PANELS))
    for axes, (scheme, title) in zip(panels, PANELS.items(), strict=True):
        plots.neighbourhood("Guitar", scheme, ax=axes)
        axes.set_title(title, fontsize=10, loc="left")
    panels[0].get_legend().remove()
    figure.savefig(path)


if __name__ == "__main__":
    draw(FILE)
