"""Clips that are told apart by more than the id that is left of their name."""

import pytest
from reader_support import DOG, MUSIC, Reader, by_clip, ids

from audiolabels.clips.names import parse_clip_name


def test_files_of_one_name_in_two_folders_are_two_clips(read: Reader) -> None:
    labels = read("filename,label\nfold1/001.wav,Dog\nfold2/001.wav,Music\nfold1/001.wav,Speech\n")
    assert labels.clip_id.to_pylist() == ["001", "001"]
    assert DOG in (ids(labels, 0) or ())
    assert ids(labels, 1) == {MUSIC}
    assert [f.kind for f in labels.report.findings] == ["duplicate clip"]


@pytest.mark.parametrize("column", ["YTID", "video_id"])
def test_times_beside_a_video_are_its_place(column: str, read: Reader) -> None:
    labels = read(f"{column},start,end,label\naaaaaaaaaaa,0,10,Dog\naaaaaaaaaaa,30,40,Music\n")
    assert by_clip(labels) == {"aaaaaaaaaaa_0": {DOG}, "aaaaaaaaaaa_30000": {MUSIC}}


def test_names_that_begin_with_a_hash_may_come_first(read: Reader) -> None:
    labels = read("clip_id,labels\n#1 song.wav,Dog\n#2 song.wav,Music\nx.wav,Dog\n")
    assert by_clip(labels) == {"#1 song": {DOG}, "#2 song": {MUSIC}, "x": {DOG}}


@pytest.mark.parametrize("name", ["session_001_02", "field_rec_1_003_010", "song_2019_05"])
def test_numbers_with_leading_zeros_are_no_times(name: str) -> None:
    assert parse_clip_name(f"{name}.wav").clip_id == name


def test_an_event_without_a_time_keeps_its_clip(read: Reader) -> None:
    labels = read("filename\tonset\toffset\tevent_label\na\t\t\t\nc\tNA\tNA\tDog\nb\t0\t1\tMusic\n")
    assert by_clip(labels) == {"a": None, "c": None, "b": {MUSIC}}
    assert (3, "label dropped", "a time is not a number of seconds") in {
        (f.row, f.kind, f.reason) for f in labels.report.findings
    }


def test_names_in_one_cell_come_apart_with_or_without_a_space(read: Reader) -> None:
    for text in ("Dog,Music", "Dog, Music"):
        assert by_clip(read(f'clip,label\na,"{text}"\n')) == {"a": {DOG, MUSIC}}
