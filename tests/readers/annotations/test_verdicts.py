"""Verdicts against a plain program, their laws, and what is wrong with files of them."""

import csv
from collections.abc import Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from oracles.expansion import NEGATIVE, POSITIVE, UNKNOWN, expand_clip
from oracles.verdicts import judge
from reader_support import ONTOLOGY, findings, write
from strategies import SCHEME_OPTIONS, ontologies, vocabularies

from audiolabels import (
    Annotations,
    Scores,
    Targets,
    expand,
    expand_files,
    join,
    read_events,
    read_info,
    read_labels,
    read_targets,
)
from audiolabels.errors import (
    AudioLabelsError,
    LabelFileError,
    OptionError,
    UnknownClipError,
    UnknownLabelError,
)
from audiolabels.ontology import Ontology
from audiolabels.readers import BlockSizes

CLIPS = ("a", "dir/b", "c.x", "Y-0aB9cD1eF2_5000", "Zz8-yX7_wV6")
OTHERWISE = {
    "a": "x/a.wav",
    "Y-0aB9cD1eF2_5000": "-0aB9cD1eF2_5",
    "Zz8-yX7_wV6": "Zz8-yX7_wV6_7000",
}
WORDS = ("present", "absent", "unsure", "skip")
HEAD = "clip_id,id,verdict\n"

Rows = list[tuple[str, str, str]]


@st.composite
def reviewed(draw: st.DrawFn, ontology: Ontology) -> tuple[dict[str, set[str] | None], Rows]:
    """Labels of clips, and verdicts on some of them."""
    some = st.none() | st.sets(st.sampled_from(ontology.ids), min_size=1, max_size=4)
    clips = {clip: draw(some) for clip in draw(st.permutations(CLIPS))}
    clips["a"] = clips["a"] or {ontology.ids[0]}
    names = st.sampled_from([*CLIPS, *OTHERWISE.values(), "elsewhere"])
    verdict = st.tuples(names, st.sampled_from(ontology.ids), st.sampled_from(WORDS))
    return clips, [("a", ontology.ids[0], "present"), *draw(st.lists(verdict, max_size=8))]


def write_labels(path: Path, clips: dict[str, set[str] | None]) -> Path:
    rows = (f"{clip},{';'.join(sorted(own or ()))}" for clip, own in clips.items())
    path.write_text("\n".join(["clip_id,labels", *rows, ""]))
    return path


def write_verdicts(path: Path, rows: Sequence[Sequence[str]]) -> Path:
    with path.open("w", newline="") as file:
        csv.writer(file).writerows([("clip_id", "id", "verdict"), *rows])
    return path


def states(targets: Targets) -> dict[str, dict[str, str]]:
    target, mask = targets.to_numpy()
    words = np.where(target == 1, POSITIVE, np.where(mask == 1, NEGATIVE, UNKNOWN)).tolist()
    ids, classes = targets.clip_id.to_pylist(), targets.vocabulary.ids
    return {i: dict(zip(classes, row, strict=True)) for i, row in zip(ids, words, strict=True)}


@pytest.mark.parametrize(("scheme", "options"), SCHEME_OPTIONS)
@settings(max_examples=30)
@given(data=st.data())
def test_verdicts_equal_the_definition_and_their_order_is_nothing(
    scheme: str, options: dict[str, str], data: st.DataObject
) -> None:
    ontology = data.draw(ontologies())
    vocabulary = data.draw(vocabularies(ontology))
    clips, rows = data.draw(reviewed(ontology))
    annotated = data.draw(st.none() | st.sets(st.sampled_from(ontology.ids), min_size=1))
    with TemporaryDirectory() as name:
        folder = Path(name)
        paths = {"paths": write_labels(folder / "labels.csv", clips)}
        reading: dict[str, Any] = {"ontology": ontology, "block_sizes": BlockSizes(text=40)}
        reading["annotated"] = None if annotated is None else sorted(annotated)
        verdicts = write_verdicts(folder / "verdicts.csv", rows)
        labels = read_labels(**paths, **reading, verdicts=verdicts)
        write_verdicts(verdicts, data.draw(st.permutations(rows)))
        again = read_labels(**paths, **reading, verdicts=verdicts)
        before = read_labels(**paths, **reading)
    found = states(expand(labels, scheme, vocabulary=vocabulary, **options))
    assert found == states(expand(again, scheme, vocabulary=vocabulary, **options))
    ids = before.clip_id.to_pylist()
    judged = judge(dict(zip(ids, clips.values(), strict=True)), rows)
    for clip, own in judged.items():
        right = expand_clip(
            ontology.graph,
            own.given,
            list(vocabulary.ids),
            scheme,
            **options,
            annotated=set() if own.others_unknown else annotated,
            unsure=own.unsure,
            denied=own.absent,
            judged=own.judged,
        )
        assert found[clip] == right, clip
    was = states(expand(before, scheme, vocabulary=vocabulary, **options))
    for clip, own in judged.items():  # a verdict on one clip changes no other
        named = any(own[1:4]) or own.given != clips[list(clips)[ids.index(clip)]]
        assert named or found[clip] == was[clip]
    facts = labels.report.sources[-1]["verdicts"]
    assert sum(facts[word] for word in ("absent", "unsure")) == sum(
        len(own.judged) for own in judged.values()
    )


LABELS = """YTID,start_seconds,end_seconds,positive_labels
-0aB9cD1eF2,30,40,"/m/0342h,/m/04rlf"
Zz8-yX7_wV6,10,20,/m/0bt9lr
kL5mN4oP3qR,0,10,
"""


def reviewed_labels(folder: Path, verdicts: str, **options: Any) -> Annotations:
    path = write(folder, HEAD + verdicts, "verdicts.csv")
    labels = write(folder, LABELS, "labels.csv")
    return read_labels(labels, ontology=ONTOLOGY, verdicts=path, **options)


def test_clips_and_classes_may_have_other_names(tmp_path: Path) -> None:
    labels = reviewed_labels(
        tmp_path,
        "Y-0aB9cD1eF2_30.wav,Guitar,absent\nZz8-yX7_wV6_10,Cat, Present \n"
        "https://youtu.be/Zz8-yX7_wV6,mutt,unsure\nkL5mN4oP3qR,/m/06mb1,present\n",
        aliases={"mutt": "Dog"},
    )
    assert [labels.labels(i) for i in range(3)] == [("Music",), ("Cat",), ("Rain",)]
    assert labels.report.notes[-1] == (
        "verdicts.csv was read as verdicts: 2 present, 1 absent, 1 unsure; 2 given labels removed"
    )
    targets = expand(labels, "weak", vocabulary=["Dog", "Cat", "Rain", "Guitar"])
    target, mask = targets.to_numpy()
    assert target.tolist() == [[0, 0, 0, 0], [0, 1, 0, 0], [0, 0, 1, 0]]
    # Nobody annotated the third clip: what is not judged stays unknown.
    assert mask.tolist() == [[1, 1, 1, 1], [0, 1, 1, 1], [0, 0, 1, 0]]


def test_an_absent_class_is_neither_implied_nor_masked(tmp_path: Path) -> None:
    path = write(tmp_path, "clip_id,labels\na,Church bell\nb,Musical instrument\n")
    rows = write(tmp_path, HEAD + "a,Music,absent\na,Bell,unsure\nb,Guitar,absent\n", "v.csv")
    labels = read_labels(path, verdicts=rows)
    classes = ["Music", "Bell", "Church bell", "Guitar", "Electric guitar", "Piano"]
    target, mask = expand(labels, "pe-cml", vocabulary=classes).to_numpy()
    assert target.tolist() == [[0, 0, 1, 0, 0, 0], [1, 0, 0, 0, 0, 0]]
    assert mask.tolist() == [[1, 0, 1, 1, 1, 1], [1, 0, 0, 1, 1, 0]]
    again = expand(read_labels(labels.to_arrow()), "pe-cml", vocabulary=classes)
    assert states(again) == states(expand(labels, "pe-cml", vocabulary=classes))
    assert findings(labels) == [
        (2, "a", "contradiction", "given, but it or a class above it is confirmed absent")
    ]


def test_conflicts_unknown_clips_and_words_are_findings(tmp_path: Path) -> None:
    verdicts = (
        "-0aB9cD1eF2,Guitar,absent\n-0aB9cD1eF2_30000,/m/0342h,present\nzz,Dog,absent\n"
        "Zz8-yX7_wV6,Dog,perhaps\nZz8-yX7_wV6,Dgo,absent\n,Dog,absent\nZz8-yX7_wV6,Dog\n\n"
        "Zz8-yX7_wV6,Cat,present\nZz8-yX7_wV6,Cat,present\nzz,Dog,skip\n"
    )
    labels = reviewed_labels(tmp_path, verdicts, unknown="drop")
    assert labels.labels(0) == ("Music", "Guitar")
    assert labels.labels(1) == ("Dog", "Cat")
    clash = "verdicts that conflict: absent, present"
    lost = "a verdict on a clip that is not among those with labels"
    found = [
        (f.row, f.clip, f.kind, f.reason)
        for f in labels.report.findings
        if f.source == "verdicts.csv"
    ]
    assert found == [
        (2, "-0aB9cD1eF2", "row unused", clash),
        (3, "-0aB9cD1eF2_30000", "row unused", clash),
        (4, "zz", "row unused", lost),
        (5, "Zz8-yX7_wV6", "row unused", "'perhaps' is none of present, absent, unsure and skip"),
        (6, "Zz8-yX7_wV6", "row unused", "unknown label: Dgo"),
        (7, "", "row unused", "no clip, class or verdict"),
        (8, "", "row unused", "2 cells, not 3"),
    ]
    assert labels.report.sources[1]["verdicts"] == {
        "present": 1, "absent": 0, "unsure": 0, "skip": 1, "conflicts": 1, "elsewhere": 1,
        "removed": 0,
    }  # fmt: skip
    assert labels.report.notes[-1] == (
        "verdicts.csv was read as verdicts: 1 present, 0 absent, 0 unsure; 1 skipped; 1 of clips "
        "that are not in the labels; 1 that conflict"
    )


@pytest.mark.parametrize(
    ("content", "error", "message"),
    [
        (HEAD + "-0aB9cD1eF2,Gitar,absent\n", UnknownLabelError, r"v\.csv: .*'Gitar' \(row 2; the"),
        (HEAD + "zz,Dog,absent\n", LabelFileError, r"v\.csv: none of its 1 clips .* like 'zz'"),
        (HEAD + "-0aB9cD1eF2,Dog,no\n", LabelFileError, r"v\.csv: none of its 1 rows .* 'no' is"),
        (HEAD, LabelFileError, r"v\.csv: none of its 0 rows can be used: there are none"),
        ("clip,label\na,b\n", LabelFileError, r"v\.csv: no table of verdicts; .* 'clip,label'"),
        ("id,clip_id,id,verdict\n", LabelFileError, r"no table of verdicts; .*, each once"),
        (b"\xff" + HEAD.encode(), LabelFileError, r"v\.csv: cannot be read"),
        (HEAD + '"a', LabelFileError, r"v\.csv: cannot be read"),
        (HEAD + "d1D2d3D4d5D,Dog,absent\n", UnknownClipError, r"v\.csv: .* several clips"),
        (None, LabelFileError, r"v\.csv: no such file"),
        (b"", LabelFileError, r"v\.csv: empty"),
    ],
)  # fmt: skip
def test_files_that_are_refused(
    tmp_path: Path, content: str | bytes | None, error: type[AudioLabelsError], message: str
) -> None:
    labels = write(tmp_path, LABELS + "d1D2d3D4d5D,5,9,Dog\nd1D2d3D4d5D,7,9,Dog\n")
    path = tmp_path / "v.csv"
    if content is not None:
        write(tmp_path, content, "v.csv")
    with pytest.raises(error, match=message):
        read_labels(labels, verdicts=path)


def test_other_columns_are_named_and_confirmed_absences_yield(tmp_path: Path) -> None:
    labels = write(tmp_path, "clip_id,labels\na,Dog\nb,Cat\n")
    absent = write(tmp_path, "clip_id,labels\na,Rain;Cat\nz,Dog\n", "absent.csv")
    path = write(tmp_path, "clip;who;label;verdict\na;me;Rain;present\nz;me;Dog;unsure\n", "v.csv")
    made = read_labels(labels, explicit_negatives=absent, verdicts=path, annotated="none")
    assert "v.csv: columns not used: who" in made.report.notes
    target, mask = expand(made, "weak", vocabulary=["Dog", "Cat", "Rain"]).to_numpy()
    assert target.tolist() == [[1, 0, 1], [0, 1, 0], [0, 0, 0]]
    assert mask.tolist() == [[1, 1, 1], [0, 1, 0], [0, 0, 0]]


def test_values_of_labels_and_rows_of_raters(tmp_path: Path) -> None:
    path = write(tmp_path, "clip_id,label,value\na,Guitar,0.25\na,Dog,0.5\nb,Dog,0.75\n")
    rows = write(tmp_path, HEAD + "a,Dog,absent\na,Cat,present\nb,Animal,unsure\n", "v.csv")
    labels = read_labels(path, values="soft", verdicts=rows)
    classes = ["Guitar", "Dog", "Cat", "Animal", "Music"]
    made = expand(labels, "pel", vocabulary=classes)
    assert made.scores.tolist() == [[0.25, 0, 1, 1, 0.25], [0, 0.75, 0, 0, 0]]
    assert made.to_numpy()[1].tolist() == [[1, 1, 1, 1, 1], [1, 1, 1, 0, 1]]


def test_a_stream_a_folder_of_parts_and_memory_agree(tmp_path: Path) -> None:
    clips = [f"k{i:03}" for i in range(300)]
    paths = [tmp_path / "one.csv", tmp_path / "two.csv"]
    for path, own in zip(paths, (clips[:200], clips[200:]), strict=True):
        path.write_text("clip_id,labels\n" + "".join(f"{c},Dog;Guitar\n" for c in own))
    words = ["present", "absent", "unsure", "absent"]
    rows = [(c, ("Cat", "Dog")[i % 2], words[i % 4]) for i, c in enumerate(clips[::7])]
    verdicts = write_verdicts(tmp_path / "v.csv", rows)
    out, parts = tmp_path / "out.parquet", f"{tmp_path}/parts/"
    sizes = BlockSizes(text=500)
    summary = expand_files(paths, out, "pe-cml", verdicts=verdicts, block_sizes=sizes)
    expand_files(paths, parts, "pe-cml", verdicts=verdicts, rows_per_part=90)
    whole = expand(read_labels(paths, verdicts=verdicts), "pe-cml")
    for made in (read_targets(out), read_targets(parts)):
        assert made.clip_id.to_pylist() == clips
        for a, b in zip(made.to_numpy(), whole.to_numpy(), strict=True):
            assert (a == b).all()
    facts = read_info(out)["sources"][-1]
    assert (facts["name"], facts["format"], facts["rows"]) == ("v.csv", "verdicts", len(rows))
    assert facts["verdicts"] == summary.report.sources[-1]["verdicts"]
    assert facts["verdicts"] == {
        "present": 11, "absent": 21, "unsure": 11, "skip": 0, "elsewhere": 0, "conflicts": 0,
        "removed": 21,
    }  # fmt: skip
    with pytest.raises(OptionError, match=r"v\.csv is an input or another output"):
        expand_files(paths, verdicts, "weak", verdicts=verdicts)


def test_verdicts_of_skips_alone_change_no_target(tmp_path: Path) -> None:
    labels = write(tmp_path, LABELS)
    verdicts = write(tmp_path, HEAD + "zz,Dog,skip\n", "v.csv")
    made = []
    for options in ({}, {"verdicts": verdicts}):
        expand_files(labels, tmp_path / "o.parquet", **options)
        made.append(read_targets(tmp_path / "o.parquet"))
    assert states(made[0]) == states(made[1])


def test_clips_that_occur_twice_and_folders(tmp_path: Path) -> None:
    path = write(tmp_path, "filename,labels\nx/a.wav,Dog\ny/a.wav,Dog\ny/a.wav,Cat\nz.wav,Dog\n")
    verdicts = write(tmp_path, HEAD + "y/a.wav,Dog,absent\nz,Rain,present\n", "v.csv")
    labels = read_labels(path, verdicts=verdicts, prefix="set/")
    assert dict(zip(labels.clip_id.to_pylist(), labels, strict=False)) == {
        "set/x/a": ("Dog",), "set/y/a": ("Cat",), "set/z": ("Dog", "Rain")
    }  # fmt: skip
    assert labels.labels(1) == ()
    write(tmp_path, HEAD + "set/y/a,Dog,absent\n", "v.csv")
    again = read_labels(path, verdicts=verdicts, prefix="set/")
    assert list(again) == [("Dog",), (), ("Cat",), ("Dog",)]


def test_in_joins_and_memory(tmp_path: Path) -> None:
    write(tmp_path, "clip_id,labels\na,Dog\n", "one.csv")
    write(tmp_path, "clip_id,labels\na,Cat\n", "two.csv")
    write(tmp_path, HEAD + "a,Rain,present\n", "v.csv")
    toml = '[one]\nlabels = "one.csv"\n[two]\nlabels = "two.csv"\nverdicts = "v.csv"\n'
    write(tmp_path, toml, "joint.toml")
    options = {"vocabulary": write(tmp_path, "Dog\nCat\nRain\n", "classes.txt")}
    expand_files(tmp_path / "joint.toml", tmp_path / "o.parquet", "weak", **options)
    right = [[1, 0, 0], [0, 1, 1]]
    assert read_targets(tmp_path / "o.parquet").to_numpy()[0].tolist() == right
    two = {"labels": {"a": ["Cat"]}, "verdicts": tmp_path / "v.csv"}
    made = join([{"labels": {"a": ["Dog"]}}, two], "weak", vocabulary=["Dog", "Cat", "Rain"])
    assert made.to_numpy()[0].tolist() == right


JOINT = """\
[base]
labels = "base.csv"

[a]
labels = "one.csv"
prefix = "a/"

[deep]
labels = "two.csv"
prefix = "a/b/"

[events]
events = "events.tsv"
scheme = "diffuse"
prefix = "e/"
"""
SHARED = [
    ("x", "Dog", "absent"), ("y.wav", "Cat", "present"), ("a/x", "Dog", "unsure"),
    ("a/b/x", "Rain", "present"), ("a/b/y", "Dog", "absent"), ("a/b/y", "Cat", "skip"),
]  # fmt: skip


def write_join(folder: Path) -> Path:
    for name in ("base", "one", "two"):
        write(folder, "clip_id,labels\nx,Dog\ny,Dog;Rain\n", f"{name}.csv")
    write(folder, "filename\tonset\toffset\tevent_label\nx.wav\t0\t1\tDog\n", "events.tsv")
    write(folder, "Dog\nCat\nRain\n", "classes.txt")
    return write(folder, JOINT, "joint.toml")


def test_verdicts_on_a_whole_join_go_by_prefix(tmp_path: Path) -> None:
    """They do what a file for each data set does."""
    joint, out = write_join(tmp_path), tmp_path / "o.parquet"
    rows = [*SHARED, ("e/x", "Rain", "present"), ("c/z", "Dog", "absent")]
    shared = write_verdicts(tmp_path / "v.csv", rows)
    options: dict[str, Any] = {"vocabulary": tmp_path / "classes.txt"}
    summary = expand_files(joint, out, "weak", verdicts=shared, **options)
    found = read_targets(out)
    own = [SHARED[:2], [SHARED[2]], SHARED[3:]]
    text = JOINT
    for number, part in enumerate(own):
        write_verdicts(tmp_path / f"v{number}.csv", part)
    for number, name in enumerate(("base", "one", "two")):
        line = f'labels = "{name}.csv"\n'
        text = text.replace(line, f'{line}verdicts = "v{number}.csv"\n')
    expand_files(write(tmp_path, text, "each.toml"), tmp_path / "each.parquet", "weak", **options)
    right = read_targets(tmp_path / "each.parquet")
    assert found.clip_id.equals(right.clip_id)
    assert np.array_equal(found.to_numpy(), right.to_numpy())
    top = write(tmp_path, f'verdicts = "v.csv"\n{JOINT}', "top.toml")
    expand_files(top, f"{tmp_path}/parts/", "weak", rows_per_part=1, **options)
    sets = {
        name: {"labels": tmp_path / f"{file}.csv", "prefix": prefix}
        for name, file, prefix in (("base", "base", ""), ("a", "one", "a/"), ("d", "two", "a/b/"))
    }
    events = {"events": tmp_path / "events.tsv", "scheme": "diffuse", "prefix": "e/"}
    classes = ["Dog", "Cat", "Rain"]
    memory = join({**sets, "e": events}, "weak", vocabulary=classes, verdicts=shared)
    for made in (read_targets(f"{tmp_path}/parts/"), memory):
        assert np.array_equal(made.to_numpy(), right.to_numpy())
    assert [(f.row, f.clip, f.reason) for f in summary.report.findings] == [
        (8, "e/x", "a verdict on a data set that takes none of them"),
        (9, "c/z", "a verdict on a clip that is not among those with labels"),
    ]
    numbers = [s["verdicts"]["present"] for s in read_info(out)["sources"] if "verdicts" in s]
    assert numbers == [1, 0, 1]
    assert [s["rows"] for s in read_info(out)["sources"] if "verdicts" in s] == [4, 1, 3]


def test_a_clip_of_no_data_set_of_a_join_is_reported_once(tmp_path: Path) -> None:
    write_join(tmp_path)
    joint = write(tmp_path, JOINT[JOINT.index("[a]") :], "joint.toml")
    rows = [("x", "Dog", "absent"), ("a/x", "Dog", "absent"), ("a/x", "Gitar", "absent")]
    path, out = write_verdicts(tmp_path / "v.csv", rows), tmp_path / "o.parquet"
    with pytest.raises(UnknownLabelError, match=r"source 'a': .*v\.csv: classes .*'Gitar'"):
        expand_files(joint, out, "weak", verdicts=path)
    summary = expand_files(joint, out, "weak", verdicts=path, unknown="drop")
    reason = "a verdict on a clip that begins with no prefix of the join's data sets"
    assert [(f.row, f.clip, f.reason) for f in summary.report.findings] == [
        (2, "x", reason),
        (4, "a/x", "unknown label: Gitar"),
    ]
    assert [s["rows"] for s in read_info(out)["sources"] if "verdicts" in s] == [3]
    write_verdicts(path, rows[:1])
    with pytest.raises(LabelFileError, match=r"v\.csv: no clip is of a data set of the join that"):
        expand_files(joint, out, "weak", verdicts=path)


def test_a_join_whose_prefixes_do_not_decide_is_refused(tmp_path: Path) -> None:
    write_join(tmp_path)
    verdicts = write_verdicts(tmp_path / "v.csv", [("x", "Dog", "absent")])
    alike = write(tmp_path, JOINT.replace('prefix = "a/"\n', ""), "alike.toml")
    with pytest.raises(OptionError, match="'base' and 'a' both have '': give each a prefix, or na"):
        expand_files(alike, tmp_path / "o.parquet", "weak", verdicts=verdicts)
    events = write(tmp_path, JOINT[JOINT.index("[events]") :], "events.toml")
    with pytest.raises(OptionError, match="no data set of the join has these"):
        expand_files(events, tmp_path / "o.parquet", verdicts=verdicts)
    held = {"labels": Annotations.from_dict({"x": ["Dog"]})}
    with pytest.raises(OptionError, match="verdicts does not fit labels that are read already"):
        join([held], "weak", verdicts=verdicts)


def test_no_teacher_outweighs_a_verdict(tmp_path: Path) -> None:
    rows = "clip_id,labels\na,Guitar\nb,Guitar;Music;Electric guitar;Dog;Bark\nc,Guitar;Dog\n"
    path = write(tmp_path, rows)
    judged = "a,Music,absent\na,Electric guitar,unsure\nc,Dog,absent\n"
    labels = read_labels(path, verdicts=write(tmp_path, HEAD + judged, "v.csv"))
    classes = ["Guitar", "Music", "Electric guitar", "Dog", "Bark"]
    values = [[1, 1, 1, 1, 1], [0.1, 0.1, 0.1, 0.1, 0.1], [1, 1, 1, 1, 1]]
    scores = Scores.from_arrays(["a", "b", "c"], values, classes=classes)
    added = expand(scores, "teacher-enhanced", given=labels, labels_scheme="pel")
    assert [row.get("Music") for row in named(added)] == ["negative", "positive", "positive"]
    assert [row["Electric guitar"] for row in named(added)] == ["unknown", "positive", "positive"]
    assert [row["Dog"] for row in named(added)] == ["negative", "positive", "negative"]
    masked = expand(scores, "teacher-masked", given=labels, mask_share=1)
    assert [list(row.values()) for row in named(masked)] == [
        ["positive", "negative", "unknown", "unknown", "unknown"],
        ["positive"] * 5,
        ["positive", "unknown", "unknown", "negative", "negative"],
    ]


def named(targets: Targets) -> list[dict[str, str]]:
    names = dict(zip(targets.vocabulary.ids, targets.vocabulary.names, strict=True))
    return [{names[c]: s for c, s in own.items()} for own in states(targets).values()]


def test_events_take_none(tmp_path: Path) -> None:
    events = {"clip": ["a"], "onset": [0], "offset": [1], "label": ["Dog"]}
    verdicts = write(tmp_path, HEAD + "a,Dog,absent\n", "v.csv")
    with pytest.raises(OptionError, match="verdicts are on classes of whole clips"):
        read_events(pa.table(events), verdicts=verdicts)
