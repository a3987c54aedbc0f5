"""Write `sample.tsv`: what each scheme makes of a few clips of the embedded sample.

    python tests/golden/regenerate.py

Run it only when a scheme's definition changes, and read the difference.
"""

from pathlib import Path

import numpy as np

from audiolabels import Annotations, expand, read_labels, sample_path
from audiolabels.ontology.parents import PARENTS
from audiolabels.schemes import SCHEMES

CLIPS = 25
GOLDEN = Path(__file__).with_name("sample.tsv")


def lines() -> list[str]:
    """One line a scheme, policy and clip: names of the positive classes, numbers of the unknown."""
    labels = read_labels(sample_path())
    rows = ["scheme\tparents\tclip\tpositive\tunknown columns"]
    for name, scheme in SCHEMES.items():
        if scheme.reads is not Annotations:
            continue
        for parents in PARENTS if "parents" in scheme.options.declared() else ["-"]:
            options = {"parents": parents} if parents in PARENTS else {}
            targets = expand(labels, name, **options)
            target, mask = targets.to_numpy(slice(0, CLIPS))
            for clip, positive, known in zip(targets.clip_id, target, mask, strict=False):
                names = "; ".join(targets.vocabulary.names[c] for c in np.flatnonzero(positive))
                unknown = " ".join(map(str, np.flatnonzero(known == 0)))
                rows.append(f"{name}\t{parents}\t{clip}\t{names}\t{unknown}")
    return rows


if __name__ == "__main__":
    GOLDEN.write_text("\n".join(lines()) + "\n", encoding="utf-8")
