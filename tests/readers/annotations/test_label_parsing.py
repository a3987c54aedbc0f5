"""Label texts: how they are split and looked up, and what is reported."""

import csv
import io
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from reader_support import (
    DOG,
    GUITAR,
    MUSIC,
    ONTOLOGY,
    SPEECH,
    Reader,
    by_clip,
    findings,
    ids,
    write,
)

from audiolabels.errors import UnknownLabelError
from audiolabels.readers import BlockSizes, read_labels
from audiolabels.readers.annotations.label_parsing import LabelResolver


def test_names_in_one_cell_come_apart_with_or_without_a_space(read: Reader) -> None:
    for text in ("Dog,Music", "Dog, Music"):
        assert by_clip(read(f'clip,label\na,"{text}"\n')) == {"a": {DOG, MUSIC}}


NAMES = sorted({c.name for c in ONTOLOGY.classes})
NAMES_WITH_COMMAS = [name for name in NAMES if "," in name]
WHACK, MALE = (ONTOLOGY.resolve(n) for n in ("Whack, thwack", "Male speech, man speaking"))


def csv_line(*cells: str) -> str:
    buffer = io.StringIO()
    csv.writer(buffer, lineterminator="\n").writerow(cells)
    return buffer.getvalue()


@pytest.mark.parametrize(
    "text",
    [
        "Speech,Music",
        "Music, Speech",
        "/m/09x0r,/m/04rlf",
        "Speech,/m/04rlf",
        "Speech;Music",
        " Speech ; Music ; ",
        "Speech|Music",
        "Speech,,Music,",
        "['Speech', 'Music']",
        '["Speech", "Music"]',
        "['/m/09x0r','/m/04rlf']",
        '"Speech","Music"',
        "'Speech','Music'",
    ],
)
def test_labels_are_separated_in_many_ways(text: str, read: Reader) -> None:
    labels = read("clip_id,labels\n" + csv_line("a", text))
    assert by_clip(labels) == {"a": {SPEECH, MUSIC}}
    assert labels.report.findings == []


@pytest.mark.parametrize(
    "text",
    [
        "['Speech', 'Music]",
        "['Speech, 'Music']",
        "['Speech', Music]",
        "['Speech' Music]",
        "[Speech, Music]",
        "[/m/09x0r,/m/04rlf]",
    ],
)
def test_no_label_of_a_list_is_lost_without_a_word(text: str, read: Reader) -> None:
    content = "clip_id,labels\nb,Dog\n" + csv_line("a", text)
    labels = read(content, unknown="drop")
    told = {f.kind for f in labels.report.findings if f.row == 3} & {"label dropped", "row unused"}
    assert told or by_clip(labels) == {"b": {DOG}, "a": {SPEECH, MUSIC}}


def test_the_columns_of_a_spread_row_are_its_labels(read: Reader) -> None:
    text = (
        'YTID,start_seconds,end_seconds,positive_labels,,\naaaaaaaaaaa,0,9," ""/m/04rlf",/m/09x0r,'
        '"/m/0342h"""\nbbbbbbbbbbb,0,9,/m/04rlf,,\nccccccccccc,0,9,"""/m/04rlf""",,,,\n'
    )
    assert by_clip(read(text)) == {
        "aaaaaaaaaaa_0": {MUSIC, SPEECH, GUITAR},
        "bbbbbbbbbbb_0": {MUSIC},
        "ccccccccccc_0": {MUSIC},
    }


@pytest.mark.parametrize("name", NAMES_WITH_COMMAS)
def test_a_name_with_commas_is_one_label_in_every_form(name: str) -> None:
    right = (ONTOLOGY.resolve(name),)
    split = LabelResolver(ONTOLOGY).split
    one = LabelResolver(ONTOLOGY, one_label=True).split
    for labels in (split(name), split(f"{name};"), split(repr([name])), one(name)):
        assert tuple(map(ONTOLOGY.resolve, labels)) == right


@given(st.lists(st.sampled_from(NAMES), min_size=1, max_size=5, unique=True))
def test_names_joined_by_semicolons_come_apart_again(names: list[str]) -> None:
    assert LabelResolver(ONTOLOGY).split(";".join(names)) == tuple(names)


@given(st.lists(st.sampled_from(NAMES_WITH_COMMAS), min_size=1, max_size=5, unique=True))
def test_names_joined_by_commas_come_apart_again(names: list[str]) -> None:
    assert LabelResolver(ONTOLOGY).split(", ".join(names)) == tuple(names)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=40)
@given(
    names=st.lists(st.sampled_from(NAMES), min_size=1, max_size=5, unique=True),
    separator=st.sampled_from(",;|"),
)
def test_names_survive_every_separator(names: list[str], separator: str, tmp_path: Path) -> None:
    content = "clip_id\tlabels\na\t" + separator.join(names) + "\n"
    labels = read_labels(write(tmp_path, content), ontology=ONTOLOGY)
    assert ids(labels, 0) == {ONTOLOGY.resolve(name) for name in names}


@pytest.mark.parametrize(
    "line",
    [
        "a,Whack, thwack;Male speech, man speaking\n",
        "a,Whack, thwack|Male speech, man speaking\n",
        "a,Whack, thwack,Male speech, man speaking\n",
        'a,"Whack, thwack",Male speech,man speaking\n',
    ],
)
def test_names_with_commas_need_no_quotes_in_the_last_column(line: str, read: Reader) -> None:
    assert by_clip(read("clip_id,labels\n" + line)) == {"a": {WHACK, MALE}}


def test_the_longest_name_wins_where_names_overlap(read: Reader) -> None:
    longer, shorter = (ONTOLOGY.resolve(n) for n in ("Gurgling, bubbling", "Stream"))
    labels = read('clip_id,labels\na,"Gurgling, bubbling, Stream"\n')
    assert by_clip(labels) == {"a": {longer, shorter}}


def test_a_label_column_of_one_label_a_row_keeps_commas(read: Reader) -> None:
    labels = read('clip,label\na,"Male speech, man speaking"\na,Whack, thwack\nb,Dog\n')
    assert by_clip(labels) == {"a": {MALE, WHACK}, "b": {DOG}}


@pytest.mark.parametrize(
    ("label", "id_"),
    [
        ("Electric_guitar", "/m/02sgy"),
        ("Male_speech_and_man_speaking", "/m/05zppz"),
        ("Brief tone", "/t/dd000138"),
        ("/t/dd00138", "/t/dd000138"),
        ("Washing machine", "/m/0174k2"),
        ("/m/0174k2", "/m/0174k2"),
        ("Human voice", "/m/09l8g"),
    ],
)
def test_names_and_ids_of_all_vocabularies_are_known(label: str, id_: str, read: Reader) -> None:
    assert by_clip(read(f"clip_id,labels\na,{label}\n")) == {"a": {id_}}


@pytest.mark.parametrize(
    "label", ["speech", "Speach", "Male speech", "Electric guitar ok", "/m/09X0r", "09x0r", "[]x"]
)
def test_a_label_that_is_not_written_exactly_is_unknown(label: str, read: Reader) -> None:
    content = f"clip_id,labels\nb,Dog\na,Music;{label}\n"
    with pytest.raises(UnknownLabelError, match=r"labels\.csv: .* all lack") as caught:
        read(content)
    assert f"{label!r} (row 3" in str(caught.value)
    assert "--unknown drop (unknown='drop')" in str(caught.value)
    labels = read(content, unknown="drop")
    assert by_clip(labels) == {"b": {DOG}, "a": {MUSIC}}
    assert findings(labels) == [(3, "a", "label dropped", f"unknown label: {label}")]


def test_unknown_labels_are_listed_with_their_first_row(read: Reader) -> None:
    lines = [f"c{i},Music;No {i % 7}\n" for i in range(20)]
    match = (
        r"'No 0' \(row 2\), 'No 1' \(row 3\), 'No 2' \(row 4\), "
        r"'No 3' \(row 5\), 'No 4' \(row 6\) and 2 more\."
    )
    with pytest.raises(UnknownLabelError, match=match):
        read("clip_id,labels\n" + "".join(lines))


def test_a_clip_of_unknown_labels_is_kept_without_any(read: Reader) -> None:
    labels = read("clip_id,labels\na,Blub;Whirrr\nb,Dog\n", unknown="drop")
    assert by_clip(labels) == {"a": None, "b": {DOG}}
    assert findings(labels) == [
        (2, "a", "clip unlabelled", "no known label is left"),
        (2, "a", "label dropped", "unknown label: Blub"),
        (2, "a", "label dropped", "unknown label: Whirrr"),
    ]


@pytest.mark.parametrize(
    "text", ["Music,Music", "/m/04rlf;Music", "Music|Music", "['Music', '/m/04rlf']"]
)
def test_duplicate_labels_count_once_and_are_reported(text: str, read: Reader) -> None:
    labels = read("clip_id,labels\nb,Dog\n" + csv_line("a", text))
    assert by_clip(labels) == {"b": {DOG}, "a": {MUSIC}}
    assert labels.sets.sizes[labels.set_of_clip].tolist() == [1, 1]
    assert findings(labels) == [(3, "a", "duplicate label", "a label occurs twice")]


def test_an_alias_beside_its_class_is_a_duplicate(read: Reader) -> None:
    labels = read('clip_id,labels\na,"/t/dd00138,/t/dd000138"\n')
    assert by_clip(labels) == {"a": {"/t/dd000138"}}
    assert [f.kind for f in labels.report.findings] == ["duplicate label"]


@pytest.mark.parametrize("text", ["", " ", ",", ";", '""', "[]", "' '"])
def test_a_field_without_any_label_is_reported(text: str, read: Reader) -> None:
    labels = read("clip_id,labels\n" + csv_line("a", text) + "b,Dog\n")
    assert by_clip(labels) == {"a": None, "b": {DOG}}
    assert findings(labels) == [(2, "a", "clip unlabelled", "no label")]


def test_an_empty_label_is_reported_though_its_clip_has_others(read: Reader) -> None:
    labels = read("clip,label\na,Dog\na,\nb,Music\n")
    assert by_clip(labels) == {"a": {DOG}, "b": {MUSIC}}
    assert [f.row for f in labels.report.findings] == [3]


@pytest.mark.parametrize("largest", [1, 2, 3])
def test_labels_do_not_depend_on_how_many_texts_are_remembered(largest: int, read: Reader) -> None:
    texts = ["Dog", "Music", "Dog;Music", "Blub", "", "Music;Music", "Dog", "Speech"]
    content = "clip_id,labels\n" + "".join(f"{i},{text}\n" for i, text in enumerate(texts))
    whole = read(content, unknown="drop")
    sizes = BlockSizes(text=1, labels=largest)
    pieces = read(content, unknown="drop", block_sizes=sizes)
    assert by_clip(pieces) == by_clip(whole)
    assert findings(pieces) == findings(whole)
