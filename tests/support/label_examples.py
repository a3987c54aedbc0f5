"""The same labels in every format."""

import io
import json
import struct
import tarfile
from collections.abc import Mapping, Sequence
from typing import Any

from reader_support import (
    parquet_bytes,
)

from audiolabels.readers.annotations.tfrecord import masked_checksum


def shard(members: Mapping[str, Any]) -> bytes:
    """A tar of members, bytes or JSON."""
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as archive:
        for name, content in members.items():
            data = content if isinstance(content, bytes) else json.dumps(content).encode()
            member = tarfile.TarInfo(name)
            member.size = len(data)
            archive.addfile(member, io.BytesIO(data))
    return buffer.getvalue()


def message(field: int, content: bytes) -> bytes:
    """A field of a protocol buffer, of fewer than 128 × 128 bytes."""
    size = len(content)
    return bytes([field << 3 | 2, size & 127 | 128, size >> 7]) + content


def context(features: Mapping[str, tuple[int, bytes]]) -> bytes:
    """A `SequenceExample` of a context: name to kind and the fields of its list."""
    entries = (
        message(1, message(1, name.encode()) + message(2, message(kind, values)))
        for name, (kind, values) in features.items()
    )
    return message(1, b"".join(entries))


def segment(video: str, start: float, end: float, labels: Sequence[int]) -> bytes:
    """AudioSet's record of a clip, followed by features that are not read."""
    numbers = b"".join(bytes([n & 127 | 128, n >> 7]) for n in labels)
    return context(
        {
            "video_id": (1, message(1, video.encode())),
            "start_time_seconds": (2, message(1, struct.pack("<f", start))),
            "end_time_seconds": (2, b"\x0d" + struct.pack("<f", end)),
            "labels": (3, message(1, numbers)),
        }
    ) + message(2, b"features")


def tfrecord(*records: bytes) -> bytes:
    lengths = [struct.pack("<Q", len(record)) for record in records]
    return b"".join(
        length + struct.pack("<I", masked_checksum(length)) + record + b"sum."
        for length, record in zip(lengths, records, strict=True)
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
    "wide": b"filename,Guitar,Speech,/m/04rlf\n"
    b"audio/-aaaaaaaaaa_30000.wav,0,1,1\nbbbbbbbbbb__0.wav,1,,-1\n",
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
    "jams": b'{"annotations": [{"namespace": "tag_open", "data": ['
    b'{"time": 0, "duration": 10, "value": "Music", "confidence": null},'
    b'{"time": 0, "duration": 10, "value": "Speech", "confidence": null}]}],'
    b'"file_metadata": {"duration": 10}}',
    "label-studio": b"""[
{"id": 4, "data": {"audio": "https://example.org/Y-aaaaaaaaaa_30.000.wav"}, "annotations": [
  {"id": 1, "was_cancelled": false, "result": [
    {"type": "choices", "value": {"choices": ["Music", "Speech"]}}]}]},
{"id": 5, "data": {"audio": "/data/Ybbbbbbbbbb__0.000.wav"}, "annotations": [
  {"id": 2, "was_cancelled": false, "result": [
    {"type": "choices", "value": {"choices": ["Guitar"]}}]}]}]""",
    "lhotse": b'{"id": "s0", "recording_id": "-aaaaaaaaaa_30000", "start": 0.0, "duration": 10.0,'
    b' "channel": 0, "custom": {"audio_event": "137;0"}}\n'
    b'{"id": "s1", "recording_id": "bbbbbbbbbb__0", "start": 0.0, "duration": 10.0,'
    b' "channel": 0, "custom": {"audio_event": "140"}}\n',
    "webdataset": shard(
        {
            "-aaaaaaaaaa_30000.wav": b"RIFF",
            "-aaaaaaaaaa_30000.json": {"label": "Music;Speech"},
            "bbbbbbbbbb__0.json": {"label": "Guitar"},
        }
    ),
    "audioset-tfrecord": tfrecord(
        segment("-aaaaaaaaaa", 30, 40, [0, 137]), segment("bbbbbbbbbb_", 0, 10, [140])
    ),
    "parquet": parquet_bytes(
        {
            "video_id": ["-aaaaaaaaaa_30000", "bbbbbbbbbb__0"],
            "labels": [["/m/04rlf", "/m/09x0r"], ["/m/0342h"]],
        }
    ),
}

# Events in forms of JSON.
EVENTS: dict[str, bytes] = {
    "jams": b"""{"annotations": [{"namespace": "scaper", "data": [
  {"time": 0.5, "duration": 1.5, "value": {"label": "Dog", "role": "foreground"}, "confidence": 1},
  {"time": 2.0, "duration": 1, "value": {"label": "Music", "snr": 3}, "confidence": null}]}],
"file_metadata": {"duration": 10.0}}""",
    "label-studio": b"""[
{"id": 4, "data": {"audio": "https://example.org/Y-aaaaaaaaaa_30.000.wav"}, "annotations": [
  {"id": 1, "was_cancelled": false, "result": [
    {"type": "labels", "original_length": 10.0,
     "value": {"start": 0.5, "end": 2, "labels": ["Music", "Speech"]}}]}]},
{"id": 5, "data": {"audio": "/data/Ybbbbbbbbbb__0.000.wav"}, "annotations": [
  {"id": 2, "was_cancelled": false, "result": []}]}]""",
    "lhotse": b'{"id": "c", "start": 0.0, "duration": 10.0, "channel": 0, "type": "MonoCut", '
    b'"supervisions": [{"id": "s", "recording_id": "r", "start": 0.5, "duration": 2.0,'
    b' "channel": 0, "custom": {"audio_event": "137;0"}}], "recording": {"id": "r", '
    b'"duration": 10.0, "sources": [{"type": "file", "channels": [0],'
    b' "source": "-aaaaaaaaaa_30000.wav"}]}}\n',
}
