"""Tasks of Label Studio, annotated as its interface does, and read again as labels."""

import json
import xml.etree.ElementTree as ET
from collections.abc import Callable
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import pytest
from export_support import framed_targets
from export_support import sample_targets as sample
from export_support import strange_targets as strange

from audiolabels import Annotations, Targets, Vocabulary, expand, export, read_labels
from audiolabels.errors import OptionError
from audiolabels.targets.targets import SoftTargets


def finished(tasks: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """The JSON export of a project whose annotators submitted the predictions as they are."""
    done = []
    for number, task in enumerate(tasks, 1):
        result = [own for each in task["predictions"] for own in each["result"]]
        annotation = {"id": number, "was_cancelled": False, "result": result, "lead_time": 2.5}
        own = [annotation] if result else []
        done.append({"id": number, "annotations": own, "predictions": [number], **task})
    return [{**each, "predictions": [], "drafts": [], "meta": {}} for each in done]


@pytest.mark.parametrize("make", [sample, strange])
@pytest.mark.parametrize("scheme", ["weak", "pe-cml"])
def test_tasks_are_read_again_once_they_are_annotated(
    make: Callable[..., Targets], scheme: str, tmp_path: Path
) -> None:
    targets, path = make(scheme), tmp_path / "tasks.json"
    done = export(targets, "label-studio", path)
    tasks = json.loads(path.read_text("utf-8"))
    config = ET.parse(tmp_path / "tasks_config.xml").getroot()
    offered = [choice.get("value") for choice in config.iter("Choice")]
    assert offered == list(targets.vocabulary.names)
    names = {each.get("name"): each for each in config}
    assert done.files == {path: len(targets), tmp_path / "tasks_config.xml": len(offered)}
    table = targets.to_pandas()
    for task, (_, row) in zip(tasks, table.iterrows(), strict=True):
        data = task["data"]
        assert data["clip_id"] == row["clip_id"]
        assert unquote(data["audio"]) == f"/data/local-files/?d={row['clip_id']}.wav"
        assert data["masked"] == "; ".join(row["masked"])
        chosen = []
        for result in (own for each in task["predictions"] for own in each["result"]):
            assert names[result["from_name"]].get("toName") == result["to_name"] == "audio"
            chosen += result["value"]["choices"]
        assert chosen == row["positive"]
    (tmp_path / "export.json").write_text(json.dumps(finished(tasks)), "utf-8")
    again = read_labels(tmp_path / "export.json")
    right = {row["clip_id"]: set(row["positive"]) for _, row in table.iterrows()}
    right = {clip: own for clip, own in right.items() if own}
    assert {i: set(own) for i, own in zip(again.clip_id.to_pylist(), again, strict=True)} == right
    reasons = {(f.kind, f.reason) for f in again.report.findings}
    assert reasons <= {("row unused", "not annotated yet")}


def test_addresses(tmp_path: Path) -> None:
    labels = {"a b#c": ["Dog"], "abcdefghijk_0": ["Cat"], "abcdefghijk_9000": ["Rain"]}
    targets, path = expand(Annotations.from_dict(labels), "weak"), tmp_path / "tasks.json"
    export(targets, "label-studio", path, audio_url="https://x.org/a?f={clip}.flac")
    found = [task["data"]["audio"] for task in json.loads(path.read_text("utf-8"))]
    assert found[:2] == [
        "https://x.org/a?f=a%20b%23c.flac", "https://x.org/a?f=abcdefghijk_0.flac"
    ]  # fmt: skip
    done = export(targets, "label-studio", path, audio_url="https://x.org/{id}.wav")
    assert done.left_out == {"clips that share their name": 2}
    with pytest.raises(OptionError, match=r"a name needs \{id\} or \{clip\} in it"):
        export(targets, "label-studio", path, audio_url="https://x.org/a.wav")


def test_names_that_need_escaping(tmp_path: Path) -> None:
    odd = Vocabulary("odd", ("/m/0bt9lr", "/m/01yrx"), ('<a> & "b"', "]]>\u202e"))
    targets = expand(Annotations.from_dict({"a": ["Dog"]}), "weak", vocabulary=odd)
    export(targets, "label-studio", tmp_path / "tasks.json")
    config = ET.parse(tmp_path / "tasks_config.xml").getroot()
    assert [choice.get("value") for choice in config.iter("Choice")] == list(odd.names)


def test_what_is_refused(tmp_path: Path) -> None:
    path, labels = tmp_path / "tasks.json", Annotations.from_dict({"a": ["Dog"]})
    with pytest.raises(OptionError, match="one task per clip, and these are frames"):
        export(framed_targets(), "label-studio", path)
    for names, message in ((("x", "x"), "labels that differ"), (("x", "y\0"), "cuts labels")):
        odd = Vocabulary("odd", ("/m/0bt9lr", "/m/01yrx"), names)
        with pytest.raises(OptionError, match=message):
            export(expand(labels, "weak", vocabulary=odd), "label-studio", path)
    rated = read_labels({"clip": ["a"], "label": ["Dog"], "confidence": [0.5]}, values="soft")
    soft = expand(rated, "weak")
    assert isinstance(soft, SoftTargets)
    with pytest.raises(OptionError, match="label-studio is made from Targets"):
        export(soft, "label-studio", path)
    assert not [*tmp_path.iterdir()]
