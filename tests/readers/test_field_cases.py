"""Small inputs from the field that were once read wrongly, each with the right reading."""

import re
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from reader_support import parquet_bytes, write

from audiolabels import AudioLabelsError, read_events, read_labels, read_scores

LABELS = {
    "a start without an end": (
        "youtube_id,start_seconds,label,split\nabcdefghijk,17,Speech,train\n"
        "abcdefghijk,46,Dog,train\nmnopqrstuvw,30,Music,test\n",
        {
            "abcdefghijk_17000": {"Speech"},
            "abcdefghijk_46000": {"Dog"},
            "mnopqrstuvw_30000": {"Music"},
        },
    ),
    "a start and a duration, one row per clip": (
        'video_id,start,duration,labels\nabcdefghijk,1.5,10,"Speech,Dog"\n',
        {"abcdefghijk_1500": {"Speech", "Dog"}},
    ),
    "a column that means absent": (
        "video_id,label,modality,exists,confidence\nabcdefghijk_000030,Flute,A,False,1.0\n"
        "abcdefghijk_000030,Steelpan,AV,True,1.0\nabcdefghijk_000030,Dog,V,True,1.0\n",
        {"abcdefghijk_30000": {"Steelpan"}},
    ),
    "two files of one name": (
        "path,labels\nhome/001.wav,Speech\nstreet/001.wav,Dog\n",
        {"home/001": {"Speech"}, "street/001": {"Dog"}},
    ),
    "a clip's id beside the video's": (
        "video_id,clip_id,label\nabcdefghijk,c001,Speech\nabcdefghijk,c002,Dog\n",
        {"c001": {"Speech"}, "c002": {"Dog"}},
    ),
    "JSON lines": (
        '{"video_id": "abcdefghijk", "labels": ["Speech"]}\n'
        '{"video_id": "mnopqrstuvw", "labels": ["Dog"]}\n',
        {"abcdefghijk": {"Speech"}, "mnopqrstuvw": {"Dog"}},
    ),
    "JSON lines, a label each": (
        '{"file": "a.wav", "label": "Speech", "exists": true}\n'
        '{"file": "a.wav", "label": "Dog", "exists": false}\n',
        {"a": {"Speech"}},
    ),
    "names that begin with #": (
        "#97-113.wav,Dog\n#98-114.wav,Speech\n",
        {"#97-113": {"Dog"}, "#98-114": {"Speech"}},
    ),
    "names that begin with # and a space": (
        "filename,labels\n# 98.wav,Dog\n# a comment\n",
        {"# 98": {"Dog"}},
    ),
    "tags beside a label": ('filename,tags,label\na.wav,"Rain,Wind",Dog\n', {"a": {"Dog"}}),
    "numbered labels": (
        "filename,label_1,label_2,label_3\na.wav,Dog,,Speech\nb.wav,Rain,,\n",
        {"a": {"Dog", "Speech"}, "b": {"Rain"}},
    ),
    "addresses": (
        "url,label\nhttps://www.youtube.com/watch?v=abcdefghijk&t=30s,Dog\n",
        {"abcdefghijk_30000": {"Dog"}},
    ),
    "missing cells": (
        "filename,labels\na.wav,nan\nb.wav,NA\nc.wav,Dog\nnan,Rain\n",
        {"a": None, "b": None, "c": {"Dog"}},
    ),
    "names of twelve letters": (
        "filename,labels\nYellowhammer.wav,Bird\ncity_center_10_20.wav,Dog\n",
        {"Yellowhammer": {"Bird"}, "city_center_10_20": {"Dog"}},
    ),
}


@pytest.mark.parametrize("what", LABELS)
def test_labels(what: str, tmp_path: Path) -> None:
    content, right = LABELS[what]
    labels = read_labels(write(tmp_path, content, "labels"))
    found = {clip: labels.labels(i) for i, clip in enumerate(labels.clip_id.to_pylist())}
    assert {c: None if given is None else set(given) for c, given in found.items()} == right


@pytest.mark.parametrize(
    "clip",
    [
        pa.array(["abcdefghijk", "mnopqrstuvw"]),
        pa.array(["abcdefghijk", "mnopqrstuvw"]).dictionary_encode(),
        pa.array(["abcdefghijk", "mnopqrstuvw"], pa.string_view()),
    ],
    ids=lambda clip: str(clip.type)[:10],
)
def test_parquet_has_the_columns_of_the_csv(clip: pa.Array, tmp_path: Path) -> None:
    columns = {
        "YTID": clip,
        "start_seconds": pa.array([30.0, 5.0]),
        "end_seconds": pa.array([40.0, 15.0]),
        "positive_labels": pa.array(["/m/09x0r,/m/0bt9lr", "/m/04rlf"]),
    }
    labels = read_labels(write(tmp_path, parquet_bytes(columns), "labels.parquet"))
    assert labels.clip_id.to_pylist() == ["abcdefghijk_30000", "mnopqrstuvw_5000"]
    assert labels.offset.to_pylist() == [10, 10]
    assert [labels.labels(row) for row in range(2)] == [("Speech", "Dog"), ("Music",)]


EVENTS = {
    "names with two numbers": (
        "filename\tonset\toffset\tevent_label\nrecording_1_1_3.wav\t3.0\t5.0\tSpeech\n"
        "city_center_10_20.wav\t4.0\t9.0\tDog\ncity_center_00_10.wav\t4.0\t9.0\tDog\n",
        {
            "recording_1_1_3": (("Speech", 3.0, 5.0),),
            "city_center_10_20": (("Dog", 4.0, 9.0),),
            "city_center_00_10": (("Dog", 4.0, 9.0),),
        },
    ),
    "DCASE's five columns": (
        "audio/street/b1.wav\tstreet\t0.19\t2.56\tSpeech\n"
        "audio/street/b1.wav\tstreet\t2.42\t4.54\tDog\n",
        {"b1": (("Speech", 0.19, 2.56), ("Dog", 2.42, 4.54))},
    ),
    "a clip without events": (
        "a.wav\t0.5\t2.0\tSpeech\nb.wav\n",
        {"a": (("Speech", 0.5, 2.0),), "b": ()},
    ),
    "durations": (
        "filename,onset,duration,label\na.wav,1,2.5,Dog\n",
        {"a": (("Dog", 1.0, 3.5),)},
    ),
}


@pytest.mark.parametrize("what", EVENTS)
def test_events(what: str, tmp_path: Path) -> None:
    content, right = EVENTS[what]
    events = read_events(write(tmp_path, content, "events"))
    assert events.report.findings == []
    assert set(events.duration_ms.tolist()) == {10_000}
    found = {clip: events.events(row) for row, clip in enumerate(events.clip_id.to_pylist())}
    assert found == right


REFUSED = {
    "class numbers of one's own": (
        "filename,labels,duration\nclip1.wav,3,5.0\nclip2.wav,0,5.0\n",
        "'3' (row 2), '0' (row 3). They are numbers of an unknown class list",
    ),
    "an unknown column of clips": (
        "id,label,audible,visible\nabcdefghijk_000030.mp4,Speech,True,False\n",
        "no column of clips; columns are id, label, audible, visible; name it clip_id",
    ),
    "scores in the last column": (
        "a.wav,Speech,0.02\nb.wav,Dog,0.97\n",
        "the last column looks like scores from 0 to 1 (0.02)",
    ),
    "scores after events": (
        "a.wav\t0.5\t2.0\tSpeech\t0.3\n",
        "the last column looks like scores from 0 to 1 (0.3)",
    ),
    "a start in milliseconds": (
        "youtube_id,start_ms,label\nabcdefghijk,17000,Speech\n",
        "column start_ms looks like the clip's start in its video. If it is, use --columns "
        "start=start_ms (and --time-unit ms",
    ),
    "a table without labels": (
        "filename,target\na.wav,3\n",
        "no column of labels; columns are filename, target",
    ),
    "what raters think of a label": (
        "clip_id,label,is_correct\na,Dog,1\nb,Dog,0\n",
        "column is_correct may change what a label means",
    ),
    "values beside labels": (
        "clip_id,label,confidence\na,Dog,0.9\nb,Dog,1\n",
        "column confidence holds 0.9. Use --values soft or a threshold",
    ),
    "several raters": (
        "clip_id,label,annotator\na,Dog,x\na,Rain,y\n",
        "column annotator holds x, y",
    ),
    "raters in columns": (
        "clip,label,labeler_0,labeler_1\na,Dog,True,False\n",
        "column labeler_0 holds True. Use --raters mean",
    ),
}


@pytest.mark.parametrize("what", REFUSED)
def test_refused_labels(what: str, tmp_path: Path) -> None:
    content, message = REFUSED[what]
    with pytest.raises(AudioLabelsError, match=re.escape(message)):
        read_labels(write(tmp_path, content))


def test_values_of_events_are_refused_too(tmp_path: Path) -> None:
    content = "filename,onset,offset,label,value\na.wav,0,1,Dog,0.05\n"
    with pytest.raises(AudioLabelsError, match=r"column value holds 0\.05"):
        read_events(write(tmp_path, content))
    read = read_events(write(tmp_path, content), columns="ignored=value")
    assert read.events(0) == (("Dog", 0.0, 1.0),)


def test_clip_lengths_in_milliseconds_are_refused(tmp_path: Path) -> None:
    events = "filename,onset,offset,label,clip_duration\na.wav,0,1,Dog,10000\nb.wav,0,1,Dog,9000\n"
    with pytest.raises(AudioLabelsError, match=r"2 of 2 rows last 1,000 seconds or more"):
        read_events(write(tmp_path, events))
    one = write(tmp_path, "filename,onset,offset,label\na.wav,0,1,Dog\n")
    lengths = write(tmp_path, "filename,duration\na.wav,10000\n", "lengths.csv")
    with pytest.raises(AudioLabelsError, match=r"1 of 1 clips last 1,000 seconds or more"):
        read_events(one, clip_durations=lengths)


def test_scores_in_percent_are_no_logits(tmp_path: Path) -> None:
    path = tmp_path / "scores.npz"
    scores = np.array([[97.0, 2.0, 1.0], [0.0, 50.0, 50.0]])
    np.savez(path, clip_id=["a", "b"], scores=scores, classes=["Speech", "Dog", "Music"])
    with pytest.raises(AudioLabelsError, match=r"scores from 0 to 97 .*Divide percentages by 100"):
        read_scores(path)
    assert read_scores(path, values="logits").scores.max() > 0.99


def test_a_filtered_file_may_lack_rows_that_its_header_announces(tmp_path: Path) -> None:
    path = write(tmp_path, "# num_segs=3\n# YTID, start_seconds, end_seconds, positive_labels\n"
                 'abcdefghijk, 30.000, 40.000, "/m/09x0r"\n')  # fmt: skip
    with pytest.raises(AudioLabelsError, match="--missing-rows accept"):
        read_labels(path)
    assert len(read_labels(path, missing_rows="accept")) == 1


def test_classes_of_ones_own_have_aliases(tmp_path: Path) -> None:
    path = write(tmp_path, "filename,label\na.wav,Dishes\na.wav,Running_water\n")
    with pytest.raises(AudioLabelsError, match=r"'Dishes' \(row 2; .*--aliases FILE"):
        read_labels(path)
    own = {"Dishes": "Dishes, pots, and pans", "Running_water": "/m/02jz0l"}
    assert read_labels(path, aliases=own).labels(0) == (
        "Dishes, pots, and pans",
        "Water tap, faucet",
    )
    text = 'label,class\nDishes,"Dishes, pots, and pans"\nRunning_water,/m/02jz0l\n'
    file = write(tmp_path, text, "aliases.csv")
    assert read_labels(path, aliases=file).labels(0) == read_labels(path, aliases=own).labels(0)
    with pytest.raises(AudioLabelsError, match="row 2 is not a label and its one class"):
        read_labels(path, aliases=write(tmp_path, "label,class\nDishes\n", "bad.csv"))
    with pytest.raises(AudioLabelsError, match="aliases: expected a mapping or the path of a file"):
        read_labels(path, aliases=3)
    with pytest.raises(AudioLabelsError, match="no class matches 'Dishs'"):
        read_labels(path, aliases={"Dishes": "Dishs"})


def test_names_taken_for_videos_are_noted(tmp_path: Path) -> None:
    text = "filename,labels\nYs9d-2nhuJCQ.wav,Dog\nstreet.wav,Rain\n"
    (note,) = read_labels(write(tmp_path, text)).report.notes
    assert note.endswith("YouTube clips, such as Ys9d-2nhuJCQ.wav for s9d-2nhuJCQ")
    (note,) = read_labels(write(tmp_path, "clip_id,labels\ns9d-2nhuJCQ_0,Dog\n")).report.notes
    assert "YouTube" not in note


@pytest.mark.parametrize("start", ["17", "a website"])
def test_a_start_that_is_not_used_is_named(start: str, tmp_path: Path) -> None:
    text = f"filename,from,label\na.wav,{start},Speech\na.wav,46,Dog\n"
    labels = read_labels(write(tmp_path, text))
    assert (labels.clip_id.to_pylist(), labels.labels(0)) == (["a"], ("Speech", "Dog"))
    assert labels.report.findings == []
    assert labels.report.notes[0].endswith("columns not used: from")


def test_times_that_are_not_used_are_named(tmp_path: Path) -> None:
    text = "filename,onset,offset,event_label\na.wav,0,1,Dog\n"
    (note,) = read_labels(write(tmp_path, text)).report.notes
    assert note.endswith("columns not used: onset, offset")


def test_arrays_and_columns_of_scores_that_are_not_used_are_named(tmp_path: Path) -> None:
    arrays = {"clip_id": ["a"], "scores": [[0.5]], "classes": ["Dog"], "mask": [[0]]}
    np.savez(tmp_path / "s.npz", **{name: np.array(value) for name, value in arrays.items()})
    (note, *_) = [n for n in read_scores(tmp_path / "s.npz").report.notes if "not used" in n]
    assert note.endswith("; not used: mask")
    table = pa.table({"clip_id": ["a"], "scores": [[0.5]], "extra": [1]})
    path = tmp_path / "s.parquet"
    pq.write_table(table.replace_schema_metadata({"classes": '["Dog"]'}), path)
    (note, *_) = [n for n in read_scores(path).report.notes if "not used" in n]
    assert note.endswith("; not used: extra")
