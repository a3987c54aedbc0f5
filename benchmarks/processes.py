"""What the benchmarks share: whole processes measured, and the floor under them."""

import json
import os
import statistics
import subprocess
import time
from pathlib import Path
from typing import Any, NamedTuple


class Result(NamedTuple):
    """Of a whole process: seconds, peak megabytes, and seconds of processor time of all threads."""

    seconds: float
    megabytes: float
    processor: float


def measure(command: list[str]) -> Result:
    """Measure a whole process, which uses bytecode, as a package that is installed does."""
    environment = {k: v for k, v in os.environ.items() if k != "PYTHONDONTWRITEBYTECODE"}
    start = time.perf_counter()
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, env=environment)
    _, status, usage = os.wait4(process.pid, 0)
    seconds = time.perf_counter() - start
    if status:
        raise SystemExit(f"{' '.join(command)} ended with status {status}")
    return Result(seconds, usage.ru_maxrss / 1024, usage.ru_utime + usage.ru_stime)


def take_turns(commands: dict[str, list[str]], repeats: int) -> dict[str, Result]:
    """Medians of seconds and processor time, and largest memory, of programs that run in turns.

    So a machine that is slow for a while is slow for all of them.
    """
    runs = [{name: measure(command) for name, command in commands.items()} for _ in range(repeats)]
    return {
        name: Result(
            statistics.median(r[name].seconds for r in runs),
            max(r[name].megabytes for r in runs),
            statistics.median(r[name].processor for r in runs),
        )
        for name in commands
    }


def show(name: str, result: Result, *ratios: str) -> None:
    print(f"{name:28} {result[0]:8.2f} s {result[1]:8.0f} MB   {'  '.join(ratios)}", flush=True)


def prepare_floor(ours: Path, output: Path) -> None:
    """Lay the finished table down, uncompressed, so that the floor only maps it."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    from audiolabels.targets import read_info
    from audiolabels.targets.layouts import LAYOUTS as STORED
    from audiolabels.targets.store import parquet_options

    info = read_info(ours)
    chosen = STORED[info["layout"]]
    options = parquet_options(chosen, info["listed"])
    facts = json.dumps({"options": options, "group": chosen.group}).encode()
    file = pq.ParquetFile(ours)
    schema = file.schema_arrow.with_metadata({b"floor": facts})
    with (
        pa.OSFile(str(output.with_suffix(".arrow")), "wb") as sink,
        pa.ipc.new_file(sink, schema) as writer,
    ):
        for batch in file.iter_batches(chosen.group):
            writer.write_batch(pa.RecordBatch.from_arrays(batch.columns, schema=schema))


def write_floor(output: Path) -> None:
    """Write the finished table beside `output`, as `prepare_floor` laid it down."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    finished = output.with_suffix(".arrow")
    table = pa.ipc.open_file(pa.memory_map(str(finished))).read_all()
    facts: Any = json.loads((table.schema.metadata or {})[b"floor"])
    with pq.ParquetWriter(output, table.schema, **facts["options"]) as writer:
        writer.write_table(table, row_group_size=facts["group"])
