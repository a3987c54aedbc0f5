"""Training: a masked loss over examples; the best checkpoints by validation mAP, or their average.

Loops, checkpoints, early stopping, logs and processes are Lightning's. An epoch's order, crops and
random numbers depend on seed and epoch alone, so an interrupted run continues after its last
complete epoch with the same result.

Source: Dinkel et al. 2022, §3.2, for the averaged checkpoints; Grzywalski & Botteldooren, §V.D, for
the masked squared error and the decay of the learning rate.
Deviations: Dinkel et al. average the best four whatever their mAP; here those near the best, and
only if the average is no worse than the best.
"""

import logging
import os
import time
import warnings
from collections.abc import Callable, Mapping
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

from audiolabels.errors import OptionError
from audiolabels.features.inputs import Floats
from audiolabels.losses import coherent_bce_with_logits, masked_bce_with_logits, masked_mse
from audiolabels.metrics.ranking import average_precision
from audiolabels.targets.targets import BINARISATION_THRESHOLD
from audiolabels.training.coherent import COHERENT, CoherentModel, vocabulary_pairs
from audiolabels.training.examples import Batch, Examples
from audiolabels.training.hyperparameters import Hyperparameters
from audiolabels.training.predict import make_loader, predict_windows, share_of_process

LOSSES: Mapping[str, Callable[..., Tensor]] = MappingProxyType(
    {
        "bce": masked_bce_with_logits,
        "mse": lambda logits, target, mask: masked_mse(torch.sigmoid(logits), target, mask),
        COHERENT: coherent_bce_with_logits,
    }
)
MAP = "validation_mAP"


class Epoch(NamedTuple):
    """An epoch: its number from 1, mean loss, validation mAP, seconds."""

    number: int
    loss: float
    mean_average_precision: float
    seconds: float

    def __str__(self) -> str:
        return (
            f"epoch {self.number:>3}  loss {self.loss:.5f}  mAP {self.mean_average_precision:.4f}  "
            f"{self.seconds:.1f} s"
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
    ) -> None:
        super().__init__()
        self.model, self.train_examples, self.validation = model, train, validation
        self.hyperparameters, self.on_epoch = hyperparameters, on_epoch
        self.loading = hyperparameters.batch_size, hyperparameters.workers
        self.loss, self.losses = LOSSES[hyperparameters.loss], list[Tensor]()
        self.pairs = None
        if hyperparameters.loss == COHERENT:
            self.pairs = vocabulary_pairs(train.vocabulary)
            self.loss = partial(self.loss, pairs=self.pairs)
        target, mask = validation.labels()
        self.truth, self.known = target >= BINARISATION_THRESHOLD, mask > 0
        if not (self.truth & self.known).any():
            raise OptionError("no class has a positive among the examples to validate on; hold out "
                              "more clips, or give a validation file")  # fmt: skip

    def train_dataloader(self) -> Any:
        """This process's share of an epoch, in an order that depends on the epoch alone."""
        hyperparameters, trainer = self.hyperparameters, self.trainer
        order = self.train_examples.order(
            hyperparameters.draw, epoch=trainer.current_epoch, mixing=hyperparameters.mixing
        )
        mine = share_of_process(order, trainer.global_rank, trainer.world_size)
        if len(mine) % hyperparameters.batch_size == 1:  # batch normalisation takes two
            mine.append(mine[0])
        return make_loader(self.train_examples, *self.loading, sampler=mine)

    def on_train_epoch_start(self) -> None:
        """Reset losses and clock."""
        self.losses, self.began = [], time.perf_counter()

    def training_step(self, batch: Batch, _: int) -> Tensor:
        """The loss of a batch."""
        # What is dropped depends on the step alone, wherever a run was taken up.
        place = (self.hyperparameters.seed, self.global_step, self.global_rank)
        torch.manual_seed(int(np.random.SeedSequence(place).generate_state(1)[0]))
        loss = self.loss(self.model(batch.values, batch.lengths), batch.target, batch.mask)
        self.losses.append(loss.detach())
        return loss

    def on_train_epoch_end(self) -> None:
        """Validate; each process scores a part of the examples, and all gather all scores."""
        rank, world = self.trainer.global_rank, self.trainer.world_size
        whole, (batch_size, workers) = self.validation, self.loading
        mine = np.array(share_of_process(np.arange(len(whole)), rank, world))
        scores = torch.from_numpy(
            predict_windows(self.scorer(), whole.take(mine), self.hyperparameters.window,
                            batch_size=batch_size, workers=workers, device=self.device)
        )  # fmt: skip
        gathered: Any = self.all_gather(scores.to(self.device))
        gathered = gathered.cpu().reshape(world, *scores.shape)
        together = gathered.transpose(0, 1).reshape(-1, scores.shape[-1]).numpy()[: len(whole)]
        done = Epoch(
            self.current_epoch + 1,
            float(torch.stack(self.losses).mean()),
            self.measure(together),
            time.perf_counter() - self.began,
        )
        self.log_dict({"loss": done.loss, MAP: done.mean_average_precision})
        if self.trainer.is_global_zero:
            self.on_epoch(done)
        self.model.train()

    def scorer(self) -> Any:
        """What is validated: the model, or its coherent scores if it learns these."""
        return self.model if self.pairs is None else CoherentModel(self.model, self.pairs)

    def measure(self, scores: Floats) -> float:
        """The mAP of scores of the examples to validate on, float32 (N, C)."""
        return float(np.nanmean(average_precision(scores, self.truth, self.known)))

    def configure_optimizers(self) -> Any:
        """Adam with decay, for all parameters that are not frozen."""
        trained = [p for p in self.model.parameters() if p.requires_grad]
        optimizer = torch.optim.Adam(trained, self.hyperparameters.learning_rate)
        decay = torch.optim.lr_scheduler.ExponentialLR(optimizer, self.hyperparameters.decay)
        return {"optimizer": optimizer, "lr_scheduler": decay}


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
    """Lightning's bar on standard error, below whatever else is printed there."""

    def __init__(self) -> None:
        super().__init__(console_kwargs={"stderr": True})

    def get_metrics(self, *_: Any) -> dict[str, Any]:
        """None; `on_epoch` receives them."""
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
) -> tuple[float, list[int]]:
    """Train a model, which ends with the weights of its best epoch, or with the average of its best
    epochs if that is no worse on the examples to validate on.

    Args:
        model: from `make_model`; its logits are (B, C).
        train, validation: examples of one vocabulary.
        folder: for checkpoints and the log; an interrupted run there is resumed.
        on_epoch: called after each epoch.
        progress: whether to show Lightning's progress bar.
        device: a choice of `DEVICE`.

    Returns:
        The validation mAP of these weights, and the epochs, from 1, of which they are the mean.

    Raises:
        OptionError: no positive target to validate on.
        ScoresFileError: the model outputs NaN.
    """
    best = MovableCheckpoint(
        folder / "checkpoints",
        filename="{epoch}",
        monitor=MAP,
        mode="max",
        save_top_k=hyperparameters.average,
        save_last=True,
        save_on_train_epoch_end=True,
        enable_version_counter=False,
    )
    stop = ResumableStopping(
        MAP, mode="max", patience=hyperparameters.patience, check_on_train_epoch_end=True
    )
    last = folder / "checkpoints" / "last.ckpt"
    local = int(os.environ.get("LOCAL_WORLD_SIZE", 1))
    logging.getLogger("lightning.pytorch").setLevel(logging.WARNING)  # it advertises
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", module=r"lightning\..*")
        warnings.filterwarnings("ignore", module=r"torch\.optim\.lr_scheduler")
        trainer = lightning.Trainer(
            accelerator=device,
            devices=local,
            num_nodes=int(os.environ.get("WORLD_SIZE", 1)) // local,
            strategy="ddp" if "LOCAL_WORLD_SIZE" in os.environ else "auto",
            precision=hyperparameters.precision,  # type: ignore[arg-type]
            max_epochs=hyperparameters.epochs,
            logger=CSVLogger(folder, name="log"),
            callbacks=[stop, best, *([Bar()] if progress else [])],
            reload_dataloaders_every_n_epochs=1,
            use_distributed_sampler=False,
            enable_progress_bar=progress,
            enable_model_summary=False,
            log_every_n_steps=1,
        )
        task = TrainingTask(model, train, validation, hyperparameters, on_epoch)
        trainer.fit(task, ckpt_path=last if last.exists() else None, weights_only=True)
    scores = {Path(path): float(score) for path, score in best.best_k_models.items()}
    top = max(scores, key=lambda path: scores[path])
    near = [path for path in scores if scores[path] >= scores[top] - hyperparameters.margin]
    if len(near) > 1:
        model.load_state_dict(_average(near))
        batch_size, workers = task.loading
        averaged = task.measure(
            predict_windows(task.scorer(), validation, hyperparameters.window,
                            batch_size=batch_size, workers=workers,
                            device=trainer.strategy.root_device)
        )  # fmt: skip
        if averaged >= scores[top]:
            return averaged, sorted(map(_epoch, near))
    model.load_state_dict(_average([top]))
    return scores[top], [_epoch(top)]


def _epoch(checkpoint: Path) -> int:
    """The number of its epoch, from 1."""
    return int(checkpoint.stem.removeprefix("epoch=")) + 1


def _average(checkpoints: list[Path]) -> dict[str, Tensor]:
    """Mean weights of checkpoints; integers, such as counters, are those of the last epoch."""
    states = [
        torch.load(path, map_location="cpu", weights_only=True)["state_dict"]
        for path in sorted(checkpoints, key=_epoch)
    ]
    return {
        name.removeprefix("model."): torch.stack([state[name] for state in states]).mean(0)
        if last.is_floating_point()
        else last
        for name, last in states[-1].items()
    }
