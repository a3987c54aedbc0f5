"""Draw clips' events and the frames made of them, to check the rule by eye.

    python scripts/draw_framing.py EVENTS.tsv... [--clips CLIP...] [-o docs/images/framing.png]

EVENTS.tsv are event files; the clips drawn by default are in AudioSet's strong labels of the
evaluation set. One panel a clip, one row a class: above, the events at their times; below, the
frames as `strong-framed` makes them with `negatives="complementary"`. Past the last whole frame the
clip is hatched. Needs matplotlib, which comes with the extra `docs`.
"""

import argparse
import textwrap
from collections.abc import Sequence
from io import BytesIO
from pathlib import Path
from typing import NamedTuple

import matplotlib as mpl
import numpy as np
import numpy.typing as npt
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle
from PIL import Image

import audiolabels
from audiolabels import Events
from audiolabels.arrays import Grid
from audiolabels.labels.events import PRESENT

mpl.use("Agg")

# What each of these clips shows. The times are those of the file.
CLIPS = {
    "402OOck5CAk_30000": "Long music, and 23 strokes of a hammer of a tenth of a second each.",
    "vRPCcapAWeg_40000": "A clock that ticks 13 times; its last tick lies past the last frame.",
    "IUD_ZYOh2MM_0": "An alarm with 20 beeps. Every edge of a frame cuts one, which counts where "
    "half of it lies. The last two, and the last thump, reach no frame.",
    "AzashCN4V_U_110000": "The first tick (5.693 to 5.827 s) is divided evenly by the edge at "
    "5.76 s, so both frames hold half of it.",
    "04ChQ0fqzxQ_120000": "The first tap (3.775 to 3.905 s) is divided evenly by the edge at "
    "3.84 s. The long speech ends 382 ms into frame 7, which is less than half of it.",
    "9FcaCBrrCfg_17000": "Six short sounds. The second tap (4.71 to 4.89 s) is divided evenly "
    "by the edge at 4.8 s.",
    "TworrkXAPuI_180000": "Two events fill frame 7 by 552 ms together; alone neither fills half "
    "of it, nor has half of itself in it, so it is negative.",
    "Gn7-NxQCzok_10000": "Two events of water overlap by 54 ms. Male speech has 438 ms in frame 6 "
    "and 474 in frame 8, less than half of either.",
    "G1ufesfZkEY_30000": "Male speech is marked throughout, and twice again within. Speech has "
    "105 and 478 ms in frame 6, neither of them half of it. Its last event lies mostly past 9.6.",
    "QhFtABqY9cs_220000": "The only male speech has 33 of its 433 ms in frame 9, so it reaches no "
    "frame, and its class is unknown throughout (negative, with negatives all).",
}
POSITIVE, NEGATIVE, UNKNOWN = "#0072b2", "#f3c067", "#ffffff"  # Okabe & Ito's blue; light orange
EVENT, EDGE, PAST = "#222222", "#8c8c8c", "#e4e4e4"
SIGNS = {POSITIVE: ("+", "white"), NEGATIVE: ("\N{MINUS SIGN}", "#444444"), UNKNOWN: ("?", "#777")}
COLOURS = 64
WIDTH, ROW, HEAD, PANEL_GAP = 8.6, 0.42, 0.34, 0.3  # inches
LEFT, RIGHT, TOP, BOTTOM = 2.05, 0.12, 0.62, 0.45


class Panel(NamedTuple):
    """One clip: its classes, the events of each in seconds, the state of each frame."""

    clip: str
    duration: float
    names: list[str]
    spans: list[list[tuple[float, float]]]
    target: npt.NDArray[np.float32]  # (frames, classes)
    mask: npt.NDArray[np.float32]


def panel(events: Events, clip: str) -> Panel:
    row = events.clip_id.to_pylist().index(clip)
    one = events.slice(row, row + 1)
    given = one.state == PRESENT
    classes = list(dict.fromkeys(one.classes[given].tolist()))
    ids = [one.ontology.classes[c].id for c in classes]
    spans = [
        [
            (int(onset) / 1000, int(offset) / 1000)
            for onset, offset in zip(one.onset_ms[chosen], one.offset_ms[chosen], strict=True)
        ]
        for chosen in (given & (one.classes == c) for c in classes)
    ]
    targets = audiolabels.expand(one, "strong-framed", vocabulary=ids, negatives="complementary")
    names = [one.ontology.classes[c].name for c in classes]
    return Panel(clip, int(one.duration_ms[0]) / 1000, names, spans, *targets.to_numpy())


def share_lanes(spans: Sequence[tuple[float, float]]) -> list[int]:
    """A lane for each event, so that none overlaps another in its own."""
    ends: list[float] = []
    lanes = [0] * len(spans)
    for i in sorted(range(len(spans)), key=lambda i: spans[i]):
        onset, offset = spans[i]
        lane = next((lane for lane, end in enumerate(ends) if end <= onset), len(ends))
        ends[lane : lane + 1] = [offset]
        lanes[i] = lane
    return lanes


def draw_panel(axes: Axes, shown: Panel, grid: Grid) -> None:
    frames = len(shown.target)
    end = grid.span_ms(frames - 1)[1] / 1000
    axes.set_xlim(0, shown.duration)
    axes.set_ylim(len(shown.names), 0)
    for k, (name, spans) in enumerate(zip(shown.names, shown.spans, strict=True)):
        short = textwrap.shorten(name, 30, placeholder=" …")
        axes.text(-0.1, k + 0.5, short, ha="right", va="center", fontsize=8.5)
        lanes = share_lanes(spans)
        tall = 0.28 / (max(lanes) + 1)
        for (onset, offset), lane in zip(spans, lanes, strict=True):
            place = onset, k + 0.12 + lane * tall
            bar = Rectangle(place, offset - onset, tall, fc=EVENT, ec="white", lw=0.5)
            axes.add_patch(bar)
        for i in range(frames):
            start, stop = (ms / 1000 for ms in grid.span_ms(i))
            known, positive = shown.mask[i, k] > 0, shown.target[i, k] > 0
            colour = POSITIVE if positive else NEGATIVE if known else UNKNOWN
            box = (start, k + 0.46), stop - start, 0.42
            axes.add_patch(Rectangle(*box, fc=colour, ec=EDGE, lw=0.5))
            sign, ink = SIGNS[colour]
            axes.text((start + stop) / 2, k + 0.67, sign, ha="center", va="center", color=ink)
        if k:
            axes.axhline(k, color="#dddddd", lw=0.6)
    for i in range(frames + 1):
        axes.axvline(i * grid.hop_ms / 1000, color=EDGE, lw=0.5, ls=(0, (2, 2)), zorder=0.5)
    tail = (end, 0), shown.duration - end, len(shown.names)
    axes.add_patch(Rectangle(*tail, fc=PAST, ec="#aaaaaa", hatch="////", lw=0, zorder=0.4))
    axes.set_yticks([])
    axes.set_xticks([i * grid.hop_ms / 1000 for i in range(frames)] + [end])
    axes.tick_params(labelsize=7.5, length=2.5, pad=1.5)
    axes.xaxis.set_major_formatter(lambda x, _: f"{x:g}")


def draw(panels: Sequence[Panel], notes: Sequence[str]) -> Figure:
    texts = [textwrap.wrap(note, 124) for note in notes]
    heads = [HEAD + 0.16 * len(text) for text in texts]
    heights = [ROW * len(shown.names) for shown in panels]
    height = TOP + sum(heights) + sum(heads) + PANEL_GAP * len(panels) + BOTTOM
    figure = Figure(figsize=(WIDTH, height), dpi=110)
    draw_legend(figure, height)
    top = height - TOP
    for shown, text, head, tall in zip(panels, texts, heads, heights, strict=True):
        top -= head
        x = 0.12 / WIDTH
        figure.text(
            x, (top + 0.08 + 0.16 * len(text)) / height, shown.clip, fontsize=9, weight="bold"
        )
        for i, line in enumerate(reversed(text)):
            figure.text(x, (top + 0.07 + 0.16 * i) / height, line, fontsize=8.5, color="#333333")
        top -= tall
        place = LEFT / WIDTH, top / height, 1 - (LEFT + RIGHT) / WIDTH, tall / height
        draw_panel(figure.add_axes(place), shown, Grid())
        top -= PANEL_GAP
    figure.text(
        1 - RIGHT / WIDTH,
        0.1 / height,
        "Seconds; frames are counted from 0. Labels: AudioSet, Google, CC BY 4.0",
        ha="right",
        fontsize=8,
        color="#555555",
    )
    return figure


def draw_legend(figure: Figure, height: float) -> None:
    x, y = 0.12, height - 0.38
    entries = [
        (EVENT, "event", 0.4),
        (POSITIVE, "positive", 0.28),
        (NEGATIVE, "complementary negative", 0.28),
        (UNKNOWN, "unknown", 0.28),
        (PAST, "past the last whole frame", 0.28),
    ]
    for colour, text, wide in entries:
        tall = 0.12 if colour == EVENT else 0.2
        hatch = "////" if colour == PAST else None
        box = Rectangle(
            (x / WIDTH, (y + 0.1 - tall / 2) / height),
            wide / WIDTH,
            tall / height,
            fc=colour,
            ec="#aaaaaa" if hatch else EDGE,
            lw=0.5,
            hatch=hatch,
        )
        figure.add_artist(box)
        if colour in SIGNS:
            sign, ink = SIGNS[colour]
            place = (x + wide / 2) / WIDTH, (y + 0.095) / height
            figure.text(*place, sign, ha="center", va="center", color=ink)
        x += wide + 0.08
        label = figure.text(x / WIDTH, (y + 0.1) / height, text, va="center", fontsize=8.5)
        x += label.get_window_extent().width / figure.dpi + 0.3


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("events", nargs="+", type=Path, metavar="EVENTS.tsv")
    parser.add_argument("--clips", nargs="+", metavar="CLIP", default=list(CLIPS))
    parser.add_argument("-o", "--output", type=Path, default=Path("docs/images/framing.png"))
    arguments = parser.parse_args()
    events = audiolabels.read_events(arguments.events)
    absent = set(arguments.clips) - set(events.clip_id.to_pylist())
    if absent:
        parser.error(f"no such clip: {', '.join(sorted(absent))}")
    panels = [panel(events, clip) for clip in arguments.clips]
    figure = draw(panels, [CLIPS.get(clip, "") for clip in arguments.clips])
    picture = BytesIO()
    figure.savefig(picture)
    Image.open(picture).convert("RGB").quantize(COLOURS).save(arguments.output, optimize=True)
    print(f"wrote {arguments.output} ({arguments.output.stat().st_size / 1e3:,.0f} kB)")


if __name__ == "__main__":
    main()
