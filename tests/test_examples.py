"""The example scripts run on real recordings."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

EXAMPLES = Path(__file__).resolve().parent.parent / "examples"


@pytest.mark.shared
def test_a_hugging_face_model_learns_from_our_labels(shared_data: Path) -> None:
    script = EXAMPLES / "train_hugging_face.py"
    command = [sys.executable, script, shared_data / "esc10", "--epochs", "4"]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    found = re.search(r"mAP (\d\.\d+) over \d+ classes, by chance (\d\.\d+)", done.stdout)
    assert found
    assert float(found[1]) > 2 * float(found[2])
