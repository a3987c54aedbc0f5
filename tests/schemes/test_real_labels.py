"""The schemes on real files, and the golden clips of the sample."""

import random
from pathlib import Path

import pytest
from golden.regenerate import GOLDEN, lines
from oracles.expansion import expand_clip
from strategies import SCHEME_OPTIONS

from audiolabels import Annotations, Targets, expand, load_vocabulary, read_labels


def test_golden_clips_of_the_sample() -> None:
    assert lines() == GOLDEN.read_text(encoding="utf-8").splitlines()


@pytest.fixture(scope="module")
def balanced(shared_data: Path) -> Annotations:
    return read_labels(shared_data / "audioset" / "balanced_train_segments.csv")


@pytest.mark.shared
@pytest.mark.parametrize(("scheme", "options"), SCHEME_OPTIONS)
@pytest.mark.parametrize("vocabulary", ["audioset", "ontology", "audioset-strong", "fsd50k"])
def test_real_clips_equal_the_definition(
    balanced: Annotations, scheme: str, options: dict[str, str], vocabulary: str
) -> None:
    columns = load_vocabulary(vocabulary)
    targets = expand(balanced, scheme, vocabulary=columns, **options)
    ontology = balanced.ontology
    canonical = [ontology.resolve(id_) or id_ for id_ in columns.ids]
    for row in random.Random(scheme).sample(range(len(balanced)), 300):
        chosen = balanced.set_of_clip[row]
        start, stop = balanced.sets.offsets[chosen : chosen + 2]
        given = {ontology.ids[c] for c in balanced.sets.classes[start:stop]}
        expected = list(expand_clip(ontology.graph, given, canonical, scheme, **options).values())
        assert states_of(targets, row) == expected


def states_of(targets: Targets, row: int) -> list[str]:
    (target,), (mask,) = targets.to_numpy([row])
    words = {(1, 1): "positive", (0, 1): "negative", (0, 0): "unknown"}
    return [words[int(t), int(m)] for t, m in zip(target, mask, strict=True)]


@pytest.mark.shared
def test_ids_look_as_they_are_said_to(balanced: Annotations) -> None:
    videos = [clip[:11] for clip in balanced.clip_id.to_pylist()]
    assert round(100 * sum("_" in v for v in videos) / len(videos)) in (14, 15, 16)
    assert 1.2 < 100 * sum(v.startswith("Y") for v in videos) / len(videos) < 2.0


@pytest.mark.shared
def test_official_files_hold_what_their_headers_say(shared_data: Path) -> None:
    clips, labels = {}, {}
    for name in ("balanced_train", "eval"):
        read = read_labels(shared_data / "audioset" / f"{name}_segments.csv")
        clips[name] = len(read)
        labels[name] = int(read.sets.sizes[read.set_of_clip].sum())
        assert read.report.findings == []
    assert clips == {"balanced_train": 22_160, "eval": 20_371}
    assert labels == {"balanced_train": 52_882, "eval": 51_804}
