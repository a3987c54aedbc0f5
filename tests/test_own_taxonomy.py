"""A taxonomy of one's own, from Raven's selection tables to targets, source and export."""

import csv
import json
from pathlib import Path

import numpy as np
import pytest

import audiolabels

CHILDREN = {
    "songbirds": ["thrushes", "sparrows", "warblers"],
    "thrushes": ["woothr", "herthr"],
    "sparrows": ["eastow"],
    "warblers": ["louwat"],
}
CODES = {"WOTH": "woothr", "HETH": "herthr", "EATO": "eastow", "LOWA": "louwat"}
HEADER = "Selection\tView\tChannel\tBegin Time (s)\tEnd Time (s)\tLow Freq (Hz)\tSpecies\n"
DAWN = [("WOTH", 1.9, 4.11), ("EATO", 3.18, 4.54), ("WOTH", 6.49, 6.87), ("LOWA", 8.8, 9.5)]
COLUMNS = ["eastow", "woothr", "herthr", "thrushes", "songbirds"]


@pytest.fixture
def options(tmp_path: Path) -> dict[str, Path]:
    """Files of the taxonomy: options of `expand_files`."""
    classes = [
        {"id": id_, "name": id_.title(), **({"child_ids": children} if children else {})}
        for id_, children in [*CHILDREN.items(), *((id_, []) for id_ in CODES.values())]
    ]
    made = {name: tmp_path / name for name in ("ontology", "vocabulary", "aliases")}
    made["ontology"].write_text(json.dumps(classes))
    made["vocabulary"].write_text("\n".join(COLUMNS))
    lines = [f"{code},{id_}" for code, id_ in CODES.items()]
    made["aliases"].write_text("\n".join(["label,class", *lines]))
    return made


def expand(path: Path, options: dict[str, Path], out: Path, duration: float) -> None:
    ontology = audiolabels.load_ontology(options["ontology"])
    audiolabels.expand_files(
        path,
        out,
        "strong-framed",
        **{**options, "ontology": ontology},
        parents="all",
        negatives="complementary",
        clip_duration=duration,
    )


def test_from_selections_to_an_export(options: dict[str, Path], tmp_path: Path) -> None:
    rows = (
        f"{i}\tSpectrogram 1\t1\t{on}\t{off}\t100\t{code}\n"
        for i, (code, on, off) in enumerate(DAWN, 1)
    )
    table = tmp_path / "dawn.Table.1.selections.txt"
    table.write_text(HEADER + "".join(rows))
    expand(table, options, tmp_path / "t.parquet", 9.6)
    source = audiolabels.open(tmp_path / "t.parquet")
    assert list(source.vocabulary.ids) == COLUMNS
    target, mask = source["dawn.wav"]
    thrush, towhee = [0, 0, 1, 1, 0, 0, 1, 0, 0, 0], [0, 0, 0, 1, 1, 0, 0, 0, 0, 0]
    some = [0, 0, 1, 1, 1, 0, 1, 0, 0, 1]  # the warbler, which is no column, is a songbird too
    assert target.T.astype(int).tolist() == [towhee, thrush, [0] * 10, thrush, some]
    assert mask.T.tolist() == [[c != "herthr"] * 10 for c in COLUMNS]
    audiolabels.export(
        audiolabels.read_targets(tmp_path / "t.parquet"), "desed", tmp_path / "o.tsv"
    )
    with (tmp_path / "o.tsv").open(encoding="utf-8") as file:
        spans = [tuple(row.values()) for row in csv.DictReader(file, delimiter="\t")]
    frames = np.zeros((10, len(COLUMNS)))
    for name, onset, offset, label in spans:
        assert name == "dawn.wav"
        first, stop = (round(float(time) / 0.96) for time in (onset, offset))
        frames[first:stop, COLUMNS.index(label)] = 1
    assert frames.tolist() == target.tolist()


def test_a_code_without_a_class_is_an_error(options: dict[str, Path], tmp_path: Path) -> None:
    table = tmp_path / "dawn.txt"
    table.write_text(f"{HEADER}1\tSpectrogram 1\t1\t0\t1\t100\tBLUB\n")
    with pytest.raises(audiolabels.AudioLabelsError, match=r"'BLUB' \(row 2\)"):
        expand(table, options, tmp_path / "t.parquet", 10)


@pytest.mark.shared
def test_real_selections(options: dict[str, Path], tmp_path: Path, shared_data: Path) -> None:
    path = shared_data / "datasets" / "raven_selections.txt"
    expand(path, options, tmp_path / "t.parquet", 19.2)
    target, _ = audiolabels.open(tmp_path / "t.parquet")["raven_selections"]
    positive = {c: np.flatnonzero(target[:, i]).tolist() for i, c in enumerate(COLUMNS)}
    assert positive["woothr"] == positive["thrushes"] == [2, 3, 6, 8, 12, 13]
    assert positive["eastow"] == [3, 4, 9, 11, 15]
    assert positive["songbirds"] == [2, 3, 4, 6, 8, 9, 11, 12, 13, 15]
