"""Time exports of AudioSet-sized targets against writing the same bytes.

    python benchmarks/exports.py LABELS.csv... [--clips 2084320] [--repeats 5] [--folder DIR]

The input is that of `expand.py`, expanded by PE-CML. Seconds of processor time of whole processes,
medians of runs in turns:

(a) export  `audiolabels export`, which writes all files of a format
(b) floor   pyarrow reads the columns of the targets, and the finished files are written and synced
(c) copy    the finished files are copied, from the page cache to the page cache
(d) packed  as (b), but what is packed is packed anew: pyarrow writes Hugging Face's finished table,
            which it maps from a file; gzip compresses Lhotse's finished lines
"""

import gzip
import os
import shutil
import sys
from functools import partial
from pathlib import Path

from expand import build_input, ours, take_arguments
from mapping import in_turns, seconds_of

FORMS: dict[str, tuple[str, ...]] = {
    "psl": ("a.tsv",),
    "fsd50k": ("a.csv",),
    "huggingface": ("a.parquet",),
    "hear": ("a.json",),
    "ast": ("a.json",),
    "ced": ("a.tsv",),
    "desed": ("a.tsv",),
    "eat": ("a.tsv", "--sample-rate", "16000"),
    "espnet": ("text",),
    "flexsed": ("a.csv",),
    "lhotse": ("a.jsonl.gz",),
    "webdataset": ("a.tar",),
    "wide-csv": ("a.csv", "--unknown-cells", "0"),
    "panns": ("a.h5",),
    "passt": ("a.h5",),
}
PACKED = (".parquet", ".gz")
GROUP = 1 << 14  # rows of a row group of Hugging Face's Parquet
BLOCK = 1 << 20


def unpack(file: Path, to: Path) -> None:
    """Lay the content of a packed file down for `pack`."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    if file.suffix == ".gz":
        with gzip.open(file) as packed, to.open("wb") as lines:
            shutil.copyfileobj(packed, lines, BLOCK)
        return
    table = pq.read_table(file)
    with pa.OSFile(str(to), "wb") as sink, pa.ipc.new_file(sink, table.schema) as writer:
        writer.write_table(table)


def pack(content: Path, to: Path) -> None:
    import pyarrow as pa
    import pyarrow.parquet as pq

    if to.suffix == ".gz":
        with content.open("rb") as lines, gzip.open(to, "wb", 6) as packed:
            shutil.copyfileobj(lines, packed, BLOCK)
        return
    table = pa.ipc.open_file(pa.memory_map(str(content))).read_all()
    pq.write_table(table, to, GROUP, compression="zstd")


def work(name: str, targets: str, made: Path, copies: Path) -> None:
    """(b), (c) or (d)"""
    if name != "copy":
        import pyarrow.parquet as pq

        pq.read_table(targets, columns=["clip_id", "offset", "positive", "masked"])
    for file in made.iterdir():
        to = copies / file.name
        if name == "packed" and file.suffix in PACKED:
            pack(copies / "content", to)
        else:
            with file.open("rb") as source, to.open("wb") as copy:
                shutil.copyfileobj(source, copy, BLOCK)
        if name != "copy":
            with to.open("rb") as copy:
                os.fsync(copy.fileno())


def compare(form: str, targets: Path, folder: Path, repeats: int) -> None:
    made, copies = folder / "made", folder / "copies"
    for each in (made, copies):
        shutil.rmtree(each, ignore_errors=True)
        each.mkdir()
    name, *options = FORMS[form]
    command = [sys.executable, "-m", "audiolabels", "export", str(targets), "--to", form]
    works = {form: partial(seconds_of, [*command, *options, "-o", str(made / name)])}
    works[form]()
    packed = [file for file in made.iterdir() if file.suffix in PACKED]
    for file in packed:
        unpack(file, copies / "content")
    for other in ("floor", "copy", *(["packed"] if packed else [])):
        worker = [sys.executable, __file__, "--worker", other, str(targets), str(made), str(copies)]
        works[other] = partial(seconds_of, worker)
    found = in_turns(works, repeats)
    size = sum(file.stat().st_size for file in made.iterdir()) / 1e6
    ratios = (f"{s:6.2f} s {n} {found[form] / s:5.1f}×" for n, s in found.items() if n != form)
    print(f"{form:12}{size:6,.0f} MB{found[form]:7.2f} s", *ratios, flush=True)


def main() -> None:
    options, folder = take_arguments(__doc__)
    source, targets = folder / f"usual-{options.clips}.csv", folder / "exported.parquet"
    if not source.exists():
        build_input(source, options.sources, options.clips, distinct=False)
    seconds_of(ours(source, targets, "packed"))
    print(f"{options.clips:,} clips, {targets.stat().st_size / 1e6:,.0f} MB of targets")
    for form in FORMS:
        compare(form, targets, folder, options.repeats)


if __name__ == "__main__":
    if sys.argv[1:2] == ["--worker"]:
        name, targets = sys.argv[2:4]
        work(name, targets, Path(sys.argv[4]), Path(sys.argv[5]))
    else:
        main()
