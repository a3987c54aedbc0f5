"""Recipes: how the papers trained their models, as arguments of `train`.

The command line and the documentation read the table `RECIPES`. What a recipe leaves open has the
default of this library, which its deviations name where the paper has another value.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any

from audiolabels.errors import OptionError, choose
from audiolabels.training.hyperparameters import Hyperparameters

DINKEL = "Dinkel et al. 2022, Pseudo strong labels"
GRZYWALSKI = "Grzywalski & Botteldooren, Automatic re-labeling of Google AudioSet, §V.C, V.D"
HERSHEY = "Hershey et al. 2021, The benefit of temporally-strong labels, §4"
OPEN = "the paper names no batch size, learning rate or number of epochs: the defaults"


@dataclass(frozen=True)
class Recipe:
    """A way to train a model.

    Attributes:
        summary, source, deviations: what it is, from where, and what differs there.
        model: its name; None: that of the run to begin with.
        options: of the model.
        hyperparameters: those that it sets.
        crop: as for `train`.
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
        """What is given, then what it sets, by name of argument; not its model, if one is given or
        a run to begin with.
        """
        own = {"crop": self.crop, "model": self.model, "model_options": self.options}
        if given.get("init") or given.get("model", self.model) != self.model:
            own = {"crop": self.crop}
        elif self.options:
            given["model_options"] = {**self.options, **(given.get("model_options") or {})}
        return {n: value for n, value in own.items() if value} | {**self.hyperparameters, **given}


PAPER = {"loss": "mse", "batch_size": 24, "learning_rate": 1e-3, "schedule": "exponential",
         "decay": 0.987, "epochs": 100, "patience": 100, "average": 1}  # fmt: skip
OF_BASE = "the run of grzywalski-base, whose head is replaced"
RECIPES: Mapping[str, Recipe] = MappingProxyType(
    {
        "psl-annotator": Recipe(
            "the machine annotator, which labels segments",
            f"{DINKEL}, §3.2, 3.3",
            "the paper gives no ranges of gain, shift and masks, no α and no power of the decay: "
            "torch-audiomentations' defaults, masks of PANNs' widths, 1, and 2 as in the authors' "
            "code; it validates on the balanced set, to be given by --validation; the four are "
            "averaged only if that is no worse than the best; see the model",
            "mobilenetv2",
            {
                "draw": "balanced",
                "augment": "gain,polarity,shift",
                "spec_augment": 2,
                "mixup": 1.0,
                "schedule": "polynomial",
                "epochs": 30,
                "patience": 1000,
                "validate_every": 10_000,
                "average": 4,
                "margin": 1.0,
                "batch_size": 32,
                "learning_rate": 1e-4,
            },
        ),
        "psl-student": Recipe(
            "a student of its scores of segments",
            f"{DINKEL}, §3.2, 3.3",
            "validated once per epoch, as in the authors' code, where the text has every 10,000 "
            "batches; that code has a learning rate of 0.001; --window is to be that of the "
            "scores, 2 or 5 s; the four are averaged only if that is no worse than the best; see "
            "the model",
            "mobilenetv2",
            {
                "epochs": 300,
                "patience": 15,
                "average": 4,
                "margin": 1.0,
                "batch_size": 32,
                "learning_rate": 1e-4,
                "window": 2.0,
            },
        ),
        "grzywalski-base": Recipe(
            "the base model",
            GRZYWALSKI,
            "see the model",
            "cnn1d",
            PAPER,
        ),
        "grzywalski-features": Recipe(
            "a target model on features of the base, from `annotate --layer embedding` without "
            "--window",
            GRZYWALSKI,
            "none",
            "mlp",
            PAPER,
            {"hidden": 256, "activation": "elu", "norm": True},
        ),
        "grzywalski-transfer": Recipe(
            "the base with a new head, trained further on the target",
            GRZYWALSKI,
            "none",
            None,
            PAPER,
            needs={"init": OF_BASE},
        ),
        "hershey": Recipe(
            "a model of weak, diffuse or framed strong labels alone",
            HERSHEY,
            f"{OPEN}; of framed strong labels, one frame per clip and epoch is drawn, on the grid "
            f"of --frame-length; see the model",
            "resnet50",
            {"draw": "one-a-clip"},
            crop=0.96,
        ),
        "hershey-finetune": Recipe(
            "a model of weak labels, trained further on a mixture with strong or diffuse ones",
            f"{HERSHEY}, 4.1",
            f"{OPEN}; an epoch is as long as one of the weak labels; μ is 0.8, for diffuse labels "
            f"the paper has 0.7",
            None,
            {"draw": "one-a-clip", "mixing": 0.8},
            crop=0.96,
            needs={"init": "the run of hershey", "mix": "the targets of strong frames"},
        ),
        "secost-stage": Recipe(
            "one stage: a student of labels mixed with its teacher's scores by "
            "`expand --scheme co-supervised`; `cascade` trains all stages",
            "Kumar & Ithapu 2020, SeCoST, slides",
            "the slides name no optimizer, batch size, learning rate or number of epochs: the "
            "defaults; see the model",
            "segments",
            {"loss": "bce"},
        ),
    }
)


def find_recipe(name: str, given: Mapping[str, Any]) -> Recipe:
    """The recipe of that name.

    Raises:
        OptionError: there is none, or what it needs is not among the given arguments.
    """
    recipe = RECIPES[choose("recipe", name, RECIPES)]
    for argument, what in recipe.needs.items():
        if given.get(argument) is None:
            raise OptionError(f"recipe {name} needs {argument}: {what}")
    return recipe


def follow(name: str, **given: Any) -> dict[str, Any]:
    """Arguments of `train` from a recipe, each replaced by what is given; see `find_recipe`.

    >>> made = follow("psl-student", window=5, held_out=0.2)
    >>> made["model"], made["held_out"], made["hyperparameters"].window
    ('mobilenetv2', 0.2, 5.0)
    """
    arguments = find_recipe(name, given).settings(**given)
    return {"hyperparameters": Hyperparameters.take(arguments), **arguments}
