"""Tables of one column per class: which are recognised, and what their cells state."""

import io
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from oracles.wide import state
from reader_support import Reader, findings, write
from strategies import ontologies

import audiolabels
from audiolabels import Annotations, expand, expand_files, export, read_labels
from audiolabels.errors import LabelFileError, OptionError, UnknownLabelError
from audiolabels.readers import BlockSizes
from audiolabels.readers.label_lists import list_labels

NAMES = ["Animal", "Dog", "Bark", "Cat", "Rain"]
CELLS = "filename,fold,Animal,Dog,Cat\na.wav,1,1,1.0,0\nb.wav,2,0,-1,NaN\nc.wav,1,,-1.0,\n"
# Columns of annotations.csv in SONYC-UST 2: whether a fine class is present, how near its
# source is, and whether a coarse one is present; as the baseline of DCASE 2020, task 5, reads them.
FINE = """
1-1_small-sounding-engine 1-2_medium-sounding-engine 1-3_large-sounding-engine
1-X_engine-of-uncertain-size 2-1_rock-drill 2-2_jackhammer 2-3_hoe-ram 2-4_pile-driver
2-X_other-unknown-impact-machinery 3-1_non-machinery-impact 4-1_chainsaw
4-2_small-medium-rotating-saw 4-3_large-rotating-saw 4-X_other-unknown-powered-saw 5-1_car-horn
5-2_car-alarm 5-3_siren 5-4_reverse-beeper 5-X_other-unknown-alert-signal 6-1_stationary-music
6-2_mobile-music 6-3_ice-cream-truck 6-X_music-from-uncertain-source
7-1_person-or-small-group-talking 7-2_person-or-small-group-shouting 7-3_large-crowd
7-4_amplified-speech 7-X_other-unknown-human-voice 8-1_dog-barking-whining
""".split()
COARSE = (
    "1_engine 2_machinery-impact 3_non-machinery-impact 4_powered-saw 5_alert-signal 6_music "
    "7_human-voice 8_dog"
).split()
FACTS = "year week day hour borough block latitude longitude".split()


def sonyc(*rows: tuple[str, int, str, str]) -> str:
    """A file of SONYC-UST.

    Args:
        *rows: a recording, who annotated it (a volunteer; below zero a member of the team, who were
            asked about some groups of classes; zero: what the team agreed on), the numbers of the
            groups that they were asked about, and the codes of what they found.
    """
    header = ["split", "sensor_id", "audio_filename", "annotator_id", *FACTS]
    header += [f"{name}_presence" for name in FINE] + [f"{name}_proximity" for name in FINE]
    lines = [[*header, *(f"{name}_presence" for name in COARSE)]]
    for file, annotator, asked, found in rows:

        def cell(name: str, asked: str = asked, found: str = found) -> str:
            return str(int(name.split("_")[0] in found.split())) if name[0] in asked else "-1"

        near = [
            {"1": "far", "0": "-1", "-1": "-1"}[cell(name)] if annotator > 0 else "notsure"
            for name in FINE
        ]
        place = ["2017", "44", "2", "9", "1", "547", "40.72951", "-73.99388"]
        facts = ["train", "0", file, str(annotator), *place]
        lines.append([*facts, *map(cell, FINE), *near, *map(cell, COARSE)])
    return "".join(f"{','.join(line)}\n" for line in lines)


ALL = "12345678"
SONYC = sonyc(
    ("00_000066.wav", 10, ALL, "1-1 1"),
    ("00_000066.wav", 11, ALL, "1-1 1-X 1"),
    ("00_000066.wav", 12, ALL, "3-1 3"),
    ("04_000002.wav", -3, "38", "8-1 8"),
    ("04_000002.wav", -5, "38", "3-1 3"),
    ("04_000002.wav", 0, "38", "8-1 8"),
)
ENGINES = """\
label,class
small-sounding-engine,Light engine (high frequency)
engine-of-uncertain-size,Engine
engine,Engine
dog-barking-whining,Dog
3-1_non-machinery-impact,"Thump, thud"
3_non-machinery-impact,"Thump, thud"
"""
HEARD = ["Light engine (high frequency)", "Engine", "Dog", "Thump, thud"]


def shown(labels: Annotations, names: list[str] = NAMES, scheme: str = "weak") -> list[str]:
    """A text for each clip: + positive, - negative, ? unknown, as `names`."""
    targets = expand(labels, scheme, vocabulary=names)
    values, known = targets.to_numpy()
    marks = np.where(known == 0, "?", np.where(values > 0, "+", "-"))
    return ["".join(row) for row in marks]


def test_cells_are_present_absent_or_unknown(read: Reader) -> None:
    labels = read(CELLS)
    assert shown(labels) == ["++?-?", "-?-??", "?????"]
    assert findings(labels) == [(4, "c", "clip unlabelled", "no label is left")]
    assert "a column for each of 3 labels; columns not used: fold" in labels.report.notes[0]
    assert shown(labels, scheme="pel")[0] == "++?-?"


@pytest.mark.parametrize("form", ["csv", "tsv", "parquet", "jsonl", "pandas", "dict", "given"])
def test_every_table_is_read_alike(form: str, tmp_path: Path) -> None:
    table, path = pd.read_csv(io.StringIO(CELLS)), tmp_path / f"labels.{form}"
    data, columns = path, None
    if form in ("csv", "tsv"):
        table.to_csv(path, sep="," if form == "csv" else "\t", index=False)
    elif form == "parquet":
        table.to_parquet(path)
    elif form == "jsonl":
        table.to_json(path, orient="records", lines=True)
    else:
        data = table if form == "pandas" else {name: list(table[name]) for name in table}
    if form == "given":
        columns = "clip=filename,class=Animal,class=Dog,class=Cat"
    assert shown(read_labels(data, columns=columns)) == ["++?-?", "-?-??", "?????"]


def test_booleans_are_cells() -> None:
    rows = [{"file": "a.wav", "Dog": True, "/m/01yrx": False}, {"file": "b.wav", "Dog": None}]
    assert shown(read_labels(rows), ["Dog", "Cat"]) == ["+-", "??"]


def test_values_need_a_meaning(read: Reader) -> None:
    text = "clip,Dog,Cat\na,0.25,1\nb,0,\n"
    with pytest.raises(LabelFileError, match=r"column Dog holds '0.25' \(row 2\).*--values soft"):
        read(text)
    assert shown(read(text, values=0.25), ["Dog", "Cat"]) == ["++", "-?"]
    assert shown(read(text, values=0.26), ["Dog", "Cat"]) == ["-+", "-?"]
    soft = expand(read(text, values="soft"), "weak", vocabulary=["Dog", "Cat", "Rain"])
    values, known = soft.to_numpy()
    assert values.tolist() == [[0.25, 1, 0], [0, 0, 0]]
    assert known.tolist() == [[1, 1, 0], [1, 0, 0]]


def test_a_cell_of_another_kind_is_unknown_and_reported(read: Reader) -> None:
    labels = read("clip,Dog,Cat\na,1,2\nb,0,-0.5\n")
    assert shown(labels, ["Dog", "Cat"]) == ["+?", "-?"]
    assert findings(labels) == [
        (2, "a", "label dropped", "no value from 0 to 1, nor -1: 2 (Cat)"),
        (3, "b", "label dropped", "no value from 0 to 1, nor -1: -0.5 (Cat)"),
    ]


def test_a_column_of_cells_that_is_no_class_is_an_unknown_label(read: Reader) -> None:
    text = "clip,note,Dog,Cat,Dgo\na,loud,1,0,1\n"
    with pytest.raises(UnknownLabelError, match=r"'Dgo' \(the nearest: Dog\).*ignored=Dgo"):
        read(text)
    assert shown(read(text, columns="ignored=Dgo"), ["Dog"]) == ["+"]
    dropped = read(text, unknown="drop")
    assert findings(dropped) == [(1, "", "label dropped", "unknown label: Dgo")]
    assert "columns not used: note" in dropped.report.notes[0]


@pytest.mark.parametrize(
    ("text", "match"),
    [
        ("clip,Dog,zorg\na,1,0\n", "no column of labels"),
        ("clip,onset,offset,Dog,Cat\na,1,2,1,0\n", "such as Dog, with times.*ignored=onset"),
        ("clip,Dog,Cat,score\na,1,0,0.5\n", "what is column score for.*class=score"),
        ("clip,Dog,Cat,Dog\na,1,0,0\n", "several columns of the class Dog"),
        ("clip,Dog,Cat,rater\na,1,0,x\na,1,0,y\n", "--raters mean"),
        ("Dog,Cat,Rain\n1,0,1\n", "the first row is 'Dog,Cat,Rain'. Give it a header"),
        ("clip,Dog,Cat\n", "no rows"),
    ],
)
def test_other_tables_are_refused(text: str, match: str, read: Reader) -> None:
    with pytest.raises(LabelFileError, match=match):
        read(text)


def test_events_are_not_read_from_columns_of_classes(tmp_path: Path) -> None:
    with pytest.raises(LabelFileError, match="no events: labels of whole clips, read as wide"):
        audiolabels.read_events(write(tmp_path, CELLS))


def test_what_clips_were_annotated_for_is_their_columns(tmp_path: Path) -> None:
    path, other = write(tmp_path, CELLS), write(tmp_path, "clip_id,labels\nz,Dog\n", "long.csv")
    assert shown(read_labels(path, annotated="none")) == ["++?-?", "-?-??", "?????"]
    heard = read_labels(path, annotated=["Rain", "Dog"])
    assert shown(heard) == ["++?--", "-?-?-", "?????"]
    with pytest.raises(LabelFileError, match=r"long.csv: its clips were annotated for other"):
        read_labels([path, other])
    assert shown(read_labels([path, other], annotated="none"))[3] == "?+???"


def test_columns_are_labels_of_a_mapping(tmp_path: Path) -> None:
    text = "sample_key,mallet_percussion,cymbals,zither\n000046_3840,1,0,1\n000135_483840,,1,0\n"
    path = write(tmp_path, text)
    with pytest.raises(UnknownLabelError, match="'zither'"):
        read_labels(path, mapping="openmic")
    labels = read_labels(path, mapping="openmic", columns={"ignored": "zither"})
    assert shown(labels, ["Mallet percussion", "Cymbal", "Marimba, xylophone", "Piano"]) == [
        "+-??",
        "?+??",
    ]
    assert "mapping openmic (20 labels)" in labels.report.notes[0]


@pytest.mark.parametrize(
    ("raters", "states"),
    [
        ("majority", ["++--", "??+-"]),
        ("any", ["++-+", "??++"]),
        ("all", ["----", "??--"]),
    ],
)
def test_sonyc_has_several_annotators(raters: str, states: list[str], tmp_path: Path) -> None:
    path, aliases = write(tmp_path, SONYC), write(tmp_path, ENGINES, "classes.csv")
    with pytest.raises(LabelFileError, match=r"column annotator_id holds .*--raters"):
        read_labels(path, aliases=aliases, unknown="drop")
    with pytest.raises(UnknownLabelError, match=r"'medium-sounding-engine'.* and 26 more"):
        read_labels(path, aliases=aliases, raters=raters)
    labels = read_labels(path, aliases=aliases, raters=raters, unknown="drop")
    assert labels.clip_id.to_pylist() == ["00_000066", "04_000002"]
    assert shown(labels, HEARD) == states
    assert labels.report.rows_used == 6
    unused = ["split", "sensor_id", *FACTS, *(f"{name.lower()}_proximity" for name in FINE)]
    assert labels.report.notes[0].endswith(f"columns not used: {', '.join(unused)}")


@pytest.mark.parametrize(
    ("annotator", "states"),
    [("annotator_id == 0", {"04_000002": "??+-"}), ("annotator_id > 0", {"00_000066": "++--"})],
)
def test_rows_of_sonyc_are_chosen_in_memory(
    annotator: str, states: dict[str, str], tmp_path: Path
) -> None:
    frame, aliases = pd.read_csv(io.StringIO(SONYC)), write(tmp_path, ENGINES, "classes.csv")
    raters = "majority" if ">" in annotator else None
    labels = read_labels(frame.query(annotator), aliases=aliases, raters=raters, unknown="drop")
    assert dict(zip(labels.clip_id.to_pylist(), shown(labels, HEARD), strict=True)) == states


def test_the_share_of_annotators_is_a_target(tmp_path: Path) -> None:
    path, aliases = write(tmp_path, SONYC), write(tmp_path, ENGINES, "classes.csv")
    labels = read_labels(path, aliases=aliases, raters="mean", unknown="drop")
    values, known = expand(labels, "weak", vocabulary=HEARD).to_numpy()
    third = 1 / 3
    expected = [[2 * third, 2 * third, 0, third], [0, 0, 2 * third, third]]
    np.testing.assert_allclose(values, expected, atol=1e-3)
    assert known.tolist() == [[1, 1, 1, 1], [0, 0, 1, 1]]


def test_labels_of_columns_are_listed(tmp_path: Path) -> None:
    listed, _ = list_labels(write(tmp_path, SONYC), ontology=audiolabels.load_ontology())
    assert len(listed) == len(FINE) + len(COARSE) == 37
    assert listed[:2] == ("small-sounding-engine", "medium-sounding-engine")
    assert {"3-1_non-machinery-impact", "3_non-machinery-impact", "dog"} <= {*listed}


def test_confirmed_absences_of_events_are_the_zeros(tmp_path: Path) -> None:
    events = write(tmp_path, "filename,onset,offset,label\na.wav,0,1,Rain\n", "events.csv")
    path = write(tmp_path, "filename,Dog,Cat\na.wav,0,1\n")
    made = audiolabels.read_events(events, explicit_negatives=path)
    targets = expand(made, "strong-framed", vocabulary=["Dog", "Bark", "Cat"], negatives="explicit")
    known = targets.to_numpy()[1]
    assert known[0].tolist() == [1, 1, 0]


@pytest.mark.parametrize("cell", ["empty", "-1"])
def test_an_exported_table_has_the_same_states(cell: str, tmp_path: Path) -> None:
    labels = {
        "a": ["Dog", "Animal"],
        "b, c": ["Rain"],
        "d": None,
        "e": ["Male speech, man speaking"],
    }
    made = expand(Annotations.from_dict(labels), "pel", vocabulary="audioset")
    path = tmp_path / "wide.csv"
    export(made, "wide-csv", path, names=True, unknown_cells=cell)
    again = expand(read_labels(path), "weak", vocabulary="audioset")
    rows = [0, 1, 3]  # without d, of which nothing is known
    assert again.clip_id.to_pylist() == ["a", "b, c", "e"]
    for old, new in zip(made.to_numpy(np.array(rows)), again.to_numpy(), strict=True):
        np.testing.assert_array_equal(new, old)


def test_soft_targets_are_read_again(tmp_path: Path) -> None:
    text = "clip,label,share\na,Dog,0.1\na,Cat,0.7\nb,Dog,1\nb,Cat,0\n"
    options = {"columns": "value=share", "values": "soft", "annotated": "none"}
    made = expand(read_labels(write(tmp_path, text), **options), "weak", vocabulary=["Dog", "Cat"])
    export(made, "wide-csv", tmp_path / "wide.csv", names=True)
    read = read_labels(tmp_path / "wide.csv", values="soft")
    again = expand(read, "weak", vocabulary=["Dog", "Cat"])
    np.testing.assert_array_equal(again.to_numpy()[0], made.to_numpy()[0])


@given(st.data())
def test_targets_are_what_the_cells_state(data: st.DataObject) -> None:
    ontology = data.draw(ontologies(8))
    columns = data.draw(st.lists(st.sampled_from(ontology.ids), min_size=1, unique=True))
    cells = st.sampled_from(["1", "0", "-1", "", "nan"])
    row = st.lists(cells, min_size=len(columns), max_size=len(columns))
    rows = data.draw(st.lists(row, min_size=1, max_size=6))
    table: Mapping[str, list[str]] = {"clip": [f"c{i}" for i in range(len(rows))]} | {
        name: list(own) for name, own in zip(columns, zip(*rows, strict=True), strict=True)
    }
    labels = read_labels(table, ontology=ontology, columns={"clip": "clip", "class": columns})
    expected = [
        "".join(
            state(c, dict(zip(columns, row, strict=True)), set(ontology.ancestors(c)))
            for c in ontology.ids
        )
        for row in rows
    ]
    assert shown(labels, list(ontology.ids)) == expected


def test_a_stream_of_small_parts_gives_the_same_targets(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    cells = rng.choice(["0", "1", "", "-1"], (200, 3))
    text = "clip,Dog,Cat,Rain\n" + "".join(
        f"clip{i:03},{','.join(row)}\n" for i, row in enumerate(cells)
    )
    path, made = write(tmp_path, text), []
    for size in (64, 1 << 20):
        out = tmp_path / f"{size}.parquet"
        expand_files(path, out, "weak", vocabulary=NAMES, block_sizes=BlockSizes(text=size))
        made.append(out.read_bytes())
    assert made[0] == made[1]


def test_rows_of_a_clip_are_united_if_a_column_has_raters() -> None:
    table = {"clip": ["a", "a"], "Dog": [1, 0], "Cat": [None, 0]}
    with pytest.raises(OptionError, match="dict: no column of raters"):
        read_labels(table, raters="any")
    rated = table | {"rater": ["x", "y"]}
    assert shown(read_labels(rated, raters="any"), ["Dog", "Cat"]) == ["+-"]
    assert shown(read_labels(table), ["Dog", "Cat"]) == ["+?", "--"]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("clip,Dog\na,1\nb,0\n", "no column of labels; .*; or, .*--columns class=dog$"),
        ("clip,dog,cat,near\na,1,0,x\nb,-1,,y\n", "--columns class=dog,class=cat$"),
        ("clip,c1,c2,c3,c4\na,1,0,0,0\n", "--columns class=c1,class=c2,class=c3,…$"),
        ("clip,dog\na,0.5\n", "column dog may be that of a class. If it is, .* class=dog; else"),
        ("clip,near\na,x\n", "--columns labels=NAME$"),
    ],
)
def test_columns_that_may_be_classes_are_named(text: str, message: str, tmp_path: Path) -> None:
    with pytest.raises(LabelFileError, match=message):
        read_labels(write(tmp_path, text))


def test_one_column_is_a_class_if_it_is_given(tmp_path: Path) -> None:
    path = write(tmp_path, "clip,dog\na,1\nb,0\n")
    labels = read_labels(path, columns="class=dog", aliases={"dog": "Dog"})
    assert shown(labels, ["Dog", "Cat"]) == ["+?", "-?"]
