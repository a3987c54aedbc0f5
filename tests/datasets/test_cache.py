"""Names of cached files, wherever an input file is named."""

import sys
from pathlib import Path

import pytest

from audiolabels import (
    compare,
    expand_files,
    load_ontology,
    load_vocabulary,
    read_events,
    read_info,
    read_labels,
)
from audiolabels.comparison import compare_files
from audiolabels.datasets import cache_folder, find_file, find_files
from audiolabels.errors import FetchError, InputTypeError, OptionError

SEGMENTS = """\
# num_segs=2
# YTID, start_seconds, end_seconds, positive_labels
--PJHxphWEs, 30.000, 40.000, "/m/09x0r,/t/dd00088"
--ZhevVpy1s, 50.000, 60.000, "/m/012xff"
"""
FILES = {
    "audioset/eval_segments.csv": SEGMENTS,
    "audioset/class_labels_indices.csv": 'index,mid,display_name\n0,/m/09x0r,"Speech"\n',
    "audioset-strong/audioset_eval_strong.tsv": (
        "segment_id\tstart_time_seconds\tend_time_seconds\tlabel\n"
        "--PJHxphWEs_30000\t1.0\t2.0\t/m/09x0r\n"
    ),
    "audioset-strong/audioset_eval_strong_framed_posneg.tsv": (
        "segment_id\tstart_time_seconds\tend_time_seconds\tlabel\tpresent\n"
        "--PJHxphWEs_30000\t0.0\t0.96\t/m/04rlf\tNOT_PRESENT\n"
    ),
    "audioset-ontology/ontology.json": (
        '[{"id": "/m/09x0r", "name": "Speech", "child_ids": [], "restrictions": []}]'
    ),
}


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder to work in, with a filled cache in it."""
    for name, text in FILES.items():
        path = tmp_path / "cache" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    monkeypatch.setenv("AUDIOLABELS_CACHE", str(tmp_path / "cache"))
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_a_name_means_the_file_in_the_cache(folder: Path) -> None:
    cached = folder / "cache" / "audioset" / "eval_segments.csv"
    assert find_file("labels", "audioset:eval") == cached
    assert find_files("labels", [Path("audioset:eval"), "other.csv"]) == [cached, Path("other.csv")]


def test_a_file_of_that_name_comes_first(folder: Path) -> None:
    for name in ("audioset:eval", "audioset"):
        (folder / name).write_text(SEGMENTS)
        assert find_file("labels", name) == Path(name)


def test_other_names_with_colons_are_paths(folder: Path) -> None:
    (folder / "data:1.csv").write_text("clip_id,labels\na,Guitar\n")
    assert len(read_labels("data:1.csv")) == 1
    for name in ("data:2.csv", "C:\\audioset:eval", "./audioset:eval", ":eval"):
        assert find_file("labels", name) == Path(name)


def test_a_file_that_was_not_fetched_is_named_with_the_command() -> None:
    with pytest.raises(FetchError, match=r"audioset:qa: not in .*: audiolabels fetch audioset:qa$"):
        read_labels("audioset:qa")


def test_a_data_set_without_part_or_with_a_wrong_one_is_refused() -> None:
    with pytest.raises(
        OptionError, match=r"label files: audioset is a data set; .* audioset:eval, a"
    ):
        read_labels("audioset")
    with pytest.raises(OptionError, match=r"part of audioset 'evil' is not offered"):
        read_labels("audioset:evil")
    with pytest.raises(InputTypeError, match="labels: expected a path; got 3"):
        find_file("labels", 3)  # type: ignore[arg-type]


def test_every_reader_takes_names(folder: Path) -> None:
    labels = read_labels("audioset:eval")
    assert labels.report.sources[0]["name"] == "eval_segments.csv"
    assert len(labels) == 2
    assert len(load_ontology("audioset-ontology:ontology")) == 1
    assert load_vocabulary("audioset:classes").ids == ("/m/09x0r",)
    assert str(compare_files("audioset:eval", "audioset:eval")) == str(compare(labels, labels))
    events = read_events("audioset-strong:eval", explicit_negatives="audioset-strong:eval_framed")
    assert events.clip_id.to_pylist() == ["--PJHxphWEs_30000"]
    expand_files("audioset:eval", "o.parquet")
    assert read_info("o.parquet")["sources"][0]["name"] == "eval_segments.csv"


def test_the_cache_is_the_users_without_the_variable(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AUDIOLABELS_CACHE", "~/labels")
    assert cache_folder() == Path.home() / "labels"
    monkeypatch.setenv("AUDIOLABELS_CACHE", "")
    monkeypatch.setenv("XDG_CACHE_HOME", "/somewhere")
    if sys.platform == "linux":
        assert cache_folder() == Path("/somewhere/audiolabels")
        monkeypatch.delenv("XDG_CACHE_HOME")
        assert cache_folder() == Path.home() / ".cache" / "audiolabels"
