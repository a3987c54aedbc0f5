"""JAMS, Label Studio's export and Lhotse's manifests: labels of clips and events."""

import gzip
import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from event_examples import read
from lhotse import CutSet, MonoCut, Recording, SupervisionSegment, SupervisionSet
from lhotse.audio import AudioSource
from reader_support import by_clip, statements, told, write

from audiolabels import expand_files, read_events, read_labels, read_targets
from audiolabels.errors import AudioLabelsError, LabelFileError
from audiolabels.labels.events import PRESENT

SPEECH, MUSIC, DOG, BIRD = "/m/09x0r", "/m/04rlf", "/m/0bt9lr", "/m/015p6"
BABY = "/t/dd00002"
Jsonable = dict[str, Any]


def jams(*annotations: Jsonable, duration: float | None = 4.0) -> str:
    return json.dumps({"annotations": annotations, "file_metadata": {"duration": duration}})


def scaper(label: str, time: float, duration: float, confidence: float | None = 1.0) -> Jsonable:
    value = {"label": label, "event_time": 9, "event_duration": 9, "role": "foreground"}
    return {"time": time, "duration": duration, "value": value, "confidence": confidence}


def namespace(name: str, *data: Jsonable) -> Jsonable:
    return {"namespace": name, "data": data, "annotation_metadata": {}}


def task(name: str, *results: Jsonable, **facts: Any) -> Jsonable:
    annotation = {"id": 7, "completed_by": 1, "was_cancelled": False, "result": results}
    return {"id": 3, "data": {"audio": name}, "annotations": [annotation], **facts}


def region(start: float, end: float, *labels: str, **facts: Any) -> Jsonable:
    value = {"start": start, "end": end, "channel": 0, "labels": labels}
    return {"type": "labels", "from_name": "label", "to_name": "audio", "value": value, **facts}


def choice(*labels: str) -> Jsonable:
    return {"type": "choices", "value": {"choices": labels}}


def notes(labels: Any) -> str:
    return str(labels.report.notes[0])


def test_jams(tmp_path: Path) -> None:
    scene = namespace("scaper", scaper("Dog", 0.5, 1.25), scaper("Music", 0, 4.0))
    events = read(tmp_path, jams(scene, namespace("beat")), "dawn.jams")
    assert statements(events) == [
        ("dawn", DOG, 500, 1750, "present", "dawn.jams", 1),
        ("dawn", MUSIC, 0, 4000, "present", "dawn.jams", 2),
    ]
    assert events.duration_ms.tolist() == [4000]
    assert notes(events).endswith(
        "the clip has the file's name, as no column gives it; columns not used: namespace beat, "
        "event_time, event_duration, role"
    )


def test_jams_as_it_was_before(tmp_path: Path) -> None:
    fields = {"time": [0.5], "duration": [1], "value": [{"label": "Dog"}], "confidence": [None]}
    events = read(tmp_path, jams({"namespace": "sound_event", "data": fields}), "a.jams")
    assert statements(events, place=False) == [("a", DOG, 500, 1500, "present")]


def test_tags_are_labels_of_the_clip(tmp_path: Path) -> None:
    tags = namespace("tag_open", {"time": 0, "duration": 4, "value": "Dog", "confidence": None})
    assert by_clip(read_labels(write(tmp_path, jams(tags), "a.jams"))) == {"a": {DOG}}


def test_a_scene_without_events_is_verified_empty(tmp_path: Path) -> None:
    events = read(tmp_path, jams(namespace("scaper"), duration=None), "a.jams", clip_duration=7)
    assert statements(events, place=False) == [("a", None, 0, 0, "empty")]
    assert events.duration_ms.tolist() == [7000]


@pytest.mark.parametrize(
    ("content", "match"),
    [
        (jams(namespace("beat"), namespace("chord")), "without events or tags.* beat, chord"),
        (jams(), "without events or tags; namespaces are none"),
        (jams(namespace("scaper", scaper("Dog", 0, 1, 0.5))), "column confidence holds 0.5"),
        (
            jams(*(namespace("tag_open", scaper(name, 0, 1)) for name in ("Dog", "Cat"))),
            "column rater holds annotation 1, annotation 2.*ignored=rater",
        ),
        (jams(namespace("scaper", scaper("Dog", 0, 1)))[:-40], "broken, or not the form of jams"),
        (
            '{"annotations": [], "sandbox": {}}',
            "file_metadata of the file is missing; expected an object",
        ),
        (
            jams({"namespace": "scaper", "data": [{"time": "?", "value": "Dog"}]}),
            'time of observation 1 of annotation 1 is "\\?"; expected a number',
        ),
        (
            jams({"namespace": "scaper", "data": {"time": [0], "duration": []}}),
            "data of annotation 1 has lists of different lengths",
        ),
    ],
)
def test_jams_that_is_refused(content: str, match: str, tmp_path: Path) -> None:
    for reader in (read_events, read_labels):
        with pytest.raises(LabelFileError, match=rf"a\.jams: (.*){match}"):
            reader(write(tmp_path, content, "a.jams"))


def test_regions_of_label_studio(tmp_path: Path) -> None:
    content = json.dumps(
        [
            task("s3://x/b/a.wav", region(0.5, 2, "Dog", "Music", original_length=6.5)),
            task("/data/b.wav", {"type": "textarea", "value": {"text": ["?"]}}),
            task("/data/c.wav", annotations=[]),
            task("/data/d.wav", annotations=[{"id": 1, "was_cancelled": True, "result": []}]),
            task("/data/e.wav", region(1, 2, "Speech"), choice("good")),
        ]
    )
    events = read(tmp_path, content, "export.json")
    assert statements(events) == [
        ("a", DOG, 500, 2000, "present", "export.json", 1),
        ("a", MUSIC, 500, 2000, "present", "export.json", 1),
        ("b", None, 0, 0, "empty", "export.json", 2),
        ("e", SPEECH, 1000, 2000, "present", "export.json", 5),
    ]
    assert events.duration_ms.tolist() == [6500, 10_000, 10_000]
    assert told(events) == [
        ("export.json", 3, "/data/c.wav", "row unused", "not annotated yet"),
        ("export.json", 4, "/data/d.wav", "row unused", "skipped by the annotator"),
    ]
    assert notes(events).endswith("columns not used: textarea, choices of clips")


def test_choices_are_labels_of_clips(tmp_path: Path) -> None:
    content = json.dumps([task("a.wav", choice("Dog"), choice("Music")), task("b.wav", choice())])
    path = write(tmp_path, content, "export.json")
    assert by_clip(read_labels(path)) == {"a": {DOG, MUSIC}, "b": None}
    with pytest.raises(LabelFileError, match="no events: labels of whole clips, read as label-st"):
        read_events(path)


def test_regions_are_labels_of_clips_too(tmp_path: Path) -> None:
    content = json.dumps([task("a.wav", region(0, 1, "Dog"), region(2, 3, "Music"))])
    labels = read_labels(write(tmp_path, content, "export.json"))
    assert by_clip(labels) == {"a": {DOG, MUSIC}}


def test_a_region_without_a_label_leaves_the_clip_unannotated(tmp_path: Path) -> None:
    events = read(tmp_path, json.dumps([task("a.wav", region(0, 1))]), "export.json")
    assert events.labelled.tolist() == [False]
    assert [reason for *_, reason in told(events)] == ["no event is left", "no label"]


def test_several_annotations_of_a_task_must_be_settled(tmp_path: Path) -> None:
    two = [{"id": i, "result": [region(0, 1, label)]} for i, label in ((4, "Dog"), (9, "Music"))]
    path = write(tmp_path, json.dumps([task("a.wav", annotations=two)]), "export.json")
    with pytest.raises(LabelFileError, match="column rater holds annotation 4, annotation 9"):
        read_events(path)
    events = read_events(path, columns="ignored=rater")
    assert [s[1] for s in statements(events)] == [DOG, MUSIC]


@pytest.mark.parametrize(
    ("content", "match"),
    [
        ([task("a.wav", annotations=[])], "no labels .read as label-studio.: not annotated yet"),
        ([task("a.wav", region(0, 1, "Dog"), data={"text": "x"})], "task 1 has no audio.* text"),
        ([task("a.wav", region(0, "x", "Dog"))], 'end of .* is "x"; expected a number'),  # type: ignore[arg-type]
        (
            [{"data": {"audio": "a.wav"}, "annotations": [{}]}],
            "result of annotation 1 of task 1 is missing",
        ),
        (
            [task("a.wav", region(0, 1) | {"value": {"start": 0, "end": 1, "labels": "Dog"}})],
            'labels of a result of annotation 1 of task 1 is "Dog"; expected a list',
        ),
    ],
)
def test_exports_that_are_refused(content: Any, match: str, tmp_path: Path) -> None:
    path = write(tmp_path, json.dumps(content), "export.json")
    for reader in (read_events, read_labels):
        with pytest.raises(LabelFileError, match=match):
            reader(path)


def recording(name: str, duration: float = 10.0, source: str = "") -> Recording:
    sources = [AudioSource("file", [0], source or f"audio/{name}.wav")]
    return Recording(name, sources, 16_000, int(16_000 * duration), duration)


def supervision(
    name: str, start: float, duration: float, event: str | None, **more: Any
) -> SupervisionSegment:
    custom = {**more, **({} if event is None else {"audio_event": event})}
    return SupervisionSegment(f"{name}-{start}", name, start, duration, custom=custom or None)


def test_supervisions(tmp_path: Path) -> None:
    path = tmp_path / "s.jsonl.gz"
    SupervisionSet.from_segments(
        [
            supervision("a", 0.0, 10.0, "0;137", masked="23", note="near"),
            supervision("a", 2.0, 0.5, "74"),
            supervision("b", 0.0, 10.0, None),
            supervision("c", 0.0, 10.0, ""),
        ]
    ).to_file(path)
    assert by_clip(read_labels(path)) == {"a": {SPEECH, MUSIC, DOG}, "c": None}
    events = read_events(path)
    assert statements(events) == [
        ("a", SPEECH, 0, 10_000, "present", "s.jsonl.gz", 1),
        ("a", MUSIC, 0, 10_000, "present", "s.jsonl.gz", 1),
        ("a", BABY, 0, 10_000, "unsure", "s.jsonl.gz", 1),
        ("a", DOG, 2000, 2500, "present", "s.jsonl.gz", 2),
        ("c", None, 0, 0, "nothing", "s.jsonl.gz", 4),
    ]
    assert (3, "without audio_event of its own") in [
        (row, why) for _, row, _, _, why in told(events)
    ]
    assert notes(events).endswith("columns not used: note")


def test_cuts(tmp_path: Path) -> None:
    path = tmp_path / "cuts.jsonl"
    video = recording("x_30", source="eval/Yaaaaaaaaaaa_30.000_37.000.wav", duration=7.0)
    long = recording("long", 60.0)
    CutSet.from_cuts(
        [
            MonoCut("x_30", 0.0, 7.0, 0, [supervision("x_30", 0.0, 7.0, "Dog")], recording=video),
            MonoCut("l1", 5.0, 8.0, 0, [supervision("long", -1.0, 3.0, "Music")], recording=long),
            MonoCut("l2", 0.0, 8.0, 0, [supervision("long", 1.0, 3.0, "Music")], recording=long),
            MonoCut("l3", 0.0, 8.0, 0, [], recording=long),
        ]
    ).to_file(path)
    events = read(tmp_path, path.read_bytes(), "cuts.jsonl")
    assert statements(events) == [
        ("aaaaaaaaaaa_30000", DOG, 0, 7000, "present", "cuts.jsonl", 1),
        ("l1", MUSIC, -1000, 2000, "present", "cuts.jsonl", 2),
        ("l2", MUSIC, 1000, 4000, "present", "cuts.jsonl", 3),
    ]
    assert events.duration_ms.tolist() == [7000, 8000, 8000]
    assert [(row, reason) for _, row, _, _, reason in told(events)] == [
        (2, "an event begins before its clip"),
        (4, "MonoCut without audio_event of its own"),
    ]


def test_column_numbers_are_those_of_the_list_in_the_folder(tmp_path: Path) -> None:
    line = json.dumps({"id": "s", "recording_id": "a", "start": 0, "duration": 1,
                       "custom": {"audio_event": "1;0"}})  # fmt: skip
    path = write(tmp_path, line, "s.jsonl")
    assert by_clip(read_labels(path))["a"] == {SPEECH, "/m/05zppz"}
    classes = f'index,mid,display_name\n0,{DOG},Dog\n1,{BIRD},"Bird"\n'
    write(tmp_path, classes, "class_labels_indices.csv")
    assert by_clip(read_labels(path))["a"] == {DOG, BIRD}
    write(tmp_path, "number,id\n0,x\n", "class_labels_indices.csv")
    with pytest.raises(LabelFileError, match=r"class_labels_indices\.csv: not a list of columns"):
        read_labels(path)


@pytest.mark.parametrize(
    ("line", "match"),
    [
        (
            '{"id": "c", "start": 0, "duration": 1, "supervisions": []}',
            r"no labels \(read as lhotse\): without audio_event",
        ),
        (
            '{"id": "c", "recording_id": "c", "start": 0, "custom": {"audio_event": "Dog"}}',
            "duration of line 1 is missing; expected a number",
        ),
        (
            '{"id": "c", "recording_id": "c", "start": 0, "duration": 1,'
            ' "custom": {"audio_event": "600"}}',
            "labels that ontology.*'600'",
        ),
    ],
)
def test_manifests_that_are_refused(line: str, match: str, tmp_path: Path) -> None:
    with pytest.raises(LabelFileError, match=match):
        read_labels(write(tmp_path, line, "c.jsonl"))


EVENT_LINES = (
    '{"clip": "a.wav", "onset": 0.5, "offset": 2, "label": "Dog", "clip_duration": 5}\n'
    '{"clip": "b.wav", "onset": 1, "offset": 2, "label": "Music", "clip_duration": 6}\n'
    '{"clip": "a.wav", "onset": -1, "offset": 1, "label": "Music", "clip_duration": 5}\n'
    '{"clip": "c.wav", "onset": null, "offset": null, "label": null, "clip_duration": null}\n'
)


def test_json_lines_of_events(tmp_path: Path) -> None:
    events = read(tmp_path, EVENT_LINES, "e.jsonl")
    assert statements(events) == [
        ("a", DOG, 500, 2000, "present", "e.jsonl", 1),
        ("a", MUSIC, -1000, 1000, "present", "e.jsonl", 3),
        ("b", MUSIC, 1000, 2000, "present", "e.jsonl", 2),
        ("c", None, 0, 0, "empty", "e.jsonl", 4),
    ]
    assert events.duration_ms.tolist() == [5000, 6000, 10_000]
    assert events.report.sources[0]["format"] == "json-events"


@pytest.mark.parametrize("first", [[None], [None, "Dog"], [None, None, "Dog"], [None, 1]])
def test_json_lines_may_begin_with_null(first: list[str | None], tmp_path: Path) -> None:
    lines = [{"clip": "a", "labels": first}, {"clip": "b", "labels": ["Dog", None]}]
    if 1 in first:
        lines[1]["labels"] = [2]
    path = write(tmp_path, "\n".join(map(json.dumps, lines)), "l.jsonl")
    labels = read_labels(path, aliases={"1": "Dog", "2": "Dog"})
    assert by_clip(labels) == {"a": {DOG} if first[1:] else None, "b": {DOG}}
    assert labels.report.findings[0].row == 1


def test_json_lines_without_clips_are_refused_as_such(tmp_path: Path) -> None:
    path = write(tmp_path, '{"x": "a.wav", "tag2": "Dog"}\n' * 2, "l.jsonl")
    with pytest.raises(LabelFileError, match=r"l.jsonl: JSON lines without .* are x, tag2; name"):
        read_labels(path)


def test_clips_that_are_called_like_times_stay_so(tmp_path: Path) -> None:
    line = '{"clip": "2024-05-01T04:30:00", "labels": ["Dog"]}\n'
    assert by_clip(read_labels(write(tmp_path, line, "l.jsonl"))) == {"2024-05-01T04:30:00": {DOG}}


def variants(node: Any, *at: str | int) -> Iterator[tuple[Any, str]]:
    """What a value of JSON becomes with one part of it of another kind, and where."""
    for value in (None, 3, "x", True, [], [None], {}, {"a": [1]}):
        yield value, ".".join(map(str, at))
    inside = node if isinstance(node, dict) else dict(enumerate(node if type(node) is list else ()))
    for name, part in inside.items():
        for changed, place in variants(part, *at, name):
            copy = {**inside, name: changed}
            yield (copy if isinstance(node, dict) else list(copy.values())), place
        if isinstance(node, dict):
            yield {key: value for key, value in node.items() if key != name}, f"no {name}"


OBSERVATION = {"time": 0.5, "duration": 1.5, "value": {"label": "Dog"}, "confidence": 1.0}
OLDER = {"time": [0.5], "duration": [1], "value": ["Dog"]}
SUPERVISION = {"id": "s", "start": 0.5, "duration": 1.5, "custom": {"audio_event": ["Dog"]}}
RECORDING = {"id": "r", "sources": [{"type": "file", "source": "a.wav"}], "duration": 5.0}
CUT = {
    "id": "c",
    "start": 0,
    "duration": 5.0,
    "supervisions": [SUPERVISION],
    "recording": RECORDING,
}
FORMS: dict[str, Any] = {
    "scene.jams": json.loads(jams(namespace("scaper", OBSERVATION))),
    "older.jams": json.loads(jams({"namespace": "scaper", "data": OLDER})),
    "cut.jsonl": CUT,
    "supervision.jsonl": {**SUPERVISION, "recording_id": "r"},
    "regions.json": json.loads(json.dumps([task("a.wav", region(0, 1, "Dog", original_length=2))])),
    "choices.json": json.loads(json.dumps([task("a.wav", choice("Dog"))])),
    "lines.jsonl": {"clip": "a", "labels": ["Dog"]},
    "events.jsonl": {"clip": "a", "onset": 0.5, "offset": 2, "label": "Dog"},
}
# What Python and Arrow call what they do not expect.
FOREIGN = (
    r"object (is|has)|NoneType|'(int|float|str|list|dict)'|indices|Expected|onvert|iterable|zip"
)


@pytest.mark.parametrize("form", FORMS)
def test_values_of_other_kinds_are_refused_in_our_words(form: str, tmp_path: Path) -> None:
    path, refused = tmp_path / form, list[tuple[str, str]]()
    for content, place in variants(FORMS[form]):
        lines = [content, FORMS[form]] if form.endswith("jsonl") else [content]
        path.write_text("\n".join(map(json.dumps, lines)))
        for reader in (read_events, read_labels):
            try:
                reader(path)
            except AudioLabelsError as error:
                refused.append((place, str(error)))
    assert len(refused) > 20
    for place, message in refused:
        assert path.name in message, place
        assert not re.search(FOREIGN, message), place


def test_json_lines_of_events_without_a_clip(tmp_path: Path) -> None:
    line = '{"onset": 0.5, "offset": 2, "label": "Dog"}\n'
    events = read(tmp_path, line, "dawn.jsonl")
    assert statements(events, place=False) == [("dawn", DOG, 500, 2000, "present")]
    assert by_clip(read_labels(tmp_path / "dawn.jsonl")) == {"dawn": {DOG}}


@pytest.mark.parametrize(
    ("content", "match"),
    [
        ('{"clip": "a.wav", "labels": "Dog"}\n', "no events: .* read as json-lines"),
        ('{"data": [{"wav": "a.wav", "labels": "Dog"}]}', "not an event file"),
        (EVENT_LINES.replace('"clip_duration"', '"score"'), "column score holds 5, 6"),
        (EVENT_LINES.replace("0.5", '"x"'), "line 2: onset is a number; before, it is a text"),
        (EVENT_LINES + "3\n", "line 5 is 3; expected an object"),
        (EVENT_LINES + "{\n", "line 5: not valid JSON"),
    ],
)
def test_lines_that_are_no_events(content: str, match: str, tmp_path: Path) -> None:
    with pytest.raises(AudioLabelsError, match=match):
        read_events(write(tmp_path, content, "e.jsonl"))


def test_a_table_is_expanded_from_the_stream(tmp_path: Path) -> None:
    path = tmp_path / "e.jsonl.gz"
    path.write_bytes(gzip.compress(EVENT_LINES.encode()))
    expand_files([path, write(tmp_path, jams(namespace("scaper", scaper("Dog", 0, 1))), "d.jams")],
                 tmp_path / "o.parquet", "strong-framed")  # fmt: skip
    clips = read_targets(tmp_path / "o.parquet").clip_id.to_pylist()
    assert {clip: clips.count(clip) for clip in clips} == {"a": 5, "b": 6, "c": 10, "d": 4}


@pytest.mark.shared
def test_a_real_scene_of_scaper(shared_data: Path) -> None:
    path = shared_data / "datasets" / "scaper.jams"
    aliases = {"siren": "Siren", "car_horn": "Vehicle horn, car horn, honking",
               "human_voice": "Human voice", "park": "Outside, rural or natural"}  # fmt: skip
    events = read_events(path, aliases=aliases)
    assert events.clip_id.to_pylist() == ["scaper"]
    assert (events.state == PRESENT).all()
    spans = [span for _, *span in events.events(0) or ()]
    assert spans == [[0.0, 10.0], [2.0, 7.0], [5.0, 5.688], [7.0, 7.967]]
    assert events.report.findings == []


def test_labels_of_a_supervision_may_be_a_list(tmp_path: Path) -> None:
    line = {"id": "u", "recording_id": "r", "start": 0, "duration": 2}
    path = write(
        tmp_path, json.dumps(line | {"custom": {"audio_event": ["Dog", "Music"]}}), "a.jsonl"
    )
    assert by_clip(read_labels(path)) == {"r": {DOG, MUSIC}}


def test_lines_without_any_clip_are_not_called_after_their_file(tmp_path: Path) -> None:
    line = '{"clip": null, "onset": 0, "offset": 1, "label": "Dog"}\n'
    with pytest.raises(LabelFileError, match=r"a.jsonl: none of the 1 rows.*the clip's id is null"):
        read_events(write(tmp_path, line, "a.jsonl"))
