"""Labels of events looked up, and the events of a clip put together."""

from pathlib import Path

import pytest
from event_examples import read
from reader_support import (
    ONTOLOGY,
    statements,
    streamed_outcome,
    told,
    write,
)

from audiolabels import Events, expand_files, read_events, toy_ontology
from audiolabels.errors import UnknownLabelError
from audiolabels.readers.events.reading import ScatteredError

TSV = "filename\tonset\toffset\tevent_label\n"


def fates(events: Events) -> list[tuple[int, str, str]]:
    return [(row, kind, reason) for _, row, _, kind, reason in told(events)]


def test_unknown_labels_are_refused_unless_dropped(tmp_path: Path) -> None:
    path = write(tmp_path, TSV + "a\t0\t1\tDog\na\t0\t1\tBlub\n")
    with pytest.raises(UnknownLabelError, match=r"'Blub' \(row 3; the nearest: Blues\)"):
        read_events(path)


@pytest.mark.parametrize(
    ("text", "ids"),
    [
        ("/m/0bt9lr", ["/m/0bt9lr"]),
        ("Dog", ["/m/0bt9lr"]),
        ("Male speech, man speaking", ["/m/05zppz"]),
        ('"Male speech, man speaking"', ["/m/05zppz"]),
        ("/t/dd00138", ["/t/dd000138"]),
        ("/t/dd000138", ["/t/dd000138"]),
        ("Brief tone", ["/t/dd000138"]),
        ("Pant (dog)", None),
        ("Speech, Dog", ["/m/09x0r", "/m/0bt9lr"]),
    ],
)
@pytest.mark.parametrize("separator", ["\t", ","])
def test_labels_are_ids_or_names(
    text: str, ids: list[str] | None, separator: str, tmp_path: Path
) -> None:
    """Names may hold commas, quoted or not, where the label comes last."""
    cells = ["a", "0", "1", text]
    content = TSV.replace("\t", separator) + separator.join(cells) + "\n"
    events = read(tmp_path, content)
    right = ids or [ONTOLOGY.find("Pant (dog)")]
    assert [class_ for _, class_, *_ in statements(events)] == right
    assert events.report.findings == []


def test_two_names_of_one_id_are_two_clips(tmp_path: Path) -> None:
    events = read(tmp_path, TSV + "f/a.wav\t0\t1\tDog\nf/a.flac\t0\t1\tMusic\nf/a.wav\t2\t3\tDog\n")
    assert events.clip_id.to_pylist() == ["a", "a"]
    assert [len(events.events(row) or ()) for row in range(2)] == [2, 1]
    assert fates(events) == [
        (3, "duplicate clip", "another clip, of another name, has the same id")
    ]


def test_files_of_one_name_in_two_folders_keep_their_folders(tmp_path: Path) -> None:
    one = write(tmp_path, TSV + "f1/a.wav\t0\t1\tDog\nf1/b.wav\t0\t1\tDog\n", "one.tsv")
    two = write(tmp_path, TSV + "f2/a.wav\t0\t1\tMusic\nf1/a.wav\t2\t3\tDog\n", "two.tsv")
    events = read_events([one, two])
    assert events.clip_id.to_pylist() == ["f1/a", "f1/b", "f2/a"]
    assert [len(events.events(row) or ()) for row in range(3)] == [2, 1, 1]
    assert read_events(one).clip_id.to_pylist() == ["a", "b"]


def test_two_files_share_a_clip(tmp_path: Path) -> None:
    one = write(tmp_path, TSV + "a\t0\t1\tDog\nb\t0\t1\tDog\n", "one.tsv")
    two = write(tmp_path, TSV + "c\t0\t1\tDog\na\t1\t2\tDog\na\t3\t2\tMusic\n", "two.tsv")
    events = read_events([one, two])
    assert [s[:1] + s[5:] for s in statements(events)] == [
        ("a", "one.tsv", 2),
        ("a", "two.tsv", 3),
        ("a", "two.tsv", 4),
        ("b", "one.tsv", 3),
        ("c", "two.tsv", 2),
    ]
    assert told(events) == [
        ("two.tsv", 3, "a", "event as it is", "touches another event of its class"),
        ("two.tsv", 4, "a", "event dropped", "an event ends before it begins"),
    ]
    assert streamed_outcome(one, two)[0] is ScatteredError


def test_another_ontology(tmp_path: Path) -> None:
    path = write(tmp_path, TSV + "a\t0\t1\t/toy/guitar\n")
    assert read_events(path, ontology=toy_ontology()).events(0) == (("Guitar", 0.0, 1.0),)
    with pytest.raises(UnknownLabelError, match="'/toy/guitar'"):
        read_events(path)


def test_a_youtube_clip_is_one_whatever_it_is_called(tmp_path: Path) -> None:
    content = TSV + (
        "YtAt0q_b5NTQ_30.000_40.000.wav\t0\t1\tSpeech\n"
        "tAt0q_b5NTQ_30000\t2\t3\tDog\nstreet.wav\t0\t1\tDog\nother/street.wav\t2\t3\tDog\n"
    )
    events = read_events(write(tmp_path, content), ontology=ONTOLOGY)
    assert events.clip_id.to_pylist() == ["tAt0q_b5NTQ_30000", "street", "other/street"]
    assert events.events(0) == (("Speech", 0.0, 1.0), ("Dog", 2.0, 3.0))
    output = tmp_path / "o.parquet"
    summary = expand_files(write(tmp_path, content), output, "strong-framed")
    assert summary.counts.clips == 3
