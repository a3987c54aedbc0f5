"""Training: a masked loss over examples; the best checkpoints by validation mAP, or their average.

Loops, checkpoints, early stopping, logs and processes are Lightning's, schedules torch's. What is
drawn depends on seed, epoch and step alone, so an interrupted run continues after its last complete
epoch with the same result.

Sources: Dinkel et al. 2022, §3.2, for the averaged checkpoints, and the polynomial decay with the
power of its authors' code; Grzywalski & Botteldooren, §V.D, for the masked squared error and the
exponential decay.
Deviations: Dinkel et al. average the best four whatever their mAP; here those near the best, and
only if the average is no worse than the best.
"""

import logging
import os
import time
import warnings
from collections.abc import Callable, Mapping
from contextlib import nullcontext
from functools import partial
from pathlib import Path
from types import MappingProxyType
from typing import Any, NamedTuple

import lightning
import numpy as np
import torch
from lightning.pytorch.callbacks import EarlyStopping, ModelCheckpoint, RichProgressBar
from lightning.pytorch.loggers import CSVLogger
from torch import Tensor
from torch.optim.lr_scheduler import ExponentialLR, PolynomialLR

from audiolabels.augmentation import augment, mixup, spec_augment
from audiolabels.errors import OptionError, RunError, guarded
from audiolabels.features.inputs import Floats
from audiolabels.losses import coherent_bce_with_logits, masked_bce_with_logits, masked_mse
from audiolabels.metrics.ranking import average_precision
from audiolabels.ontology.ontology import Ontology
from audiolabels.targets.targets import BINARISATION_THRESHOLD
from audiolabels.training.coherent import COHERENT, CoherentModel, vocabulary_pairs
from audiolabels.training.examples import Batch, Examples
from audiolabels.training.hyperparameters import NONE, Hyperparameters
from audiolabels.training.predict import make_loader, predict_windows, share_of_process

LOSSES: Mapping[str, Callable[..., Tensor]] = MappingProxyType(
    {
        "bce": masked_bce_with_logits,
        "mse": lambda logits, target, mask, *, weight: masked_mse(
            torch.sigmoid(logits), target, mask, weight=weight
        ),
        COHERENT: coherent_bce_with_logits,
    }
)
POWER = 2.0  # of the polynomial decay
MAP = "validation_mAP"


class Epoch(NamedTuple):
    """A validation: number of the epoch from 1, mean loss and seconds since the last, mAP, step."""

    number: int
    loss: float
    mean_average_precision: float
    seconds: float
    step: int

    def __str__(self) -> str:
        return (
            f"epoch {self.number:>3}  loss {self.loss:.5f}  mAP {self.mean_average_precision:.4f}  "
            f"{self.seconds:.1f} s  step {self.step:,}"
        )


class TrainingTask(lightning.LightningModule):
    """Model, examples and hyperparameters in the form that Lightning expects."""

    def __init__(
        self,
        model: torch.nn.Module,
        train: Examples,
        validation: Examples,
        hyperparameters: Hyperparameters,
        on_epoch: Callable[["Epoch"], None],
        ontology: Ontology | None,
    ) -> None:
        super().__init__()
        self.model, self.train_examples, self.validation = model, train, validation
        self.hyperparameters, self.on_epoch = hyperparameters, on_epoch
        self.loss, self.losses = LOSSES[hyperparameters.loss], list[Tensor]()
        self.pairs = None
        if hyperparameters.loss == COHERENT:
            self.pairs = vocabulary_pairs(train.vocabulary, ontology)
            self.loss = partial(self.loss, pairs=self.pairs)
        target, mask = validation.labels()
        self.truth, self.known = target >= BINARISATION_THRESHOLD, mask > 0
        if not (self.truth & self.known).any():
            raise OptionError("no class has a positive among the examples to validate on; hold out "
                              "more clips, or give a validation file")  # fmt: skip

    def share(self, epoch: int, rank: int, world: int) -> list[int]:
        """A process's share of an epoch, in an order that depends on seed and epoch alone."""
        drawn = self.train_examples.order(
            self.hyperparameters.draw, epoch=epoch, mixing=self.hyperparameters.mixing
        )
        mine: list[int] = share_of_process(drawn, rank, world).tolist()
        odd = len(mine) % self.hyperparameters.batch_size == 1
        return mine + mine[:1] * odd  # batch normalisation takes two

    def train_dataloader(self) -> Any:
        """This process's share of the present epoch."""
        trainer, chosen = self.trainer, self.hyperparameters
        mine = self.share(trainer.current_epoch, trainer.global_rank, trainer.world_size)
        return make_loader(self.train_examples, chosen.batch_size, chosen.workers, sampler=mine)

    def on_train_epoch_start(self) -> None:
        """Reset losses and clock."""
        self.losses, self.began = [], time.perf_counter()

    def training_step(self, batch: Batch, _: int) -> Tensor:
        """The loss of a batch."""
        chosen = self.hyperparameters
        # What is drawn or dropped depends on the step alone, wherever a run was taken up.
        place = (chosen.seed, self.global_step, self.global_rank)
        torch.manual_seed(int(np.random.SeedSequence(place).generate_state(1)[0]))
        generator = np.random.default_rng(place)
        if chosen.augment != NONE:
            names = chosen.augment.split(",")
            batch = batch._replace(values=augment(*batch[:2], names, generator))
        if chosen.mixup:
            batch = Batch(*mixup(*batch, chosen.mixup, generator))
        masking: Any = nullcontext()
        if chosen.spec_augment:
            frontend: Any = self.model.frontend
            counts = frontend.frames(batch.lengths.clamp(min=1))
            masking = frontend.register_forward_hook(
                lambda *given: spec_augment(given[2], counts, chosen.spec_augment, generator)
            )
        with masking:
            logits = self.model(batch.values, batch.lengths)
        loss = self.loss(logits, batch.target, batch.mask, weight=batch.weight)
        self.losses.append(loss.detach())
        return loss

    def val_dataloader(self) -> list[int]:
        """One batch: `predict_windows` reads the examples itself."""
        return [0]

    def validation_step(self, *_: Any) -> None:
        """The mAP of all examples; each process scores a part, and all gather all scores."""
        rank, world, whole = self.trainer.global_rank, self.trainer.world_size, self.validation
        mine = whole.take(share_of_process(np.arange(len(whole)), rank, world))
        gathered: Any = self.all_gather(torch.from_numpy(self.predict(mine)).to(self.device))
        gathered = gathered.cpu().reshape(world, len(mine), -1).transpose(0, 1).flatten(0, 1)
        done = Epoch(
            self.current_epoch + 1,
            float(torch.stack(self.losses).mean()),
            self.measure(gathered.numpy()[: len(whole)]),
            time.perf_counter() - self.began,
            self.global_step,
        )
        self.log_dict({"loss": done.loss, MAP: done.mean_average_precision}, batch_size=1)
        self.on_train_epoch_start()
        if self.trainer.is_global_zero:
            self.on_epoch(done)

    def predict(self, examples: Examples, device: torch.device | None = None) -> Floats:
        """Scores of examples, float32 (N, C)."""
        chosen = self.hyperparameters
        return predict_windows(self.scorer(), examples, chosen.window, batch_size=chosen.batch_size,
                               workers=chosen.workers, device=device or self.device)  # fmt: skip

    def scorer(self) -> Any:
        """What is validated: the model, or its coherent scores if it learns these."""
        return self.model if self.pairs is None else CoherentModel(self.model, self.pairs)

    def measure(self, scores: Floats) -> float:
        """The mAP of scores of the examples to validate on, float32 (N, C)."""
        return float(np.nanmean(average_precision(scores, self.truth, self.known)))

    def configure_optimizers(self) -> Any:
        """Adam with a schedule, for all parameters that are not frozen."""
        chosen = self.hyperparameters
        trained = [p for p in self.model.parameters() if p.requires_grad]
        optimizer = torch.optim.Adam(trained, chosen.learning_rate)
        if chosen.schedule == "polynomial":
            steps = int(self.trainer.estimated_stepping_batches)
            each_step = {"scheduler": PolynomialLR(optimizer, steps, POWER), "interval": "step"}
            return {"optimizer": optimizer, "lr_scheduler": each_step}
        return {"optimizer": optimizer, "lr_scheduler": ExponentialLR(optimizer, chosen.decay)}


class MovableCheckpoint(ModelCheckpoint):
    """The best checkpoints, found again after the folder was moved."""

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Restore the checkpoints' paths in the present folder."""
        before = str(state_dict["dirpath"])

        def moved(value: Any) -> Any:
            if isinstance(value, dict):
                return {moved(key): moved(inner) for key, inner in value.items()}
            inside = isinstance(value, str) and value.startswith(before)
            return f"{self.dirpath}{value.removeprefix(before)}" if inside else value

        super().load_state_dict(moved(state_dict))


class Bar(RichProgressBar):
    """Lightning's bar without metrics, which `on_epoch` receives."""

    def get_metrics(self, *_: Any) -> dict[str, Any]:  # noqa: D102
        return {}


class ResumableStopping(EarlyStopping):
    """Early stopping that also holds for a resumed run."""

    def on_train_start(self, trainer: lightning.Trainer, task: lightning.LightningModule) -> None:
        """Train no further epoch if patience had ended."""
        if self.wait_count >= self.patience:
            trainer.should_stop = True


def fit(
    model: torch.nn.Module,
    train: Examples,
    validation: Examples,
    hyperparameters: Hyperparameters,
    folder: Path,
    *,
    on_epoch: Callable[[Epoch], None] = lambda epoch: None,
    progress: bool = False,
    device: str = "auto",
    ontology: Ontology | None = None,
) -> tuple[float, list[int]]:
    """Train a model, which ends with the weights of its best validation, or with the average of the
    best if that is no worse on the examples to validate on.

    Args:
        model: from `make_model`; its logits are (B, C).
        train, validation: examples of one vocabulary; OptionError without a positive to validate.
        folder: for checkpoints and the log; an interrupted run there is resumed.
        on_epoch, progress, device: called after each validation; whether to show Lightning's bar; a
            choice of `DEVICE`.
        ontology: of the loss `coherent`; the embedded one with its supplement by default.

    Returns:
        The validation mAP of these weights, and the epochs, from 1, of which they are the mean; the
        steps, with `validate_every`.
    """
    task = TrainingTask(model, train, validation, hyperparameters, on_epoch, ontology)
    local, world = (int(os.environ.get(f"{of}WORLD_SIZE", 1)) for of in ("LOCAL_", ""))
    counted, intervals = "epoch", dict[str, Any]()
    if every := hyperparameters.validate_every:
        batches = -(-len(task.share(0, 0, world)) // hyperparameters.batch_size)
        counted = "step"
        intervals = {"val_check_interval": min(every, hyperparameters.epochs * batches),
                     "check_val_every_n_epoch": None}  # fmt: skip
    checkpoints = folder / "checkpoints"
    best = MovableCheckpoint(
        checkpoints, f"{{{counted}}}", MAP, mode="max", save_top_k=hyperparameters.average,
        save_on_train_epoch_end=False, enable_version_counter=False)  # fmt: skip
    last = MovableCheckpoint(checkpoints, "last", save_on_train_epoch_end=True,
                             enable_version_counter=False)  # fmt: skip
    stop = ResumableStopping(MAP, mode="max", patience=hyperparameters.patience)
    begun = checkpoints / "last.ckpt"
    if begun.exists():
        _load(begun)  # whose error names it
    logging.getLogger("lightning.pytorch").setLevel(logging.WARNING)  # it advertises
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", module=r"lightning\..*")
        warnings.filterwarnings("ignore", module=r"torch\.optim\.lr_scheduler")
        trainer = lightning.Trainer(
            accelerator=device,
            devices=local,
            num_nodes=world // local,
            strategy="ddp" if "LOCAL_WORLD_SIZE" in os.environ else "auto",
            precision=hyperparameters.precision,  # type: ignore[arg-type]
            max_epochs=hyperparameters.epochs,
            logger=CSVLogger(folder, name="log"),
            callbacks=[stop, best, last, *([Bar(console_kwargs={"stderr": True})] * progress)],
            reload_dataloaders_every_n_epochs=1,
            use_distributed_sampler=False,
            enable_progress_bar=progress,
            enable_model_summary=False,
            log_every_n_steps=1,
            num_sanity_val_steps=0,
            **intervals,
        )
        trainer.fit(task, ckpt_path=begun if begun.exists() else None, weights_only=True)
    scores = {Path(path): float(score) for path, score in best.best_k_models.items()}
    top = max(scores, key=lambda path: scores[path])
    near = [path for path in scores if scores[path] >= scores[top] - hyperparameters.margin]
    if len(near) > 1:
        model.load_state_dict(_average(near))
        averaged = task.measure(task.predict(validation, trainer.strategy.root_device))
        if averaged >= scores[top]:
            return averaged, sorted(map(_number, near))
    model.load_state_dict(_average([top]))
    return scores[top], [_number(top)]


def _load(checkpoint: Path) -> dict[str, Any]:
    """A checkpoint of a run; RunError if it is missing or damaged."""
    needed = "a checkpoint that the run needs; delete the run and train it again"
    with guarded(checkpoint, RunError, needed):
        found: dict[str, Any] = torch.load(checkpoint, map_location="cpu", weights_only=True)
        return found


def _number(checkpoint: Path) -> int:
    """The number of its epoch, from 1, or of its step."""
    counted, number = checkpoint.stem.split("=")
    return int(number) + (counted == "epoch")


def _average(checkpoints: list[Path]) -> dict[str, Tensor]:
    """Mean weights of checkpoints; integers, such as counters, are those of the last epoch."""
    states = [_load(path)["state_dict"] for path in sorted(checkpoints, key=_number)]
    return {
        name.removeprefix("model."): torch.stack([state[name] for state in states]).mean(0)
        if last.is_floating_point()
        else last
        for name, last in states[-1].items()
    }
