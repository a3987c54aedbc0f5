"""Draw the targets of two clips before and after PE-CML, for the README.

    python scripts/draw_before_after.py [-o docs/images/before_after.png]

One clip is labelled Electric guitar, the other Guitar. Rows are classes of the ontology, indented
below their parents; columns are the targets of `weak` and of `pe-cml`. Needs matplotlib, which
comes with the extra `docs`.
"""

import argparse
from io import BytesIO
from pathlib import Path

import matplotlib as mpl
from draw_framing import COLOURS, EDGE, NEGATIVE, POSITIVE, SIGNS, UNKNOWN
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import FancyBboxPatch
from PIL import Image

import audiolabels

mpl.use("Agg")

LABELS = ["Electric guitar", "Guitar"]  # the only label of each clip
SCHEMES = {"weak": "as given", "pe-cml": "PE-CML"}
CLASSES = {  # and how deep each is indented
    "Music": 0,
    "Musical instrument": 1,
    "Plucked string instrument": 2,
    "Guitar": 3,
    "Electric guitar": 4,
    "Acoustic guitar": 4,
    "Bass guitar": 4,
    "Banjo": 3,
    "Bowed string instrument": 2,
    "Speech": 0,
}
MEANING = {
    POSITIVE: "positive",
    NEGATIVE: "negative",
    UNKNOWN: "unknown: no part in the loss",
}
WIDTH, HEIGHT = 7.6, 4.35  # inches; one unit of the axes is 0.1 inch
ROW, CELL, GAP = 3.1, 9.0, 0.5
TOP, FIRST_COLUMN, CLIP_WIDTH = 34.0, 34.0, 21.5


def states() -> dict[tuple[str, str, str], str]:
    """The colour of each (label, scheme, class)."""
    labels = audiolabels.Annotations.from_dict({label: [label] for label in LABELS})
    found = {}
    for scheme in SCHEMES:
        targets = audiolabels.expand(labels, scheme, vocabulary=list(CLASSES))
        target, mask = targets.to_numpy()
        for i, label in enumerate(LABELS):
            for j, name in enumerate(CLASSES):
                positive, known = target[i, j] > 0, mask[i, j] > 0
                colour = POSITIVE if positive else NEGATIVE if known else UNKNOWN
                found[label, scheme, name] = colour
    return found


def draw_cell(axes: Axes, x: float, y: float, width: float, colour: str) -> None:
    """A rounded box whose lower left corner is (x, y), with the sign of its state."""
    style = "round,pad=0,rounding_size=0.4"
    height = ROW - GAP
    axes.add_patch(
        FancyBboxPatch((x, y), width, height, boxstyle=style, fc=colour, ec=EDGE, lw=0.7)
    )
    sign, ink = SIGNS[colour]
    axes.text(
        x + width / 2, y + height / 2, sign, ha="center", va="center_baseline", color=ink, size=12
    )


def draw_tree(axes: Axes) -> None:
    """The names of the classes, with lines from each to its parent."""
    above: list[float] = []
    for row, (name, depth) in enumerate(CLASSES.items()):
        y = TOP - row * ROW + (ROW - GAP) / 2
        x = 2 + 2.2 * depth
        axes.text(x, y, name, ha="left", va="center", size=10.5)
        if depth:
            knee = x - 1.4
            axes.plot([knee, knee, x - 0.4], [above[depth - 1] - 1.1, y, y], color=EDGE, lw=0.8)
        above[depth:] = [y]


def draw() -> Figure:
    figure = Figure(figsize=(WIDTH, HEIGHT), dpi=150, facecolor="white")
    axes = figure.add_axes((0, 0, 1, 1))
    axes.set(xlim=(0, 10 * WIDTH), ylim=(0, 10 * HEIGHT))
    axes.axis("off")
    draw_tree(axes)
    colours = states()
    for i, label in enumerate(LABELS):
        left = FIRST_COLUMN + i * CLIP_WIDTH
        middle = left + CELL + GAP / 2
        axes.text(
            middle,
            TOP + 7.0,
            f"labelled “{label}”",
            ha="center",
            va="center",
            size=10.5,
            weight="bold",
        )
        for j, (scheme, title) in enumerate(SCHEMES.items()):
            x = left + j * (CELL + GAP)
            axes.text(x + CELL / 2, TOP + 4.4, title, ha="center", va="center", size=10)
            for row, name in enumerate(CLASSES):
                draw_cell(axes, x, TOP - row * ROW, CELL, colours[label, scheme, name])
    x = 2.0
    for colour, text in MEANING.items():
        draw_cell(axes, x, 1.2, 3.4, colour)
        axes.text(x + 4.2, 1.2 + (ROW - GAP) / 2, text, ha="left", va="center", size=10)
        x += 15
    return figure


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    default = Path("docs/images/before_after.png")
    parser.add_argument("-o", "--output", type=Path, default=default)
    output = parser.parse_args().output
    picture = BytesIO()
    draw().savefig(picture)
    Image.open(picture).convert("RGB").quantize(COLOURS).save(output, optimize=True)
    print(f"wrote {output} ({output.stat().st_size / 1e3:,.0f} kB)")


if __name__ == "__main__":
    main()
