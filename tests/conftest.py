"""Fixtures that all tests share."""

from pathlib import Path

import pytest
from hypothesis import settings

HERE = Path(__file__).resolve().parent
settings.register_profile("steady", deadline=None, derandomize=True)
settings.load_profile("steady")


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """Folder of real label files beside the checkout."""
    folder = HERE.parent.parent / "shared" / "data"
    if not folder.is_dir():
        pytest.skip("no folder ../shared/data beside this checkout")
    return folder
