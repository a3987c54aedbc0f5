"""Expansion to a folder of parts on a cluster, by Ray.

Each shard is one task of Ray, which starts, retries and places them; the driver writes the index.
The folder must be one that all machines see. Bytes are those of the local engine.
"""

import logging
import os
from contextlib import suppress
from pathlib import Path
from typing import Any

from audiolabels.errors import OptionError, TargetsFileError, extra
from audiolabels.expansion.folder import (
    begin_folder,
    finish_folder,
    leaving_nothing,
    make_shard,
    rows_of_part,
    unmade,
)
from audiolabels.expansion.job import Job, Shard, prepared
from audiolabels.expansion.summary import Summary
from audiolabels.files.remote import RemotePath, to_path

RETRIES = 3  # of a task whose worker or machine dies


def connect() -> Any:
    """Ray, connected to the cluster that `RAY_ADDRESS` names, or to one on this machine.

    Raises:
        OptionError: it is not installed.
    """
    with extra("ray"):
        import ray
    if not ray.is_initialized():
        ray.init(log_to_driver=False, include_dashboard=False, logging_level=logging.ERROR)
    return ray


def fill_folder_with_ray(
    job: Job,
    arguments: dict[str, Any],
    folder: Path,
    report: str | Path | None,
    rows_per_part: int | None,
) -> Summary:
    """`fill_folder` by tasks of Ray, on the cluster that is connected, or on this machine.

    Args:
        job: what is made.
        arguments: those of `prepared`, with which each task makes the job again.
        folder, report, rows_per_part: see `expand_files`.

    Raises:
        OptionError: Ray is not installed, or a path is in the memory of this process.
        TargetsFileError: a worker died again and again.
        AudioLabelsError: see `expand_files`.
    """
    for path in (folder, *job.inputs):
        if isinstance(path, RemotePath) and path.protocol == "memory":
            raise OptionError(f"{path}: the memory of one process, which tasks of Ray do not share")
    ray = connect()
    rows = rows_of_part(rows_per_part)
    shards = begin_folder(job, folder, rows)
    waiting = unmade(folder, shards)
    sizes = [sum(job.plan_of(shard).sizes) for shard in shards]
    with leaving_nothing(folder):
        shared = ray.put({**arguments, "progress": None})
        task = ray.remote(num_cpus=1, max_retries=RETRIES)(_make)
        here = str(Path.cwd())
        running = {task.remote(here, shared, shards[n], n, str(folder), rows): n for n in waiting}
        done = sum(sizes) - sum(sizes[n] for n in waiting)
        try:
            while running:
                ended, _ = ray.wait(list(running), num_returns=1)
                for each in ended:
                    ray.get(each)
                    done += sizes[running.pop(each)]
                    if job.progress:
                        job.progress(done, sum(sizes))
        except ray.exceptions.RayTaskError as error:  # what the task raised
            raise error.cause from None
        except ray.exceptions.RayError as error:
            raise TargetsFileError(
                f"{folder}: Ray gave a part up after {RETRIES} retries: {error}; run the same "
                f"command again to go on"
            ) from error
        finally:
            for each in running:
                ray.cancel(each)
        return finish_folder(job, shards, folder, report)


def _make(
    here: str, arguments: dict[str, Any], shard: Shard, number: int, folder: str, rows: int
) -> None:
    """A task: one shard. Relative names of files are those of the driver's folder `here`."""
    with suppress(OSError):  # absolute names do not need it; others end in an error of their own
        os.chdir(here)
    with prepared(**arguments) as job:
        make_shard(job, shard, number, to_path(folder), rows)
