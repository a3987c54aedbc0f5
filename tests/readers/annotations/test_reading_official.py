"""The data sets' own files, against a plain reading of them."""

import csv
import gzip
import re
from collections import defaultdict
from pathlib import Path

import pytest
from reader_support import ONTOLOGY, by_clip

from audiolabels.readers import read_labels

pytestmark = pytest.mark.shared


@pytest.mark.parametrize("name", ["balanced_train_segments.csv", "eval_segments.csv"])
def test_official_segments_are_read_whole(name: str, shared_data: Path) -> None:
    path = shared_data / "audioset" / name
    lines = path.read_text(encoding="utf-8").splitlines()
    promised = re.search(r"num_segs=(\d+),.* num_positive_labels=(\d+)", lines[1])
    assert promised
    labels = read_labels(path, ontology=ONTOLOGY)
    given = [line.split(", ", 3)[3].strip('"').split(",") for line in lines[3:]]
    assert labels.report.findings == []
    assert len(labels) == int(promised[1])
    assert labels.sets.sizes[labels.set_of_clip].sum() == int(promised[2])
    assert list(by_clip(labels).values()) == [frozenset(classes) for classes in given]


@pytest.mark.parametrize("name", ["dev.csv", "collection_dev.csv"])
def test_fsd50k_is_read_by_its_ids(name: str, shared_data: Path) -> None:
    path = shared_data / "fsd50k" / name
    with path.open(encoding="utf-8", newline="") as file:
        right = {
            row["fname"]: frozenset(row["mids"].split(",")) if row["mids"] else None
            for row in csv.DictReader(file)
        }
    labels = read_labels(path, ontology=ONTOLOGY)
    assert labels.report.sources[0]["format"] == "fsd50k"
    empty = [clip for clip, given in right.items() if given is None]
    assert [(f.clip, f.kind) for f in labels.report.findings] == [
        (clip, "clip unlabelled") for clip in empty
    ]
    assert (len(right), len(empty)) == (40_966, 110 if name.startswith("collection") else 0)
    assert by_clip(labels) == right


def test_strong_events_give_their_clips_the_same_labels(shared_data: Path) -> None:
    path = shared_data / "audioset" / "strong_eval_110_classes.tsv.gz"
    right: dict[str, set[str]] = defaultdict(set)
    with gzip.open(path, "rt", encoding="utf-8") as file:
        for row in csv.DictReader(file, delimiter="\t"):
            mistyped = row["event_label"] == "/t/dd00138"
            right[row["filename"]].add("/t/dd000138" if mistyped else row["event_label"])
    labels = read_labels(path, ontology=ONTOLOGY)
    assert (labels.report.rows, labels.report.rows_used) == (103_207, 103_207)
    assert labels.report.findings == []
    got = by_clip(labels)
    assert len(got) == len(right) == 15_646
    assert list(got.values()) == list(right.values())
