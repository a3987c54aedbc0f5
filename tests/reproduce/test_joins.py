"""The script that joins seven data sets runs from label files to a page, on a few rows of each."""

import gzip
import importlib
import json
from pathlib import Path

import pytest

SCRIPTS = Path(__file__).resolve().parents[2] / "benchmarks" / "reproduce"
FILES = {
    "audioset/balanced_train_segments.csv": (
        '# made up\n# made up\n# YTID, start_seconds, end_seconds, positive_labels\n'
        'abcdefghijk, 0.000, 10.000, "/m/0bt9lr"\n'
    ),
    "datasets/desed_public.tsv": (
        "filename\tonset\toffset\tevent_label\na.wav\t0.5\t2.0\tDog\na.wav\t3.0\t4.0\tDog\n"
    ),
    "datasets/esc50.csv": "filename,fold,target,category\n1-100032-A-0.wav,1,0,dog\n",
    "datasets/UrbanSound8K.csv": "slice_file_name,fold,class\n1-0-0-0.wav,1,siren\n",
    "datasets/openmic_labels.csv": "filepath,instrument\n000046_3840.ogg,clarinet\n",
    "datasets/maestro_cafe_14.txt": "0.0\t1.0\tfootsteps\t0.4\n0.0\t1.0\tfurniture dragging\t0.1\n",
}  # fmt: skip


def test_a_row_for_each_data_set_and_policy(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.syspath_prepend(SCRIPTS)
    for name, text in FILES.items():
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(text, "utf-8")
    relabelled = {"data": [{"wav": "abcdefghijk.wav", "labels": "/m/0bt9lr,/m/06mb1"}]}
    with gzip.open(tmp_path / "datasets" / "audioset_r_eval.json.gz", "wt") as file:
        json.dump(relabelled, file)
    page, results = tmp_path / "page.md", tmp_path / "results.json"
    page.write_text("# Before\n\n<!-- measured -->\nold\n<!-- end -->\n\nAfter.\n", "utf-8")
    script = importlib.import_module("joins")
    script.main([str(tmp_path), "--results", str(results), "--page", str(page)])
    found = json.loads(results.read_text("utf-8"))
    assert list(found) == list(script.POLICIES)
    for sources in found.values():
        assert list(sources) == list(script.SOURCES)
        for counts in sources.values():
            states = (counts[n] for n in ("positive", "negative", "unknown"))
            assert sum(states) == counts["clips"] * 527 == 527
    weak, certain = found["weak"], found["pel, certain"]
    assert [counts["positive"] for counts in weak.values()] == [1, 2, 1, 1, 1, 1, 1]
    assert weak["OpenMIC"]["negative"] == 0
    assert weak["AudioSet, balanced"]["covered"] == 527
    assert certain["DESED, public"]["positive"] == 3  # Dog, Animal, Domestic animals, pets
    text = page.read_text("utf-8")
    assert text.startswith("# Before\n\n<!-- measured -->\n")
    assert text.endswith("<!-- end -->\n\nAfter.\n")
    assert "| AudioSet, balanced | weak | 1 | 1 | 526 | 0 | 527 |" in text
