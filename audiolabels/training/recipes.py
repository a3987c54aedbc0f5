"""Recipes: how the papers trained their models, as arguments of `train`.

The command line and the documentation read the table `RECIPES`. What a recipe leaves open has the
default of this library.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any

from audiolabels.errors import OptionError, choose
from audiolabels.training.hyperparameters import MIXING, Hyperparameters

DINKEL = "Dinkel et al. 2022, Pseudo strong labels, §3.2, 3.3"
GRZYWALSKI = "Grzywalski & Botteldooren, Automatic re-labeling of Google AudioSet, §V.C, V.D"
HERSHEY = "Hershey et al. 2021, The benefit of temporally-strong labels, §4"
DIVIDED = "the loss is divided by the number of known cells, of which the paper says nothing"
OPEN = "no batch size, learning rate or number of epochs is named: the defaults"


@dataclass(frozen=True)
class Recipe:
    """A way to train a model.

    Attributes:
        summary, source, deviations: what it is, from where, and what differs there.
        model, options: its name and options; None: that of the run to begin with.
        hyperparameters, crop: those that it sets.
        needs: what must be given besides: the argument of `train`, and what it is.
    """

    summary: str
    source: str
    deviations: str
    model: str | None
    hyperparameters: Mapping[str, Any]
    options: Mapping[str, Any] = field(default_factory=dict)
    crop: float | None = None
    needs: Mapping[str, str] = field(default_factory=dict)

    def settings(self, **given: Any) -> dict[str, Any]:
        """What is given, and what it sets besides, by name of argument; not its model, if another
        is given, or a run to begin with.
        """
        own = {"crop": self.crop, "model": self.model, "model_options": self.options}
        if given.get("init") or given.get("model", self.model) != self.model:
            own = {"crop": self.crop}
        elif self.options:
            given["model_options"] = {**self.options, **(given.get("model_options") or {})}
        return {n: value for n, value in own.items() if value} | {**self.hyperparameters, **given}


# fmt: off
TARGET = {"loss": "mse", "epochs": 100, "patience": 100, "average": 1, "batch_size": 24,
          "learning_rate": 1e-3, "schedule": "exponential", "decay": 0.987}
MOBILE = {"average": 4, "margin": 1.0, "batch_size": 32, "learning_rate": 1e-4}
RECIPES: Mapping[str, Recipe] = MappingProxyType({
    "psl-annotator": Recipe(
        "the machine annotator, which labels segments", DINKEL,
        "the paper has no ranges of gain, shift and masks, no α and no power of the decay: the "
        "ranges are torch-audiomentations' defaults, the masks as wide as PANNs', α is 1, the "
        "power that of the authors' code, 2; --validation is to be the balanced set; the best four "
        "are averaged only if that is no worse than the best one; see the model",
        "mobilenetv2",
        {**MOBILE, "draw": "balanced", "augment": "gain,polarity,shift", "spec_augment": 2,
         "mixup": 1.0, "schedule": "polynomial", "epochs": 30, "validate_every": 10_000,
         "patience": 1000}),
    "psl-student": Recipe(
        "a student of its scores of segments", DINKEL,
        "validated once per epoch, as in the authors' code, where the text has every 10,000 "
        "batches; that code has the learning rate 0.001; --window is to be that of the scores, 2 "
        "or 5 s; the best four are averaged only if that is no worse than the best one; see the "
        "model",
        "mobilenetv2", {**MOBILE, "epochs": 300, "patience": 15, "window": 2.0}),
    "grzywalski-base": Recipe(
        "the base model", GRZYWALSKI, f"{DIVIDED}; see the model", "cnn1d", TARGET),
    "grzywalski-features": Recipe(
        "a target model on features of the base: those of `annotate --layer embedding` without "
        "--window", GRZYWALSKI, DIVIDED, "mlp", TARGET,
        {"hidden": 256, "activation": "elu", "norm": True}),
    "grzywalski-transfer": Recipe(
        "the base with a new head, trained further on the target", GRZYWALSKI, DIVIDED, None,
        TARGET, needs={"init": "the run of grzywalski-base, whose head is replaced"}),
    "hershey": Recipe(
        "a model of weak, diffuse or framed strong labels alone", HERSHEY,
        f"{OPEN}; of framed strong labels, a frame of the grid is drawn per clip and epoch, where "
        f"the paper frames a random 0.96 s anew; see the model",
        "resnet50", {"draw": "one-a-clip", "average": 1}, crop=0.96),
    "hershey-finetune": Recipe(
        "a model of weak labels, trained further on a mixture with strong or diffuse ones",
        f"{HERSHEY}, 4.1",
        f"{OPEN}; an epoch is as long as one of the weak labels; μ is that of strong labels, for "
        f"diffuse ones 0.7 was best; framed as in hershey",
        None, {"draw": "one-a-clip", "average": 1, "mixing": MIXING}, crop=0.96,
        needs={"init": "the run of hershey", "mix": "the targets of strong frames"}),
    "secost-stage": Recipe(
        "one stage: a student of labels mixed with its teacher's scores by `expand --scheme "
        "co-supervised`; `cascade` trains all", "Kumar & Ithapu 2020, SeCoST, slides",
        f"{OPEN}; nor is an optimizer: Adam; see the model", "segments", {"loss": "bce"}),
})
# fmt: on


def find_recipe(name: str, given: Mapping[str, Any]) -> Recipe:
    """The recipe of that name.

    Raises:
        OptionError: there is none, or what it needs is not among the given arguments.
    """
    recipe = RECIPES[choose("recipe", name, RECIPES)]
    for argument, what in recipe.needs.items():
        if given.get(argument) is None:
            raise OptionError(f"recipe {name} needs --{argument} ({argument}=…): {what}")
    return recipe


def follow(name: str, **given: Any) -> dict[str, Any]:
    """Arguments of `train` from a recipe, each replaced by what is given; see `find_recipe`.

    >>> made = follow("psl-student", window=5, held_out=0.2)
    >>> made["model"], made["held_out"], made["hyperparameters"].window
    ('mobilenetv2', 0.2, 5.0)
    """
    arguments = find_recipe(name, given).settings(**given)
    return {"hyperparameters": Hyperparameters.take(arguments), **arguments}
