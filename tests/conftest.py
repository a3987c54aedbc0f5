"""Fixtures that all tests share."""

from collections.abc import Iterator
from pathlib import Path
from shutil import which
from typing import Any

import pytest
from hypothesis import settings
from reader_support import ONTOLOGY, Reader, Refuser, refuse, write

from audiolabels import Annotations
from audiolabels.errors import LabelFileError
from audiolabels.readers import read_labels

HERE = Path(__file__).resolve().parent
settings.register_profile("steady", deadline=None, derandomize=True)
settings.load_profile("steady")
CHROMIUM = which("chromium") or which("chromium-browser")
FLAGS = ["--no-sandbox", "--disable-gpu", "--disable-background-networking", "--disable-sync"]


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """Folder of real label files beside the checkout."""
    folder = HERE.parent.parent / "shared" / "data"
    if not folder.is_dir():
        pytest.skip("no folder ../shared/data beside this checkout")
    return folder


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    if CHROMIUM is None:
        pytest.skip("no chromium on this machine")
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        yield chromium
        chromium.close()


@pytest.fixture
def read(tmp_path: Path) -> Reader:
    """Writes content to a file and reads it."""

    def write_and_read(
        content: bytes | str, name: str = "labels.csv", **options: Any
    ) -> Annotations:
        return read_labels(write(tmp_path, content, name), ontology=ONTOLOGY, **options)

    return write_and_read


@pytest.fixture
def refuse_content(tmp_path: Path) -> Refuser:
    """Writes content to a file and asserts that it is refused with a message that matches."""

    def write_and_refuse(
        content: bytes | str, match: str, name: str = "labels.csv", **options: str
    ) -> LabelFileError:
        return refuse(write(tmp_path, content, name), match, **options)

    return write_and_refuse
