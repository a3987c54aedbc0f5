"""Pictures over time: the events of a clip with its frames, a teacher's scores."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from audiolabels.arrays.columns import to_numpy
from audiolabels.clips.index import ClipFinder
from audiolabels.errors import OptionError, UnknownClassError, UnknownClipError, expect
from audiolabels.features import Features
from audiolabels.labels.events import PRESENT, Events
from audiolabels.labels.scores import Scores
from audiolabels.ontology.vocabulary import Vocabulary
from audiolabels.plots.style import (
    EDGE,
    GREY,
    INK,
    NEGATIVE,
    POSITIVE,
    SERIES,
    SMALL,
    UNKNOWN,
    WIDTH,
    axes_or_new,
    short,
)
from audiolabels.schemes import expand_hard
from audiolabels.targets.targets import TargetRows, Targets

if TYPE_CHECKING:
    from matplotlib.axes import Axes

LANE = 0.36  # inches, of a class
SPECTROGRAM = 3.0  # lanes
SIGNS = {POSITIVE: ("+", "white"), NEGATIVE: ("\N{MINUS SIGN}", "#444444"), UNKNOWN: ("?", "#777")}


def event_roll(
    events: Events,
    clip: str,
    targets: Targets | None = None,
    *,
    audio: Features | None = None,
    ax: "Axes | None" = None,
) -> "Axes":
    """The events of a clip and, below those of each class, its frames.

    As figure 1 of Hershey et al. 2021: frames are positive, negative or unknown.

    Args:
        events: of some clips.
        clip: the id of one.
        targets: of its frames; those of `strong-framed` with complementary negatives by default.
            Classes are those of the clip's events that the targets have.
        audio: from `open_features`, of audio; the clip's spectrogram is drawn above.
        ax: where to draw; a new figure by default.

    Raises:
        UnknownClipError: no clip has the id, in events, targets or audio.
        UnknownClassError: the targets have no class of the clip's events.
        OptionError: the features are no audio; matplotlib is not installed.
    """
    expect("events", events, Events, "events")
    row = ClipFinder(events.clip_id).row_of(clip)
    one = events.slice(row, row + 1)
    duration = int(one.duration_ms[0]) / 1000
    given = one.take(one.state == PRESENT)
    found = list(dict.fromkeys(given.classes.tolist()))
    if targets is not None:
        found = [c for c in found if one.ontology.ids[c] in targets.vocabulary.ids]
    if not found:
        raise UnknownClassError(f"clip {clip!r} has no event of a class of the targets")
    classes = [one.ontology.classes[c] for c in found]
    ids = [each.id for each in classes]
    if targets is None:
        targets = expand_hard(one, "strong-framed", vocabulary=ids, negatives="complementary")
    frames = _rows_of(targets, clip)
    target, mask = targets.to_numpy(frames)
    columns = [targets.vocabulary.ids.index(id_) for id_ in ids]
    onset, offset = (to_numpy(column.take(frames)) for column in (targets.onset, targets.offset))
    axes = axes_or_new(
        ax, 0.9 + LANE * (len(ids) + SPECTROGRAM * (audio is not None)), 1.35 * WIDTH
    )
    for lane, (class_, column) in enumerate(zip(found, columns, strict=True)):
        own = given.classes == class_
        spans = (
            np.stack([given.onset_ms[own], given.offset_ms[own] - given.onset_ms[own]], 1) / 1000
        )
        axes.broken_barh(spans.tolist(), (lane + 0.1, 0.3), color=INK, edgecolor="white", lw=0.5)
        for i in range(len(frames)):
            known, positive = mask[i, column] > 0, target[i, column] > 0
            colour = POSITIVE if positive else NEGATIVE if known else UNKNOWN
            box = [(onset[i], offset[i] - onset[i])], (lane + 0.46, 0.44)
            axes.broken_barh(*box, facecolor=colour, edgecolor=EDGE, lw=0.5)
            sign, ink = SIGNS[colour]
            if len(frames) <= 30:
                place = (onset[i] + offset[i]) / 2, lane + 0.68
                axes.text(*place, sign, ha="center", va="center", color=ink, fontsize=SMALL)
    names, places = [short(each.name, 28) for each in classes], np.arange(len(ids)) + 0.5
    if audio is not None:
        names.append(_draw_spectrogram(axes, audio, clip))
        places = np.append(places, -SPECTROGRAM / 2)
    axes.set_yticks(places, names)
    axes.tick_params("y", length=0, labelsize=SMALL)
    top = 0.0 if audio is None else -SPECTROGRAM
    axes.set(xlim=(0, duration), ylim=(len(ids), top), xlabel="seconds")
    return axes


def localisation(
    scores: Scores | TargetRows,
    clip: str,
    classes: Sequence[str] | None = None,
    *,
    level: float = 0.5,
    most: int = 5,
    ax: "Axes | None" = None,
) -> "Axes":
    """A teacher's scores of a clip over time, as in Kumar & Ithapu 2020 (SeCoST).

    Args:
        scores: of segments or frames, or targets.
        clip: its id.
        classes: ids or display names; those with the highest scores by default.
        level: where a line is drawn.
        most: number of classes without `classes`.
        ax: where to draw; a new figure by default.

    Raises:
        UnknownClipError: no clip has the id.
        UnknownClassError: no such class.
    """
    expect("scores", scores, Scores | TargetRows, "scores or targets")
    rows = _rows_of(scores, clip)
    part = scores.slice(int(rows[0]), int(rows[-1]) + 1)
    values = part.scores if isinstance(part, Scores) else part.to_numpy()[0]
    if classes is None:
        columns = np.argsort(-values.max(axis=0), kind="stable")[:most].tolist()
    else:
        columns = [_column(scores.vocabulary, label) for label in classes]
    onset = to_numpy(part.onset)
    length = float(np.diff(onset).mean()) if len(onset) > 1 else 1.0
    last = part.offset[-1].as_py()
    edges = [*onset.tolist(), onset[-1] + length if last is None else last]
    axes = axes_or_new(ax)
    for number, column in enumerate(columns):
        style: dict[str, Any] = {"color": SERIES[number % len(SERIES)], "lw": 1.8, "baseline": None}
        axes.stairs(values[:, column], edges, label=short(scores.vocabulary.names[column]), **style)
    axes.axhline(level, color=GREY, lw=1, ls="--")
    axes.set(ylim=(-0.02, 1.02), xlim=(edges[0], edges[-1]), xlabel="seconds", ylabel="score")
    above: dict[str, Any] = {"loc": "lower left", "bbox_to_anchor": (0, 1), "ncols": 3}
    axes.legend(frameon=False, fontsize=SMALL, **above)
    return axes


def _rows_of(rows: Scores | TargetRows, clip: str) -> np.ndarray:
    encoded = rows.clip_id.dictionary_encode()
    found = ClipFinder(encoded.dictionary).row_of(clip)
    return np.flatnonzero(to_numpy(encoded.indices) == found)


def _column(vocabulary: Vocabulary, label: str) -> int:
    for labels in (vocabulary.ids, vocabulary.names):
        if label in labels:
            return labels.index(label)
    raise UnknownClassError(f"the scores have no class {label!r}")


def _draw_spectrogram(axes: "Axes", audio: Features, clip: str) -> str:
    """The spectrogram of a clip, in the lanes above the first; its frequencies as a text."""
    from matplotlib import mlab

    if audio.rate is None:
        raise OptionError(f"features are {audio.takes}; a spectrogram needs audio")
    found = audio.find([clip])
    if found[0] < 0:
        raise UnknownClipError(f"no audio of clip {clip!r}")
    samples, _ = audio.read(found, [0.0], [np.inf])
    power, _, _ = mlab.specgram(samples[0], NFFT=1024, Fs=audio.rate, noverlap=512)
    extent = (0.0, samples.shape[1] / audio.rate, 0.0, -SPECTROGRAM)
    decibels = 10 * np.log10(np.asarray(power) + 1e-12)
    axes.imshow(decibels, extent=extent, aspect="auto", cmap="magma", origin="lower")
    return f"0 to {audio.rate / 2000:g} kHz"
