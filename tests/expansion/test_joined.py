"""Joins of data sets, as files and in memory."""

import tomllib
from pathlib import Path

import pytest

import audiolabels
from audiolabels import (
    expand,
    expand_files,
    join,
    read_events,
    read_info,
    read_labels,
    read_targets,
    write_targets,
)
from audiolabels.errors import AudioLabelsError, LabelFileError, OptionError

TOML = """
scheme = "pe-cml"
vocabulary = "classes.txt"

[one]
labels = "one.csv"

[two]
events = "two.tsv"
scheme = "diffuse"
mapping = "desed"
prefix = "two/"
"""
CLASSES = ["Speech", "Dog", "Bark", "Cat", "Rain"]
NAMED = ("own", "plain", "heard", "listed")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "joint.toml").write_text(TOML)
    (tmp_path / "classes.txt").write_text("\n".join(CLASSES))
    (tmp_path / "one.csv").write_text("clip_id,labels\na,Dog\nb,Rain\n")
    (tmp_path / "two.tsv").write_text(
        "filename\tonset\toffset\tevent_label\na\t0\t1\tSpeech\nc\t0\t2\tDog\na\t2\t3\tCat\n"
    )
    return tmp_path


def test_each_source_is_expanded_as_alone(folder: Path) -> None:
    out = folder / "joint.parquet"
    summary = expand_files(folder / "joint.toml", out)
    joined = read_targets(out)
    assert joined.clip_id.to_pylist() == ["a", "b", "two/a", "two/c"]
    one = expand(read_labels(folder / "one.csv"), "pe-cml", vocabulary=CLASSES)
    events = read_events(folder / "two.tsv", mapping="desed")
    two = expand(events, "diffuse", vocabulary=CLASSES)
    for found, right in zip([*joined], [*one, *two], strict=True):
        assert [part.tolist() for part in found] == [part.tolist() for part in right]
    assert joined["two/a"][1].tolist() == [1, 1, 1, 1, 0]  # nobody listened for rain
    counts = summary.counts.sources["two"]
    assert (counts.positive, counts.negative, counts.unknown) == (3, 4, 3)  # a dog may bark
    alone = summary.counts.alone()
    assert [CLASSES[c] for c in alone["one"]] == ["Rain"]
    facts = read_info(out)["joined"]
    assert facts[1]["mapping"] == "desed"
    assert facts[1]["counts"]["unknown"] == 3


def test_python_joins_alike(folder: Path) -> None:
    out = folder / "joint.parquet"
    expand_files(folder / "joint.toml", out)
    two = {"events": folder / "two.tsv", "scheme": "diffuse", "mapping": "desed", "prefix": "two/"}
    made = join({"one": {"labels": folder / "one.csv"}, "two": two}, vocabulary=CLASSES)
    for found, right in zip(made.to_numpy(), read_targets(out).to_numpy(), strict=True):
        assert (found == right).all()
    read = {"labels": read_labels(folder / "one.csv"), "prefix": "x/"}
    assert join([read], vocabulary=CLASSES).clip_id.to_pylist() == ["x/a", "x/b"]


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("[two]", "[two", "not a TOML file"),
        ('labels = "one.csv"', "", "source 'one': give either labels or events"),
        ('scheme = "diffuse"\n', "", "source 'two': scheme 'pe-cml' does not read events"),
        ("prefix", "prefx", "source 'two': there is no option 'prefx'; did you mean 'prefix'"),
        ('vocabulary = "c', 'vocabluary = "c', "there is no option 'vocabluary' for all data sets"),
        ('mapping = "desed"', 'mapping = "dsed"', "did you mean 'desed'"),
    ],
)
def test_broken_joins_are_refused(folder: Path, old: str, new: str, message: str) -> None:
    path = folder / "joint.toml"
    path.write_text(TOML.replace(old, new))
    with pytest.raises(Exception, match=message) as caught:
        expand_files(path, folder / "o.parquet")
    assert isinstance(caught.value, OptionError) or "desed" in message
    assert not (folder / "o.parquet").exists()


def test_metadata_state_how_each_file_was_read(folder: Path) -> None:
    out, options = folder / "two.parquet", {"mapping": "desed", "prefix": "two/"}
    expand_files(folder / "two.tsv", out, "diffuse", **options)
    memory = expand(read_events(folder / "two.tsv", **options), "diffuse").metadata
    for facts in (read_info(out), memory):
        (source,) = facts["sources"]
        assert source["mapping"] == source["annotated"]["name"] == "desed"
        assert (source["prefix"], "values" in source) == ("two/", False)


def test_frames_joined_with_whole_clips_are_not_looked_up_as_if_they_were_clips(
    tmp_path: Path,
) -> None:
    options = {"scheme": "strong-framed", "clip_duration": 4}
    framed = {**options, "events": {"a": [("Dog", 0, 1)]}, "prefix": "s/"}
    finer = {**framed, "prefix": "f/", "frame_length": 0.5, "frame_hop": 0.5}
    weak = {"labels": {"a": ["Dog"]}, "prefix": "w/"}
    for others, shown in (
        ({"weak": weak}, r"framed \(every 0.96 s\), weak \(clips\)"),
        ({"finer": finer}, r"framed \(every 0.96 s\), finer \(every 0.5 s\)"),
    ):
        made = join({"framed": framed, **others}, vocabulary=["Dog", "Rain"])
        write_targets(made, tmp_path / "joint.parquet")
        match = rf"no one shape: .*: {shown}\. Expand those of each kind .*Mixture"
        with pytest.raises(OptionError, match=match):
            audiolabels.open(tmp_path / "joint.parquet")
        with pytest.raises(OptionError, match=match):
            audiolabels.LabelSource(made)
        assert read_targets(tmp_path / "joint.parquet")["s/a"][0].shape == (4, 2)


@pytest.mark.parametrize("output", ["joint.parquet", "folder/"])
def test_metadata_of_a_join_state_what_clips_were_annotated_for(folder: Path, output: str) -> None:
    (folder / "wide.csv").write_text("clip,Dog,Speech\na,1,0\n")
    (folder / "joint.toml").write_text(
        f'vocabulary = "{folder}/classes.txt"\nprefix = "x/"\n'
        '[own]\nlabels = "wide.csv"\nmapping = "desed"\n'
        '[plain]\nlabels = "wide.csv"\n'
        '[heard]\nlabels = "wide.csv"\nmapping = "desed"\nannotated = "none"\n'
        '[listed]\nlabels = "one.csv"\nannotated = ["Dog", "Rain"]\n'
    )
    expand_files(folder / "joint.toml", f"{folder}/{output}")
    tables = tomllib.loads((folder / "joint.toml").read_text())
    tables = {n: {**tables[n], "labels": folder / tables[n]["labels"]} for n in NAMED}
    made = join(tables, vocabulary=CLASSES, prefix="x/")
    columns = {"name": "its columns"}
    for metadata in (read_info(f"{folder}/{output}"), made.metadata):
        found = {own["name"]: own for own in metadata["joined"]}
        assert found["own"]["annotated"] == found["plain"]["annotated"] == columns
        assert found["heard"]["annotated"] == {"name": "none", "classes": 0}
        assert found["listed"]["annotated"]["classes"] == 2
        assert [found[n].get("mapping") for n in NAMED] == ["desed", None, "desed", None]
        assert {own["prefix"] for own in found.values()} == {"x/"}


@pytest.mark.parametrize(
    ("table", "message"),
    [
        (
            'labels = "one.csv"\nmapping = "nosuch"',
            "source 'x': 'nosuch' is neither a named",
        ),
        ('labels = "missing.csv"', "source 'x': missing.csv: no such file"),
        ('labels = ["one.csv", 3]', "source 'x': an entry of labels: expected the name of a file"),
        ('labels = "one.csv"\nprefix = 3', "source 'x': prefix: expected text; got 3"),
        ('labels = "none*.csv"', "source 'x': .*no file matches this pattern"),
        ("labels = []", "source 'x': no file of labels is named"),
    ],
)
def test_errors_name_the_source(
    folder: Path, monkeypatch: pytest.MonkeyPatch, table: str, message: str
) -> None:
    monkeypatch.chdir(folder)
    Path("bad.toml").write_text(f"[x]\n{table}\n")
    with pytest.raises(AudioLabelsError, match=message):
        expand_files("bad.toml", "o.parquet")
    assert not Path("o.parquet").exists()


def test_a_join_may_begin_with_a_byte_order_mark(folder: Path) -> None:
    path = folder / "joint.toml"
    path.write_text("\ufeff" + path.read_text("utf-8"), "utf-8")
    expand_files(path, folder / "o.parquet")
    assert len(read_targets(folder / "o.parquet")) == 4


def test_frames_of_a_join_are_looked_up_by_clip(tmp_path: Path) -> None:
    rows = {"clip": ["a", "b"], "onset": [0, 1], "offset": [3, 2], "label": ["Dog", "Rain"]}
    events = read_events(rows, clip_duration=4)
    options = {"scheme": "strong-framed", "negatives": "both"}
    joined = join([{"events": events}, {"events": events, "prefix": "x/"}], **options)
    alone = audiolabels.LabelSource(expand(events, "strong-framed", negatives="both"))
    path = tmp_path / "joined.parquet"
    write_targets(joined, path)
    for source in (audiolabels.LabelSource(joined), audiolabels.open(path)):
        assert (source.framed, len(source)) == (True, 4)
        for clip in ("a", "x/b"):
            right = alone[clip.removeprefix("x/")]
            assert source[clip].target.tolist() == right.target.tolist()
            assert source[clip].mask.tolist() == right.mask.tolist()
    mixed = join([{"events": events}, {"labels": {"c": ["Dog"]}, "scheme": "weak"}], **options)
    assert mixed.metadata["options"] == {}


def test_confirmed_absences_of_labels_are_those_of_events(folder: Path) -> None:
    (folder / "absent.csv").write_text("clip_id,labels\na,Cat\nb,Dog;Rain\nd,Dog\n")
    text = '[one]\nlabels = "one.csv"\nprefix = "x/"\nannotated = "none"\n'
    (folder / "joint.toml").write_text(f'{text}explicit_negatives = "absent.csv"\n')
    report = folder / "report.csv"
    options = {"vocabulary": folder / "classes.txt", "report": report}
    out = folder / "joint.parquet"
    summary = expand_files(folder / "joint.toml", out, "pel", **options)
    states = {"x/a": "?+?-?", "x/b": "?--?+", "x/d": "?--??"}  # without a dog, nothing barks
    found = read_targets(out)
    for clip, expected in states.items():
        target, mask = found[clip]
        assert "".join("-+"[int(t)] if m else "?" for t, m in zip(target, mask, strict=True)) == (
            expected
        )
    rows = report.read_text().splitlines()
    assert 'one.csv,3,x/b,contradiction,"given, but it' in rows[1]
    assert 'absent.csv,4,x/d,clip added,"explicit negatives, but no labels"' in rows[2]
    assert [source["name"] for source in summary.report.sources] == ["one.csv", "absent.csv"]
    source = {"labels": folder / "one.csv", "prefix": "x/", "annotated": "none"}
    source |= {"explicit_negatives": folder / "absent.csv"}
    made = join([source], "pel", vocabulary=CLASSES)
    labels = read_labels([folder / "one.csv"], **{k: v for k, v in source.items() if k != "labels"})
    for other in (made, expand(labels, "pel", vocabulary=CLASSES)):
        for a, b in zip(other.to_numpy(), found.to_numpy(), strict=True):
            assert (a == b).all()


def test_absences_of_several_files_are_joined_once(folder: Path) -> None:
    (folder / "more.csv").write_text("clip_id,labels\nc,Dog\n")
    (folder / "absent.csv").write_text("clip_id,label\nc,Cat\na,Rain\ne,Rain\na,Cat\n")
    files, made = [folder / "one.csv", folder / "more.csv"], []
    for out, size in ((folder / "t.parquet", 1 << 20), (folder / "parts/", 64)):
        options = {"vocabulary": folder / "classes.txt", "annotated": "none"}
        options |= {"explicit_negatives": folder / "absent.csv"}
        expand_files(files, f"{out}{'/' * (size < 100)}", "weak", **options)
        made.append(read_targets(out))
    assert made[0].clip_id.to_pylist() == made[1].clip_id.to_pylist() == ["a", "b", "c", "e"]
    for a, b in zip(made[0].to_numpy(), made[1].to_numpy(), strict=True):
        assert (a == b).all()
    assert made[0].to_numpy()[1].tolist() == [
        [0, 1, 0, 1, 1], [0, 0, 0, 0, 1], [0, 1, 0, 1, 0], [0, 0, 0, 0, 1]
    ]  # fmt: skip


def test_absences_that_fit_no_clip_are_refused(folder: Path) -> None:
    absent = folder / "absent.csv"
    absent.write_text("clip_id,labels\nq,Cat\n")
    with pytest.raises(LabelFileError, match=r"absent\.csv: none of its 1 clips .* look like 'q'"):
        read_labels(folder / "one.csv", explicit_negatives=absent)
    absent.write_text("clip_id,labels,absent_labels\na,Cat,\n")
    with pytest.raises(LabelFileError, match=r"absent\.csv: no class is confirmed absent"):
        read_labels(folder / "one.csv", explicit_negatives=absent)


def test_a_join_takes_no_other_input(folder: Path, tmp_path: Path) -> None:
    with pytest.raises(OptionError, match=r"joint\.toml: a join is expanded alone; name the other"):
        expand_files([folder / "joint.toml", folder / "one.csv"], tmp_path / "t.parquet")
