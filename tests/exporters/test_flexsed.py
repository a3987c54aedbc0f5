"""FlexSED's CSV, read as its data set reads it."""

import ast
import random
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from export_support import framed_targets, rows_of
from export_support import sample_targets as sample
from export_support import strange_targets as strange

from audiolabels import Annotations, Targets, Vocabulary, expand, export, toy_ontology
from audiolabels.errors import OptionError


def classes_of(path: Path) -> dict[int, str]:
    table = pd.read_csv(path.with_name("label_to_id.csv"))
    return dict(table.set_index("id")["label"])


def draw(row: "pd.Series[str]", wanted: int) -> tuple[list[int], list[int]]:
    """The classes of a training step: positives, filled up with negatives of both kinds."""
    positive, negative, removed = (
        ast.literal_eval(row[key]) for key in ("pos_ids", "neg_ids", "removed_ids")
    )
    chosen = random.sample(positive, min(wanted, len(positive)))
    others = negative + removed
    weights = [1.0] * len(negative) + [0.25] * len(removed)
    return chosen, random.choices(others, weights, k=min(2 * wanted - len(chosen), len(others)))


@pytest.mark.parametrize("vocabulary", ["audioset-strong", "fsd50k"])
@pytest.mark.parametrize("make", [sample, strange])
def test_flexsed_draws_no_unknown_class(
    tmp_path: Path, make: Callable[..., Targets], vocabulary: str
) -> None:
    targets, path = make("pe-cml", vocabulary), tmp_path / "train.csv"
    done = export(targets, "flexsed", path)
    table, name_of = pd.read_csv(path), classes_of(path)
    assert list(name_of.values()) == sorted(targets.vocabulary.names)
    assert list(name_of) == list(range(len(targets.vocabulary)))
    clips = table["file_name"].str.removesuffix(".wav").tolist()
    target, mask = rows_of(targets, clips)
    column = {name: i for i, name in enumerate(targets.vocabulary.names)}
    for (_, row), positive, known in zip(table.iterrows(), target, mask, strict=True):
        for key, wanted in (
            ("pos_ids", positive),
            ("neg_ids", known - positive),
            ("masked_ids", 1 - known),
        ):
            made = np.zeros_like(wanted)
            made[[column[name_of[number]] for number in ast.literal_eval(row[key])]] = 1
            assert (made == wanted).all()
        drawn = [column[name_of[number]] for some in draw(row, 10) for number in some]
        assert known[drawn].all()
    assert done.files[path] == len(table) == len(targets) - sum(done.left_out.values())


def test_explicit_negatives_are_its_negatives(tmp_path: Path) -> None:
    """Where only two classes were listened for, all others are in neither list."""
    labels = Annotations.from_dict({"a": ["Dog"]})
    targets = expand(labels, "weak", vocabulary="audioset-strong")
    known = np.isin(targets.vocabulary.names, ["Dog", "Rain"])
    targets = replace(targets, masked=np.packbits(~known[np.newaxis], axis=1))
    export(targets, "flexsed", tmp_path / "a.csv", files="Y{clip}.wav")
    [row], name_of = pd.read_csv(tmp_path / "a.csv").to_dict("records"), classes_of(tmp_path / "a")
    assert row["file_name"] == "Ya.wav"
    positive, negative, removed, masked = (
        [name_of[number] for number in ast.literal_eval(row[key])]
        for key in ("pos_ids", "neg_ids", "removed_ids", "masked_ids")
    )
    assert (positive, negative, removed) == (["Dog"], ["Rain"], [])
    assert {*masked} == {*name_of.values()} - {"Dog", "Rain"}


def test_names_with_commas_and_quotes_are_read(tmp_path: Path) -> None:
    toy, name = toy_ontology(), 'Bell, "large"'
    labels = Annotations.from_dict({'a, "b"': ["Bell"]}, ontology=toy)
    vocabulary = Vocabulary("odd", (toy.find("Bell"), toy.find("Music")), (name, "Music"))
    for _ in range(2):  # an equal list stays
        export(expand(labels, "weak", vocabulary=vocabulary), "flexsed", tmp_path / "a.csv")
    assert classes_of(tmp_path / "a.csv") == {0: name, 1: "Music"}
    assert pd.read_csv(tmp_path / "a.csv")["file_name"].tolist() == ['a, "b".wav']


def test_what_does_not_fit_is_refused(tmp_path: Path) -> None:
    with pytest.raises(OptionError, match="these are frames"):
        export(framed_targets(), "flexsed", tmp_path / "a.csv")
    (tmp_path / "label_to_id.csv").write_text("label,id\nDog,0\n")
    with pytest.raises(OptionError, match=r"label_to_id.csv: lists other classes"):
        export(sample(), "flexsed", tmp_path / "a.csv")
    toy = toy_ontology()
    ids = (toy.find("Bell"), toy.find("Music"))
    labels = Annotations.from_dict({"a": ["Bell"]}, ontology=toy)
    twice = expand(labels, "weak", vocabulary=Vocabulary("odd", ids, ("Bell", "Bell")))
    with pytest.raises(OptionError, match="flexsed needs labels that differ: 'Bell'"):
        export(twice, "flexsed", tmp_path / "b.csv")
