"""Downloads from a local server: checksums, broken connections, and what is left in the cache."""

import hashlib
import io
import subprocess
import sys
import time
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from file_server import FileServer, serving

from audiolabels.datasets import DATASETS, Dataset, RemoteFile, fetch
from audiolabels.errors import FetchError, InputTypeError, OptionError

ROWS = b"clip_id,labels\n" + b"".join(b"clip%d,Guitar\n" % n for n in range(20_000))
DIGEST = hashlib.sha256(ROWS).hexdigest()


@pytest.fixture
def server() -> Iterator[FileServer]:
    with serving(labels__csv=ROWS) as running:
        yield running


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("AUDIOLABELS_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache" / "set"


def get(
    server: FileServer, checksum: str = DIGEST, path: str = "/labels.csv", **options: Any
) -> Any:
    """Fetch a data set of one file."""
    file = RemoteFile(server.url + path, checksum)
    table = {"set": Dataset("A set", "CC0", "Nobody, 2000", "https://example.org", {"all": file})}
    return fetch("set:all", datasets=table, **options)["all"]


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def test_a_file_is_downloaded_once(server: FileServer, cache: Path) -> None:
    first, second = get(server), get(server)
    assert (first.downloaded, second.downloaded) == (True, False)
    assert first.path == second.path == cache / "labels.csv"
    assert first.path.read_bytes() == ROWS
    assert first.checksum == "as published"
    assert names(cache) == ["labels.csv"]
    assert get(server, force=True).downloaded
    assert server.asked == [("/labels.csv", "")] * 2


def test_md5_is_compared_too(server: FileServer) -> None:
    assert get(server, "md5:" + hashlib.md5(ROWS).hexdigest()).downloaded
    assert not get(server, "md5:" + hashlib.md5(ROWS).hexdigest()).downloaded
    with pytest.raises(FetchError, match=r"another checksum than known \(expected md5:0"):
        get(server, "md5:" + "0" * 32)


def test_progress_ends_with_all_bytes(server: FileServer) -> None:
    seen: list[tuple[int, int]] = []
    get(server, progress=lambda done, total: seen.append((done, total)))
    assert seen[-1] == (len(ROWS), len(ROWS))
    assert len(seen) > 2


def test_another_checksum_than_published_is_refused(server: FileServer, cache: Path) -> None:
    with pytest.raises(FetchError, match=r"labels\.csv: another checksum than known \(expected 00"):
        get(server, "0" * 64)
    assert names(cache) == []


def test_a_damaged_file_in_the_cache_is_replaced(server: FileServer, cache: Path) -> None:
    get(server)
    (cache / "labels.csv").write_bytes(ROWS[:-1])
    assert get(server).downloaded
    assert (cache / "labels.csv").read_bytes() == ROWS


def test_without_a_published_checksum_the_first_one_counts(server: FileServer, cache: Path) -> None:
    assert get(server, "").checksum == "noted; none is published"
    record = cache / "labels.csv.sha256"
    assert record.read_text() == f"{DIGEST}  labels.csv\n"
    assert get(server, "").checksum == "as first fetched"
    server.files["/labels.csv"] = ROWS + b"new,Rain\n"
    with pytest.raises(FetchError, match=r"changed it since it was first fetched; remove .*sha256"):
        get(server, "", force=True)
    assert (cache / "labels.csv").read_bytes() == ROWS
    assert names(cache) == ["labels.csv", "labels.csv.sha256"]
    record.unlink()
    get(server, "", force=True)
    assert (cache / "labels.csv").read_bytes() == server.files["/labels.csv"]


def test_a_file_saved_by_hand_is_taken(server: FileServer, cache: Path) -> None:
    cache.mkdir(parents=True)
    (cache / "labels.csv").write_bytes(ROWS)
    assert not get(server, "").downloaded
    assert not get(server).downloaded
    assert server.asked == []


@pytest.mark.parametrize(
    ("status", "message"), [(403, "HTTP 403 Forbidden"), (503, "HTTP 503 .*try again later")]
)
def test_an_error_of_the_server_is_explained(
    server: FileServer, cache: Path, status: int, message: str
) -> None:
    server.status = status
    with pytest.raises(FetchError, match=message):
        get(server)
    assert names(cache) == []


def test_a_missing_file_is_explained(server: FileServer, cache: Path) -> None:
    with pytest.raises(
        FetchError, match=r"gone\.csv: HTTP 404 .*example\.org and save it as .*set"
    ):
        get(server, path="/gone.csv")
    assert names(cache) == []


def test_an_old_file_survives_every_failure(server: FileServer, cache: Path) -> None:
    get(server)
    server.status = 500
    with pytest.raises(FetchError, match="HTTP 500"):
        get(server, force=True)
    assert (cache / "labels.csv").read_bytes() == ROWS


def test_a_web_page_is_refused(server: FileServer, cache: Path) -> None:
    server.files["/labels.csv"] = b"\n<!DOCTYPE html><title>Sign in</title>"
    for checksum in ("", DIGEST):
        with pytest.raises(FetchError, match="a web page came in place of the file"):
            get(server, checksum)
    assert names(cache) == []


def test_an_empty_file_is_refused(server: FileServer, cache: Path) -> None:
    server.files["/labels.csv"] = b""
    with pytest.raises(FetchError, match="what came is empty"):
        get(server, "")
    assert names(cache) == []


def test_a_server_that_does_not_answer_is_named(cache: Path) -> None:
    with pytest.raises(
        FetchError, match=r"127.0.0.1:9/labels.csv: cannot be reached: Connection r"
    ):
        get(FileServer(url="http://127.0.0.1:9"))
    assert names(cache) == []


def test_what_breaks_off_is_continued(server: FileServer, cache: Path) -> None:
    server.stop_after = 100_000
    with pytest.raises(FetchError, match="broke off after 65,536 of 328,905 bytes; fetch it"):
        get(server)
    assert not (cache / "labels.csv").exists()
    server.stop_after = None
    assert get(server).path.read_bytes() == ROWS
    assert server.asked == [("/labels.csv", ""), ("/labels.csv", "bytes=65536-")]
    assert names(cache) == ["labels.csv"]


def test_another_version_is_not_continued(server: FileServer, cache: Path) -> None:
    server.stop_after = 100_000
    with pytest.raises(FetchError, match="broke off"):
        get(server, "")
    server.stop_after, server.tag = None, '"two"'
    server.files["/labels.csv"] = ROWS.upper()
    assert get(server, "").path.read_bytes() == ROWS.upper()
    assert names(cache) == ["labels.csv", "labels.csv.sha256"]


@pytest.mark.parametrize("tag", ["", 'W/"one"'])
def test_without_a_named_version_nothing_is_kept(server: FileServer, cache: Path, tag: str) -> None:
    server.stop_after, server.tag = 100_000, tag
    with pytest.raises(FetchError, match="broke off"):
        get(server)
    assert names(cache) == []


def test_a_left_over_of_all_bytes_is_downloaded_again(server: FileServer, cache: Path) -> None:
    server.stop_after = 100_000
    with pytest.raises(FetchError, match="broke off"):
        get(server)
    (left,) = cache.glob(".labels.csv.*")
    left.write_bytes(ROWS)
    server.stop_after = None
    assert get(server).path.read_bytes() == ROWS
    assert [asked for _, asked in server.asked] == ["", f"bytes={len(ROWS)}-", ""]
    assert names(cache) == ["labels.csv"]


def test_a_killed_download_is_continued_by_the_next(server: FileServer, cache: Path) -> None:
    program = """
import sys
from audiolabels.datasets import Dataset, RemoteFile, fetch
table = {"set": Dataset("", "", "", "", {"all": RemoteFile(sys.argv[1])})}
fetch("set", datasets=table, progress=lambda *_: print("some", flush=True))
"""
    server.stop_after, server.hang = 131_072, True
    command = [sys.executable, "-c", program, f"{server.url}/labels.csv"]
    with subprocess.Popen(command, stdout=subprocess.PIPE) as run:
        for _ in range(2):
            run.stdout.readline()
        time.sleep(0.1)
        run.kill()
    server.stop_after, server.hang = None, False
    assert not (cache / "labels.csv").exists()
    assert get(server).path.read_bytes() == ROWS
    assert server.asked[-1][1].startswith("bytes=")


def archive(**members: bytes) -> bytes:
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w") as written:
        for name, data in members.items():
            written.writestr(f"folder/{name}.csv", data)
    return content.getvalue()


def get_members(server: FileServer, **options: Any) -> Any:
    files = {
        name: RemoteFile(f"{server.url}/a.zip", member=f"folder/{name}.csv")
        for name in ("dev", "eval")
    }
    return fetch("set", datasets={"set": Dataset("", "", "", "", files)}, **options)


def test_files_of_an_archive_are_unpacked(server: FileServer, cache: Path) -> None:
    server.files["/a.zip"] = archive(dev=b"development", eval=b"evaluation", other=b"")
    fetched = get_members(server)
    assert [file.path.read_bytes() for file in fetched.values()] == [b"development", b"evaluation"]
    assert names(cache) == ["a.zip", "a.zip.sha256", "dev.csv", "eval.csv"]
    fetched["dev"].path.write_bytes(b"edited")
    assert not get_members(server)["dev"].downloaded
    assert fetched["dev"].path.read_bytes() == b"development"
    assert len(server.asked) == 1


def test_a_broken_archive_is_refused(server: FileServer, cache: Path) -> None:
    server.files["/a.zip"] = archive(dev=b"development" * 99)[:-30]
    with pytest.raises(FetchError, match=r"a\.zip: what came is broken"):
        get_members(server)
    assert names(cache) == []


def test_a_file_that_an_archive_lacks_is_named(server: FileServer) -> None:
    server.files["/a.zip"] = archive(dev=b"development")
    with pytest.raises(FetchError, match=r"cannot be unpacked: .*folder/eval\.csv"):
        get_members(server)


def test_a_mirror_has_the_files_as_the_cache_names_them(server: FileServer) -> None:
    server.files["/copy/vggsound/vggsound.csv"] = ROWS
    (file,) = fetch("vggsound:all", mirror=f"{server.url}/copy/").values()
    assert file.path.read_bytes() == ROWS


def test_a_cache_that_cannot_be_written_is_named(server: FileServer, cache: Path) -> None:
    cache.parent.write_text("a file")
    with pytest.raises(FetchError, match=r"the cache cannot be used: .*AUDIOLABELS_CACHE names"):
        get(server)


def test_wrong_names_are_refused() -> None:
    with pytest.raises(
        OptionError, match=r"data set 'audiset' is not offered; .*mean 'audioset'\?"
    ):
        fetch("audiset")
    with pytest.raises(OptionError, match=r"part of audioset 'evil' is not offered; .*mean 'eval'"):
        fetch("audioset:evil")
    with pytest.raises(InputTypeError, match="data set: expected a name; got 3"):
        fetch(3)  # type: ignore[arg-type]


def test_pooch_is_asked_for_where_it_is_needed(
    server: FileServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    get(server)
    monkeypatch.setitem(sys.modules, "pooch", None)
    assert not get(server).downloaded
    with pytest.raises(OptionError, match=r"pooch is not installed; .*'audiolabels\[fetch\]'"):
        get(server, force=True)


def test_pooch_prints_nothing_and_keeps_its_level(
    server: FileServer, capfd: pytest.CaptureFixture[str]
) -> None:
    import pooch

    before = pooch.get_logger().level
    get(server, "")
    assert capfd.readouterr() == ("", "")
    assert pooch.get_logger().level == before


def test_names_of_files_are_distinct() -> None:
    for dataset in DATASETS.values():
        stored = {(file.address, file.name) for file in dataset.files.values()}
        assert len({name for _, name in stored}) == len(dataset.files)
        assert all(file.address.startswith("https://") for file in dataset.files.values())


def test_checksums_of_the_table_are_those_of_real_files(shared_data: Path) -> None:
    places = {
        "audioset": "audioset",
        "audioset-strong": "audioset",
        "audioset-ontology": "audioset",
        "vggsounder": "datasets",
        "esc50": "datasets",
    }
    renamed = {"goldstandard-workers-results.csv": "vggsounder_raters.csv"}
    compared = 0
    for name, place in places.items():
        for file in DATASETS[name].files.values():
            if file.checksum:
                path = shared_data / place / renamed.get(file.name, file.name)
                assert hashlib.sha256(path.read_bytes()).hexdigest() == file.checksum
                assert path.stat().st_size == file.size
                compared += 1
    assert compared == 9
