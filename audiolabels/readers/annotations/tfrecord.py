"""AudioSet's features in TFRecord, of which the labels are read: video, start, end and columns.

A record is its length, a checksum of that, a message and a checksum of the message, which is not
compared. The message is a `SequenceExample`, of which only the context is read. Sources: TFRecord,
https://www.tensorflow.org/tutorials/load_data/tfrecord; the encoding,
https://protobuf.dev/programming-guides/encoding; the fields,
https://research.google.com/audioset/download.html.
"""

import struct
from collections.abc import Iterator
from typing import Any

from audiolabels.ontology.vocabulary import load_vocabulary
from audiolabels.readers.annotations.entries import Entries
from audiolabels.readers.opening import Source

CASTAGNOLI = 0x82F63B78  # the polynomial of CRC-32C, reflected
LONGEST = 1 << 26  # bytes of a record
FIELDS = ("video_id", "start_time_seconds", "end_time_seconds", "labels")


def masked_checksum(data: bytes) -> int:
    """CRC-32C of some bytes, as TFRecord stores it."""
    value = 0xFFFFFFFF
    for byte in data:
        value ^= byte
        for _ in range(8):
            value = value >> 1 ^ CASTAGNOLI * (value & 1)
    value ^= 0xFFFFFFFF
    return ((value >> 15 | value << 17) + 0xA282EAD8) & 0xFFFFFFFF


def tfrecord_entries(source: Source) -> Entries:
    """The context of all records."""
    ids = dict(enumerate(load_vocabulary("audioset").ids))
    rows = []
    for record in _records(source):
        context = _context(record)
        video, start, end = (context[name][0] for name in FIELDS[:3])
        labels = [ids.get(number, str(number)) for number in context["labels"]]
        rows.append(dict(zip(FIELDS, (video.decode(), start, end, labels or None), strict=True)))
    return Entries(rows, unused=("features",))


def _records(source: Source) -> Iterator[bytes]:
    number = 0
    while head := source.stream.read(12):
        number += 1
        length = int.from_bytes(head[:8], "little")
        if head[8:] != struct.pack("<I", masked_checksum(head[:8])) or length > LONGEST:
            raise ValueError(f"record {number} has no length with its checksum")
        record = source.stream.read(length)
        if len(source.stream.read(4)) < 4:
            raise ValueError(f"cut off in record {number}")
        yield record


def _context(record: bytes) -> dict[str, list[Any]]:
    """Name to values of the features of a record's context."""
    features: dict[str, list[Any]] = {}
    for entry in _values(b"".join(_values(record, 1)), 1):
        key, feature = (b"".join(_values(entry, field)) for field in (1, 2))
        ((kind, values),) = ((field, value) for field, _, value in _fields(feature))
        features[key.decode()] = [*_numbers(kind, values)]
    return features


def _numbers(kind: int, values: bytes) -> Iterator[Any]:
    """The values of a list of bytes (1), of floats (2) or of integers (3), packed or not."""
    for _, wire, value in _fields(values):
        if kind == 1:
            yield value
        elif kind == 2:
            yield from (number for (number,) in struct.iter_unpack("<f", value))
        elif wire == 2:
            position = 0
            while position < len(value):
                number, position = _varint(value, position)
                yield number
        else:
            yield value


def _values(message: bytes, field: int) -> Iterator[Any]:
    return (value for number, _, value in _fields(message) if number == field)


def _fields(message: bytes) -> Iterator[tuple[int, int, Any]]:
    """Number, wire type and value of each field."""
    position = 0
    while position < len(message):
        tag, position = _varint(message, position)
        wire = tag & 7
        if wire == 0:
            value, position = _varint(message, position)
            yield tag >> 3, wire, value
            continue
        size = {1: 8, 5: 4}.get(wire)
        if wire == 2:
            size, position = _varint(message, position)
        if size is None or position + size > len(message):
            raise ValueError("a message that is no protocol buffer")
        yield tag >> 3, wire, message[position : position + size]
        position += size


def _varint(message: bytes, position: int) -> tuple[int, int]:
    """A number of seven bits a byte, and the position after it."""
    number = 0
    for shift in range(0, 70, 7):
        byte = message[position]
        number |= (byte & 0x7F) << shift
        position += 1
        if byte < 0x80:
            return number, position
    raise ValueError("a message that is no protocol buffer")
