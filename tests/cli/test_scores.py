"""`audiolabels expand --scheme pseudo-strong` as a user meets it."""

import csv
import json
import subprocess
import sys
from base64 import b64decode
from pathlib import Path

import numpy as np
import pytest
from score_files import NAMES, write_ced, write_hdf5, write_npz

from audiolabels import expand, load_vocabulary, read_labels, read_scores, read_targets

CLIPS = ["a", "b", "c"]
FEW = [[0.75, 0.5, 0.0], [0.25, 0.0, 0.0], [0.0, 0.0, 0.875]]


def run(*arguments: object, cwd: Path | None = None) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "audiolabels", *map(str, arguments)],
        capture_output=True,
        text=True,
        cwd=cwd,
        check=False,
    )


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    write_npz(tmp_path / "s.npz", clip_id=CLIPS, scores=FEW, classes=NAMES)
    (tmp_path / "l.csv").write_text(
        'clip_id,labels\na.wav,"Guitar,Rain"\nb.wav,Rain\nd.wav,Speech\n'
    )
    return tmp_path


PSEUDO = ("expand", "--scheme", "pseudo-strong")


def test_scores_and_labels_are_mixed_and_summed_up(folder: Path) -> None:
    mixing = ["--scores", "s.npz", "--teacher-weight", "0.5"]
    done = run(*PSEUDO, *mixing, "l.csv", "-o", "o.parquet", "--report", "r.csv", cwd=folder)
    assert done.returncode == 0, done.stderr
    for line in (
        "s.npz was read as npz (a numpy archive of clip_id, scores)",
        "scores taken as probabilities (the first block goes from 0 to 0.875); "
        "classes as in the file",
        "pseudo-strong, teacher weight 0.5, labels scheme weak, vocabulary s.npz (3 classes)",
        "clips                                    2",
        "with scores, without labels              1",
        "with labels, without scores              1",
        "classes at 0.5 per clip               1.00",
        "clips with none                      50.0%",
        "labels per clip, as given             1.50",
        "label coverage                       50.0%",
        "clips with all labels found          50.0%",
        "Guitar                                     1         1",
        "1 × clip without scores (not in the result)",
        "1 × clip without labels (not in the result; kept at teacher weight 1)",
    ):
        assert line in done.stdout
    targets = read_targets(folder / "o.parquet")
    assert targets.to_numpy()[0].tolist() == [[0.875, 0.75, 0.0], [0.125, 0.5, 0.0]]
    report = (folder / "r.csv").read_text()
    assert "l.csv,4,d,clip without scores" in report
    assert "s.npz,3,c,clip without labels" in report
    facts = run("info", "o.parquet", cwd=folder).stdout
    assert "layout      packed (target, masked)" in facts
    assert json.loads(run("info", "--json", "o.parquet", cwd=folder).stdout)["soft"] is True


def test_labels_are_masked_and_summed_up(folder: Path) -> None:
    masking = ["--scheme", "teacher-masked", "--scores", "s.npz", "--mask-share", "1"]
    done = run("expand", *masking, "l.csv", "-o", "o.parquet", cwd=folder)
    assert done.returncode == 0, done.stderr
    for line in (
        "teacher-masked, mask share 1.0, labels scheme weak, vocabulary s.npz (3 classes)",
        "with scores, without labels              1",
        "with labels, without scores              1",
        "implicit negatives                       3",
        "masked by the teacher                    3",
        "labels per clip, before               1.33",
        "masked per clip                       1.00",
        "1 × clip not repaired (labels unchanged)",
    ):
        assert line in done.stdout
    masked = read_targets(folder / "o.parquet").to_pandas()["masked"].tolist()
    assert masked == [["Speech"], ["Guitar", "Speech"], []]


def test_labels_are_enhanced_and_summed_up(folder: Path) -> None:
    write_npz(
        folder / "s.npz", clip_id=["a", "b", "d"], scores=[[0.5, 0.5], [1, 0], [0, 0]],
        classes=["Guitar", "Raindrop"],
    )  # fmt: skip
    (folder / "l.csv").write_text("clip_id,labels\na,Guitar\nb,Plucked string instrument\nd,Rain\n")
    enhancing = ["--scheme", "teacher-enhanced", "--enhance", "children", "--added-as-given"]
    climbing = ["--labels-scheme", "pe-cml", "--score-threshold", "p5"]
    arguments = [*enhancing, *climbing, "--scores", "s.npz", "l.csv", "-o", "o.parquet"]
    done = run("expand", *arguments, cwd=folder)
    assert done.returncode == 0, done.stderr
    for line in (
        "teacher-enhanced, enhance children, score threshold p5, added as given True, labels",
        "added by the teacher                     1",
        "of these children                        1",
        "classes without threshold                1",
    ):
        assert line in done.stdout
    frame = read_targets(folder / "o.parquet").to_pandas()
    assert frame["positive"].tolist() == [["Guitar"], ["Guitar"], []]
    assert frame["masked"].tolist() == [[], [], ["Raindrop"]]


def test_classes_that_fall_away_are_counted(folder: Path) -> None:
    done = run(
        *PSEUDO, "--scores", "s.npz", "--vocabulary", "audioset-strong", "-o", "o", cwd=folder
    )
    assert done.returncode == 0, done.stderr
    assert "1 of the teacher's 3 classes are not in the vocabulary; it does not" in done.stdout
    assert "not scored                           99.6%" in done.stdout


def test_a_threshold_makes_hard_targets(folder: Path) -> None:
    done = run(*PSEUDO, "--scores", "s.npz", "--threshold", "0.5", "-o", "o.parquet", cwd=folder)
    assert done.returncode == 0, done.stderr
    frame = read_targets(folder / "o.parquet").to_pandas()
    assert frame["positive"].tolist() == [["Guitar", "Rain"], [], ["Speech"]]


@pytest.mark.parametrize(
    ("arguments", "code", "message"),
    [
        ([*PSEUDO, "-o", "o", "l.csv"], 2, "scheme pseudo-strong needs --scores FILE"),
        (["expand", "--scores", "s.npz", "-o", "o"], 2, "pe-cml has no use for --scores"),
        (["expand", "l.csv", "--threshold", "0.5", "-o", "o"], 2, "no use for --threshold"),
        ([*PSEUDO, "--scores", "s.npz", "--negatives", "all", "-o", "o"], 2, "no use for --neg"),
        ([*PSEUDO, "--scores", "s.npz", "--layout", "lists", "-o", "o"], 1, "--threshold"),
        ([*PSEUDO, "--scores", "gone.npz", "-o", "o"], 1, "Error: gone.npz: no such file"),
        ([*PSEUDO, "--scores", "s.npz", "--teacher-weight", "x", "-o", "o"], 1, "a number from 0"),
        ([*PSEUDO, "--scores", "s.npz", "--class-order", "audioset", "-o", "o"], 1, "audioset has"),
        ([*PSEUDO, "--scores", "s.npz", "--score-values", "odds", "-o", "o"], 2, "'odds'"),
        (["expand", "--scheme", "co-supervised", "--scores", "s.npz", "-o", "o"], 2, "needs INPUT"),
        ([*PSEUDO, "--scores", "s.npz", "--mask-share", "1", "-o", "o"], 2, "no use for --mask"),
        ([*PSEUDO, "--scores", "s.npz", "--added-as-given", "-o", "o"], 2, "no use for --added"),
        ([*PSEUDO, "--scores", "l.csv", "-o", "o"], 1, "l.csv: no file of scores"),
        ([*PSEUDO, "--scores", "s.npz", "-o", "s.npz"], 1, "is an input or another output"),
    ],
)
def test_wrong_usage_is_said(folder: Path, arguments: list[str], code: int, message: str) -> None:
    done = run(*arguments, cwd=folder)
    assert done.returncode == code
    assert message in done.stderr
    assert not (folder / "o").exists()


def test_soft_targets_are_exported(folder: Path) -> None:
    run(*PSEUDO, "--scores", "s.npz", "-o", "o.parquet", cwd=folder)
    to = ("export", "o.parquet", "-o", "a.csv", "--to")
    for form, more, code, message in (
        ("fsd50k", [], 1, "--threshold 0.5 (threshold=0.5), the value in the PSL paper's"),
        ("fsd50k", ["--threshold", "2"], 1, "give a number from above 0 to 1"),
        ("hear", [], 1, "expand the scores with a threshold"),
        ("hear", ["--threshold", "0.5"], 2, "--to hear has no use for --threshold"),
        ("pretrained-sed", [], 1, "pretrained-sed is read with the 447 classes"),
    ):
        done = run(*to, form, *more, cwd=folder)
        assert (done.returncode, message in done.stderr) == (code, True), done.stderr
    assert not (folder / "a.csv").exists()
    done = run(*to, "fsd50k", "--threshold", "0.5", cwd=folder)
    assert done.returncode == 0, done.stderr
    assert "hard labels: scores from 0.5 on; the scores: column `soft`" in done.stdout
    soft = read_targets(folder / "o.parquet")
    with (folder / "a.csv").open() as file:
        rows = list(csv.DictReader(file))
    scores = [np.frombuffer(b64decode(row["soft"]), "<f2") for row in rows]
    names = [clip[:11] for clip in soft.clip_id.to_pylist()]
    kept = [names.index(row["fname"][:11]) for row in rows]
    assert (np.array(scores) == soft.to_numpy(kept)[0]).all()


def test_repeated_files_of_scores_are_all_read(folder: Path) -> None:
    write_npz(folder / "more.npz", clip_id=["e"], scores=[FEW[0]], classes=NAMES)
    files = ["--scores", "s.npz", "--scores", "more.npz"]
    done = run(*PSEUDO, *files, "-o", "o.parquet", cwd=folder)
    assert done.returncode == 0, done.stderr
    assert read_targets(folder / "o.parquet").clips["clip_id"].to_pylist() == [*CLIPS, "e"]


def test_a_table_beside_the_scores_is_not_overwritten(tmp_path: Path) -> None:
    path = write_ced(tmp_path, np.eye(2, 527), top=3, names=["a", "b"])
    done = run(*PSEUDO, "--scores", path, "-o", path.with_suffix(".parquet"), cwd=tmp_path)
    assert done.returncode == 1
    assert "is an input or another output" in done.stderr


def test_an_archive_needs_no_h5py(folder: Path) -> None:
    write_hdf5(folder / "s.h5", clip_id=CLIPS, scores=FEW, classes=NAMES)
    program = (
        "import sys; sys.modules['h5py'] = None; from audiolabels.cli import main;"
        "main(['expand', '--scheme', 'pseudo-strong', '--scores', sys.argv[1], '-o', 'o.parquet'])"
    )

    def without(name: str) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, "-c", program, name]
        return subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)

    assert without("s.npz").returncode == 0
    refused = without("s.h5")
    assert refused.returncode == 1
    assert "pip install 'audiolabels[hdf5]'" in refused.stderr


@pytest.mark.shared
def test_real_labels_show_a_wrong_class_order(shared_data: Path, tmp_path: Path) -> None:
    """A made-up teacher over the evaluation set: the labels, dimmed, under much noise."""
    path = shared_data / "audioset" / "eval_segments.csv"
    labels = read_labels(path)
    given, _ = expand(labels, "weak").to_numpy()
    rng = np.random.default_rng(0)
    noise = rng.random(given.shape, np.float32)
    scores = np.clip(given * 0.5 * rng.random(given.shape, np.float32) + noise**6, 0, 1)
    order = rng.permutation(527)
    videos = [clip[:11] for clip in labels.clip_id.to_pylist()]
    write_npz(tmp_path / "right.npz", clip_id=videos, scores=scores)
    write_npz(tmp_path / "wrong.npz", clip_id=videos, scores=scores[:, order])
    audioset = load_vocabulary("audioset")
    (tmp_path / "order.txt").write_text("\n".join(audioset.ids[i] for i in order))

    def precision(text: str) -> float:
        (line,) = (line for line in text.splitlines() if "mean average precision   " in line)
        return float(line.split()[-1])

    right = run(*PSEUDO, "--scores", "right.npz", path, "-o", "right.parquet", cwd=tmp_path)
    assert "20,371 clips were found by their video alone" in right.stdout
    assert "warning" not in right.stdout
    assert precision(right.stdout) > 0.05
    wrong = run(*PSEUDO, "--scores", "wrong.npz", path, "-o", "wrong.parquet", cwd=tmp_path)
    assert "warning: scores and labels hardly agree" in wrong.stdout
    assert "--class-order" in wrong.stdout
    assert precision(wrong.stdout) < 0.01
    named = ["--class-order", "order.txt"]
    run(*PSEUDO, "--scores", "wrong.npz", *named, path, "-o", "named.parquet", cwd=tmp_path)
    mended, wanted = (read_targets(tmp_path / f"{n}.parquet") for n in ("named", "right"))
    assert mended.vocabulary == wanted.vocabulary == audioset
    assert np.array_equal(mended.to_numpy()[0], wanted.to_numpy()[0])
    assert mended.clip_id.equals(labels.clip_id)
    assert len(read_scores(tmp_path / "named.parquet")) == len(labels)
