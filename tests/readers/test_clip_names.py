"""Lists of clips, as people have them."""

from pathlib import Path

import pytest

from audiolabels.errors import LabelFileError
from audiolabels.readers.clip_names import read_clip_names


@pytest.mark.parametrize(
    "text",
    [
        "a.wav\nb c.wav\n",
        "# what is left\n\na.wav\nb c.wav\na.wav\n",
        "filename,size\na.wav,3\nb c.wav,4\n",
        "size\tclip_id\n3\ta.wav\n4\tb c.wav\n\t\n",
        '"a.wav", 0.0\n"b c.wav", 1.0\n',
    ],
)
def test_clips_are_a_column_or_the_first_cells(tmp_path: Path, text: str) -> None:
    path = tmp_path / "clips.txt"
    path.write_text(text)
    assert read_clip_names(path) == ["a.wav", "b c.wav"]


@pytest.mark.parametrize(
    ("content", "message"),
    [(b"", "empty"), (b"clip_id\n", "no clip in it"), (b'{"a": 1}', "JSON, not a text")],
)
def test_a_file_without_clips_is_refused(tmp_path: Path, content: bytes, message: str) -> None:
    path = tmp_path / "clips.txt"
    path.write_bytes(content)
    with pytest.raises(LabelFileError, match=message):
        read_clip_names(path)
