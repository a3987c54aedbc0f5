"""How a model is trained, in numbers."""

from dataclasses import dataclass
from functools import partial

from audiolabels.options import Option, Options, above_zero, option, portion, whole_number

COUNT = {"check": whole_number, "metavar": "N"}
FROM_ZERO = {"check": partial(whole_number, least=0), "metavar": "N"}
DRAWS = ("all", "one-a-clip", "balanced", "weighted")
DEVICE = Option(
    "auto",
    "Where the model runs. auto: a GPU if there is one.",
    choices=("auto", "cpu", "cuda", "mps"),
    name="device",
    field="device",
)


@dataclass(frozen=True)
class Hyperparameters(Options):
    """How a model is trained."""

    loss: str = option(
        "bce",
        "Binary cross-entropy or squared error, masked and divided by the number of known cells. "
        "coherent: cross-entropy of scores that are each at least as high as those of all classes "
        "below.",
        choices=("bce", "mse", "coherent"),
    )
    epochs: int = option(30, "Epochs at most.", **COUNT)
    patience: int = option(
        5, "Epochs without a better validation mAP after which training stops.", **COUNT
    )
    average: int = option(
        4, "The best epochs, by validation mAP, whose weights are averaged, at most.", **COUNT
    )
    margin: float = option(
        0.01,
        "Validation mAP by which an epoch may be worse than the best to be averaged.",
        check=portion,
        metavar="MAP",
    )
    batch_size: int = option(256, "Examples per step, of one process.", **COUNT)
    learning_rate: float = option(1e-3, "Learning rate of Adam.", check=above_zero, metavar="RATE")
    decay: float = option(
        1.0,
        "Factor of the learning rate after each epoch.",
        check=partial(portion, above=True),
        metavar="FACTOR",
    )
    draw: str = option(
        "all",
        "Examples of an epoch. all: all rows; one-a-clip: one random row per clip; balanced: "
        "classes in turn; weighted: by AST's weights.",
        choices=DRAWS,
    )
    mixing: float | None = option(
        None,
        "Probability of an example from the second targets file. Hershey et al. found 0.8 best for "
        "strong labels, 0.7 for diffuse.",
        check=portion,
        metavar="MU",
        shown="0.8, with --mix",
    )
    window: float | None = option(
        None,
        "Validate on means of scores over segments of this length.",
        check=above_zero,
        metavar="SECONDS",
    )
    precision: str = option("32", "Precision, for GPUs.", choices=("32", "bf16-mixed", "16-mixed"))
    workers: int = option(0, "Processes that read features.", **FROM_ZERO)
    seed: int = option(0, "Seed of all random draws; equal seeds give equal runs.", **FROM_ZERO)
