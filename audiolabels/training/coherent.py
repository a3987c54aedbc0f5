"""Models whose scores agree with the ontology: a class scores as high as the highest below it.

Source: Giunchiglia & Lukasiewicz 2020 (C-HMCNN), §3. Deviation: any model can be made coherent
after training; one that was trained with the loss `coherent` is by default.
"""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import torch
from torch import Tensor, nn

from audiolabels.errors import OptionError, shortlist
from audiolabels.losses import highest_of_class
from audiolabels.ontology.hierarchy import descendant_pairs
from audiolabels.ontology.ontology import Ontology, default_ontology
from audiolabels.ontology.vocabulary import Vocabulary
from audiolabels.training.run_folder import Run

COHERENT = "coherent"  # the loss


class CoherentModel(nn.Module):
    """A model with the probabilities of another, each raised to the highest of those below it."""

    def __init__(self, model: Any, pairs: Tensor) -> None:
        super().__init__()
        self.model, self.takes, self.rate = model, model.takes, model.rate
        self.pairs: Tensor
        self.register_buffer("pairs", pairs)

    def probabilities(self, x: Tensor, lengths: Tensor) -> Tensor:
        """Float32 (N, C); see `Tagger.probabilities`."""
        scores = self.model.probabilities(x, lengths)
        return highest_of_class(scores[..., self.pairs[1]], self.pairs[0], scores.shape[-1])


def vocabulary_pairs(vocabulary: Vocabulary, ontology: Ontology | None = None) -> Tensor:
    """`descendant_pairs` as a tensor.

    Raises:
        OptionError: no class of the vocabulary is above another in the ontology.
    """
    pairs = torch.from_numpy(descendant_pairs(vocabulary, ontology))
    if pairs.shape[1] == len(vocabulary):
        own = default_ontology(ontology)
        lacking = [id_ for id_ in vocabulary.ids if own.resolve(id_) is None]
        why = f", which lacks {shortlist(lacking)}: give that of the classes" if lacking else ""
        raise OptionError(
            f"coherent: no class of vocabulary {vocabulary.name!r} is above another in the "
            f"ontology{why}; it would change nothing"
        )
    return pairs


def is_coherent(run: Run, coherent: bool | None) -> bool:
    """What was asked for; by default whether the run was trained with the loss `coherent`."""
    trained: Mapping[str, Any] = run.config.get("hyperparameters", {})
    return trained.get("loss") == COHERENT if coherent is None else coherent


def as_coherent(run: Run, coherent: bool | None, ontology: Ontology | None = None) -> Run:
    """The run, with coherent scores if `is_coherent`.

    Raises:
        OptionError: see `vocabulary_pairs`.
    """
    if not is_coherent(run, coherent):
        return run
    pairs = vocabulary_pairs(run.vocabulary, ontology)
    return replace(run, model=CoherentModel(run.model, pairs).eval())
