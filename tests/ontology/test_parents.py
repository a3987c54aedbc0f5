"""The policies for several parents on the embedded ontology."""

import pytest

from audiolabels import load_ontology, load_vocabulary
from audiolabels.ontology.ontology import Ontology
from audiolabels.ontology.parents import PARENTS

ONTOLOGY = load_ontology()
EXTENDED = ONTOLOGY.with_supplement()


@pytest.mark.parametrize("ontology", [ONTOLOGY, EXTENDED], ids=["v1", "with supplement"])
@pytest.mark.parametrize(
    ("policy", "pairs", "gaining"),
    [("all", 835, 119), ("unambiguous", 731, 109), ("certain", 702, 106)],
)
def test_pairs_lifted_within_the_527(
    ontology: Ontology, policy: str, pairs: int, gaining: int
) -> None:
    weak = load_vocabulary("audioset")
    climbs = PARENTS[policy](ontology, weak)
    lifted = [(c, a) for c in weak.ids for a in climbs[c].implied if a in weak.index]
    assert len(lifted) == pairs
    assert len({a for _, a in lifted}) == gaining


def test_neither_policy_contains_the_other() -> None:
    weak = load_vocabulary("audioset")

    def pairs(policy: str) -> set[tuple[str, str]]:
        climbs = PARENTS[policy](ONTOLOGY, weak)
        return {(c, a) for c in weak.ids for a in climbs[c].implied if a in weak.index}

    assert len(pairs("certain") - pairs("unambiguous")) == 5
    assert len(pairs("unambiguous") - pairs("certain")) == 34


def test_church_bells_and_rattles() -> None:
    weak = load_vocabulary("audioset")
    church, rattle = ONTOLOGY.find("Church bell"), ONTOLOGY.find("Rattle")
    music, snake = ONTOLOGY.find("Music"), ONTOLOGY.find("Snake")
    unambiguous, certain = (PARENTS[p](ONTOLOGY, weak) for p in ("unambiguous", "certain"))
    assert music in unambiguous[church].implied
    assert snake in unambiguous[rattle].implied
    assert music in certain[church].unsure
    assert snake in certain[rattle].unsure
