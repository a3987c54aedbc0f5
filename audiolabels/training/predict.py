"""Probabilities of segments, batch by batch."""

import time
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import numpy as np
import torch
from torch.utils.data import DataLoader, default_convert

from audiolabels.errors import OptionError, ScoresFileError
from audiolabels.features.inputs import Floats
from audiolabels.training.examples import Examples, Ints, Segments
from audiolabels.training.hyperparameters import DEVICE
from audiolabels.training.models import embeddings


def find_device(device: str | torch.device = "auto") -> torch.device:
    """The device of that name: `auto` is the GPU, CUDA's or Apple's, if there is one, or the CPU.
    OptionError if there is no such name, or torch finds no such device here.
    """
    if isinstance(device, torch.device):
        return device
    there = {"cuda": torch.cuda.is_available(), "mps": torch.backends.mps.is_available()}
    found = [*(name for name, is_there in there.items() if is_there), "cpu"]
    name = DEVICE.checked(device)
    if name not in ("auto", *found):
        raise OptionError(f"device {name!r}: torch {torch.__version__} finds none here; choose "
                          f"one of auto, {', '.join(found)}")  # fmt: skip
    return torch.device(found[0] if name == "auto" else name)


def predict(
    model: Any, segments: Segments, *, layer: str | None = None, batch_size: int = 256,
    workers: int = 0, device: str | torch.device = "auto", batches: Sequence[range] | None = None,
    on_wait: Callable[[float], None] = lambda seconds: None,
) -> Iterator[Floats]:  # fmt: skip
    """Probabilities of the segments, in order, or the output of a layer.

    Args:
        model, device: from `make_model`; see `find_device`.
        segments: N of them; an empty one is scored as one frame, or sample, of zeros.
        layer: one of `layers(model)`, or "" for the input of the head; None for probabilities.
        batch_size, workers: segments at a time, and processes that read features.
        batches: the numbers of the segments of each batch; by default `batch_size` at a time.
        on_wait: called for each batch with the seconds that the model waited for its features.

    Yields:
        float32 (B, C), or (B, D). ScoresFileError if the model outputs NaN.
    """
    device = find_device(device)
    model.to(device).eval()
    plain = Segments(segments.features, segments.clips, segments.onset, segments.offset)
    if batches is None:
        starts = range(0, len(plain), batch_size)
        batches = [range(start, min(start + batch_size, len(plain))) for start in starts]
    began = time.perf_counter()
    loader = make_loader(plain, 1, workers, batch_sampler=batches)
    for numbers, batch in zip(batches, loader, strict=True):
        on_wait(time.perf_counter() - began)
        with torch.inference_mode():
            x, lengths = (values.to(device) for values in batch)
            found = (model.probabilities(x, lengths) if layer is None
                     else embeddings(model, x, lengths, layer))  # fmt: skip
        scores: Floats = found.cpu().numpy()
        if not np.isfinite(scores).all():
            bad = int(np.flatnonzero(~np.isfinite(scores).all(1))[0])
            clip = segments.features.clip_ids[int(segments.clips[numbers[bad]])]
            raise ScoresFileError(f"the model's scores of {clip} are not numbers (NaN)")
        yield scores
        began = time.perf_counter()


def predict_all(model: Any, segments: Segments, columns: int, **options: Any) -> Floats:
    """Probabilities of all segments and of that many classes: float32 (N, C)."""
    scores, done = np.empty((len(segments), columns), np.float32), 0
    for batch in predict(model, segments, **options):
        scores[done : done + len(batch)] = batch
        done += len(batch)
    return scores


def predict_windows(model: Any, examples: Examples, window: float | None, **options: Any) -> Floats:
    """Probabilities of each example, float32 (N, C); with a window, the mean over its segments of
    that length (Dinkel et al. 2022, §3.3), but for those without a frame.
    """
    if window is None:
        return predict_all(model, examples, len(examples.vocabulary), **options)
    parts, owner = examples.cut(window)
    total = np.zeros((len(examples), len(examples.vocabulary)), np.float32)
    done = 0
    for scores in predict(model, parts, **options):
        np.add.at(total, owner[done : done + len(scores)], scores)
        done += len(scores)
    total /= np.bincount(owner, minlength=len(total)).clip(1)[:, None].astype(np.float32)
    return total


def make_loader(examples: Any, batch_size: int, workers: int, **options: Any) -> DataLoader[Any]:
    """A loader of data that come in whole batches."""
    options |= {"pin_memory": torch.cuda.is_available(), "collate_fn": default_convert}
    return DataLoader(examples, batch_size, num_workers=workers, **options)


def share_of_process(numbers: Ints, rank: int, world: int) -> Ints:
    """This process's share of an epoch; the first numbers are repeated to fill up the last."""
    return np.resize(numbers, -(-len(numbers) // world) * world)[rank::world]
