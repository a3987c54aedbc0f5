"""Expansion to a folder of parts.

The work is cut into shards (see `Job.shards`), which can be made in any order, on any machine. Each
writes its parts and then a record of what it did; at the end the records are put together in the
order of the shards, and the index (see `audiolabels.targets.parts`) finishes the folder. The bytes
depend on the inputs, the options and the rows of a part alone.

A run that was interrupted goes on where it stopped: shards with a record are not made again, and
parts that are there are not written again. The folder holds what the run was asked for, and another
run does not go on with it.
"""

import hashlib
import json
import os
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.parquet as pq

from audiolabels.errors import LabelFileError, TargetsFileError, guarded
from audiolabels.expansion.job import Job, Shard, groups, write_ahead
from audiolabels.expansion.plan import shifted
from audiolabels.expansion.summary import Recorder, Summary, report_file
from audiolabels.files import (
    apart,
    atomic_path,
    blame,
    parse_json,
    real_path,
    sha256_of,
    write_rows,
)
from audiolabels.files.remote import RemotePath, parquet_source, to_path
from audiolabels.labels.report import Finding, Report
from audiolabels.metrics.label_agreement import Agreement
from audiolabels.ontology.vocabulary import Vocabulary
from audiolabels.options import Options, whole_number
from audiolabels.schemes.scheme import SchemeCounts
from audiolabels.targets.layouts import Cells, Layout
from audiolabels.targets.parts import UNFINISHED, Part, is_folder, write_index
from audiolabels.targets.store import (
    TargetsWriter,
    encode_targets,
    read_info,
    written_facts,
)
from audiolabels.targets.targets import SoftTargets, Targets

ROWS_PER_PART = 1 << 20


def names_folder(output: str | Path, rows_per_part: int | None) -> bool:
    """Whether an output is a folder of parts: its name ends in a slash, it is a folder already, or
    the rows of a part are given.
    """
    slash = str(output).endswith(("/", os.sep))
    return slash or rows_per_part is not None or is_folder(to_path(output))


def fill_folder(
    job: Job, folder: Path, report: str | Path | None, rows_per_part: int | None
) -> Summary:
    """Make all shards that are not made yet, one after the other, and finish the folder.

    Raises:
        TargetsFileError: the folder holds something else, or parts of another run.
    """
    rows = rows_of_part(rows_per_part)
    shards = begin_folder(job, folder, rows)
    sizes = [sum(job.plan_of(shard).sizes) for shard in shards]
    with leaving_nothing(folder):
        for number in unmade(folder, shards):
            make_shard(job, shards[number], number, folder, rows, sum(sizes[:number]), sum(sizes))
        return finish_folder(job, shards, folder, report)


def rows_of_part(given: int | None) -> int:
    """Most rows of a part; an OptionError is raised for what is no whole number above zero."""
    return whole_number("rows_per_part", ROWS_PER_PART if given is None else given)


def unmade(folder: Path, shards: Sequence[Shard]) -> list[int]:
    """The numbers of the shards that have no record yet."""
    made = {*folder.glob("_shard-*.json")}
    return [n for n in range(len(shards)) if _record(folder, n) not in made]


def begin_folder(job: Job, folder: Path, rows_per_part: int) -> list[Shard]:
    """Make a folder for parts, or go on with one; its shards.

    Raises:
        TargetsFileError: the folder holds something else, or parts of another run.
    """
    shards, wanted = job.shards(), json.dumps({"job": _digest(job, rows_per_part)})
    with blame(folder):
        if isinstance(folder, RemotePath):
            folder.check_writable()
        if (folder / UNFINISHED).exists():
            if (folder / UNFINISHED).read_text("utf-8").rstrip("\n") != wanted:
                raise TargetsFileError(
                    f"{folder}: parts of a run that was interrupted, with other inputs or options; "
                    f"run that command again, or delete the folder"
                )
            return shards
        if folder.exists() and (not folder.is_dir() or not _is_free(folder)):
            raise TargetsFileError(
                f"{folder}: not an empty folder, so no parts are written there; delete it, or "
                f"choose another"
            )
        folder.mkdir(exist_ok=True)
    write_rows(folder / UNFINISHED, [wanted])
    return shards


def _is_free(folder: Path) -> bool:
    """Whether a folder holds at most what a run that was killed at its very start leaves."""
    return {*folder.iterdir()} <= {*folder.glob(f".{UNFINISHED}.*.partial")}


def make_shard(
    job: Job,
    shard: Shard,
    number: int,
    folder: Path,
    rows_per_part: int,
    before: int = 0,
    total: int = 0,
) -> None:
    """Write the parts of a shard, and then its record.

    Args:
        job: what is made.
        shard: a piece of it.
        number: of the shard.
        folder: where the parts are written.
        rows_per_part: most rows of a part.
        before, total: bytes of the shards before, and of all, for the progress that is shown.
    """
    plan = replace(job.plan_of(shard), progress=shifted(job.progress, before, total))
    findings: list[Finding] = []
    summary = Summary(folder, {}, job.vocabulary, plan.scheme.counts())
    recorder = Recorder(summary, findings.append)
    with apart(), PartsWriter(job, folder, number, rows_per_part) as writer:
        with job.located(shard.plan):
            write_ahead(groups(plan, recorder, writer, whole=True), writer.write)
        parts = writer.finish()
        record = {
            "parts": [part._asdict() for part in parts],
            "counts": {name: _plain(value) for name, value in vars(summary.counts).items()},
            "report": asdict(replace(summary.report, findings=[])),
            "findings": [asdict(finding) for finding in findings],
            "clips": recorder.clips.origins(),
            "agreement": summary.agreement and asdict(summary.agreement),
        }
        write_rows(_record(folder, number), [json.dumps(record, ensure_ascii=False)])


def finish_folder(
    job: Job, shards: Sequence[Shard], folder: Path, report: str | Path | None
) -> Summary:
    """Put the records of all shards together, and write the index.

    Raises:
        LabelFileError: no row could be used, or nothing is known; nothing is left of the folder.
        TargetsFileError: a record is broken.
    """
    summary = Summary(folder, {**job.facts}, job.vocabulary, job.counts())
    parts: list[Part] = []
    with ExitStack() as stack:
        table = stack.enter_context(report_file(report)) if report else None
        recorder = Recorder(summary, table)
        for which in range(len(job.plans)):
            with job.recording(which, recorder) as mine:
                for number in (n for n, shard in enumerate(shards) if shard.plan == which):
                    parts += _take_record(mine, folder, number)
        try:
            metadata = recorder.conclude()
        except LabelFileError:  # the same call would end in it again, so no part is of use
            _remove(folder, "*.parquet")
            raise
        recorder.take_duplicates(_clips(folder, parts))
        facts = written_facts(job.vocabulary, job.layout, job.listed, 0, metadata)
        write_index(folder, facts, parts)
    for path in (*folder.glob("_shard-*.json"), folder / UNFINISHED, *folder.glob(".*.partial")):
        path.unlink()
    return summary


class PartsWriter:
    """Writes the parts of a shard, of `rows_per_part` rows each, the last of the rest.

    A part that is in the folder already, whole, is not written again.
    """

    def __init__(self, job: Job, folder: Path, shard: int, rows_per_part: int) -> None:
        self.layout: Layout = job.layout
        self._job, self._folder, self._shard, self._most = job, folder, shard, rows_per_part
        self._parts: list[Part] = []
        self._rows = 0  # of the part that is being written
        self._writer: TargetsWriter | None = None
        self._stack = ExitStack()

    @property
    def _form(self) -> tuple[Vocabulary, Layout, str]:
        return self._job.vocabulary, self._job.layout, self._job.listed

    def __enter__(self) -> "PartsWriter":
        return self

    def __exit__(self, *error: Any) -> None:
        self._stack.__exit__(*error)

    def encode(self, targets: Targets | SoftTargets) -> Cells:
        """The distinct targets as cells."""
        return encode_targets(targets, *self._form)

    def write(
        self, clips: pa.RecordBatch, cells: Cells, which: npt.NDArray[np.int32] | None
    ) -> None:
        """Append a row group, cut where a part ends; see `TargetsWriter.write`."""
        start = 0
        while start < len(clips):
            if not self._rows:
                self._begin()
            stop = min(len(clips), start + self._most - self._rows)
            if self._writer is not None:
                rows = slice(start, stop)
                own = cells if which is not None else [each[rows] for each in cells]
                self._writer.write(clips[rows], own, None if which is None else which[rows])
            self._rows += stop - start
            start = stop
            if self._rows == self._most:
                self._end()

    def finish(self) -> list[Part]:
        """End the last part; all of them."""
        if self._rows:
            self._end()
        return self._parts

    @property
    def _path(self) -> Path:
        return self._folder / f"part-{self._shard:05}-{len(self._parts):05}.parquet"

    def _begin(self) -> None:
        with suppress(TargetsFileError):
            if read_info(self._path)["rows"] == self._most:
                return
        written = self._stack.enter_context(atomic_path(self._path))
        self._writer = self._stack.enter_context(TargetsWriter(written, *self._form, self._path))
        self._written = written

    def _end(self) -> None:
        path = self._path
        if self._writer is None:
            digest = sha256_of(path)
        else:
            self._writer.close(self._job.facts)
            self._writer.__exit__()  # the file is whole before it is hashed
            self._writer, digest = None, sha256_of(self._written)
            self._stack.close()
        self._parts.append(Part(path.name, self._rows, digest))
        self._rows = 0


def _record(folder: Path, shard: int) -> Path:
    return folder / f"_shard-{shard:05}.json"


def _take_record(recorder: Recorder, folder: Path, shard: int) -> list[Part]:
    """Take in what a shard did; its parts."""
    path = _record(folder, shard)
    with guarded(path, TargetsFileError, "broken record of an interrupted run; delete it"):
        record = parse_json(path.read_bytes())
        counts = SchemeCounts()
        for name, value in record["counts"].items():
            setattr(counts, name, np.array(value, np.int64) if isinstance(value, list) else value)
        recorder.summary.counts.add(counts)
        recorder.take_report(Report(**record["report"]))
        recorder.take_findings(Finding(**finding) for finding in record["findings"])
        if record["agreement"]:
            recorder.summary.agreement = Agreement(**record["agreement"])
        parts = [Part(**part) for part in record["parts"]]
        recorder.clips.add_origins(record["clips"], _clips(folder, parts))
    return parts


def _clips(folder: Path, parts: Sequence[Part]) -> Iterator[pa.RecordBatch]:
    """Ids and onsets of the rows of parts."""
    for part in parts:
        path = folder / part.name
        with (
            guarded(path, TargetsFileError, "broken"),
            pq.ParquetFile(parquet_source(path)) as file,
        ):
            yield from file.iter_batches(columns=["clip_id", "onset"])


def _plain(value: Any) -> Any:
    return value.tolist() if isinstance(value, np.ndarray) else value


def _digest(job: Job, rows_per_part: int) -> str:
    """What the bytes of a folder depend on, as far as it is known before the inputs are read."""
    read: list[Options] = [each for plan in job.plans for each in (plan.read, plan.read.read)]
    read += [scores.options for plan in job.plans for scores in plan.scores]
    plain = [{**vars(each), "read": None, "block_sizes": None} for each in read]
    named = [value for each in plain for value in each.values() if isinstance(value, str | Path)]
    facts = [
        written_facts(job.vocabulary, job.layout, job.listed, rows_per_part, job.facts),
        [(plan.scheme.name, plan.scheme.options) for plan in job.plans],
        plain,
        sorted({state for path in (*job.inputs, *named) for state in _state(to_path(path))}),
    ]
    return hashlib.sha256(repr(facts).encode("utf-8", "backslashreplace")).hexdigest()


def _state(path: Path) -> Iterator[tuple[str, int, int]]:
    """Path, size and time of the last change, if it is a file."""
    with suppress(OSError, ValueError):  # a value of an option that names no file
        if path.is_file():
            facts = path.stat()
            yield str(real_path(path)), facts.st_size, facts.st_mtime_ns


@contextmanager
def leaving_nothing(folder: Path) -> Iterator[None]:
    """Remove a folder that was begun, if an error comes before its first part."""
    try:
        yield
    except Exception:
        if not any(folder.glob("*.parquet")) and (folder / UNFINISHED).exists():
            _remove(folder)
        raise


def _remove(folder: Path, pattern: str = UNFINISHED) -> None:
    """Remove a folder that was begun, with the files of a pattern, and what else a run writes."""
    own = (pattern, "_shard-*.json", ".*.partial")
    for path in {folder / UNFINISHED, *(path for each in own for path in folder.glob(each))}:
        path.unlink()
    folder.rmdir()
