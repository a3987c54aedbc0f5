"""Files of scores to files of targets, as a stream of parts."""

import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.parquet as pq
import pytest
from score_files import NAMES, write_hdf5, write_npz

from audiolabels import (
    SoftTargets,
    Targets,
    expand,
    expand_files,
    read_labels,
    read_scores,
    read_targets,
    write_targets,
)
from audiolabels.clips.index import ClipFinder
from audiolabels.errors import OptionError, ScoresFileError, UnknownClipError
from audiolabels.readers import BlockSizes
from audiolabels.targets.layouts import HARD, SOFT

CLIPS = [f"{i:011}_{i * 1000}" for i in range(40)]
SEGMENTS = np.random.default_rng(5).integers(0, 9, (40, 5, 3)).astype(np.float32) / 8


@pytest.fixture(params=[np.float32, np.float16])
def scores(tmp_path: Path, request: pytest.FixtureRequest) -> Path:
    values = SEGMENTS.astype(request.param)
    return write_hdf5(
        tmp_path / "s.h5", clip_id=CLIPS, scores=values, classes=NAMES, segment_seconds=2
    )


@pytest.fixture
def labels(tmp_path: Path) -> Path:
    """Clips 5 to 49, of which the last ten have no scores."""
    names = {0: "Guitar", 1: "Rain,Speech", 2: "Zither"}
    rows = "".join(f'{i:011}, {i}.000, {i + 10}.000, "{ids(names[i % 3])}"\n' for i in range(5, 50))
    (tmp_path / "labels.csv").write_text(rows)
    return tmp_path / "labels.csv"


def ids(names: str) -> str:
    known = {"Guitar": "/m/0342h", "Rain": "/m/06mb1", "Speech": "/m/09x0r", "Zither": "/m/0jtg0"}
    return ",".join(known[name] for name in names.split(","))


OPTIONS: list[dict[str, Any]] = [
    {},
    {"teacher_weight": 0.5},
    {"teacher_weight": 0.25, "labels_scheme": "pe-cml", "parents": "certain"},
    {"threshold": 0.5},
    {"threshold": 0.75, "teacher_weight": 0.5, "layout": "packed"},
    {"threshold": 0.5, "layout": "dense"},
    {"teacher_weight": 0.5, "layout": "dense"},
]


@pytest.mark.parametrize("options", OPTIONS)
@pytest.mark.parametrize("group", [3, 64, 8192])
def test_streaming_gives_the_bytes_of_the_library(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    scores: Path,
    labels: Path,
    options: dict[str, Any],
    group: int,
) -> None:
    for layout in (*SOFT, *HARD):
        monkeypatch.setitem(vars(layout), "group", group)
    sizes = BlockSizes(scores=7)
    streamed, made = tmp_path / "streamed.parquet", tmp_path / "made.parquet"
    expand_files(labels, streamed, "pseudo-strong", scores=scores, block_sizes=sizes, **options)
    layout = options.get("layout")
    rest = {name: value for name, value in options.items() if name != "layout"}
    targets = expand(read_scores(scores), "pseudo-strong", given=read_labels(labels), **rest)
    write_targets(targets, made, layout=layout)
    assert streamed.read_bytes() == made.read_bytes()
    kind = Targets if "threshold" in options else SoftTargets
    assert isinstance(read_targets(streamed), kind)


REPAIRS: list[tuple[str, dict[str, Any]]] = [
    ("co-supervised", {}),
    ("co-supervised", {"teacher_weight": 1, "propagate_scores": True}),
    ("pseudo-strong", {"propagate_scores": True, "vocabulary": ["Rain", "Speech"]}),
    ("teacher-masked", {"mask_share": 0.3}),
    ("teacher-masked", {"mask_share": 0.5, "labels_scheme": "pe-cml", "layout": "packed"}),
    ("teacher-enhanced", {"vocabulary": "audioset"}),
    ("teacher-enhanced", {"score_threshold": "p10", "labels_scheme": "pel", "parents": "certain"}),
]


@pytest.mark.parametrize(("scheme", "options"), REPAIRS)
@pytest.mark.parametrize("group", [3, 64])
def test_streaming_repair_gives_the_bytes_of_the_library(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    labels: Path,
    scheme: str,
    options: dict[str, Any],
    group: int,
) -> None:
    for layout in (*SOFT, *HARD):
        monkeypatch.setitem(vars(layout), "group", group)
    sizes = BlockSizes(scores=7)
    names = ["Music", "Rain", "Male speech, man speaking"]
    write_hdf5(tmp_path / "s.h5", clip_id=CLIPS, scores=SEGMENTS, classes=names, segment_seconds=2)
    streamed, made = tmp_path / "streamed.parquet", tmp_path / "made.parquet"
    expand_files(labels, streamed, scheme, scores=tmp_path / "s.h5", block_sizes=sizes, **options)
    rest = {name: value for name, value in options.items() if name != "layout"}
    targets = expand(read_scores(tmp_path / "s.h5"), scheme, given=read_labels(labels), **rest)
    write_targets(targets, made, layout=options.get("layout"))
    assert streamed.read_bytes() == made.read_bytes()


@pytest.mark.parametrize("scheme", ["pseudo-strong", "teacher-masked", "teacher-enhanced"])
def test_each_scored_clip_is_looked_up_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, scores: Path, labels: Path, scheme: str
) -> None:
    """Whatever the blocks, and though teacher-enhanced reads the scores twice."""
    sizes, names = BlockSizes(scores=7), list[str]()
    find = ClipFinder.find

    def spying(self: ClipFinder, clips: Any) -> Any:
        names.extend(clips.to_pylist())
        return find(self, clips)

    monkeypatch.setattr(ClipFinder, "find", spying)
    expand_files(labels, tmp_path / "o.parquet", scheme, scores=scores, block_sizes=sizes)
    assert names == CLIPS


@pytest.mark.parametrize("scheme", ["teacher-masked", "teacher-enhanced"])
def test_scores_of_a_clip_in_two_places_are_refused(tmp_path: Path, scheme: str) -> None:
    video, clip = "aaaaaaaaaaa", "aaaaaaaaaaa_30000"
    (tmp_path / "l.csv").write_text(f"clip_id,labels\n{clip},Rain\n")
    path = write_npz(
        tmp_path / "s.npz", clip_id=[video, clip], scores=np.ones((2, 3)), classes=NAMES
    )
    with pytest.raises(ScoresFileError, match=f"{clip} has scores in two places"):
        expand_files(tmp_path / "l.csv", tmp_path / "o.parquet", scheme, scores=path)


def test_what_a_repair_did_is_counted(tmp_path: Path, scores: Path, labels: Path) -> None:
    report = tmp_path / "r.csv"
    summary = expand_files(
        labels, tmp_path / "o.parquet", "teacher-masked", scores=scores, mask_share=0.5,
        report=report,
    )  # fmt: skip
    targets = read_targets(tmp_path / "o.parquet")
    assert targets.clip_id.to_pylist() == [f"{i:011}_{i * 1000}" for i in range(5, 50)]
    counts = summary.counts
    assert (counts.clips, counts.without_labels, counts.without_scores) == (45, 5, 10)
    # Of 35 scored clips 12 are labelled Guitar, and 11 Rain and Speech: the half of 23, 24 and 24.
    assert counts.given_by_class.tolist() == [15, 15, 15]
    assert targets.metadata["counts"] == {
        "clips_without_scores": 10,
        "implicit_negatives": 71,
        "masked_by_teacher": 11 + 12 + 12,
    }
    assert counts.masked == targets.metadata["counts"]["masked_by_teacher"]
    assert summary.agreement is not None
    assert summary.finding_counts["clip not repaired", "it has labels, but no scores"] == 10
    assert 'clip not repaired,"it has labels, but no scores",labels unchanged' in report.read_text()
    assert [source["name"] for source in targets.metadata["sources"]] == ["labels.csv", "s.h5"]


@pytest.mark.parametrize("scheme", ["co-supervised", "teacher-masked"])
def test_rows_of_a_clip_are_united_and_reported(
    tmp_path: Path, scores: Path, labels: Path, scheme: str
) -> None:
    with labels.open("a") as file:
        file.write(f'{5:011}, 5.000, 15.000, "{ids("Rain")}"\n')
    summary = expand_files(labels, tmp_path / "o.parquet", scheme, scores=scores)
    assert summary.finding_counts["clip united", "the clip occurs more than once"] == 1
    assert summary.counts.clips == {"co-supervised": 35, "teacher-masked": 45}[scheme]


def test_scores_alone_suffice(tmp_path: Path, scores: Path) -> None:
    summary = expand_files(None, tmp_path / "o.parquet", "pseudo-strong", scores=scores)
    targets = read_targets(tmp_path / "o.parquet")
    assert np.array_equal(targets.to_numpy()[0], SEGMENTS.reshape(-1, 3))
    assert targets.vocabulary.names == NAMES
    assert (summary.counts.clips, summary.counts.segments) == (40, 200)
    assert summary.agreement is None
    assert [s["name"] for s in targets.metadata["sources"]] == ["s.h5"]


@pytest.mark.parametrize("group", [3, 8192])
def test_counts_are_those_of_the_scores(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, scores: Path, labels: Path, group: int
) -> None:
    for layout in SOFT:
        monkeypatch.setitem(vars(layout), "group", group)
    out = tmp_path / "o.parquet"
    summary = expand_files(labels, out, "pseudo-strong", scores=scores, teacher_weight=0.5)
    counts = summary.counts
    kept = SEGMENTS[5:]
    found = kept.max(1) >= 0.5
    assert (counts.clips, counts.segments) == (35, 175)
    assert (counts.without_labels, counts.without_scores) == (5, 10)
    assert counts.clips_empty == (~found.any(1)).sum()
    assert counts.segments_empty == (kept < 0.5).all(2).sum()
    assert counts.clips_by_number.tolist() == np.bincount(found.sum(1), minlength=4).tolist()
    assert counts.found_by_class.tolist() == found.sum(0).tolist()
    given = np.array([[[1, 0, 0], [0, 1, 1], [0, 0, 0]][i % 3] for i in range(5, 40)], bool)
    again = (given & found).sum(1)
    some = given.any(1)
    assert counts.labelled == some.sum()
    assert counts.covered == (some & (again == given.sum(1))).sum()
    assert counts.uncovered == (some & (again == 0)).sum()
    assert counts.coverage == pytest.approx((again[some] / given.sum(1)[some]).sum())
    assert summary.agreement.clips == 35
    assert summary.finding_counts["clip without labels", "it has scores, but no given labels"] == 5
    assert summary.finding_counts["clip without scores", "it has labels, but no scores"] == 10


def test_clips_that_one_side_lacks_are_listed_never_filled(
    tmp_path: Path, scores: Path, labels: Path
) -> None:
    out, report = tmp_path / "o.parquet", tmp_path / "r.csv"
    expand_files(labels, out, "pseudo-strong", scores=scores, teacher_weight=0.5, report=report)
    lines = report.read_text().splitlines()
    assert f's.h5,1,{CLIPS[0]},clip without labels,"it has scores, but no given labels"' in lines[1]
    assert lines[6].startswith("labels.csv,36,00000000040_40000,clip without scores")
    assert len(lines) == 16
    assert set(read_targets(out).clip_id.to_pylist()) == set(CLIPS[5:])
    expand_files(labels, out, "pseudo-strong", scores=scores)
    assert set(read_targets(out).clip_id.to_pylist()) == set(CLIPS)


def test_labels_from_several_files_are_named_by_their_own(
    tmp_path: Path, scores: Path, labels: Path
) -> None:
    more = tmp_path / "more.csv"
    more.write_text('zzzzzzzzzzz, 0.000, 10.000, "/m/0342h"\n')
    report = tmp_path / "r.csv"
    expand_files(
        [labels, more], tmp_path / "o.parquet", "pseudo-strong", scores=scores, report=report
    )
    assert "more.csv,1,zzzzzzzzzzz_0,clip without scores" in report.read_text()


def test_no_clip_in_common(tmp_path: Path, scores: Path) -> None:
    (tmp_path / "l.csv").write_text("clip_id,labels\nx.wav,Rain\n")
    with pytest.raises(
        ScoresFileError, match="labels have ids like 'x', scores like '00000000000_0'"
    ):
        expand_files(tmp_path / "l.csv", tmp_path / "o.parquet", "pseudo-strong", scores=scores)
    assert not (tmp_path / "o.parquet").exists()


def test_labels_of_videos_are_found_for_scores_of_places_in_them(tmp_path: Path) -> None:
    labels, out = tmp_path / "l.csv", tmp_path / "o.parquet"
    labels.write_text("clip_id,labels\nabcdefghijk,Rain\noffice_day1_5,Rain\n")
    named = ["abcdefghijk_30000", "office_day1"]
    scores = write_npz(tmp_path / "s.npz", clip_id=named, scores=np.zeros((2, 3)), classes=NAMES)
    done = expand_files(labels, out, "co-supervised", scores=scores, vocabulary=NAMES)
    assert read_targets(out).clip_id.to_pylist() == ["abcdefghijk_30000"]
    (note,) = (note for note in done.report.notes if "by their video" in note)
    assert note.startswith("1 clips were found by their video alone")
    labels.write_text("clip_id,labels\nabcdefghijk_0,Rain\nabcdefghijk_5000,Rain\n")
    write_npz(tmp_path / "s.npz", clip_id=["abcdefghijk"], scores=np.zeros((1, 3)), classes=NAMES)
    with pytest.raises(UnknownClipError, match=r"'abcdefghijk' could mean several clips"):
        expand_files(labels, tmp_path / "n.parquet", "co-supervised", scores=scores)
    assert not (tmp_path / "n.parquet").exists()


def test_a_bad_row_at_the_end_leaves_the_old_file(tmp_path: Path) -> None:
    values = SEGMENTS.reshape(200, 3).copy()
    values[-1, -1] = np.nan
    bad = write_npz(tmp_path / "s.npz", clip_id=np.arange(200), scores=values, classes=NAMES)
    out = tmp_path / "o.parquet"
    out.write_text("old")
    with pytest.raises(ScoresFileError, match=r"199 \(row 200\) has a score nan"):
        expand_files(None, out, "pseudo-strong", scores=bad)
    assert out.read_text() == "old"


@pytest.mark.parametrize(
    ("scheme", "options", "message"),
    [
        ("pseudo-strong", {}, "needs a file of scores"),
        ("weak", {"scores": "s.h5"}, "'weak' reads no scores"),
        ("weak", {"class_order": "audioset"}, "'weak' has no option 'class_order'"),
        ("pseudo-strong", {"scores": "s.h5", "layout": "lists"}, "holds no soft targets"),
        (
            "pseudo-strong",
            {"scores": "s.h5", "clip_duration": 4},
            "no option 'clip_duration'; it",
        ),
        ("pseudo-strong", {"scores": "s.h5", "teacher_weight": 0.5}, "give label files"),
        ("pseudo-strong", {"scores": "s.h5", "teacher_weight": 3}, "teacher_weight 3"),
        ("co-supervised", {"scores": "s.h5"}, "'co-supervised' needs given labels"),
        ("teacher-masked", {"scores": "s.h5"}, "'teacher-masked' needs given labels"),
    ],
)
def test_wrong_options_are_refused(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    scores: Path,
    scheme: str,
    options: dict[str, Any],
    message: str,
) -> None:
    monkeypatch.chdir(tmp_path)
    inputs = "labels.csv" if scheme == "weak" else None
    with pytest.raises(OptionError, match=message):
        expand_files(inputs, "o.parquet", scheme, **options)
    assert not Path("o.parquet").exists()


def test_no_input_is_overwritten(tmp_path: Path, scores: Path) -> None:
    with pytest.raises(OptionError, match="is an input or another output"):
        expand_files(None, scores, "pseudo-strong", scores=scores)


@pytest.mark.slow
def test_memory_does_not_grow_with_the_clips(tmp_path: Path) -> None:
    """Ten times the clips in a file of 1 kB a clip, less than half again the memory."""
    import h5py

    peaks = []
    for clips in (20_000, 200_000):
        path = tmp_path / f"{clips}.h5"
        with h5py.File(path, "w") as file:
            file["clip_id"] = np.array([f"clip {i}" for i in range(clips)], "S")
            shape, chunks = (clips, 527), (1024, 527)
            file.create_dataset("scores", shape, "f2", chunks=chunks, fillvalue=0.25)
        program = (
            "from audiolabels import expand_files; import resource, sys;"
            "expand_files(None, 'o.parquet', 'pseudo-strong', scores=sys.argv[1]);"
            "print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)"
        )
        done = subprocess.run(
            [sys.executable, "-c", program, path],
            cwd=tmp_path,
            capture_output=True,
            text=True,
            check=True,
        )
        peaks.append(int(done.stdout))
        assert pq.ParquetFile(tmp_path / "o.parquet").metadata.num_rows == clips
    assert peaks[1] < 1.5 * peaks[0]
