"""The same labels in every format."""

from reader_support import (
    parquet_bytes,
)

# The same two clips, Speech with Music and Guitar, in every format.
EXAMPLES: dict[str, bytes] = {
    "audioset-segments": b"# Segments csv created Sun Mar  5 10:54:31 2017\n"
    b"# num_ytids=2, num_segs=2, num_unique_labels=3, num_positive_labels=3\n"
    b"# YTID, start_seconds, end_seconds, positive_labels\n"
    b'-aaaaaaaaaa, 30.000, 40.000, "/m/04rlf,/m/09x0r"\n'
    b'bbbbbbbbbb_, 0.000, 10.000, "/m/0342h"\n',
    "long": b"filename\tonset\toffset\tevent_label\n"
    b"Y-aaaaaaaaaa_30.000_40.000.wav\t0.0\t10.0\tMusic\n"
    b"Ybbbbbbbbbb__0.000_10.000.wav\t2.5\t7.25\tGuitar\n"
    b"Y-aaaaaaaaaa_30.000_40.000.wav\t1.0\t2.0\tSpeech\n"
    b"Y-aaaaaaaaaa_30.000_40.000.wav\t3.0\t4.0\tSpeech\n",
    "clip-labels": b'clip_id,labels\n-aaaaaaaaaa_30000,"Speech,Music"\nbbbbbbbbbb__0,Guitar\n',
    "psl": b"filename\tlabels\tduration\thdf5path\n"
    b"-aaaaaaaaaa_30_40.wav\t0;137\t10.0\tdata/1.h5\n"
    b"bbbbbbbbbb__0_10.wav\t140\t10.0\tdata/1.h5\n",
    "fsd50k": b"fname,labels,mids\n"
    b'-aaaaaaaaaa_30000,"Speech,Music","/m/09x0r,/m/04rlf"\n'
    b"bbbbbbbbbb__0,Guitar,/m/0342h\n",
    "ast-json": b'{"data": [{"wav": "/x/Y-aaaaaaaaaa_30.000.flac", "labels": "/m/04rlf,/m/09x0r"},'
    b' {"wav": "/x/Ybbbbbbbbbb__0.000.flac", "labels": "/m/0342h", "extra": 1}]}',
    "json-lines": b'{"video_id": "-aaaaaaaaaa_30000", "labels": ["/m/04rlf", "/m/09x0r"]}\n'
    b'{"video_id": "bbbbbbbbbb__0", "labels": ["/m/0342h"]}\n',
    "parquet": parquet_bytes(
        {
            "video_id": ["-aaaaaaaaaa_30000", "bbbbbbbbbb__0"],
            "labels": [["/m/04rlf", "/m/09x0r"], ["/m/0342h"]],
        }
    ),
}
