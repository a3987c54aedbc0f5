import importlib.util
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent


@pytest.mark.shared
def test_the_page_is_what_the_script_makes_of_the_files(shared_data: Path) -> None:
    spec = importlib.util.spec_from_file_location("page", ROOT / "scripts" / "compare_fsd50k.py")
    assert spec is not None
    assert spec.loader is not None
    script = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(script)
    committed = (ROOT / "docs" / "fsd50k.md").read_text(encoding="utf-8")
    assert script.page(shared_data / "fsd50k") == committed
