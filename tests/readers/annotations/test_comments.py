"""Lines that begin with # among the rows: comments, or names that begin so."""

from reader_support import DOG, MUSIC, Reader, by_clip, findings


def test_a_name_that_begins_with_a_hash_is_a_row(read: Reader) -> None:
    labels = read("clip_id,labels\nb,Dog\n#1 hit.wav,Music\n# a remark\n")
    assert by_clip(labels) == {"b": {DOG}, "#1 hit": {MUSIC}}
    assert labels.report.rows == 2


def test_a_header_that_stands_there_again_is_reported(read: Reader) -> None:
    labels = read("YTID,start,end,labels\nYTID,start,end,labels\naaaaaaaaaaa,0,9,Music\n")
    assert by_clip(labels) == {"aaaaaaaaaaa_0": {MUSIC}}
    assert [(f[0], f[2]) for f in findings(labels)] == [(2, "row unused")]
