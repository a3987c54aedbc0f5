"""Structure-aware mutations of files: each takes the bytes of an intact file and gives others.

`mutate` finds the kind of a file by its first bytes. Files inside archives are mutated likewise.
"""

import gzip
import io
import json
import pickle
import re
import struct
import tarfile
import zipfile
from collections.abc import Callable, Mapping
from copy import deepcopy
from random import Random
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

Mutation = Callable[[Random, bytes], bytes]

LONE = "\ud800"
CELLS = [
    "", " ", "0", "-1", "-0.0", "1e15", "1e308", "1e999", "1e-320", "nan", "inf", "999999999",
    "1_0",
    "999999999999999999999", "12:30:00", "NULL", "#REF!", '"', '"a"b', "a,b;c\td",
    "x" * 70_000, "０",
    "\0", "=1+1", "True", LONE, "\u202e", "é\u0301", "\x1a", "/m/09x0r", "/m/09x0r;/m/04rlf",
    "Speech",
    "Yabcdefghijk_30.000_40.000.wav", "..", "a/b/c.wav", "[1, 2", "{'a': 1}", "PRESENT", "137", "#",
]  # fmt: skip
HEADERS = """
    YTID video_id ytid clip_id filename fname path segment_id index start start_seconds end
    end_seconds
    onset offset duration label labels positive_labels event_label event_labels tags mid mids
    hdf5path
    display_name name present exists confidence value split frame scores classes mask embedding
    target
    masked positive
""".split()
VALUES: list[Any] = [
    None, True, 0, -1, 1, 3.5, 1e15, 1e308, float("nan"), float("inf"), 2**31, 2**63, 10**30,
    "", "x",
    "1", LONE, "\0", "/m/09x0r", [], {}, [None], [[]], {"a": 1}, {"": None}, [1, "a", None],
    "eager",
    "owner/kernel", "../..", "float16", "x" * 100_000,
]  # fmt: skip
DEEP, HUGE = "@deep@", "@huge@"


# Bytes of any kind.


def place(rng: Random, content: bytes) -> int:
    """A position; often near the beginning or the end, where headers and footers are."""
    size = len(content)
    near = rng.randrange(min(size, 512)) if size else 0
    return rng.choice([near, max(0, size - 1 - near), rng.randrange(size) if size else 0])


def flip(rng: Random, content: bytes) -> bytes:
    changed = bytearray(content or b"\0")
    for _ in range(rng.choice([1, 2, 5, 50])):
        changed[place(rng, changed)] ^= 1 << rng.randrange(8)
    return bytes(changed)


def overwrite(rng: Random, content: bytes) -> bytes:
    start = place(rng, content)
    new = rng.choice([b"\0" * 8, b"\xff" * 4, b"\xff" * 8, b"\xff\xff\xff\x7f", rng.randbytes(16)])
    return content[:start] + new + content[start + len(new) :]


def cut(rng: Random, content: bytes) -> bytes:
    start = place(rng, content)
    return rng.choice([content[:start], content[start:], content[:start] + content[start + 9 :]])


def double(rng: Random, content: bytes) -> bytes:
    start, size = place(rng, content), rng.choice([1, 4, 64, len(content)])
    return content[: start + size] + content[start:]


def swap(rng: Random, content: bytes) -> bytes:
    a, b = sorted((place(rng, content), place(rng, content)))
    size = min(rng.choice([1, 8, 64]), b - a)
    one, other = content[a : a + size], content[b : b + size]
    return content[:a] + other + content[a + size : b] + one + content[b + size :]


def insert(rng: Random, content: bytes) -> bytes:
    start = place(rng, content)
    return content[:start] + rng.choice([b"\0", b"\r", b'"', b"\xff", b"\n\n"]) + content[start:]


BYTES: tuple[Mutation, ...] = (flip, overwrite, cut, double, swap, insert)


# Delimited text.


def split(content: bytes) -> tuple[list[list[str]], str]:
    lines = content.decode().rstrip("\n").split("\n")
    delimiter = next((d for d in "\t;," if d in lines[-1]), ",")
    return [line.split(delimiter) for line in lines], delimiter


def join(rows: list[list[str]], delimiter: str) -> bytes:
    text = "\n".join(delimiter.join(row) for row in rows) + "\n"
    return text.encode("utf-8", "surrogatepass")


def cells(rng: Random, content: bytes) -> bytes:
    rows, delimiter = split(content)
    for _ in range(rng.choice([1, 1, 3, 10])):
        row = rng.choice(rows)
        row[rng.randrange(len(row))] = rng.choice(CELLS)
    return join(rows, delimiter)


def column(rng: Random, content: bytes) -> bytes:
    """A column replaced, left out, doubled, or moved to the front, in every row."""
    rows, delimiter = split(content)
    which, way, new = rng.randrange(len(rows[-1])), rng.randrange(4), rng.choice(CELLS)
    changed = []
    for number, row in enumerate(rows):
        at = min(which, len(row) - 1)
        middle = [[new] if number else row[at : at + 1], [], row[at : at + 1] * 2, []][way]
        front = row[at : at + 1] if way == 3 else []
        changed.append([*front, *row[:at], *middle, *row[at + 1 :]])
    return join(changed, delimiter)


def header(rng: Random, content: bytes) -> bytes:
    rows, delimiter = split(content)
    first = next((i for i, row in enumerate(rows) if not row[0].startswith("#")), 0)
    at = rng.randrange(len(rows[first]))
    rows[first][at] = rng.choice([*HEADERS, *CELLS, rows[first][at].upper(), rows[first][at] * 2])
    return join(rows[first + 1 :] if rng.random() < 0.1 else rows, delimiter)


def rows(rng: Random, content: bytes) -> bytes:
    kept, delimiter = split(content)
    at = rng.randrange(len(kept))
    way = rng.randrange(5)
    if way == 0:
        del kept[at]
    elif way == 1:
        kept[at:at] = kept[at : at + 1] * rng.choice([1, 3, 2000])
    elif way == 2:
        rng.shuffle(kept)
    elif way == 3:
        kept = kept[: at + 1]
    else:
        kept[at] = ["# " + kept[at][0], *kept[at][1:]]
    return join(kept, delimiter)


def encoding(rng: Random, content: bytes) -> bytes:
    text = content.decode()
    new = rng.choice(["utf-16", "utf-8-sig", "latin-1", "utf-7"])
    other = text.replace("\n", rng.choice(["\r", "\r\n", "\n\r", "\n\n"]))
    dressed = text.replace(split(content)[1], rng.choice(["\t", ";", ",", "|", "  "]))
    return rng.choice([text.encode(new, "replace"), other.encode(), dressed.encode()])


# JSON.


def places(tree: Any) -> list[tuple[Any, Any]]:
    """Every value in a tree, as its container and its key there."""
    items = tree.items() if isinstance(tree, dict) else enumerate(tree)
    found = [(tree, key) for key, _ in items]
    for holder, key in list(found):
        if isinstance(holder[key], dict | list):
            found += places(holder[key])
    return found


def json_tree(rng: Random, content: bytes) -> bytes:
    lines = content.splitlines()
    if len(lines) > 1 and lines[0].endswith(b"}"):  # JSON lines
        at = rng.randrange(len(lines))
        return b"\n".join([*lines[:at], json_tree(rng, lines[at]), *lines[at + 1 :]])
    tree = {"": json.loads(content)}
    for _ in range(rng.choice([1, 1, 1, 3])):
        # Few of all values are near the root, where most of the meaning is.
        holder, key = rng.choice(rng.choice([places(tree), places(tree)[:12], places(tree)[:3]]))
        way = rng.randrange(4)
        if way == 0 and holder is not tree:
            del holder[key]
        elif way == 1 and isinstance(holder, dict) and holder is not tree:
            holder[rng.choice(["x", "", LONE, key.upper(), "format"])] = holder.pop(key)
        elif way == 2 and isinstance(holder, list):
            holder.extend([holder[key]] * rng.choice([1, 2, 1000]))
        else:
            holder[key] = deepcopy(rng.choice([*VALUES, DEEP, HUGE]))
    depth = rng.choice([100, 2000, 100_000])
    text = json.dumps(tree[""]).replace(f'"{DEEP}"', "[" * depth + "]" * depth)
    return text.replace(f'"{HUGE}"', "9" * rng.choice([400, 5000])).encode()


def json_text(rng: Random, content: bytes) -> bytes:
    return rng.choice([
        content + content, b"[" + content + b"]", content.replace(b'"', b"'"),
        b"\xef\xbb\xbf" + content,
        b'{"a": ' * 50_000, b"[" * 50_000, content.replace(b":", b": NaN, ", 1), b"{}", b"[]",
        b"null",
        content.decode().encode("utf-16"), b"\n".join(content.split(b",")),
    ])  # fmt: skip


# Tables of Parquet and Arrow.

TYPED: list[tuple[pa.DataType, Any]] = [
    (pa.int8(), -1), (pa.int64(), 2**62), (pa.uint64(), 2**64 - 1), (pa.float16(), np.float16(3)),
    (pa.float32(), 0.5), (pa.float64(), 1e15), (pa.float64(), 1e308), (pa.float64(), float("nan")),
    (pa.float64(), -1.0), (pa.bool_(), True), (pa.string(), ""), (pa.string(), "a,b;c"),
    (pa.string(), "x" * 70_000), (pa.large_string(), "Speech"), (pa.binary(), b"\xff\xfe"),
    (pa.binary(3), b"abc"), (pa.string_view(), "Speech"), (pa.dictionary(pa.int8(),
    pa.string()), "a"),
    (pa.list_(pa.string()), ["Speech", None]), (pa.list_(pa.int64()), [2**62]), (pa.null(), None),
    (pa.list_(pa.float32()), [float("nan"), 2.0]), (pa.list_(pa.list_(pa.float32())), [[1.0], []]),
    (pa.large_list(pa.float64()), [1e308]), (pa.list_(pa.uint8(), 2), [1, 255]),
    (pa.list_(pa.null()), []),
    (pa.struct([("a", pa.int8())]), {"a": 1}), (pa.map_(pa.string(), pa.int8()), [("a", 1)]),
    (pa.decimal128(38, 2), 1), (pa.timestamp("ns"), 0), (pa.duration("s"), 0), (pa.date32(), 0),
]  # fmt: skip


def table(rng: Random, old: pa.Table) -> pa.Table:
    """A column changed in one of many ways, or rows, or the metadata."""
    at = rng.randrange(old.num_columns)
    name, values, count = old.column_names[at], old.column(at), len(old)
    kind, value = rng.choice(TYPED)
    new_name = rng.choice([*HEADERS, "", name.upper(), rng.choice(old.column_names), "é"])
    some = pa.array([rng.random() < 0.3 for _ in range(count)])
    ways: list[Callable[[], pa.Table]] = [
        lambda: old.drop_columns([name]),
        lambda: old.rename_columns([new_name if i == at else n for i,
        n in enumerate(old.column_names)]),
        lambda: old.append_column(name, values),
        lambda: old.add_column(0, old.field(rng.randrange(old.num_columns)), values),
        lambda: old.set_column(at, name, pa.array([value] * count, kind)),
        lambda: old.set_column(at, name, pa.array([value] * count, kind)),
        lambda: old.set_column(at, name, pa.nulls(count, values.type)),
        lambda: old.set_column(at, name, pa.array(
            [None if n else v for n, v in zip(some.to_pylist(), values.to_pylist(), strict=True)],
            values.type)),
        lambda: old.set_column(at, name, pa.array(odd_values(rng, values), values.type)),
        lambda: old.set_column(at, name, pa.array(odd_values(rng, values), values.type)),
        lambda: old.slice(0, rng.choice([0, 0, 1])),
        lambda: old.take([rng.randrange(count) for _ in range(count)]) if count else old,
        lambda: pa.concat_tables([old, old]),
        lambda: old.select(list(rng.sample(range(old.num_columns), old.num_columns))),
        lambda: old.replace_schema_metadata(metadata(rng, old.schema.metadata or {})),
        lambda: old.replace_schema_metadata(metadata(rng, old.schema.metadata or {})),
    ]  # fmt: skip
    return rng.choice(ways)()


def odd_values(rng: Random, values: pa.ChunkedArray) -> list[Any]:
    """The values of a column, some of them strange but of its type."""
    return [odd(rng, v) if rng.random() < rng.choice([0.1, 1]) else v for v in values.to_pylist()]


def odd(rng: Random, value: Any) -> Any:
    if isinstance(value, list):
        whole = [[], value[:-1], value * 2, value[::-1], [None, *value[1:]]]
        return rng.choice([*whole, [odd(rng, v) for v in value]])
    if isinstance(value, dict):
        return {key: odd(rng, v) for key, v in value.items()}
    if isinstance(value, float):
        return rng.choice([-1.0, 1e15, 1e308, float("nan"), float("inf"), 0.0])
    if isinstance(value, bytes):
        return value[::-1]
    return rng.choice([c for c in CELLS if c != LONE]) if isinstance(value, str) else value


def metadata(rng: Random, old: Mapping[bytes, bytes]) -> dict[bytes, bytes]:
    """Schema metadata with a value changed, or without one."""
    if not old:
        return {b"audiolabels": b"{}", b"classes": b'["Speech", 1]'}
    key = rng.choice(sorted(old))
    if rng.random() < 0.2:
        return {k: v for k, v in old.items() if k != key}
    tree = old[key][:1] in (b"{", b"[")
    change = rng.choice([json_tree, json_tree, json_text, flip]) if tree else flip
    return {**old, key: change(rng, old[key])}


def parquet(rng: Random, content: bytes) -> bytes:
    out, new = io.BytesIO(), table(rng, pq.read_table(io.BytesIO(content)))
    compression = rng.choice(["zstd", "none", "snappy", "gzip", "brotli", "lz4"])
    with pq.ParquetWriter(out, new.schema, compression=compression) as writer:
        if rng.random() < 0.1:
            writer.write_table(new.slice(0, 0))
        writer.write_table(new, row_group_size=rng.choice([1 << 20, 3]))
        if rng.random() < 0.1:
            writer.write_batch(pa.RecordBatch.from_pylist([], new.schema))
    return out.getvalue()


def arrow(rng: Random, content: bytes) -> bytes:
    out, new = io.BytesIO(), table(rng, pa.ipc.open_stream(content).read_all())
    with pa.ipc.new_stream(out, new.schema) as writer:
        for batch in new.to_batches(max_chunksize=rng.choice([1 << 20, 3])):
            writer.write_batch(batch)
    return out.getvalue()


# numpy.


def npy_parts(content: bytes) -> tuple[str, bytes]:
    size = struct.unpack("<H", content[8:10])[0]
    return content[10 : 10 + size].decode().strip(), content[10 + size :]


def npy_file(text: str, data: bytes, version: bytes = b"\1\0", lie: int = 0) -> bytes:
    head = text.encode() + b" " * (-(len(text) + 11) % 64) + b"\n"
    return b"\x93NUMPY" + version + struct.pack("<H", (len(head) + lie) % 65536) + head + data


def npy(rng: Random, content: bytes) -> bytes:
    text, data = npy_parts(content)
    shape = rng.choice([
        "(1,)", "()", "(0,)", "(0, 3)", "(3,)", "(-1, 3)", "(1000000000000, 3)",
        "(99999999999999999999,)",
        "(4294967296, 4294967296)", "(2, 2, 2)", "('a',)", "[3]", "3", "(1.5,)", "(True,)", "None",
        "(50000000, 30)", "(1, 300000000)", "(((((", "(10,)*9",
    ])  # fmt: skip
    descr = rng.choice([
        "'<f4'", "'<f8'", "'>f2'", "'|O'", "'|V0'", "'<U3'", "'<U1000000000'", "'|S0'",
        "'|S5'", "'<M8[ns]'",
        "'<c16'", "'|b1'", "'|u1'", "'<i8'", "'<f3'", "'f4,f4'", "[('a', '<f4')]", "[]",
        "None", "''",
        "'<i8', ", "[('a', '|V2000000000')]", "'(100000,100000)f8'",
    ])  # fmt: skip
    headers = [
        re.sub(r"\([^)]*\)", shape, text), re.sub(r"\([^)]*\)", shape, text),
        re.sub(r"('descr': )'[^']*'", lambda m: m[1] + descr, text),
        re.sub(r"('descr': )'[^']*'", lambda m: m[1] + descr, text),
        text.replace("False", "True"), text.replace("False", "1"), text.replace("'shape'", "'x'"),
        "{", "{'''", "(" * 5000, "__import__('os')", "", "{'a': 1}",
        "{" + "'a':1," * 20_000 + "}", "\\\n",
        "{'descr': '<f4', 'fortran_order': False, 'shape': (1,1L)}", text.replace("'", '"'),
        "0x" + "f" * 5000,
    ]  # fmt: skip
    version = rng.choice([b"\1\0"] * 8 + [b"\2\0", b"\3\0", b"\x09\0"])
    lie = rng.choice([0] * 8 + [1, -7, 60_000])
    return npy_file(rng.choice(headers), data[: rng.choice([len(data)] * 4 + [5])], version, lie)


# Archives.


def zip_members(rng: Random, content: bytes) -> bytes:
    """One member mutated, renamed, left out or doubled; perhaps compressed otherwise."""
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        members = [(name, archive.read(name)) for name in archive.namelist()]
    at, way = (
        rng.randrange(len(members)),
        rng.choice("mutate mutate mutate rename drop more keep".split()),
    )
    name, data = members[at]
    if way == "mutate":
        members[at] = (name, mutate(rng, data)[1])
    elif way == "rename":
        members[at] = (rng.choice(["x.npy", "scores.npy", "../a", "é", "a/", name[:-4]]), data)
    elif way == "drop":
        del members[at]
    elif way == "more":
        members.append((rng.choice(["x.csv", "embedding.npy"]), data))
    method = rng.choice(
        [zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED, zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA]
    )
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", method) as archive:
        for name, data in members:
            archive.writestr(name, data)
    return out.getvalue() if rng.random() < 0.6 else zip_headers(rng, out.getvalue())


def zip_headers(rng: Random, content: bytes) -> bytes:
    """A field changed in a member's headers, or a byte of what is compressed."""
    changed = bytearray(content)
    local = [m.start() for m in re.finditer(b"PK\3\4", content)]
    central = [m.start() for m in re.finditer(b"PK\1\2", content)]
    if not local or not central:
        return flip(rng, content)
    which, way = rng.randrange(min(len(local), len(central))), rng.randrange(5)
    a, b = local[which], central[which]
    if way == 0:  # encrypted
        changed[a + 6] |= 1
        changed[b + 8] |= 1
    elif way == 1:  # another method
        method = rng.choice([1, 9, 12, 14, 93, 99])
        changed[a + 8], changed[b + 10] = method, method
    elif way == 2:  # sizes
        size = struct.pack("<I", rng.choice([0, 1, 2**31, 2**32 - 2]))
        changed[b + 24 : b + 28] = size
        changed[a + 22 : a + 26] = size
    elif way == 3:  # offset
        changed[b + 42 : b + 46] = struct.pack("<I", rng.choice([1, 2**31]))
    else:
        for _ in range(rng.choice([1, 1, 3, 10])):
            changed[min(len(content) - 1, a + rng.randrange(30, 130))] ^= 1 << rng.randrange(8)
    return bytes(changed)


def gzip_content(rng: Random, content: bytes) -> bytes:
    new = mutate(rng, gzip.decompress(content))[1]
    return gzip.compress(new, mtime=0) * rng.choice([1, 1, 2]) + rng.choice([b"", b"", b"\0", b"x"])


# HDF5.


def hdf5(rng: Random, content: bytes) -> bytes:
    import h5py

    out = io.BytesIO(content)
    with h5py.File(out, "r+") as file:
        name = rng.choice(sorted(file))
        old = file[name]
        values = np.asarray(
            old[()] if isinstance(old, h5py.Dataset) else np.zeros((2, 3), np.float32)
        )
        if values.dtype.kind == "O":  # arrays of several lengths
            values = np.zeros(values.shape, np.uint8)
        way = rng.choice(HDF5_WAYS)
        way(rng, file, name, values)
    changed = out.getvalue()
    if way is chunked and rng.random() < 0.7:  # what is in the chunks is corrupt
        start = len(changed) // 2
        return changed[:start] + overwrite(rng, changed[start:])
    return changed


def renamed(rng: Random, file: Any, name: str, values: Any) -> None:
    new = rng.choice([*HEADERS, "x", "filenames", "é", "a/b"])
    file.move(name, new if new not in file else "y")


def removed(rng: Random, file: Any, name: str, values: Any) -> None:
    del file[name]


def retyped(rng: Random, file: Any, name: str, values: Any) -> None:
    del file[name]
    size = min(len(np.ravel(values)), 100)
    file[name] = rng.choice([
        np.zeros(values.shape, rng.choice(["<f8", ">f4", "f2", "u1", "i8", "S3", "V5", "c8", "?"])),
        np.ravel(values), values[..., None], np.atleast_1d(values)[:1],
        np.atleast_1d(values)[:0], np.float32(3), "text", [["a", "b"]],
        np.full(values.shape, rng.choice([np.nan, np.inf, 1e15, 1e308, -1.0])), b"\xff\xfe",
        np.zeros(size, [("a", "<f4"), ("b", "S2")]), np.array([b"\xff\xfe"] * size, "S2"),
        np.array(["é" * i for i in range(size)], object),
    ])  # fmt: skip


def linked(rng: Random, file: Any, name: str, values: Any) -> None:
    import h5py

    del file[name]
    file[name] = rng.choice([
        h5py.SoftLink("/" + name), h5py.SoftLink("/"), h5py.SoftLink("/nowhere"), file["/"],
        h5py.ExternalLink("nowhere.h5", "/a"), h5py.ExternalLink(".", "/"),
    ])  # fmt: skip


def grouped(rng: Random, file: Any, name: str, values: Any) -> None:
    del file[name]
    group = file.create_group(name)
    if rng.random() < 0.5:
        group["embedding"] = values


def huge(rng: Random, file: Any, name: str, values: Any) -> None:
    """A shape that no memory holds, of which nothing is stored."""
    del file[name]
    tail = values.shape[1:]
    shape = rng.choice([(2**40, *tail), (*values.shape[:1], 2**36), (2**28, 2**10, 8), (2**40,)])
    file.create_dataset(
        name,
        shape,
        values.dtype,
        chunks=tuple(min(n, 4) for n in shape),
        fillvalue=np.ravel(values)[0],
    )


def chunked(rng: Random, file: Any, name: str, values: Any) -> None:
    if values.ndim and values.size:
        del file[name]
        compression = rng.choice(["gzip", "lzf"])
        file.create_dataset(
            name, data=values, chunks=values.shape, compression=compression,
            shuffle=rng.random() < 0.5, fletcher32=rng.random() < 0.5,
        )  # fmt: skip


def special(rng: Random, file: Any, name: str, values: Any) -> None:
    """No data space, references, strings of variable length, a named type."""
    import h5py

    del file[name]
    new = [
        h5py.Empty("f4"),
        file.ref,
        np.dtype("f8"),
        ["a", "b"],
        np.array([file.ref] * 3, h5py.ref_dtype),
    ]
    file[name] = rng.choice(new)


def attributes(rng: Random, file: Any, name: str, values: Any) -> None:
    key = rng.choice(["classes", "segment_seconds", "scores", "clip_id", "onset", "embedding"])
    file.attrs[key] = rng.choice(
        [1e15, 1e308, -1.0, 0.5, "Speech", ["a"], [1.0, 2.0], b"\xff", np.nan]
    )


HDF5_WAYS: tuple[Callable[[Random, Any, str, Any], None], ...] = (
    renamed, removed, retyped, retyped, retyped, linked, grouped, huge, chunked, chunked,
    special, attributes
)  # fmt: skip


# Pickles.

HOSTILE = [
    b"\x80\x02r\xff\xff\xff\x7fN.", b"\x80\x02Nr\xff\xff\xff\x7f.", b"\x80\x02Nr\xff\xff\xff\x1f.",
    b"\x80\x04Np2000000000\n.", b"\x80\x04\x8d\xff\xff\xff\xff\xff\xff\xff\x7f.", b"\x80\x04}(",
    b"\x80\x05\x96\x00\x00\x00\x00\x02\x00\x00\x00.",
    b"\x80\x04\x8e\x00\x00\x00\x00\x02\x00\x00\x00.",
    b"\x80\x04\x95\xff\xff\xff\xff\xff\xff\xff\x7f.", b"\x80\x04cos\nsystem\n(X\x02\0\0\0lstR.",
    b"\x80\x04\x8c\x08builtins\x8c\x04exec\x93.",
    b"\x80\x02" + b"]" * 100_000 + b"a" * 99_999 + b".",
    b"\x80\x02" + b"(" * 100_000 + b"t" * 100_000 + b".", b"\x80\x02]" + b"2\x86" * 5000 + b".",
    b"\x80\x02]q\0h\0a.", b"\x80\x02}q\0X\1\0\0\0ah\0s.", b"\x80\x02\x82\x01.", b"\x80\x02h\x05.",
    b"\x80\xff.", b"\x80", b"\x80\x02.", b"\x80\x02}X\1\0\0\0aI9" + b"9" * 5000 + b"\ns.",
    b"\x80\x05\x97.",
    b"\x80\x02}]K\1s.", b"\x80\x02}X\3\0\0\0\xed\xa0\x80K\1s.", b"\x80\x02P1\n.",
    b"\x80\x02K\1Q.", b"\x80\x020.",
]  # fmt: skip


def pickled(rng: Random, content: bytes) -> bytes:
    tree: Any = pickle.loads(content)
    key = rng.choice(sorted(tree))
    new = [
        {**tree, key: rng.choice([*VALUES, np.int64(0), np.float32(1), np.arange(3), (1,),
        b"1", 10**400])},
        {**tree, rng.choice([None, 0, LONE, "", ("a",), b"a"]): 0}, list(tree), {},
        sorted(tree.items()),
        {k: np.int64(v) for k, v in tree.items()}, dict.fromkeys(tree, 0), {k: -v for k,
        v in tree.items()},
        Random(0), print, set(tree),
    ]  # fmt: skip
    protocol = rng.choice([0, 1, 2, 3, 4, 5])
    return rng.choice([pickle.dumps(rng.choice(new), protocol), rng.choice(HOSTILE)])


# safetensors, WAV.


def tensors(rng: Random, content: bytes) -> bytes:
    size = struct.unpack("<Q", content[:8])[0]
    head, data = content[8 : 8 + size], content[8 + size :]
    new = rng.choice([json_tree, json_tree, json_tree, json_text])(rng, head)
    sizes = [len(new)] * 6 + [2**63, 2**31, 0, len(new) - 1]
    return struct.pack("<Q", rng.choice(sizes)) + new + data[: rng.choice([len(data)] * 4 + [7])]


def wave(rng: Random, content: bytes) -> bytes:
    """A field of the header: form, channels, rate, bytes a second and a frame, bits, sizes."""
    start, form = rng.choice([(20, "<H"), (22, "<H"), (24, "<I"), (28, "<I"), (32, "<H"), (34,
    "<H"), (40, "<I"),
                              (4, "<I"), (16, "<I")])  # fmt: skip
    value = rng.choice([0, 1, 3, 255, 65535] + [2**31, 2**32 - 1] * (form == "<I"))
    new = struct.pack(form, value)
    return content[:start] + new + content[start + len(new) :]


def tar_member(rng: Random, content: bytes) -> bytes:
    """Another tree, another name or another size of a member of JSON."""
    out = io.BytesIO()
    with (
        tarfile.open(fileobj=io.BytesIO(content)) as old,
        tarfile.open(fileobj=out, mode="w") as new,
    ):
        members = old.getmembers()
        chosen = rng.choice([member for member in members if member.name.endswith(".json")])
        for member in members:
            file = old.extractfile(member)
            data = file.read() if file else b""
            if member is chosen:
                data = rng.choice([json_tree, json_tree, json_text])(rng, data)
                member.name = rng.choice(
                    [member.name] * 6 + [".json", "/", "a" * 120, "\udcff.json"]
                )
            member.size = len(data)
            new.addfile(member, io.BytesIO(data))
    return out.getvalue()


TEXT: tuple[Mutation, ...] = (cells, cells, cells, column, column, header, header, rows, encoding)
KINDS: tuple[tuple[bytes, tuple[Mutation, ...]], ...] = (
    (rb"\x1f\x8b", (gzip_content,)),
    (rb"PK\x03\x04", (zip_members, zip_members, zip_headers)),
    (rb"\x93NUMPY", (npy,)),
    (rb"\x89HDF", (hdf5,)),
    (rb"PAR1", (parquet,)),
    (rb"\xff\xff\xff\xff", (arrow,)),
    (rb"\x80[\x02-\x05]", (pickled,)),
    (rb"RIFF", (wave,)),
    (rb"fLaC|OggS", BYTES),
    (rb".{257}ustar", (tar_member, tar_member, *BYTES)),
    (rb".{4}\0{4}.{4}\n", BYTES),
    (rb".{8}\{", (tensors,)),
    (rb"[{\[]", (json_tree, json_tree, json_tree, json_text)),
    (rb"", TEXT),
)


def mutate(rng: Random, content: bytes) -> tuple[str, bytes]:
    """What was done, and the bytes: its structure changed, or some bytes, or both."""
    own = next(own for start, own in KINDS if re.match(start, content, re.DOTALL))
    chosen = rng.choices([[own], [BYTES], [own, BYTES]], [12, 5, 1])[0]
    done = []
    for ways in chosen:
        way = rng.choice(ways)
        try:
            content = way(rng, content)
        except (pa.ArrowException, OverflowError):  # a table that the format does not hold
            way = flip
            content = flip(rng, content)
        done.append(way.__name__)
    return "+".join(done), content
