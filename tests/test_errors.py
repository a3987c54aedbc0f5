"""What a caller reads who gives something of the wrong type, or a name that no class has."""

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import audiolabels
from audiolabels import (
    Annotations,
    AudioLabelsError,
    Events,
    LabelSource,
    Scores,
    compare,
    expand,
    expand_files,
    load_ontology,
    load_vocabulary,
    read_events,
    read_labels,
    read_scores,
    read_targets,
    write_targets,
)
from audiolabels.errors import (
    InputTypeError,
    OptionError,
    ScoresFileError,
    UnknownLabelError,
    VocabularyError,
    choose,
    expect,
    nearest,
    shortlist,
)
from audiolabels.metrics import analyse_scores
from audiolabels.readers import write_scores
from audiolabels.splitting import split_by_root
from audiolabels.targets import read_info

TARGETS = expand(Annotations.from_dict({"a": ["Guitar"]}), "weak", vocabulary=["Guitar"])
WRONG_TYPES: dict[str, tuple[Callable[[], Any], str]] = {
    "a vocabulary": (lambda: load_vocabulary(527), r"expected a name, .*; got 527 \(int\)"),
    "an ontology": (lambda: load_ontology(1), r"expected the path of an ontology.json; got 1 "),
    "a class": (lambda: load_ontology().find(3), r"expected an id or a name; got 3 \(int\)"),
    "a label file": (lambda: read_labels(123), r"label files: expected a path or .*; got 123 "),
    "no label file": (lambda: read_labels(None), r"label files: expected a path .*; got None\."),
    "a label file among": (lambda: read_labels(["a.csv", 3]), r"expected a path; got 3 \(int\)"),
    "an event file": (lambda: read_events(1.5), r"event files: expected a path .*; got 1.5 "),
    "scores": (lambda: read_scores(None), r"scores: expected a path; got None\."),
    "targets": (lambda: read_targets(3.5), r"targets file: expected a path; got 3.5 \(float\)"),
    "no targets": (lambda: read_info(None), r"targets file: expected a path; got None$"),
    "a source": (lambda: audiolabels.open(None), r"targets file: expected a path; got None$"),
    "targets of a source": (lambda: LabelSource("a"), r"expected targets, .*; got 'a' \(str\)"),
    "targets to write": (lambda: write_targets(3, "a"), r"expected targets, .*; got 3 \(int\)"),
    "an output": (lambda: write_targets(TARGETS, 3), r"output: expected a path; got 3 \(int\)"),
    "files to expand": (lambda: expand_files(3, "a.parquet"), r"inputs: expected a path or a list"),
    "a place to expand to": (lambda: expand_files("a.csv", None), r"output: .*; got None$"),
    "clips of scores": (lambda: Scores.from_arrays(None, []), r"clip_id: expected a list of clip"),
    "scores to write": (lambda: write_scores(3, "a"), r"expected scores, .*; got 3 \(int\)"),
    "scores to analyse": (lambda: analyse_scores(3), r"expected scores, or .*; got 3 \(int\)"),
    "a side": (lambda: compare("a", TARGETS), r"expected annotations or targets; got 'a' \(str\)"),
    "labels to split": (lambda: split_by_root(3, "Music"), r"expected annotations, .*; got 3 "),
    "labels": (lambda: Annotations.from_dict(None), r"expected a dictionary .*; got None$"),
    "labels of a clip": (lambda: Annotations.from_dict({"a": 3}), r"clip 'a': expected a list of "),
    "a text as labels": (lambda: Annotations.from_dict({"a": "Dog"}), r"clip 'a': .*; got 'Dog' "),
    "events": (lambda: Events.from_dict(["a"]), r"expected a dictionary .*; got \['a'\] \(list\)"),
    "events of a clip": (lambda: Events.from_dict({"a": 3}), r"clip 'a': expected a list of even"),
    "an event": (lambda: Events.from_dict({"a": [3]}), r"clip 'a': expected an event .*; got 3 "),
}
SWAPPED = ((1.0, 3.5, "Guitar"), ("Guitar", 1.0), ("Guitar", "one", 3.5))


@pytest.mark.parametrize("case", WRONG_TYPES)
def test_a_wrong_type_is_met_with_what_is_expected(case: str) -> None:
    call, message = WRONG_TYPES[case]
    with pytest.raises(InputTypeError, match=message) as caught:
        call()
    assert isinstance(caught.value, TypeError)


@pytest.mark.parametrize("event", SWAPPED)
def test_an_event_out_of_order_is_named_with_clip_and_order(event: Any) -> None:
    message = r"clip 'a': expected an event \(label, onset, offset\), .*; got \("
    with pytest.raises(InputTypeError, match=message):
        Events.from_dict({"a": [event]})


def test_a_label_that_the_ontology_lacks_is_named_with_its_place_and_the_nearest(
    tmp_path: Path,
) -> None:
    message = r"the ontology lacks 'Gitar' \(clip 'b'; the nearest: Guitar; Sitar; Bass guitar\)$"
    with pytest.raises(UnknownLabelError, match=message):
        Annotations.from_dict({"a": ["Guitar"], "b": ["Gitar"]})
    with pytest.raises(UnknownLabelError, match=message):
        Events.from_dict({"b": [("Gitar", 0, 1)]})
    with pytest.raises(VocabularyError, match=r"'gitar' \(the nearest: Guitar; Sitar; Bass"):
        load_vocabulary(["gitar"])
    (tmp_path / "labels.csv").write_text("clip,labels\na,Guitar\nb,Gitar\n", encoding="utf-8")
    with pytest.raises(UnknownLabelError, match=r"'Gitar' \(row 3; the nearest: Guitar; Sitar"):
        read_labels(tmp_path / "labels.csv")


def test_of_many_labels_that_the_ontology_lacks_five_are_named() -> None:
    many = [f"class {i}" for i in range(4000)]
    with pytest.raises(UnknownLabelError, match=r"'class 4' \([^)]*\) and 3,995 more$"):
        Annotations.from_dict({"a": many})


def test_an_option_that_is_not_offered_suggests_the_nearest() -> None:
    message = "scheme 'pecml' is not offered; choose one of weak, pe-cml; did you mean 'pe-cml'?"
    with pytest.raises(OptionError, match=re.escape(message)):
        choose("scheme", "pecml", ["weak", "pe-cml"])
    with pytest.raises(OptionError, match=r"choose one of weak, pe-cml$"):
        choose("scheme", "xyz", ["weak", "pe-cml"])
    with pytest.raises(VocabularyError, match=r"did you mean 'audioset'\?$"):
        load_vocabulary("audiset")


def test_labels_that_a_scheme_does_not_read_are_named() -> None:
    with pytest.raises(OptionError, match="'pel' needs Annotations, not str: read the files with"):
        expand("labels.csv", "pel", mapping="esc50")
    with pytest.raises(OptionError, match="'pe-cml' needs Annotations, not str: read the files"):
        expand("labels.csv")
    with pytest.raises(OptionError, match=r"no option 'parent'; .*; did you mean 'parents'\?"):
        expand(Annotations.from_dict({}), "pel", parent="all")


def test_the_nearest_names_are_few_and_ignore_case() -> None:
    assert nearest("GITAR", ["Guitar", "Rain"]) == ["Guitar"]
    assert len(nearest("Guitar", [f"Guitar {i}" for i in range(9)])) == 4
    assert nearest("", ["Guitar"]) == []


def test_a_text_is_no_list_of_labels() -> None:
    expect("labels", "Dog", str | list, "labels")
    with pytest.raises(InputTypeError, match=r"labels: expected labels; got 'Dog' \(str\)"):
        expect("labels", "Dog", list | tuple, "labels")


def test_shortlist_shows_no_more_items_than_it_names() -> None:
    shown: list[str] = []
    text = shortlist("abcdefg", limit=2, show=lambda item: shown.append(item) or item.upper())
    assert (text, shown) == ("A, B and 5 more", ["a", "b"])


def test_errors_of_values_name_the_clip() -> None:
    with pytest.raises(OptionError, match="clip 'b': a clip of -1 seconds"):
        Events.from_dict({"a": [], "b": []}, duration={"a": 3, "b": -1})
    with pytest.raises(
        ScoresFileError, match=r"clip 'b': a score is not a number from 0 to 1: 1\.5"
    ):
        Scores.from_arrays(["a", "b"], [[0.5], [1.5]], classes=["Guitar"])


def test_all_errors_are_of_one_family() -> None:
    assert audiolabels.AudioLabelsError is AudioLabelsError
    with pytest.raises(AudioLabelsError, match="scores of shape"):
        Scores.from_arrays(["a"], [[0.5, 0.5]], classes=["Guitar"])
