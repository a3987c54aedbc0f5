"""Files at addresses are read and written as those of the disk are, byte for byte."""

import gzip
import os
import pickle
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import fsspec
import numpy as np
import pytest
from addresses import files_at, put, s3_server, state_of
from click.testing import CliRunner
from file_server import serving
from score_files import NAMES, VIDEOS, write_efficientat, write_hdf5, write_npz, write_parquet

import audiolabels
from audiolabels.cli import group
from audiolabels.errors import (
    AudioLabelsError,
    FeaturesFileError,
    LabelFileError,
    OptionError,
    RemoteError,
    TargetsFileError,
)
from audiolabels.expansion import folder as parts_of
from audiolabels.expansion.local import expand_files
from audiolabels.features import open_features
from audiolabels.files import as_path, remote, write_rows
from audiolabels.files.remote import RemotePath
from audiolabels.targets import store

LABELS = b"clip_id,labels\na.wav,Dog\nb.wav,Rain\nc.wav,\n"
PLACES = ["memory", pytest.param("s3", marks=pytest.mark.slow)]


@pytest.fixture(scope="module")
def server() -> Iterator[str]:
    with s3_server() as address:
        yield address


@pytest.fixture
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("AUDIOLABELS_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache" / "remote"


@pytest.fixture(params=PLACES)
def place(request: pytest.FixtureRequest, server: str, cache: Path) -> str:
    """An address below which there is nothing yet."""
    name = f"{request.node.name.partition('[')[0]}-{os.getpid()}"
    return f"{request.param}://bucket/{name}"


@pytest.fixture
def shards(tmp_path: Path) -> list[Path]:
    """Three files of labels, of which two share a clip."""
    for shard in range(3):
        rows = "".join(f"c{shard * 40 + i},{['Dog', 'Rain', ''][i % 3]}\n" for i in range(41))
        content = gzip.compress(f"clip_id,labels\n{rows}".encode(), mtime=0)
        (tmp_path / f"{shard}.csv.gz").write_bytes(content)
    return sorted(tmp_path.glob("*.csv.gz"))


def content(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir() if path.is_file()}


def test_a_file_is_the_same_here_and_there(place: str, tmp_path: Path) -> None:
    (tmp_path / "labels.csv").write_bytes(LABELS)
    there = put(f"{place}/labels.csv", LABELS)
    here = expand_files(tmp_path / "labels.csv", tmp_path / "t.parquet", report=tmp_path / "r.csv")
    made = expand_files(there, f"{place}/t.parquet", report=f"{place}/r.csv")
    assert made.metadata == here.metadata
    assert str(made.output) == f"{place}/t.parquet"
    assert files_at(place) == content(tmp_path)
    targets = audiolabels.read_targets(f"{place}/t.parquet")
    assert targets.clips["clip_id"].to_pylist() == ["a", "b", "c"]
    audiolabels.write_targets(targets, f"{place}/again.parquet")
    assert audiolabels.read_info(f"{place}/again.parquet")["rows"] == 3
    source = audiolabels.open(f"{place}/t.parquet")
    assert source["a.wav"].target.sum() == 3
    assert pickle.loads(pickle.dumps(source))["a.wav"].target.sum() == 3


def test_a_folder_is_the_same_here_and_there(
    place: str, shards: list[Path], tmp_path: Path
) -> None:
    for path in shards:
        put(f"{place}/in/{path.name}", path)
    if place.startswith("s3:"):  # as its console makes folders
        fsspec.filesystem("s3").pipe_file(f"{place}/out/", b"")
    here = expand_files(shards, tmp_path / "out", rows_per_part=21)
    made = expand_files(f"{place}/in/*.csv.g?", f"{place}/out/", rows_per_part=21)
    assert made.finding_counts == here.finding_counts
    assert "duplicate clip" in {kind for kind, _ in made.finding_counts}
    assert files_at(f"{place}/out") == content(tmp_path / "out")
    assert len(audiolabels.open(f"{place}/out")) == len(audiolabels.open(tmp_path / "out"))
    assert len(audiolabels.read_info(f"{place}/out")["parts"]) == 6
    with pytest.raises(TargetsFileError, match=r"/out: not an empty folder"):
        expand_files(f"{place}/in/0.csv.gz", f"{place}/out/")
    with pytest.raises(LabelFileError, match="no file matches this pattern"):
        expand_files(f"{place}/in/*.tsv", f"{place}/new/")


@pytest.mark.parametrize("stop", [0, 3])
def test_an_interrupted_folder_goes_on(
    place: str, shards: list[Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, stop: int
) -> None:
    expand_files(shards, tmp_path / "right", rows_per_part=21)
    out, calls, kept = f"{place}/{stop}", 0, parts_of.PartsWriter._end

    def interrupted(*args: Any) -> None:
        nonlocal calls
        calls += 1
        if calls > stop:
            raise KeyboardInterrupt
        kept(*args)

    with monkeypatch.context() as patch:
        patch.setattr(parts_of.PartsWriter, "_end", interrupted)
        with pytest.raises(KeyboardInterrupt):
            expand_files(shards, out, rows_per_part=21)
    finished = [name for name in files_at(out) if name.endswith(".parquet")]
    assert len(finished) == stop
    before = {name: state_of(f"{out}/{name}") for name in finished}
    with pytest.raises(TargetsFileError, match="run the same command again to go on"):
        audiolabels.read_targets(out)
    with pytest.raises(TargetsFileError, match="with other inputs or options"):
        expand_files(shards[:2], out, rows_per_part=21)
    expand_files(shards, out, rows_per_part=21)
    assert files_at(out) == content(tmp_path / "right")
    assert {name: state_of(f"{out}/{name}") for name in finished} == before


def test_what_fails_leaves_files_as_they_were(
    place: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    old = put(f"{place}/t.parquet", b"old")
    labels = put(f"{place}/labels.csv", b"clip_id,labels\na.wav,Nonesuch\n")
    with pytest.raises(AudioLabelsError, match=r"labels.csv: labels that ontology"):
        expand_files(labels, old, report=f"{place}/r.csv")
    put(labels, LABELS)

    def breaks_off(self: RemotePath, file: Path) -> None:
        raise RemoteError(5, "the line was cut", str(self))

    with monkeypatch.context() as patch:
        patch.setattr(RemotePath, "put", breaks_off)
        with pytest.raises(TargetsFileError, match="not written, left as it was: the line was cut"):
            expand_files(labels, old, report=f"{place}/r.csv")
        with pytest.raises(TargetsFileError, match=r"_unfinished.json: not written"):
            expand_files(labels, f"{place}/folder/")
    assert files_at(place) == {"t.parquet": b"old", "labels.csv": LABELS}
    assert not [*(tmp_path / "cache" / "outgoing").iterdir()]


def test_a_file_that_changes_is_read_again(place: str, cache: Path) -> None:
    for label in ("Dog", "Cat"):  # of one size
        there = put(f"{place}/labels.csv", f"clip_id,labels\na.wav,{label}\n".encode())
        labels = audiolabels.read_labels(there)
        assert labels.to_pandas()["labels"].tolist() == [(label,)]
        assert len([*cache.iterdir()]) == 1


EVENTS = "filename\tonset\toffset\tevent_label\na.wav\t1.0\t2.5\tDog\n"


def write_scores(folder: Path) -> dict[str, Path]:
    scores = np.linspace(0.1, 0.9, 9, dtype=np.float32).reshape(3, 3)
    named = {"clip_id": list(VIDEOS), "scores": scores}
    whole = np.linspace(-3, 3, 3 * 527, dtype=np.float32).reshape(3, 527)
    return {
        "npz": write_npz(folder / "s.npz", **named, classes=NAMES),
        "hdf5": write_hdf5(folder / "s.h5", **named, classes=NAMES),
        "parquet": write_parquet(
            folder / "s.parquet", list(NAMES), clip_id=list(VIDEOS), scores=list(scores)
        ),
        "npy": write_efficientat(folder, whole, list(VIDEOS)),
    }


def test_every_kind_of_file_is_read(place: str, tmp_path: Path) -> None:
    paths = write_scores(tmp_path)
    for path in [*tmp_path.iterdir()]:
        put(f"{place}/{path.name}", path)
    for path in paths.values():
        here, there = (audiolabels.read_scores(p) for p in (path, f"{place}/{path.name}"))
        assert np.array_equal(here.scores, there.scores)
        assert here.report.sources == there.report.sources
    events = put(f"{place}/events.tsv", EVENTS.encode())
    assert audiolabels.read_events(events).clip_id.to_pylist() == ["a"]
    table = write_parquet(tmp_path / "l.parquet", clip_id=["a"], labels=[["Dog"]])
    assert len(audiolabels.read_labels(put(f"{place}/l.parquet", table))) == 1
    own = put(f"{place}/own.csv", b"id,name\n/m/0bt9lr,Dog\n")
    aliases = put(f"{place}/aliases.csv", b"label,class\nWau,Dog\n")
    foreign = put(f"{place}/w.csv", b"clip_id,labels\na,Wau\n")
    labels = audiolabels.read_labels(foreign, aliases=aliases)
    assert audiolabels.expand(labels, "weak", vocabulary=own).to_numpy()[0].tolist() == [[1.0]]


def test_large_soft_targets_are_mapped_from_a_copy(
    place: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, cache: Path
) -> None:
    scores = put(f"{place}/s.npz", write_scores(tmp_path)["npz"])
    for layout in ("packed", "dense"):
        there = f"{place}/{layout}.parquet"
        expand_files(None, there, "pseudo-strong", scores=scores, layout=layout)
        whole = audiolabels.open(there)[VIDEOS[0]]
        with monkeypatch.context() as patch:
            patch.setattr(store, "LARGE", 1)
            patch.setattr("audiolabels.targets.source.LARGE", 1)
            mapped = pickle.loads(pickle.dumps(audiolabels.open(there)))
        assert np.array_equal(mapped[VIDEOS[0]].target, whole.target)


def test_what_is_looked_at_only_is_not_copied(place: str, cache: Path, tmp_path: Path) -> None:
    (tmp_path / "labels.csv").write_bytes(LABELS)
    expand_files(tmp_path / "labels.csv", f"{place}/t.parquet")
    expand_files(tmp_path / "labels.csv", f"{place}/folder/")
    for made in ("t.parquet", "folder"):
        assert audiolabels.read_info(f"{place}/{made}")["rows"] == 3
        assert len(audiolabels.read_targets(f"{place}/{made}")) == 3
    assert not cache.exists()


def run(*arguments: str) -> tuple[int, str]:
    done = CliRunner().invoke(group, [*arguments])
    ours = isinstance(done.exception, AudioLabelsError)  # which `main` prints
    return done.exit_code, str(done.exception) if ours else done.output


def test_commands_take_addresses(server: str, cache: Path, tmp_path: Path) -> None:
    labels = put("s3://bucket/commands/labels.csv", LABELS)
    code, text = run("expand", labels, "-o", "s3://bucket/commands/t.parquet", "--scheme", "pe-cml")
    assert code == 0
    assert "wrote s3://bucket/commands/t.parquet (" in text
    assert run("info", "s3://bucket/commands/t.parquet")[1].startswith("rows        3\n")
    code, text = run("expand", "s3://bucket/commands/*.csv", "-o", "s3://bucket/commands/out/")
    assert (code, "wrote s3://bucket/commands/out (1 parts, " in text) == (0, True)
    report = "s3://bucket/commands/report.csv"
    assert "wrote" not in run("check", labels, "--report", report)[1]
    assert files_at(report)["report.csv"].startswith(b"source,row,clip_id")


MESSAGES: dict[str, tuple[str, str, str]] = {
    "no file": ("s3://bucket/none.csv", "o.parquet", "s3://bucket/none.csv: no such file"),
    "no bucket": ("s3://none/l.csv", "o.parquet", "s3://none/l.csv: no such file"),
    "no bucket for a file": (
        "l.csv", "s3://none/o.parquet", "s3://none/o.parquet: there is no s3://none; make it first",
    ),
    "no bucket for a folder": (
        "l.csv", "s3://none/o/", "s3://none/o: there is no s3://none; make it first",
    ),
    "a folder in its place": (
        "l.csv", "s3://bucket/out.parquet", "s3://bucket/out.parquet: not an empty folder",
    ),
    "another protocol": (
        "foo://x/l.csv", "o.parquet", "x/l.csv: protocol 'foo' is not offered; choose one of",
    ),
    "no name": ("s3://", "o.parquet", "s3://: an address that names no file"),
    "no name of the output": ("l.csv", "memory://", "memory://: an address that names no file"),
    "another protocol of the output": (
        "l.csv", "foo://x/o.parquet", "foo://x/o.parquet: protocol 'foo' is not offered",
    ),
    "no driver": (
        "gs://bucket/l.csv", "o.parquet",
        "gs://bucket/l.csv: gs:// needs gcsfs, which is not installed; install it with: pip "
        "install gcsfs",
    ),
    "HTTP is read only": (
        "l.csv", "https://127.0.0.1:1/o.parquet", "https is only read; write to the disk, or to",
    ),
    "HTTP is read only, a folder too": (
        "l.csv", "http://127.0.0.1:1/o/", "127.0.0.1:1/o: http is only read",
    ),
    "no server": ("http://127.0.0.1:1/l.csv", "o.parquet", "/l.csv: no access: Conn"),
    "over itself": ("s3://bucket/l.csv", "s3://bucket/l.csv", "is an input or another output"),
}  # fmt: skip


@pytest.mark.parametrize("case", MESSAGES)
def test_what_does_not_work_is_named(
    server: str, cache: Path, case: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setitem(sys.modules, "gcsfs", None)
    for there in ("s3://bucket/l.csv", "s3://bucket/out.parquet/inside"):
        put(there, LABELS)
    Path("l.csv").write_bytes(LABELS)
    given, output, message = MESSAGES[case]
    code, text = run("expand", given, "-o", output)
    assert (code, message in text) == (1, True), text
    assert not Path("o.parquet").exists()


def test_without_credentials_or_server(
    server: str, cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import s3fs

    s3fs.S3FileSystem.clear_instance_cache()
    with monkeypatch.context() as patch:
        for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
            patch.delenv(name)
        for name in ("AWS_SHARED_CREDENTIALS_FILE", "AWS_CONFIG_FILE"):
            patch.setenv(name, "/nowhere")
        patch.setenv("AWS_EC2_METADATA_DISABLED", "true")
        with pytest.raises(RemoteError, match=r"l.csv: no access: Unable to locate credentials"):
            audiolabels.read_labels("s3://bucket/l.csv")
    s3fs.S3FileSystem.clear_instance_cache()
    with monkeypatch.context() as patch:
        patch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:1")
        patch.setenv("AWS_MAX_ATTEMPTS", "1")
        patch.setattr(remote, "_found", set())
        with pytest.raises(RemoteError, match=r"l.csv: no access: Could not connect to"):
            audiolabels.read_labels("s3://bucket/l.csv")
        with pytest.raises(
            TargetsFileError, match=r"o.parquet: not written, left as it was: Could"
        ):
            write_rows("s3://bucket/o.parquet", [])
    s3fs.S3FileSystem.clear_instance_cache()


def test_without_fsspec(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "fsspec", None)
    with pytest.raises(OptionError, match=r"memory://a: fsspec is .*'audiolabels\[remote\]'"):
        as_path("file", "memory://a").exists()


def test_http(cache: Path) -> None:
    with serving(labels__csv=LABELS) as web:
        there = f"{web.url}/labels.csv"
        assert len(audiolabels.read_labels(there)) == 3
        with pytest.raises(LabelFileError, match=r"none.csv: no such file"):
            audiolabels.read_labels(f"{web.url}/none.csv")
        web.tag = ""  # then nothing shows whether the file changed since
        assert len(audiolabels.read_labels(there)) == 3
        web.status = 403
        with pytest.raises(RemoteError, match=r"labels.csv: no access: 403"):
            audiolabels.read_labels(there)


def test_only_the_disk_has_other_outputs(cache: Path) -> None:
    labels = audiolabels.Annotations.from_dict({"a": ["Dog"]})
    targets = audiolabels.expand(labels, "weak", vocabulary=["Dog"])
    with pytest.raises(OptionError, match="output: memory://x/out is not on the disk; name a pl"):
        audiolabels.export(targets, "psl", "memory://x/out")
    put("memory://audio/a.wav", b"RIFF")
    with pytest.raises(OptionError, match="features: memory://audio is not on the disk"):
        open_features("memory://audio")
    with pytest.raises(FeaturesFileError, match="memory://nothing: no such file or folder"):
        open_features("memory://nothing")


def test_a_path_at_an_address_is_a_path() -> None:
    path = as_path("file", "s3://bucket/a/b.csv.gz")
    assert isinstance(path, RemotePath)
    assert str(path) == "s3://bucket/a/b.csv.gz"
    assert (path.name, path.suffix, str(path.parent)) == ("b.csv.gz", ".gz", "s3://bucket/a")
    assert str(path.with_name("c") / "d") == "s3://bucket/a/c/d"
    again = pickle.loads(pickle.dumps(path))
    assert again == path == as_path("file", Path("s3://bucket/a/b.csv.gz"))
    assert isinstance(again, RemotePath)
    assert {path} == {again}


def test_a_line_that_is_cut_is_an_error_of_ours(
    place: str, shards: list[Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whatever is asked of the server after so many answers fails; the next run goes on."""
    paths = [put(f"{place}/in/{path.name}", path) for path in shards[:2]]
    expand_files(shards[:2], tmp_path / "right", rows_per_part=30)
    answers, messages, located = 0, [], RemotePath._place

    def cut(self: RemotePath) -> Any:
        nonlocal answers
        answers -= 1
        system, name = located(self)
        return (system if answers >= 0 else Cut()), name

    monkeypatch.setattr(RemotePath, "_place", cut)
    for count in range(0, 200, 9):
        answers = count
        try:
            expand_files(paths, f"{place}/out/", rows_per_part=30)
        except AudioLabelsError as error:
            messages.append(str(error))
        else:
            break
    assert len(messages) > 2
    assert all(message.endswith("the line was cut") for message in messages)
    monkeypatch.undo()
    assert files_at(f"{place}/out") == content(tmp_path / "right")


class Cut:
    """A file system of which nothing works."""

    def __getattr__(self, name: str) -> Any:
        raise ConnectionError("the line was cut")


def test_a_file_is_there_until_it_is_removed(place: str, tmp_path: Path) -> None:
    path = as_path("file", put(f"{place}/in/a.csv", LABELS))
    assert isinstance(path, RemotePath)
    (tmp_path / "b").write_bytes(b"other")
    assert (path.exists(), path.is_file(), path.is_dir()) == (True, True, False)
    assert path.stat().st_size == len(LABELS)
    path.put(tmp_path / "b")
    assert (path.stat().st_size, path.read_text(), path.read_bytes()) == (5, "other", b"other")
    assert [*path.parent.iterdir()] == [*path.parent.glob("*.csv")] == [path]
    assert (path.parent.is_dir(), path.parent.is_file()) == (True, False)
    path.unlink()
    assert not path.exists()
    path.unlink(missing_ok=True)
    with pytest.raises(FileNotFoundError, match=r"No such file or directory: '.*/in/a.csv'"):
        path.stat()
    assert [*path.parent.glob("*")] == []


@pytest.mark.parametrize(
    "name", ["a:b.csv", "foo:/b.csv", "C:/b.csv", "C:\\b.csv", "audioset:eval"]
)
def test_other_names_are_of_the_disk(name: str) -> None:
    assert type(as_path("file", name)) is type(Path())
    assert as_path("file", name) == Path(name)


def test_files_of_the_disk_need_no_fsspec(tmp_path: Path) -> None:
    code = (
        "import sys, audiolabels; path = audiolabels.sample_path(); audiolabels.read_labels(path)\n"
        "audiolabels.expand_files(path, sys.argv[1]); audiolabels.open(sys.argv[1])\n"
        "print('fsspec' in sys.modules)"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, str(tmp_path / "o")],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.stdout == "False\n", done.stderr
