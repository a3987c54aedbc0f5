"""Labels of several raters, united to one statement about each label of a clip.

A rater who did not see a label counts for nothing. Where only labels that were found present have
rows, a rater saw all labels that the clip has from anyone. Source of `dawid-skene`: A. P. Dawid and
A. M. Skene 1979, "Maximum likelihood estimation of observer error-rates using the EM algorithm", as
Crowd-Kit computes it, over all labels of a file with two answers. Deviations: none known.
"""

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from audiolabels.errors import extra
from audiolabels.labels.events import ABSENT, PRESENT, UNSURE

Ints = npt.NDArray[np.int64]


class Votes(NamedTuple):
    """Statements about labels of clips, R of them.

    Attributes:
        row: int64 (R,): the row of each.
        clip, label: int (R,): what it is about.
        state: uint8 (R,): `PRESENT`, `ABSENT` or `UNSURE`.
        value: float32 (R,): how present the label is, in [0, 1].
        rater: int64 (R,): who states it.
        listing: whether only labels that a rater found present are stated.
        raters: int64 (R,): of united statements, how many raters saw the label; else None.
    """

    row: Ints
    clip: npt.NDArray[np.integer]
    label: npt.NDArray[np.integer]
    state: npt.NDArray[np.uint8]
    value: npt.NDArray[np.float32]
    rater: Ints
    listing: bool
    raters: Ints | None = None


def unite_raters(votes: Votes, rule: str, threshold: str | float | None) -> Votes:
    """One statement about each label of each clip.

    Args:
        votes: those of all raters.
        rule: `mean` of the values, `majority`, `any`, `all` or `dawid-skene`.
        threshold: from which value on a label is present; `soft` or None: none.

    Returns:
        Statements in the order in which labels occur; of hard rules the value is 0 or 1, and a tie
        is `UNSURE`.

    Raises:
        OptionError: `dawid-skene` without Crowd-Kit.
    """
    width = int(votes.label.max(initial=0)) + 1
    keys = votes.clip.astype(np.int64) * width + votes.label
    _, first, pair = np.unique(keys, return_index=True, return_inverse=True)
    seen = votes.state != UNSURE
    pair, rater, value = pair[seen], votes.rater[seen], votes.value[seen].astype(np.float64)
    if votes.listing:
        pair, rater, value = _of_all_who_saw(pair, rater, value, votes.clip[first], first)
    # A rater who states a label twice counts once, with the higher value.
    order = np.lexsort((-value, rater, pair))
    pair, rater, value = pair[order], rater[order], value[order]
    once = np.append(True, (np.diff(pair) != 0) | (np.diff(rater) != 0))[: len(pair)]
    pair, rater, value = pair[once], rater[once], value[once]
    number = np.bincount(pair, minlength=len(first))
    share = np.bincount(pair, value, len(first)) / np.maximum(number, 1)
    share = share.astype(np.float32).astype(np.float64)  # values are exact in float32 alone
    if rule == "dawid-skene":
        share = _dawid_skene(pair, rater, value, len(first))
    tie = number == 0
    if rule == "majority":
        share, tie = np.where(share > 0.5, 1.0, 0.0), tie | (share == 0.5)
    elif rule == "any":
        share = (np.bincount(pair, value > 0, len(first)) > 0).astype(np.float64)
    elif rule == "all":
        share = (share == 1).astype(np.float64)
    present = share >= np.float32(threshold) if isinstance(threshold, float) else share > 0
    state = np.where(tie, UNSURE, np.where(present, PRESENT, ABSENT)).astype(np.uint8)
    order = np.argsort(first)
    return votes._replace(
        row=votes.row[first][order],
        clip=votes.clip[first][order],
        label=votes.label[first][order],
        state=state[order],
        value=share[order].astype(np.float32),
        rater=np.zeros(len(first), np.int64),
        raters=number[order],
    )


def _of_all_who_saw(
    pair: Ints, rater: Ints, value: npt.NDArray[np.float64], clip: npt.NDArray[np.integer], _: Ints
) -> tuple[Ints, Ints, npt.NDArray[np.float64]]:
    """The statements, and that a label is absent by each rater who states others of the clip."""
    raters = int(rater.max(initial=0)) + 1
    there = np.unique(clip[pair].astype(np.int64) * raters + rater)
    owner, who = there // raters, there % raters
    order = np.argsort(clip, kind="stable")
    starts = np.searchsorted(clip[order], np.arange(int(clip.max(initial=-1)) + 2))
    sizes = np.diff(starts)[owner]
    which = np.repeat(np.arange(len(there)), sizes)
    within = np.arange(len(which)) - np.repeat(np.cumsum(sizes) - sizes, sizes)
    others = order[starts[owner][which] + within]
    return (
        np.concatenate([pair, others]),
        np.concatenate([rater, who[which]]),
        np.concatenate([value, np.zeros(len(others))]),
    )


def _dawid_skene(
    pair: Ints, rater: Ints, value: npt.NDArray[np.float64], count: int
) -> npt.NDArray[np.float64]:
    with extra("raters"):
        from crowdkit.aggregation import DawidSkene
    import pandas

    answers = pandas.DataFrame({"task": pair, "worker": rater, "label": (value > 0.5).astype(int)})
    made = DawidSkene(n_iter=100).fit_predict_proba(answers)
    share = np.zeros(count)
    if 1 in made.columns:
        share[made.index.to_numpy()] = made[1].to_numpy()
    return share
