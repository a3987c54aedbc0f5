"""Files with one row per label, gathered by clip."""

from reader_support import (
    DOG,
    MUSIC,
    SPEECH,
    Reader,
    by_clip,
    findings,
)


def test_files_of_one_name_in_two_folders_are_two_clips(read: Reader) -> None:
    labels = read("filename,label\nfold1/001.wav,Dog\nfold2/001.wav,Music\nfold1/001.wav,Speech\n")
    assert by_clip(labels) == {"fold1/001": {DOG, SPEECH}, "fold2/001": {MUSIC}}
    assert labels.report.findings == []
    (note,) = labels.report.notes
    assert note.endswith("; clip ids keep their folders, in which file names repeat")


def test_events_of_no_length_give_no_label(read: Reader) -> None:
    labels = read(
        "filename\tonset\toffset\tevent_label\na\t1\t1\tDog\na\t2\t1\tMusic\na\t0\t1\tSpeech\n"
        "b\t1\t1\tDog\n"
    )
    assert by_clip(labels) == {"a": {SPEECH}, "b": None}
    assert findings(labels) == [
        (2, "a", "label dropped", "an event has no length"),
        (3, "a", "label dropped", "an event ends before it begins"),
        (5, "b", "clip unlabelled", "no label is left"),
        (5, "b", "label dropped", "an event has no length"),
    ]
    assert (labels.report.rows, labels.report.rows_used) == (4, 4)
