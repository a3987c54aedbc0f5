"""What the pictures share: sizes, colours that the colour-blind tell apart, axes.

Source of the colours: Okabe & Ito, Color universal design, 2008.
"""

import textwrap
from collections.abc import Sequence
from typing import TYPE_CHECKING

from audiolabels.errors import extra

if TYPE_CHECKING:
    from matplotlib.axes import Axes

POSITIVE, NEGATIVE, UNKNOWN = "#0072b2", "#f3c067", "#ffffff"
IMPLIED = "#56b4e9"
SERIES = ("#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00")
GREY, EDGE, INK = "#b3b3b3", "#8c8c8c", "#222222"
WIDTH, HEIGHT, ROW = 4.8, 3.2, 0.24  # inches: of a paper's column and a half; of a row of text
SMALL = 8  # points


def axes_or_new(axes: "Axes | None", height: float = HEIGHT, width: float = WIDTH) -> "Axes":
    """The axes that were given, or those of a new figure; without a frame above and right.

    Raises:
        OptionError: matplotlib is not installed.
    """
    with extra("plots"):
        from matplotlib import pyplot
    if axes is None:
        _, axes = pyplot.subplots(figsize=(width, height), layout="constrained")
    axes.spines[["top", "right"]].set_visible(False)
    return axes


def short(name: str, width: int = 34) -> str:
    """A name of a class, cut at a word where it is long."""
    return textwrap.shorten(name, width, placeholder=" …")


def name_points(axes: "Axes", x: Sequence[float], y: Sequence[float], names: Sequence[str]) -> None:
    """Write names beside points, on the side that faces the middle of the axes, none over another;
    a thin line leads from a name that had to move up.
    """
    left, right = (axes.transAxes.transform((share, 0))[0] for share in (0, 1))
    per_point = axes.figure.dpi / 72
    points = [*zip(x, y, [short(name, 26) for name in names], strict=True)]
    written: list[tuple[float, float, float]] = []  # left, right and upper end of each name
    for across, along, name in sorted(points, key=lambda point: point[1]):
        place = axes.transData.transform((across, along))
        far = bool(place[0] > (left + right) / 2)
        ends = sorted([place[0], place[0] + (-1 if far else 1) * _width(name) * per_point])
        tops = [top for start, stop, top in written if start < ends[1] and ends[0] < stop]
        up = max(0.0, (max(tops, default=0.0) - place[1]) / per_point)
        written.append((ends[0], ends[1], place[1] + (up + SMALL + 1) * per_point))
        axes.annotate(
            name,
            (across, along),
            (-5 if far else 5, up),
            textcoords="offset points",
            ha="right" if far else "left",
            va="center",
            fontsize=SMALL - 1,
            arrowprops={"arrowstyle": "-", "lw": 0.4, "color": GREY} if up else None,
        )


def _width(name: str) -> float:
    """About how wide a name and the gap before it are, in points."""
    return 10 + 0.6 * (SMALL - 1) * len(name)
