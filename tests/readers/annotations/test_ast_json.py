"""Labels in the JSON of AST."""

import pytest
from label_examples import EXAMPLES
from reader_support import (
    GUITAR,
    MUSIC,
    SPEECH,
    Reader,
    by_clip,
    ids,
)

RIGHT = {"-aaaaaaaaaa_30000": {SPEECH, MUSIC}, "bbbbbbbbbb__0": {GUITAR}}


def test_json_entries_that_are_none_are_reported(read: Reader) -> None:
    labels = read(
        '{"data": [{"wav": "/a/Y-aaaaaaaaaa.wav", "labels": "Music"}, {"wav": 3, "labels": ""}, 7,'
        ' {"labels": "Music"}, {"wav": "b.wav", "labels": ["Music"]}, {"wav": "", "labels": ""},'
        ' {"wav": "c.wav", "labels": "Guitar"}]}'
    )
    assert by_clip(labels) == {"-aaaaaaaaaa": {MUSIC}, "c": {GUITAR}}
    assert labels.rows.tolist() == [1, 7]
    assert [(f.row, f.kind) for f in labels.report.findings] == [
        (row, "row unused") for row in range(2, 7)
    ]
    assert (labels.report.rows, labels.report.rows_used) == (7, 2)


@pytest.mark.parametrize(
    "entry", ['{"wav": "\\ud800.wav", "labels": "Music"}', '{"wav": "b.wav", "labels": "\\udfff"}']
)
def test_json_entries_with_half_a_character_are_reported(entry: str, read: Reader) -> None:
    text = f'{{"data": [{{"wav": "a.wav", "labels": "Music"}}, {entry}]}}'
    labels = read(text, unknown="drop")
    assert labels.report.rows == 2
    assert ids(labels, 0) == {MUSIC}
    assert {f.row for f in labels.report.findings} == {2}


def test_json_may_begin_with_a_byte_order_mark(read: Reader) -> None:
    assert by_clip(read(b"\xef\xbb\xbf" + EXAMPLES["ast-json"])) == RIGHT
