"""Any function from features to probabilities, in the place of a run's model."""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from audiolabels.errors import ScoresFileError
from audiolabels.features import Features
from audiolabels.ontology.vocabulary import Vocabulary, load_vocabulary
from audiolabels.training.run_folder import Run


class OwnModel(nn.Module):
    """A model that calls a function. If that is a module, its weights identify the model."""

    def __init__(self, function: Callable[[Tensor, Tensor], Any], classes: int, features: Features):
        super().__init__()
        self.function, self.classes = function, classes
        self.takes, self.rate = features.takes, features.rate

    def probabilities(self, x: Tensor, lengths: Tensor) -> Tensor:
        """What the function returns, float32 (N, C); ScoresFileError if it is anything else."""
        scores, expected = torch.as_tensor(self.function(x, lengths)), (len(x), self.classes)
        if scores.shape != expected:
            raise ScoresFileError(f"the model returned an array of shape {tuple(scores.shape)} for "
                                  f"{len(x)} segments; expected {expected}")  # fmt: skip
        odd = scores[(scores < 0) | (scores > 1)]
        if len(odd):
            raise ScoresFileError(f"the model returned {float(odd[0]):g}; expected probabilities "
                                  f"from 0 to 1, such as the sigmoid of logits")  # fmt: skip
        return scores.float()


def own_run(
    function: Callable[[Tensor, Tensor], Any],
    vocabulary: Vocabulary | str | Path | Sequence[str],
    features: Features,
) -> Run:
    """A run with a function in the place of a model; see `annotate`."""
    classes = load_vocabulary(vocabulary)
    return Run(OwnModel(function, len(classes), features).eval(), classes, {}, Path())
