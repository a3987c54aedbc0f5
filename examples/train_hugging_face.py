"""Train a small Hugging Face audio classifier on ESC-10 with PE-CML targets and the masked loss.

    python examples/train_hugging_face.py ESC10_FOLDER [--epochs 12]

ESC10_FOLDER holds `manifest.tsv` (path, mids, fold) and the recordings. The model, a small Audio
Spectrogram Transformer, starts from random weights. Folds 1 to 4 train, fold 5 tests. Comments with
"Ours" mark what differs from any script for `transformers`. Needs torch, transformers, accelerate,
scikit-learn, soundfile and soxr.
"""

import argparse
import csv
import tempfile
from pathlib import Path

import numpy as np
import soundfile
import soxr
import torch
from sklearn.metrics import average_precision_score
from transformers import (
    ASTConfig,
    ASTFeatureExtractor,
    ASTForAudioClassification,
    Trainer,
    TrainingArguments,
)

import audiolabels
from audiolabels.losses import masked_bce_with_logits

RATE, FRAMES, BANDS = 16_000, 512, 64


def write_targets(clips: list[dict[str, str]], path: Path) -> None:
    """PE-CML targets of the given classes, over these, their ancestors and descendants."""
    ontology = audiolabels.load_ontology().with_supplement()
    given = {clip["path"]: clip["mids"].split(",") for clip in clips}
    classes = sorted({ontology.resolve(label) for labels in given.values() for label in labels})
    related = {a for c in classes for a in (ontology.ancestors(c) | ontology.descendants(c))}
    vocabulary = [*classes, *sorted(related - {*classes})]
    targets = audiolabels.expand(
        audiolabels.Annotations.from_dict(given), "pe-cml", vocabulary=vocabulary
    )
    audiolabels.write_targets(targets, path)
    print(targets)


def log_mel(folder: Path, clips: list[dict[str, str]]) -> torch.Tensor:
    """Spectrograms of all clips: (clips, frames, bands)."""
    extract = ASTFeatureExtractor(sampling_rate=RATE, num_mel_bins=BANDS, max_length=FRAMES)
    spectrograms = []
    for clip in clips:
        audio, rate = soundfile.read(folder / clip["path"], dtype="float32")
        mono = audio.mean(axis=1) if audio.ndim > 1 else audio
        made = extract(soxr.resample(mono, rate, RATE), sampling_rate=RATE, return_tensors="pt")
        spectrograms.append(made["input_values"][0])
    return torch.stack(spectrograms)


class Clips(torch.utils.data.Dataset):
    def __init__(self, clips, spectrograms, source):
        self.clips, self.spectrograms, self.source = clips, spectrograms, source

    def __len__(self):
        return len(self.clips)

    def __getitem__(self, i):
        # Ours: target and mask instead of a label.
        target, mask = self.source[self.clips[i]["path"]]
        return {"input_values": self.spectrograms[i], "labels": target, "mask": mask}


class MaskedTrainer(Trainer):
    # Ours: the loss leaves unknown targets out.
    def compute_loss(self, model, inputs, return_outputs=False, num_items_in_batch=None):
        target, mask = inputs.pop("labels"), inputs.pop("mask")
        outputs = model(**inputs)
        loss = masked_bce_with_logits(outputs.logits, target, mask)
        return (loss, outputs) if return_outputs else loss


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", type=Path, metavar="ESC10_FOLDER")
    parser.add_argument("--epochs", type=int, default=12)
    arguments = parser.parse_args()
    with (arguments.folder / "manifest.tsv").open(encoding="utf-8", newline="") as file:
        clips = list(csv.DictReader(file, delimiter="\t"))
    torch.manual_seed(0)
    with tempfile.TemporaryDirectory() as temporary:
        write_targets(clips, Path(temporary) / "targets.parquet")
        source = audiolabels.open(Path(temporary) / "targets.parquet", arrays="torch")
        spectrograms = log_mel(arguments.folder, clips)
        folds = np.array([clip["fold"] for clip in clips])
        train, test = (np.flatnonzero(which) for which in (folds != "5", folds == "5"))

        def part(rows):
            return Clips([clips[i] for i in rows], spectrograms[rows], source)

        names = source.vocabulary.names
        config = ASTConfig(
            hidden_size=96,
            num_hidden_layers=3,
            num_attention_heads=4,
            intermediate_size=192,
            max_length=FRAMES,
            num_mel_bins=BANDS,
            time_stride=16,
            frequency_stride=16,
            id2label=dict(enumerate(names)),
            label2id={name: i for i, name in enumerate(names)},
        )
        trainer = MaskedTrainer(
            ASTForAudioClassification(config),
            TrainingArguments(
                output_dir=temporary,
                num_train_epochs=arguments.epochs,
                per_device_train_batch_size=16,
                learning_rate=1e-3,
                weight_decay=0.01,
                lr_scheduler_type="cosine",
                warmup_steps=20,
                logging_strategy="epoch",
                save_strategy="no",
                report_to=[],
                seed=0,
                use_cpu=not torch.cuda.is_available(),
                remove_unused_columns=False,
                label_names=["labels", "mask"],
            ),
            train_dataset=part(train),
        )
        trainer.train()
        trainer.model.eval()
        with torch.no_grad():
            logits = [trainer.model(spectrograms[i : i + 1]).logits.cpu() for i in test]
        scores = torch.cat(logits).sigmoid().numpy()
        target, mask = (x.numpy() for x in source[[clips[i]["path"] for i in test]])
        known = [
            average_precision_score(target[mask[:, c] > 0, c], scores[mask[:, c] > 0, c])
            for c in range(len(names))
            if 0 < target[mask[:, c] > 0, c].sum() < (mask[:, c] > 0).sum()
        ]
        chance = [target[:, c].mean() for c in range(len(names)) if 0 < target[:, c].mean() < 1]
        print(
            f"mAP {np.mean(known):.3f} over {len(known)} classes, by chance {np.mean(chance):.3f}"
        )


if __name__ == "__main__":
    main()
