"""An ESPnet data folder, read as its recipe for AudioSet reads it."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
from export_support import framed_targets, rows_of
from export_support import sample_targets as sample
from export_support import strange_targets as strange

from audiolabels import Annotations, Targets, Vocabulary, expand, export, toy_ontology
from audiolabels.errors import OptionError


def read_columns(path: Path) -> dict[str, str]:
    """Two columns: the utterance, and the rest of its line; an utterance comes once."""
    pairs = [line.split(maxsplit=1) for line in path.read_text().splitlines()]
    table = dict(pairs)
    assert list(table) == sorted(table)
    assert len(table) == len(pairs)
    return table


def one_hot(texts: list[str], tokens: list[str]) -> npt.NDArray[Any]:
    """Each word is looked up; the last two tokens, blank and unknown, have no column."""
    number = {token: i for i, token in enumerate(tokens)}
    assert len(number) == len(tokens)
    table = np.zeros((len(texts), len(tokens)))
    for row, text in zip(table, texts, strict=True):
        for word in text.split():
            row[number[word]] += 1
    assert tokens[-2:] == ["<blank>", "<unk>"]
    return table[:, :-2]


@pytest.mark.parametrize("vocabulary", ["audioset", "audioset-strong"])
@pytest.mark.parametrize("make", [sample, strange])
def test_the_recipe_reads_it(tmp_path: Path, make: Callable[..., Targets], vocabulary: str) -> None:
    targets = make("pe-cml", vocabulary)
    done = export(targets, "espnet", tmp_path / "text")
    tokens = (tmp_path / "token_list").read_text().splitlines()
    assert [token.replace("_", " ") for token in tokens[:-2]] == list(targets.vocabulary.names)
    text, masked = (read_columns(tmp_path / name) for name in ("text", "masked"))
    target, mask = rows_of(targets, list(text))
    assert (one_hot(list(text.values()), tokens) == target).all()
    assert (one_hot(list(masked.values()), tokens) == 1 - mask).all()
    counts = target.sum(0, dtype=np.float64)
    wanted = [sum(1000 / (counts[c] + 0.01) for c in np.flatnonzero(row)) for row in target]
    weights = read_columns(tmp_path / "utt2weight")
    np.testing.assert_allclose([float(w) for w in weights.values()], wanted, rtol=1e-12)
    assert list(weights) == list(text) == list(masked)
    assert done.files[tmp_path / "text"] == len(text) == len(targets) - sum(done.left_out.values())


def test_what_has_no_class_or_a_blank_in_its_name(tmp_path: Path) -> None:
    labels = {"quiet": [], "a b": ["Dog"], "c": ["Dog"], "Zebra": ["Dog"], "é": ["Dog"]}
    targets = expand(Annotations.from_dict(labels), "weak")
    done = export(targets, "espnet", tmp_path / "text", keys="train-{clip}")
    text = read_columns(tmp_path / "text")
    assert list(text) == ["train-Zebra", "train-c", "train-quiet", "train-é"]
    assert text["train-quiet"] == "<blank>"
    assert done.names["clips whose name has a blank"].to_pylist() == ["train-a b"]


def test_an_equal_token_list_stays(tmp_path: Path) -> None:
    for _ in range(2):
        export(sample(), "espnet", tmp_path / "text")
    with pytest.raises(OptionError, match="token_list: lists other classes"):
        export(sample("weak", "fsd50k"), "espnet", tmp_path / "text")


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("a\tb", "espnet cuts labels at some characters"),
        ('a "b"', "espnet cuts labels"),
        ("", "espnet cuts labels"),
        ("Bell", "needs labels that differ: 'Bell'"),
        ("<unk>", "needs labels that differ"),
    ],
)
def test_labels_that_it_cannot_hold_are_refused(tmp_path: Path, name: str, message: str) -> None:
    toy = toy_ontology()
    labels = Annotations.from_dict({"a": ["Bell"]}, ontology=toy)
    ids = (toy.find("Bell"), toy.find("Church bell"))
    targets = expand(labels, "weak", vocabulary=Vocabulary("odd", ids, ("Bell", name)))
    with pytest.raises(OptionError, match=message):
        export(targets, "espnet", tmp_path / "text")
    assert not list(tmp_path.iterdir())


def test_what_does_not_fit_is_refused(tmp_path: Path) -> None:
    with pytest.raises(OptionError, match="by their name: use text"):
        export(sample(), "espnet", tmp_path / "train.txt")
    with pytest.raises(OptionError, match="these are frames"):
        export(framed_targets(), "espnet", tmp_path / "text")
