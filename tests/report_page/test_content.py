"""What the page shows is what the files hold."""

from pathlib import Path

import numpy as np
import pytest

from audiolabels import Scores, expand, expand_files, read_labels, sample_path
from audiolabels.errors import LabelFileError, OptionError
from audiolabels.report_page import page_content

LABELS = 'clip_id,labels\nabcdefghijk_30000,"Guitar;Rain"\nown.wav,Electric guitar\nempty.wav,\n'


@pytest.fixture
def labels(tmp_path: Path) -> Path:
    (tmp_path / "labels.csv").write_text(LABELS)
    return tmp_path / "labels.csv"


def test_columns_are_those_of_the_targets(labels: Path) -> None:
    content = page_content([labels])
    read = read_labels(labels)
    given, after = expand(read, "weak").summary(), expand(read, "pe-cml").summary()
    columns = content["columns"]
    assert columns["given"] == given["positive"].tolist()
    assert columns["positive"] == after["positive"].tolist()
    np.testing.assert_allclose(columns["unknown"], after["unknown"] / 3, atol=1e-6)
    np.testing.assert_allclose(
        columns["prior"], after["positive"] / (3 - after["unknown"]), atol=1e-6
    )
    assert (content["rows"], content["row"]) == (3, "clips")


def test_examples_have_the_state_that_they_are_examples_of(labels: Path) -> None:
    content = page_content([labels])
    names = content["names"]
    for state, by_class in content["examples"].items():
        assert len(by_class) == 527
        for column, numbers in enumerate(by_class):
            assert all(column in content["clips"][number][state] for number in numbers)
    guitar = names.index("Guitar")
    ids = {state: [content["clips"][n]["id"] for n in found[guitar]]
           for state, found in content["examples"].items()}  # fmt: skip
    assert ids == {"given": ["abcdefghijk_30000"], "implied": ["own"], "unknown": ["empty"]}
    links = {clip["id"]: clip.get("link") for clip in content["clips"]}
    assert links["abcdefghijk_30000"] == "https://www.youtube.com/watch?v=abcdefghijk&t=30"
    assert links["own"] is None


def test_every_class_of_the_sample_has_its_examples() -> None:
    content = page_content([sample_path()])
    targets = expand(read_labels(sample_path()), "pe-cml").summary()
    states = content["examples"]
    for column, (positive, unknown) in enumerate(
        zip(targets["positive"], targets["unknown"], strict=True)
    ):
        found = len({*states["given"][column], *states["implied"][column]})
        assert (found > 0, len(states["unknown"][column]) > 0) == (positive > 0, unknown > 0)


def test_the_tree_has_every_class_below_a_parent(labels: Path) -> None:
    content = page_content([labels])
    columns = [column for _, _, column in content["nodes"] if column >= 0]
    assert sorted(columns) == list(range(527))
    parents = {
        name: content["nodes"][parent][0] for name, parent, _ in content["nodes"] if parent >= 0
    }
    assert parents["Electric guitar"] == "Guitar"
    assert parents["Human voice"] == "Human sounds"  # outside the vocabulary


def test_targets_are_shown_as_they_are(labels: Path) -> None:
    output = labels.with_name("t.parquet")
    expand_files(labels, output, "pe-cml")
    content = page_content([output])
    assert set(content["columns"]) == {"positive", "prior", "unknown"}
    assert set(content["examples"]) == {"positive", "unknown"}
    assert ("scheme", "pe-cml, parents all") in content["facts"]


def test_contradictions_are_examples_of_their_own(tmp_path: Path) -> None:
    path = tmp_path / "l.csv"
    path.write_text("clip_id,label,present\na,Rain,1\na,Rain,0\nb,Dog,1\n")
    content = page_content([path])
    rain = content["names"].index("Rain")
    numbers = content["examples"]["contradictory"]
    assert [content["clips"][n]["id"] for n in numbers[rain]] == ["a"]
    assert sum(map(len, numbers)) == 1
    (finding,) = [one for one in content["findings"] if one["kind"] == "contradiction"]
    assert "l.csv, row" in finding["examples"][0]


def test_quality_evaluation_and_scores_are_columns(labels: Path) -> None:
    folder = labels.parent
    (folder / "q.csv").write_text("label_id,num_rated,num_true\n/m/0342h,10,8\n/m/06mb1,0,0\n")
    (folder / "classes.csv").write_text("id,average_precision\n/m/0342h,0.25\n/m/06mb1,\n")
    scores = Scores.from_arrays(["own", "other"], np.full((2, 527), 0.75))
    np.savez(folder / "s.npz", clip_id=["own", "other"], scores=scores.scores)
    content = page_content(
        [labels], class_quality=folder / "q.csv", evaluation=folder, scores=folder / "s.npz"
    )
    guitar, rain = map(content["names"].index, ("Guitar", "Rain"))
    columns = content["columns"]
    assert (columns["label quality"][guitar], columns["label quality"][rain]) == (0.8, None)
    assert (columns["average precision"][guitar], columns["average precision"][rain]) == (
        0.25,
        None,
    )
    assert columns["found"] == [2] * 527
    (folder / "names.csv").write_text("label_id,num_rated,num_true\nGuitar,10,8\n")
    by_name = page_content([labels], class_quality=folder / "names.csv")["columns"]
    assert by_name["label quality"][guitar] == 0.8
    with pytest.raises(LabelFileError, match="label quality has label_id"):
        page_content([labels], class_quality=labels)
    (folder / "classes.csv").write_text("id,mAP\n/m/0342h,0.25\n")
    with pytest.raises(LabelFileError, match="lacks a column or a number"):
        page_content([labels], evaluation=folder)


def test_a_comparison(labels: Path) -> None:
    other = labels.with_name("other.csv")
    other.write_text("clip_id,labels\nown.wav,Guitar\n")
    found = page_content([labels], against=other)["comparison"]
    assert (found["a"], found["b"], found["clips"]) == ("labels.csv", "other.csv", 1)
    assert found["overlaps"][0] == ["all classes", 3, 1, 1, 0, 0.0, 0.0]


def test_an_audit_names_its_clips(labels: Path) -> None:
    audit = labels.with_name("a.csv")
    row = "own,/m/0342h,Guitar,missing,a teacher is sure,0.9"
    audit.write_text(f"clip_id,id,name,kind,evidence,suspicion\n{row}\n")
    content = page_content([labels], audit=audit)
    (one,) = content["audit"]
    assert content["clips"][one["clip"]]["id"] == "own"
    with pytest.raises(LabelFileError, match="no column clip_id"):
        page_content([labels], audit=sample_path())


def test_each_kind_of_an_audit_has_its_share(labels: Path) -> None:
    audit = labels.with_name("a.csv")
    rows = [f"own,/m/0342h,Guitar,{kind},e,0.9" for kind in ["implied"] * 600 + ["wrong"] * 3]
    audit.write_text("\n".join(["clip_id,id,name,kind,evidence,suspicion", *rows]))
    found = [one["kind"] for one in page_content([labels], audit=audit)["audit"]]
    assert (found.count("implied"), found.count("wrong")) == (500, 3)


def test_recordings_have_players(labels: Path) -> None:
    soundfile = pytest.importorskip("soundfile")
    folder = labels.parent / "audio & more"
    folder.mkdir()
    soundfile.write(folder / "own.wav", np.zeros(800), 8000)
    content = page_content([labels], audio=folder, page=labels.parent)
    players = {clip["id"]: clip.get("player") for clip in content["clips"]}
    assert players["own"] == "audio%20%26%20more/own.wav"
    np.savez(labels.parent / "e.npz", clip_id=["own"], embedding=np.zeros((1, 1, 4), np.float32))
    with pytest.raises(OptionError, match="no folder of recordings"):
        page_content([labels], audio=labels.parent / "e.npz")
