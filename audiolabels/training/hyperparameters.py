"""How a model is trained, in numbers."""

from dataclasses import dataclass
from functools import partial

from audiolabels.errors import OptionError, choose
from audiolabels.options import Option, Options, above_zero, option, portion, whole_number

COUNT = {"check": whole_number, "metavar": "N"}
FROM_ZERO = {"check": partial(whole_number, least=0), "metavar": "N"}
DRAWS = ("all", "one-a-clip", "balanced", "weighted")
SCHEDULES = ("constant", "exponential", "polynomial")
DEFAULT = "mlp"  # model
MIXING = 0.8  # best μ to mix strong with weak labels; Hershey et al. 2021, §4.1
HELD_OUT = 0.1  # of the clips, where no validation file is given
NONE = "none"
WAVEFORMS = ("gain", "polarity", "shift")  # keys of `augmentation.AUGMENTATIONS`
DEVICE = Option("auto", "Where the model runs. auto: a GPU if there is one.",
                choices=("auto", "cpu", "cuda", "mps"), name="device", field="device")  # fmt: skip


def _names(option: str, value: str) -> str:
    """Names of augmentations, with commas; `none` for none."""
    if value == NONE:
        return value
    return ",".join(choose(option, name.strip(), WAVEFORMS) for name in str(value).split(","))


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
        5, "Validations without a better mAP after which training stops.", **COUNT
    )
    validate_every: int | None = option(
        None,
        "Validate after every so many batches of all epochs; if there are fewer, after the last.",
        shown="once per epoch",
        **COUNT,
    )
    average: int = option(
        4, "Weights that are averaged at most: of the epochs of best validation mAP.", **COUNT
    )
    margin: float = option(
        0.01,
        "Validation mAP by which an epoch may be worse than the best to be averaged.",
        check=portion,
        metavar="MAP",
    )
    batch_size: int = option(256, "Examples per step, of one process.", **COUNT)
    learning_rate: float = option(1e-3, "Learning rate of Adam.", check=above_zero, metavar="RATE")
    schedule: str = option(
        "exponential",
        "Learning rate. exponential: times --decay after each epoch; polynomial: "
        "(1 - t)², t being the share of all steps that are done; constant.",
        choices=SCHEDULES,
    )
    decay: float = option(
        1.0,
        "Factor of the learning rate after each epoch.",
        check=partial(portion, above=True),
        metavar="FACTOR",
    )
    draw: str = option(
        "all",
        "Examples of an epoch. all: all rows; one-a-clip: one random row per clip; "
        "balanced: classes in turn; weighted: by AST's weights.",
        choices=DRAWS,
    )
    augment: str = option(
        NONE,
        "Changes of waveforms, each with a probability of a half, as names with commas: gain "
        "(-18 to 6 dB), polarity (the opposite sign), shift (by up to half a clip, around its "
        "ends).",
        check=_names,
        metavar="NAMES",
    )
    spec_augment: int = option(
        0,
        "Masks of SpecAugment on log-mel frames: so many of up to 64 frames, and of up to 8 bands.",
        **FROM_ZERO,
    )
    mixup: float = option(
        0.0,
        "Mix each example with another by a share from Beta(α, α); 0: none. A target is known "
        "where it is in both.",
        check=partial(above_zero, or_zero=True),
        metavar="ALPHA",
    )
    mixing: float | None = option(
        None,
        "Probability of an example from the second targets file. Hershey et al. found 0.8 "
        "best for strong labels, 0.7 for diffuse.",
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

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.decay != 1 and self.schedule != "exponential":
            raise OptionError(f"decay {self.decay:g} is of the exponential schedule; give 1 with "
                              f"{self.schedule}")  # fmt: skip
