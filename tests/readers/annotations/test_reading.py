"""Several label files, streams, and findings."""

import gzip
from pathlib import Path

import pytest
from label_examples import EXAMPLES
from reader_support import (
    GUITAR,
    MUSIC,
    ONTOLOGY,
    SPEECH,
    Reader,
    ids,
    write,
)

from audiolabels.clips.duplicates import SeenClips
from audiolabels.errors import AudioLabelsError
from audiolabels.labels.report import FATES, Finding
from audiolabels.readers import (
    ReadOptions,
    read_labels,
    stream_labels,
)


def test_files_are_read_in_their_order(tmp_path: Path) -> None:
    second = write(
        tmp_path, EXAMPLES["fsd50k"].replace(b"-aaa", b"-ccc").replace(b"bbb", b"ddd"), "2"
    )
    first = write(tmp_path, gzip.compress(EXAMPLES["psl"]), "1")
    labels = read_labels([first, second], ontology=ONTOLOGY)
    assert labels.clip_id.to_pylist() == [
        "-aaaaaaaaaa_30000",
        "bbbbbbbbbb__0",
        "-cccaaaaaaa_30000",
        "dddddddddb__0",
    ]
    assert [s["name"] for s in labels.report.sources] == ["1", "2"]
    assert [s["format"] for s in labels.report.sources] == ["psl", "fsd50k"]
    assert (labels.report.rows, labels.report.rows_used) == (4, 4)
    assert labels.offset.to_pylist() == [10.0, 10.0, None, None]
    assert [ids(labels, row) for row in range(4)] == [{SPEECH, MUSIC}, {GUITAR}] * 2


def test_clips_that_occur_again_are_kept_and_reported_where_they_stand(tmp_path: Path) -> None:
    one = write(tmp_path, "clip_id,labels\na,Music\nb,Music\na,Guitar\n", "one.csv")
    two = write(
        tmp_path, '{"data": [{"wav": "c", "labels": "Music"}, {"wav": "b", "labels": "Music"}]}'
    )
    labels = read_labels([one, two], ontology=ONTOLOGY)
    assert labels.clip_id.to_pylist() == ["a", "b", "a", "c", "b"]
    assert [ids(labels, row) for row in (0, 2)] == [{MUSIC}, {GUITAR}]
    reason = "the clip occurs more than once"
    assert labels.report.findings == [
        Finding("one.csv", 4, "a", "duplicate clip", reason),
        Finding("labels.csv", 2, "b", "duplicate clip", reason),
    ]


def test_the_same_file_twice_doubles_its_clips(tmp_path: Path) -> None:
    path = write(tmp_path, EXAMPLES["audioset-segments"])
    labels = read_labels([path, path], ontology=ONTOLOGY)
    assert [(f.source, f.row, f.kind) for f in labels.report.findings] == [
        ("labels.csv", 4, "duplicate clip"),
        ("labels.csv", 5, "duplicate clip"),
    ]


def test_one_bad_file_among_several_is_named(tmp_path: Path) -> None:
    good = write(tmp_path, EXAMPLES["clip-labels"], "good.csv")
    bad = write(tmp_path, "<html>", "bad.csv")
    with pytest.raises(AudioLabelsError, match=r"bad\.csv: an HTML or XML page"):
        read_labels([good, bad], ontology=ONTOLOGY)


def test_no_file_at_all_is_refused() -> None:
    with pytest.raises(AudioLabelsError, match=r"no rows|no file"):
        read_labels([])


def test_the_last_part_of_a_stream_holds_no_clips_and_names_the_source(tmp_path: Path) -> None:
    path = write(tmp_path, EXAMPLES["audioset-segments"])
    *parts, last = stream_labels([path], ONTOLOGY, ReadOptions(), seen=SeenClips())
    assert [len(part) for part in parts] == [2]
    assert (len(last), last.report.sources[0]["rows"]) == (0, 2)
    assert all(not part.report.sources for part in parts)


def test_every_kind_of_finding_has_a_fate(read: Reader) -> None:
    of_events = {"event dropped", "event as it is", "class without frame", "clash", "clip added"}
    of_scores = {
        "clip without scores", "clip without labels", "clip not repaired", "clip united",
    }  # fmt: skip
    of_features = {
        "file unused", "several channels", "other rate", "silent", "short", "broken",
        "samples that are no number", "clip without frames",
    }  # fmt: skip
    labels = read("clip_id,labels,x\na,Dog,1\na,Dog;Dog,1\nb,,1\nc,Blub,1\nd\n", unknown="drop")
    stated = read("clip_id,label,present\na,Dog,1\na,Dog,0\n")
    kinds = {f.kind for f in (*labels.report.findings, *stated.report.findings)}
    assert kinds == set(FATES) - of_events - of_scores - of_features
