"""Expansion on one machine: a stream of rows in constant memory.

Reading, expanding and writing run in a thread each; they spend their time in code that lets other
threads run.
"""

from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq

from audiolabels.errors import OptionError, choose
from audiolabels.expansion.distributed import fill_folder_with_ray
from audiolabels.expansion.folder import fill_folder, names_folder
from audiolabels.expansion.job import Job, prepared, write_ahead
from audiolabels.expansion.plan import Progress
from audiolabels.expansion.summary import Recorder, Summary, report_file
from audiolabels.files import as_path, atomic_path, together
from audiolabels.ontology.ontology import Ontology
from audiolabels.ontology.vocabulary import Vocabulary
from audiolabels.readers import BlockSizes
from audiolabels.readers.events.reading import ScatteredError
from audiolabels.readers.options import BLOCK_SIZES
from audiolabels.targets.store import TargetsWriter

ENGINES = ("local", "ray")


def expand_files(
    inputs: str | Path | Sequence[str | Path] | None,
    output: str | Path,
    scheme: str = "pe-cml",
    *,
    vocabulary: str | Path | Vocabulary | None = None,
    ontology: Ontology | None = None,
    layout: str | None = None,
    scores: str | Path | Sequence[str | Path] | None = None,
    report: str | Path | None = None,
    rows_per_part: int | None = None,
    engine: str = "local",
    progress: Progress | None = None,
    block_sizes: BlockSizes = BLOCK_SIZES,
    **options: Any,
) -> Summary:
    """Expand label, event or score files to a Parquet file of targets, as a stream of parts.

    Memory grows by eight bytes per clip, to find duplicate clips. Read whole are JSON, labels with
    one row per label, events that are not sorted by clip, and labels given with scores.

    Args:
        inputs: one file or several, or patterns such as `shards/*.csv.gz`, in any known format that
            the scheme reads; for schemes that read scores the given labels, or none. Or one TOML
            file that joins several data sets, see `audiolabels.expansion.joined`; the other
            arguments are its defaults.
        output: the Parquet file; an existing one is replaced once all is done, and only then. Or a
            folder of parts, if the name ends in `/` or `rows_per_part` is given: see
            `audiolabels.expansion.folder`.
        scheme, vocabulary: see `audiolabels.expand`.
        ontology: the embedded one with its supplement by default.
        layout: `lists` (default), `packed` or `dense`; see `audiolabels.targets.layouts`.
            Soft targets have `packed` (their default) and `dense`.
        scores: a file of teacher scores, or several of different clips, for schemes that read them;
            those that repair labels may read them twice.
        rows_per_part: most rows of a part; 1,048,576 by default.
        engine: `local`, or `ray`, which makes the parts of a folder on a cluster: see
            `audiolabels.expansion.distributed`.
        report: a CSV file for every finding, row by row.
        progress: called with (bytes read, bytes in all).
        block_sizes: how much is read and made at a time; the bytes written do not depend on it.
        **options: the scheme's own options, and how files are read: see `ReadOptions`,
            `EventOptions` and `ScoreOptions` in `audiolabels.readers`.

    Raises:
        AudioLabelsError: bad input or a bad option. Whatever ends the work before its end, an
            error or an interrupt, leaves a file `output` and `report` as they were; a folder keeps
            its finished parts, with which the same call goes on.
    """
    path, reports = as_path("output", output), [as_path("report", report)] if report else []
    folder = names_folder(output, rows_per_part)
    given: dict[str, Any] = {"scheme": scheme, "vocabulary": vocabulary, "ontology": ontology}
    given |= {"layout": layout, "scores": scores, "block_sizes": block_sizes, **options}
    given |= {"inputs": inputs, "outputs": [path, *reports], "progress": progress}
    with prepared(**given) as job:
        if choose("engine", engine, ENGINES) == "ray":
            if not folder:
                raise OptionError("Ray makes a folder of parts: end the output's name in a slash")
            return fill_folder_with_ray(job, given, path, report, rows_per_part)
        if folder:
            return fill_folder(job, path, report, rows_per_part)
        try:
            return _write(job, path, report, whole=False)
        except ScatteredError:  # events of a clip that do not follow one another
            return _write(job, path, report, whole=True)


@together()
def _write(job: Job, output: Path, report: str | Path | None, *, whole: bool) -> Summary:
    """Write all row groups while the next are made; the file takes its place at the end."""
    summary = Summary(output, {**job.facts}, job.vocabulary, job.counts())
    with ExitStack() as stack:
        # The report takes its place last, so that it never belongs to an older output.
        table = stack.enter_context(report_file(report)) if report else None
        recorder = Recorder(summary, table)
        partial_ = stack.enter_context(atomic_path(output))
        writer = stack.enter_context(
            TargetsWriter(partial_, job.vocabulary, job.layout, job.listed, output)
        )
        write_ahead(job.rows(recorder, writer, whole=whole), writer.write)
        writer.close(recorder.conclude())
        with pq.ParquetFile(partial_) as written:
            recorder.take_duplicates(written.iter_batches(columns=["clip_id", "onset"]))
    return summary
