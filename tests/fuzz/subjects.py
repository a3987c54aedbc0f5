"""The readers that are fuzzed: what each reads to the end, and intact files to mutate.

Each function under `seeds` makes folders of files that belong together. In each, `main`, a file of
any extension or a folder, is what is read.
"""

import gzip
import io
import json
import shutil
import zipfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from random import Random
from typing import Any

import label_examples
import numpy as np
import score_files

import audiolabels
from audiolabels import Annotations, Events, expand, load_vocabulary
from audiolabels.ontology import check_mapping, load_mapping, propose, write_draft
from audiolabels.ontology.embedded import ontology_folder
from audiolabels.ontology.mapping import load_draft

CLASSES = ["Guitar", "Electric guitar", "Rain", "Speech", "Dog"]
CLIPS = [f"abcdefghi{a}{b}_{n}0000" for n, (a, b) in enumerate(["-1", "_2", "c3", "d4"], 1)]
EVENTS = [("Guitar", 0.0, 3.1), ("Speech", 3.0, 3.1), ("Rain", 9.0, 10.0)]


@dataclass(frozen=True)
class Subject:
    """A reader: how its intact files are made, and a function that reads one to the end."""

    seeds: Callable[[Path], None]
    read: Callable[[Path, Random], Any]


def seed(folder: Path, name: str) -> Path:
    made = folder / name
    made.mkdir()
    return made


def written(folder: Path, name: str, content: str | bytes) -> Path:
    path = seed(folder, name) / f"main{Path(name).suffix}"
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    return path


@cache
def ontology() -> Any:
    return audiolabels.load_ontology().with_supplement()


def zipped(content: bytes, name: str = "labels.csv") -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr(name, content)
    return out.getvalue()


# Labels, events and their side files.


def labels(folder: Path) -> None:
    for name, content in label_examples.EXAMPLES.items():
        written(folder, name, content)
    lines = audiolabels.sample_path().read_bytes().splitlines(keepends=True)
    sample = lines[0] + lines[1].replace(b"200", b"17") + b"".join(lines[2:20])
    written(folder, "sample.csv", sample)
    written(folder, "sample.csv.gz", gzip.compress(sample, mtime=0))
    written(folder, "sample.csv.zip", zipped(sample))
    columns = {"video_id": CLIPS, "human_labels": [CLASSES[:2]] * 4, "labels": [["/m/09x0r"]] * 4}
    written(folder, "huggingface.parquet", label_examples.parquet_bytes(columns))
    lists = {"labels": ["Rain", "Dog"], "label_values": [1, 1.0], "absent_labels": ["Cat"]}
    more = {"unsure_labels": ["Bark", "Meow"], "annotated_for": "/m/0bt9lr;/m/01yrx"}
    rows = [{"clip": clip, **lists, **more} for clip in CLIPS]
    written(folder, "lists.jsonl", "\n".join(map(json.dumps, rows)))
    written(
        folder,
        "lists.csv",
        "clip,labels,label_values,absent_labels,masked,annotated_for\n"
        + "".join(f"{clip},Rain;Dog,1;1.0,Cat;Meow,Bark,none\n" for clip in CLIPS),
    )


def read_labels(path: Path, rng: Random) -> None:
    read = audiolabels.read_labels(path, ontology=ontology(), unknown=rng.choice(["drop", "error"]))
    read.clip_id.to_pylist(), read.report.counts()
    if rng.random() < 0.25:
        out = path.parent / "out.parquet"
        audiolabels.expand_files(path, out, scheme="weak", ontology=ontology())
        audiolabels.read_targets(out)


def events(folder: Path) -> None:
    sample = audiolabels.sample_path(events=True).read_text().splitlines()[:20]
    written(folder, "strong.tsv", "\n".join(sample))
    framed = "segment_id\tstart_time_seconds\tend_time_seconds\tlabel\tpresent\n" + "".join(
        f"{clip}\t{t}\t{t + 0.96}\t/m/09x0r\t{state}\n"
        for clip in CLIPS
        for t, state in ((0.0, "PRESENT"), (0.96, "NOT_PRESENT"))
    )
    written(folder, "framed.tsv", framed)
    desed = "filename\tonset\toffset\tevent_label\n" + "".join(
        f"{clip}.wav\t{on}\t{off}\t{label}\n" for clip in CLIPS for label, on, off in EVENTS
    )
    written(folder, "desed.tsv", desed)
    written(folder, "desed.tsv.zip", zipped(desed.encode()))
    written(folder, "audacity.txt", "0\t3.1\tGuitar\n\\\t10\t200\n3\t3.1\tSpeech\n9\t10\tRain\n")
    raven = "Selection\tView\tBegin Time (s)\tEnd Time (s)\tSpecies\tBegin File\tFile Offset (s)\n"
    raven += "".join(f"1\t{v}\t0.5\t2.5\tRain\t{CLIPS[0]}.wav\t0.1\n" for v in ("W", "S"))
    written(folder, "raven.txt", raven)
    lines = [
        {"clip": clip, "onset": on, "offset": off, "label": label, "clip_duration": 10}
        for clip in CLIPS
        for label, on, off in EVENTS
    ]
    written(folder, "lines.jsonl", "\n".join(map(json.dumps, lines)))
    for name, seeds in label_examples.EVENTS.items():
        written(folder, f"{name}.json", seeds)
    states = ("present", "absent", "silent", "unknown", "unsure")
    handed = "clip_id,label,onset,offset,state,clip_length,annotated_for\n" + "".join(
        f"{clip},Rain,0.5,1.5,{state},9.5,/m/06mb1\n" for clip in CLIPS for state in states
    )
    written(folder, "handed.csv", handed)
    made = Events.from_dict({CLIPS[0]: EVENTS, CLIPS[1]: [], CLIPS[2]: EVENTS[:1]})
    place = seed(folder, "pretrained-sed")
    (place / "folder").mkdir()
    audiolabels.export(made, "pretrained-sed", place / "folder" / "exported")
    next(place.rglob("*.arrow")).rename(place / "main.arrow")
    shutil.rmtree(place / "folder" / "exported")


def read_events(path: Path, rng: Random) -> None:
    read = audiolabels.read_events(
        path,
        ontology=ontology(),
        unknown=rng.choice(["drop", "error"]),
        clip_duration=rng.choice([None, 10]),
    )
    read.clip_id.to_pylist(), read.report.counts()
    if rng.random() < 0.25:
        out = path.parent / "out.parquet"
        audiolabels.expand_files(path, out, scheme="strong-framed", ontology=ontology())
        audiolabels.read_targets(out)


def side_files(folder: Path) -> None:
    written(
        folder,
        "clip_durations.tsv",
        "filename\tduration\n" + "".join(f"{c}.wav\t10.5\n" for c in CLIPS),
    )
    written(
        folder,
        "clip_durations.csv.gz",
        gzip.compress(f"clip_id,duration\n{CLIPS[0]},9\n".encode(), mtime=0),
    )
    absent = f"clip_id,labels\n{CLIPS[0]},Dog\n{CLIPS[1]},Cat\n"
    written(folder, "explicit_negatives.csv", absent)


def read_side_file(path: Path, rng: Random) -> None:
    which = path.parent.name.split(".")[0]
    with (path.parent / "events.tsv").open("w", encoding="utf-8") as file:
        file.write("filename\tonset\toffset\tevent_label\n")
        file.writelines(f"{clip}.wav\t1\t2\tRain\n" for clip in CLIPS)
    read = audiolabels.read_events(path.parent / "events.tsv", ontology=ontology(), **{which: path})
    expand(read, "strong-framed")


# Scores.


def score_arrays() -> dict[str, Any]:
    values = np.random.default_rng(0).random((4, 3, 5)).astype(np.float32)
    return {
        "clip_id": np.array(CLIPS), "scores": values, "classes": np.array(CLASSES),
        "onset": np.arange(3) * 3.0, "offset": np.arange(3) * 3.0 + 3,
    }  # fmt: skip


def scores_npz(folder: Path) -> None:
    arrays = score_arrays()
    score_files.write_npz(seed(folder, "segments") / "main.npz", **arrays)
    flat = {
        "clip_id": arrays["clip_id"],
        "scores": arrays["scores"][:, 0],
        "classes": arrays["classes"],
    }
    np.savez_compressed(seed(folder, "clips") / "main.npz", **flat)


def scores_hdf5(folder: Path) -> None:
    arrays = score_arrays()
    score_files.write_hdf5(seed(folder, "segments") / "main.h5", **arrays)
    flat = {"clip_id": arrays["clip_id"], "scores": arrays["scores"][:, 0], "segment_seconds": 10.0}
    score_files.write_hdf5(seed(folder, "clips") / "main.h5", **flat, attrs={"classes": CLASSES})


def scores_ced(folder: Path) -> None:
    values = np.random.default_rng(0).random((4, 527))
    names = [f"Y{clip}.wav" for clip in CLIPS]
    path = score_files.write_ced(seed(folder, "ced"), values, top=4, names=names)
    for file in sorted(path.parent.iterdir()):
        file.rename(file.with_stem("main"))


def scores_pretrained_sed(folder: Path) -> None:
    logits = np.random.default_rng(0).normal(size=(2, 447, 5))
    score_files.write_pretrained_sed(seed(folder, "a") / "main.h5", logits, ["a.mp3", "b.mp3"])


def scores_efficientat(folder: Path) -> None:
    index = {f"{clip}.mp3": row for row, clip in enumerate(CLIPS)}
    logits = np.random.default_rng(0).normal(size=(4, 527))
    for name, text in (("pickle", None), ("json", json.dumps(index)), ("text", "\n".join(index))):
        path = score_files.write_efficientat(seed(folder, name), logits, index)
        path.rename(path.with_name("main.npy"))
        if text:
            (path.parent / "fname_to_index.pkl").write_text(text)


def scores_parquet(folder: Path) -> None:
    arrays = score_arrays()
    values = list(arrays["scores"].reshape(-1, 5))
    ids, times = (
        list(np.repeat(CLIPS, 3)),
        {t: list(np.tile(arrays[t], 4)) for t in ("onset", "offset")},
    )
    score_files.write_parquet(
        seed(folder, "own") / "main.parquet", CLASSES, clip_id=ids, **times, scores=values,
        mask=[[1, 1, 0, 1, 1]] * 12,
    )  # fmt: skip
    column = {"classes": [CLASSES] * 4, "filename": CLIPS, "scores": values[:4]}
    written(folder, "column.parquet", label_examples.parquet_bytes(column))
    read = audiolabels.read_scores(folder / "own" / "main.parquet")
    audiolabels.write_targets(expand(read, "pseudo-strong"), seed(folder, "soft") / "main.parquet")


def read_scores(path: Path, rng: Random) -> None:
    read = audiolabels.read_scores(path, ontology=ontology())
    read.clip_id.to_pylist()
    if rng.random() < 0.25:
        expand(read, "pseudo-strong", vocabulary="audioset")


# Targets and features.


def targets(layout: str) -> Callable[[Path], None]:
    def make(folder: Path) -> None:
        given = Annotations.from_dict(dict.fromkeys(CLIPS, CLASSES[:2]) | {"a.b": [], "c": None})
        framed = expand(
            Events.from_dict({CLIPS[0]: EVENTS, CLIPS[1]: []}), "strong-framed", vocabulary=CLASSES
        )
        made = [expand(given, s, vocabulary=CLASSES) for s in ("weak", "pe-cml")]
        for number, one in enumerate([*made, framed]):
            audiolabels.write_targets(
                one, seed(folder, f"{layout}{number}") / "main.parquet", layout=layout
            )

    return make


def soft_targets(folder: Path) -> None:
    scores_parquet(folder)
    for name in ("own", "column.parquet"):
        read = audiolabels.read_scores(folder / name / "main.parquet")
        made = expand(read, "pseudo-strong")
        audiolabels.write_targets(made, folder / name / "main.parquet", layout="dense")
        audiolabels.write_targets(made, seed(folder, f"packed-{name}") / "main.parquet")


def read_targets(path: Path, rng: Random) -> None:
    from audiolabels.cli.info import command

    whole = audiolabels.read_targets(path)
    whole.clip_id.to_pylist(), whole.to_numpy()
    source = audiolabels.open(path, vocabulary=rng.choice([None, None, CLASSES[:3]]))
    source.find(CLIPS)
    source.take(np.arange(len(source)))
    source.positive_bits()
    command.callback(path)


def features_npz(folder: Path) -> None:
    embedding = np.random.default_rng(0).random((4, 3, 2)).astype(np.float32)
    arrays = {
        "clip_id": np.array(CLIPS),
        "embedding": embedding,
        "n_frames": np.array([3, 2, 0, 1]),
    }
    score_files.write_npz(seed(folder, "frames") / "main.npz", **arrays)
    codes = (embedding[:, 0] * 255).astype(np.uint8)
    np.savez_compressed(
        seed(folder, "codes") / "main.npz", clip_id=np.array(CLIPS), embedding=codes
    )


def features_hdf5(folder: Path) -> None:
    embedding = np.random.default_rng(0).random((4, 3, 2)).astype(np.float32)
    frames = seed(folder, "frames") / "main.h5"
    score_files.write_hdf5(frames, clip_id=CLIPS, embedding=embedding, n_frames=[3, 2, 0, 1])
    members = dict(zip(CLIPS, embedding, strict=True))
    score_files.write_hdf5(seed(folder, "members") / "main.h5", **members)


def features_parquet(folder: Path) -> None:
    frames = [[[0.5, 1.0], [2.0, 3.0]], [[1.0, 2.0]], [], [[4.0, 5.0]]]
    score_files.write_parquet(
        seed(folder, "clips") / "main.parquet", clip_id=CLIPS, embedding=frames
    )
    rows = {"clip_id": [*CLIPS[:2]] * 2, "embedding": [[0.5, 1.0]] * 4, "frame": [0, 0, 1, 1]}
    score_files.write_parquet(seed(folder, "rows") / "main.parquet", **rows)


def audio(folder: Path) -> None:
    import soundfile

    noise = np.random.default_rng(0).normal(size=(1600, 2)) * 0.1
    table = seed(folder, "table")
    for number, clip in enumerate(CLIPS[:2]):
        soundfile.write(table / f"{clip}.wav", noise[:, : number + 1], 16_000)
    (table / "main.csv").write_text("path,clip_id\n" + "".join(f"{c}.wav,{c}\n" for c in CLIPS[:2]))
    inside = seed(folder, "folder") / "main"
    inside.mkdir()
    soundfile.write(inside / "a.wav", noise[:, 0], 16_000, subtype="FLOAT")
    soundfile.write(inside / "b.flac", noise[:, 0], 8_000)
    soundfile.write(inside / "c.ogg", noise, 16_000)


def read_features(path: Path, rng: Random) -> None:
    from audiolabels.features import open_features

    features = open_features(path)
    rows = np.arange(len(features.clip_ids))
    features.durations(rows), features.find(CLIPS)
    for row in rows[:10]:
        features.read([row], [0.0], [np.inf])
    features.report.counts()


def sounds(folder: Path) -> None:
    import h5py

    names = np.array([f"Y{clip[:11]}.mp3" for clip in CLIPS], "S20")
    path = score_files.write_hdf5(seed(folder, "audio") / "main.h5", audio_name=names)
    with h5py.File(path, "r+") as file:
        file["waveform"] = np.zeros((4, 32), np.int16)
        file.create_dataset("mp3", 4, h5py.vlen_dtype(np.uint8))
        for row in range(4):
            file["mp3"][row] = np.arange(3, dtype=np.uint8)


def export_with_audio(path: Path, rng: Random) -> None:
    events = Events.from_dict(dict.fromkeys(CLIPS, EVENTS))
    made = expand(
        Annotations.from_dict(dict.fromkeys(CLIPS, CLASSES[:2])), "weak", vocabulary="audioset"
    )
    form = rng.choice(["panns", "passt", "ced", "pretrained_sed"])
    (path.parent / "out").mkdir()
    labels = events if form == "pretrained_sed" else made
    audiolabels.export(labels, form.replace("_", "-"), path.parent / "out" / form, audio=path)


def mappings(folder: Path) -> None:
    own = ontology_folder() / "mappings" / "desed.sssom.tsv"
    written(folder, "desed.tsv", own.read_bytes())
    found = propose(["dog", "crying_baby", "rope skipping"], ontology())
    draft = folder / "draft.sssom.tsv"
    write_draft(draft, found, ontology())
    written(folder, "draft.tsv", draft.read_bytes())
    draft.unlink()


def read_mapping(path: Path, rng: Random) -> None:
    draft = load_draft(path, ontology=ontology())
    check_mapping(draft, ["Dog", "rope skipping"])
    if not draft.undecided:  # else it is refused, damaged or not
        mapping = load_mapping(path, ontology=ontology())
        mapping.covered, [mapping.classes(label) for label in mapping.labels]


def aliases(folder: Path) -> None:
    written(folder, "aliases.csv", "label,class\nBarking,Dog\nHumming,/m/09x0r\n")


def read_aliases(path: Path, rng: Random) -> None:
    labels = path.parent / "labels.csv"
    labels.write_text("clip_id,labels\na,Barking\nb,Dog\n")
    audiolabels.read_labels(labels, aliases=path, ontology=ontology(), unknown="drop")


# Ontologies and vocabularies.


def ontologies(folder: Path) -> None:
    toy = audiolabels.toy_ontology().classes
    official = [
        {
            "id": c.id,
            "name": c.name,
            "child_ids": list(c.children),
            "restrictions": [],
            "description": "",
        }
        for c in toy
    ]
    written(folder, "toy.json", json.dumps(official))
    own = [
        {"id": c.id, "name": c.name, "children": list(c.children), "flags": ["abstract"]}
        for c in toy
    ]
    written(folder, "own.json", json.dumps({"version": 1, "classes": own}))


def read_ontology(path: Path, rng: Random) -> None:
    read = audiolabels.load_ontology(path)
    whole = read.with_supplement()
    repr(whole), whole.digest
    for id_ in whole.ids:
        whole.ancestors(id_), whole.descendants(id_), whole.dominators(id_)
    vocabulary = load_vocabulary(whole.ids, ontology=whole)
    made = expand(
        Annotations.from_dict({"a": [whole.ids[-1]]}, ontology=whole), "weak", vocabulary=vocabulary
    )
    audiolabels.write_targets(made, path.parent / "out.parquet")
    audiolabels.read_targets(path.parent / "out.parquet")


def vocabularies(folder: Path) -> None:
    chosen = load_vocabulary("audioset").take(range(20))
    rows = [
        f'{i},{id_},"{n}"' for i, (id_, n) in enumerate(zip(chosen.ids, chosen.names, strict=True))
    ]
    written(folder, "audioset.csv", "index,mid,display_name\n" + "\n".join(rows))
    written(folder, "lines.txt", "\n".join(chosen.ids))
    written(folder, "names.txt", "\n".join(CLASSES))
    pairs = "".join(f"{i}\t{n}\n" for i, n in zip(chosen.ids, chosen.names, strict=True))
    written(folder, "pairs.tsv", pairs)


def read_vocabulary(path: Path, rng: Random) -> None:
    vocabulary = load_vocabulary(path)
    vocabulary.take([0]), vocabulary.missing_from(load_vocabulary("audioset"))


# Runs and classifiers of Hugging Face.


def runs(folder: Path) -> None:
    from audiolabels.training.models import describe, make_model
    from audiolabels.training.run_folder import save_weights, write_config

    vocabulary = load_vocabulary(CLASSES)
    own = {"name": "custom", "ids": list(vocabulary.ids), "names": list(vocabulary.names)}
    for name, options in (("linear", {"dim": 3}), ("mlp", {"dim": 3, "hidden": 4})):
        model = make_model(name, len(CLASSES), **options)
        run = seed(folder, name) / "main"
        features = {"takes": "embeddings", "rate": None, "dim": 3, "sha256": "0"}
        config = {
            "model": describe(model),
            "vocabulary": own,
            "features": features,
            "hyperparameters": {"seed": 0},
        }
        write_config(run, config)
        save_weights(run, model, (0.5, [1]), 1)


def huggingface(folder: Path) -> None:
    import torch
    from transformers import (
        ASTConfig,
        ASTFeatureExtractor,
        ASTForAudioClassification,
        Wav2Vec2Config,
        Wav2Vec2FeatureExtractor,
        Wav2Vec2ForSequenceClassification,
    )

    from audiolabels.training.models import describe, make_model
    from audiolabels.training.run_folder import save_weights, write_config

    torch.manual_seed(0)
    names = {
        "id2label": dict(enumerate(CLASSES)),
        "label2id": {name: i for i, name in enumerate(CLASSES)},
    }
    small = {
        "hidden_size": 8,
        "num_hidden_layers": 1,
        "num_attention_heads": 2,
        "intermediate_size": 8,
    }
    ast = seed(folder, "ast") / "main"
    config = ASTConfig(**small, max_length=128, num_mel_bins=32, **names)
    ASTForAudioClassification(config).save_pretrained(ast)
    ASTFeatureExtractor(num_mel_bins=32, max_length=128).save_pretrained(ast)
    wav2vec = seed(folder, "wav2vec2") / "main"
    config = Wav2Vec2Config(
        **small, vocab_size=4, conv_dim=[8], conv_stride=[80], conv_kernel=[80],
        num_conv_pos_embeddings=4, num_conv_pos_embedding_groups=2, classifier_proj_size=8,
        num_feat_extract_layers=1, **names,
    )  # fmt: skip
    Wav2Vec2ForSequenceClassification(config).save_pretrained(wav2vec)
    Wav2Vec2FeatureExtractor().save_pretrained(wav2vec)
    run = seed(folder, "run") / "main"
    model, vocabulary = make_model(ast, None), load_vocabulary(CLASSES)
    own = {"name": "custom", "ids": list(vocabulary.ids), "names": list(vocabulary.names)}
    features = {"takes": "audio", "rate": 16_000, "dim": None, "sha256": "0"}
    config = {"model": describe(model), "vocabulary": own, "features": features}
    write_config(run, {**config, "hyperparameters": {}})
    save_weights(run, model, (0.5, [1]), 1)


def read_run(path: Path, rng: Random) -> None:
    import torch

    from audiolabels.training.models import rate_of
    from audiolabels.training.run_folder import finished, load_run

    if (path / "vocabulary.csv").exists():
        finished(path, 1)
    else:
        rate_of(str(path))
    run = load_run(path)
    x = torch.zeros(1, 8000) if run.model.takes == "audio" else torch.zeros(1, 5, 3)
    with torch.no_grad():
        run.model(x, torch.tensor([x.shape[1]]))


READERS: Mapping[str, Subject] = {
    "labels": Subject(labels, read_labels),
    "events": Subject(events, read_events),
    "durations": Subject(side_files, read_side_file),
    "aliases": Subject(aliases, read_aliases),
    "mappings": Subject(mappings, read_mapping),
    "scores-npz": Subject(scores_npz, read_scores),
    "scores-hdf5": Subject(scores_hdf5, read_scores),
    "scores-ced": Subject(scores_ced, read_scores),
    "scores-pretrained-sed": Subject(scores_pretrained_sed, read_scores),
    "scores-efficientat": Subject(scores_efficientat, read_scores),
    "scores-parquet": Subject(scores_parquet, read_scores),
    "targets-lists": Subject(targets("lists"), read_targets),
    "targets-packed": Subject(targets("packed"), read_targets),
    "targets-dense": Subject(targets("dense"), read_targets),
    "targets-soft": Subject(soft_targets, read_targets),
    "features-npz": Subject(features_npz, read_features),
    "features-hdf5": Subject(features_hdf5, read_features),
    "features-parquet": Subject(features_parquet, read_features),
    "audio": Subject(audio, read_features),
    "exported-audio": Subject(sounds, export_with_audio),
    "ontology": Subject(ontologies, read_ontology),
    "vocabulary": Subject(vocabularies, read_vocabulary),
    "runs": Subject(runs, read_run),
    "huggingface": Subject(huggingface, read_run),
}
