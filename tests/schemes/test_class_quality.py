"""Positives of classes that raters seldom confirmed, against a plain program."""

import csv
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from oracles.class_quality import doubt
from strategies import SCHEME_OPTIONS, annotations, ontologies, vocabularies

from audiolabels import (
    Annotations,
    SoftTargets,
    Targets,
    expand,
    expand_files,
    join,
    load_ontology,
    read_info,
    read_labels,
    read_targets,
)
from audiolabels.errors import AudioLabelsError, LabelFileError, OptionError, UnknownLabelError

FLOORS = ("0", "0.1", "0.3", "0.5", "0.7", "0.9", "1")
HEAD = "label_id,num_rated,num_true\n"
RATINGS = "/m/04rlf,10,9\n/m/0bt9lr,10,4\nCat,2,1\nRain,0,0\nAnimal,4,1\n"
CLASSES = ["Music", "Dog", "Cat", "Rain", "Animal"]


def states(targets: Targets) -> list[dict[str, str]]:
    target, mask = targets.to_numpy()
    words = np.where(target == 1, "positive", np.where(mask == 1, "negative", "unknown"))
    return [dict(zip(targets.vocabulary.ids, row, strict=True)) for row in words.tolist()]


def write_ratings(path: Path, ratings: dict[str, tuple[int, int]]) -> Path:
    with path.open("w", newline="") as file:
        csv.writer(file).writerows(
            [HEAD.strip().split(","), *([c, *n] for c, n in ratings.items())]
        )
    return path


@pytest.mark.parametrize(("scheme", "options"), SCHEME_OPTIONS)
@settings(max_examples=40)
@given(data=st.data())
def test_only_positives_of_classes_below_the_floor_change(
    scheme: str, options: dict[str, str], data: st.DataObject
) -> None:
    ontology = data.draw(ontologies())
    labels, vocabulary = data.draw(annotations(ontology)), data.draw(vocabularies(ontology))
    counts = st.integers(0, 10).flatmap(lambda n: st.tuples(st.just(n), st.integers(0, n)))
    ratings = data.draw(st.dictionaries(st.sampled_from(ontology.ids), counts, min_size=1))
    floor = data.draw(st.sampled_from(FLOORS))
    before = expand(labels, scheme, vocabulary=vocabulary, **options)
    with TemporaryDirectory() as folder:
        quality = write_ratings(Path(folder) / "quality.csv", ratings)
        made = expand(
            labels,
            scheme,
            vocabulary=vocabulary,
            class_quality=quality,
            quality_floor=floor,
            **options,
        )
    assert states(made) == [doubt(own, ratings, floor) for own in states(before)]
    changed = sum(
        old != new
        for a, b in zip(states(before), states(made), strict=True)
        for old, new in zip(a.values(), b.values(), strict=True)
    )
    assert made.metadata.get("counts", {}).get("doubtful", 0) == changed
    below = sum(n > 0 and m / n < float(floor) for n, m in ratings.values())
    assert made.metadata["quality"]["below"] == below


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "quality.csv").write_text(HEAD + RATINGS)
    (tmp_path / "labels.csv").write_text("clip_id,labels\na,Dog;Cat\nb,Rain;Music\nc,Dog\n")
    (tmp_path / "classes.txt").write_text("\n".join(CLASSES))
    return tmp_path


def test_files_folders_joins_and_memory_agree(folder: Path) -> None:
    options: dict[str, Any] = {"class_quality": folder / "quality.csv", "quality_floor": "0.5"}
    files: dict[str, Any] = {**options, "vocabulary": folder / "classes.txt"}
    labels, out, parts = folder / "labels.csv", folder / "out.parquet", f"{folder}/parts/"
    summary = expand_files(labels, out, "pel", **files)
    expand_files(labels, parts, "pel", rows_per_part=2, **files)
    toml = '[one]\nlabels = "labels.csv"\nclass_quality = "quality.csv"\n'
    (folder / "joint.toml").write_text(toml)
    expand_files(
        folder / "joint.toml", folder / "j.parquet", "pel", vocabulary=folder / "classes.txt"
    )
    memory = expand(read_labels(labels), "pel", vocabulary=CLASSES, **options)
    joined = join({"one": {"labels": labels, **options}}, "pel", vocabulary=CLASSES)
    right = ["-?+-?", "+--+-", "-?--?"]
    for made in (read_targets(out), read_targets(parts), read_targets(folder / "j.parquet"),
                 memory, joined):  # fmt: skip
        signs = {"positive": "+", "negative": "-", "unknown": "?"}
        assert ["".join(signs[s] for s in own.values()) for own in states(made)] == right
    assert summary.counts.stated() == {"doubtful": 4}
    for facts in (read_info(out), read_info(parts), read_info(folder / "j.parquet")["joined"][0],
                  joined.metadata["joined"][0]):  # fmt: skip
        assert facts["options"]["class_quality"] == "quality.csv"
        assert facts["options"]["quality_floor"] == 0.5
        assert facts["quality"]["below"] == 2
        assert facts["quality"]["sha256"] == memory.metadata["quality"]["sha256"]
    with pytest.raises(OptionError, match=r"quality\.csv is an input or another output"):
        expand_files(labels, folder / "quality.csv", "pel", **files)
    with pytest.raises(OptionError, match=r"quality\.csv is an input or another output"):
        expand_files(folder / "joint.toml", out, report=folder / "quality.csv")


def test_what_was_heard_in_a_review_is_not_doubted(folder: Path) -> None:
    verdicts = folder / "v.csv"
    verdicts.write_text("clip_id,id,verdict\na,Dog,present\nb,Dog,present\nc,Cat,absent\n")
    labels = read_labels(folder / "labels.csv", verdicts=verdicts)
    quality = folder / "quality.csv"
    made = expand(labels, "weak", vocabulary=CLASSES, class_quality=quality, quality_floor=0.6)
    assert made.to_numpy()[0].tolist() == [[0, 1, 0, 0, 0], [1, 1, 0, 1, 0], [0, 0, 0, 0, 0]]
    assert made.to_numpy()[1].tolist() == [[1, 1, 0, 1, 1], [1, 1, 1, 1, 1], [1, 0, 1, 1, 1]]


def test_soft_labels_of_such_classes_are_unknown(folder: Path) -> None:
    rated = {"clip": ["a", "a"], "label": ["Dog", "Cat"], "confidence": [0.75, 0.5]}
    labels = read_labels(rated, values="soft")
    made = expand(labels, "pel", vocabulary=CLASSES, class_quality=folder / "quality.csv")
    assert isinstance(made, SoftTargets)
    assert made.to_numpy()[0].tolist() == [[0, 0, 0.5, 0, 0]]
    assert made.to_numpy()[1].tolist() == [[1, 0, 1, 1, 0]]


@pytest.mark.parametrize(
    ("content", "error", "message"),
    [
        ("label_id,num_rated\n/m/04rlf,1\n", LabelFileError, r"columns label_id, num_rated; label"),
        ("", LabelFileError, r"q\.csv: columns ; label quality has label_id"),
        (HEAD + "Dog,1,2\n", LabelFileError, r"q\.csv: row 2: 'Dog' occurs twice, or more"),
        (HEAD + "Dog,2,1\nDog,2,1\n", LabelFileError, r"row 3: 'Dog' occurs twice"),
        (HEAD + "Dog,2,x\n", LabelFileError, r"q\.csv: no table of label quality: invalid literal"),
        (HEAD + "Dog,2\n", LabelFileError, r"q\.csv: no table of label quality: "),
        (HEAD, LabelFileError, r"q\.csv: no class but a header"),
        (HEAD + "Dog,2,1\n/m/0bt9lr,2,2\n", LabelFileError, r"'/m/0bt9lr' occurs twice, under"),
        (HEAD + "Dgo,2,0\n", UnknownLabelError, r"q\.csv: the ontology lacks 'Dgo' \(the"),
        (None, LabelFileError, r"q\.csv: no table of label quality: No such file"),
    ],
)  # fmt: skip
def test_files_that_are_refused(
    tmp_path: Path, content: str | None, error: type[AudioLabelsError], message: str
) -> None:
    path = tmp_path / "q.csv"
    if content is not None:
        path.write_text(content)
    for options in ({}, {"weights": "quality"}):
        with pytest.raises(error, match=message):
            expand(Annotations.from_dict({"a": ["Dog"]}), "weak", class_quality=path, **options)


def test_a_floor_needs_ratings_and_is_a_share() -> None:
    labels = Annotations.from_dict({"a": ["Dog"]})
    with pytest.raises(OptionError, match="quality_floor needs a file of label quality"):
        expand(labels, "pel", quality_floor=0.5)
    with pytest.raises(OptionError, match="quality_floor '2': give a number from 0 to 1"):
        expand(labels, "pel", quality_floor="2")
    with pytest.raises(AudioLabelsError, match="class_quality: expected the path of a file; got 5"):
        expand(labels, "pel", class_quality=5)


@pytest.mark.shared
def test_audiosets_own_file(shared_data: Path) -> None:
    path = shared_data / "audioset" / "qa_true_counts.csv"
    labels = read_labels(shared_data / "audioset" / "balanced_train_segments.csv")
    before, after = expand(labels, "weak"), expand(labels, "weak", class_quality=path)
    with path.open() as file:
        rows = [
            (r["label_id"], int(r["num_rated"]), int(r["num_true"])) for r in csv.DictReader(file)
        ]
    low = {label for label, rated, true in rows if rated and true / rated < 0.5}
    ontology = load_ontology().with_supplement()
    columns = [i for i, id_ in enumerate(before.vocabulary.ids) if ontology.resolve(id_) in low]
    assert len(low) == len(columns) == after.metadata["quality"]["below"] == 81
    was, now = before.to_numpy(), after.to_numpy()
    assert (now[0][:, columns] == 0).all()
    assert (was[0][:, columns] == 1 - now[1][:, columns]).all()
    others = np.setdiff1d(np.arange(len(before.vocabulary)), columns)
    for old, new in zip(was, now, strict=True):
        assert (old[:, others] == new[:, others]).all()
