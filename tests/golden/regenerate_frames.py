"""Write `frames.tsv`: the frames that events of a few real clips make positive.

    python tests/golden/regenerate_frames.py

It reads AudioSet's strong labels from `../shared/data` beside the checkout. Run it only when the
definition of framing changes, and read the difference.
"""

from pathlib import Path

import numpy as np

from audiolabels import Events, expand, read_events

CHECKOUT = Path(__file__).resolve().parent.parent.parent
STRONG = CHECKOUT.parent / "shared" / "data" / "audioset" / "strong_eval_110_classes.tsv.gz"
GOLDEN = Path(__file__).with_name("frames.tsv")
CLIPS = {
    "h76OxJ8x-6w_30000": "the most classes",
    "H7t1tb58D2g_10000": "the most events",
    "Sy5pDAby-aI_110000": "very short events, on the edges of frames",
    "Zr0TnoiHJc0_10000": "several classes that reach no frame",
    "K2fL24w0j3A_140000": "no class that reaches a frame",
    "lDpJ-RBGMQc_180000": "events of one class over each other",
    "zrd5rRF4Jkg_11000": "exactly half of a frame or of an event, again and again",
    "Yj4i4C-CZ7M_0": "an id that begins with Y; events at the end",
    "-Irh7_N5Kjs_2000": "an id with - and _",
    "zzNdwF40ID8_70000": "one event from the beginning to the end",
    "hQ1L0ZhzGqo_500000": "a mixture",
}


def lines(events: Events) -> list[str]:
    """One line a clip and class: numbers of the positive frames, or a dash for none."""
    targets = expand(events, "strong-framed")
    first: dict[str, int] = {}
    for row, clip in enumerate(targets.clip_id.to_pylist()):
        first.setdefault(clip, row)
    rows = ["clip\tclass\tframes"]
    wanted = set(CLIPS)
    given: dict[str, set[str]] = {clip: set() for clip in CLIPS}
    ids = events.clip_id.to_pylist()
    for clip, class_ in zip(events.clip.tolist(), events.classes.tolist(), strict=True):
        if ids[clip] in wanted:
            given[ids[clip]].add(events.ontology.ids[class_])
    column = {
        events.ontology.resolve(id_): number for number, id_ in enumerate(targets.vocabulary.ids)
    }
    for clip in CLIPS:
        target, _ = targets.to_numpy(slice(first[clip], first[clip] + 10))
        for id_ in sorted(given[clip]):
            frames = " ".join(map(str, np.flatnonzero(target[:, column[id_]]))) or "-"
            rows.append(f"{clip}\t{targets.vocabulary.names[column[id_]]}\t{frames}")
    return rows


if __name__ == "__main__":
    GOLDEN.write_text("\n".join(lines(read_events(STRONG))) + "\n", encoding="utf-8")
