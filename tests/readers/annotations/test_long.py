"""Files with one row per label, gathered by clip."""

from hypothesis import given
from hypothesis import strategies as st
from reader_support import (
    DOG,
    MUSIC,
    SPEECH,
    Reader,
    by_clip,
    findings,
)

from audiolabels import load_ontology, read_labels


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


@given(
    st.lists(
        st.tuples(
            st.sampled_from("ab"),
            st.sampled_from(["Animal", "Dog", "Bark", "Cat", "Music", "Speech"]),
            st.booleans(),
        ),
        min_size=1,
        max_size=12,
        unique_by=lambda row: row[:2],
    )
)
def test_a_label_below_an_absence_is_a_contradiction(rows: list[tuple[str, str, bool]]) -> None:
    columns = zip(*rows, strict=True)
    table = dict(zip(("clip_id", "label", "present"), map(list, columns), strict=True))
    ontology = load_ontology()
    labels = read_labels(table)
    wanted = {
        (clip, label)
        for clip, label, present in rows
        for other, above, also in rows
        if present and not also and clip == other
        if label == above or ontology.find(above) in ontology.ancestors(ontology.find(label))
    }
    found = [(f.clip, f.label) for f in labels.report.findings if f.kind == "contradiction"]
    assert sorted(found) == sorted(wanted)
