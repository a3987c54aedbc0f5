"""The cache of fetched files and of what was made of large ones, and names of files in it.

`audioset:eval` names the part `eval` of the data set `audioset` wherever an input file is named. A
file of that very name on disk comes first.
"""

import os
from collections.abc import Iterable, Mapping
from glob import glob, has_magic
from pathlib import Path

from audiolabels.datasets.table import DATASETS, Dataset
from audiolabels.errors import FetchError, LabelFileError, OptionError, choose
from audiolabels.files import as_path, as_paths
from audiolabels.files.cache import cache_folder
from audiolabels.files.remote import READ_ONLY, RemotePath


def split_name(name: str, datasets: Mapping[str, Dataset] = DATASETS) -> tuple[str, list[str]]:
    """The data set of `name` or `name:part`, and the part, or all of them.

    Raises:
        OptionError: there is no such data set or part.
    """
    dataset, colon, part = name.partition(":")
    parts = list(datasets[choose("data set", dataset, datasets)].files)
    return dataset, [choose(f"part of {dataset}", part, parts)] if colon else parts


def find_file(what: str, path: str | Path) -> Path:
    """The path of an input file, which messages call `what`; `name:part` becomes that in the cache.

    Raises:
        InputTypeError: no path.
        OptionError: a data set's name without a part, or with one that it lacks.
        FetchError: the file is not in the cache.
    """
    given = as_path(what, path)
    name = str(path)
    dataset = name.partition(":")[0]
    if dataset not in DATASETS or os.path.lexists(given):
        return given
    _, parts = split_name(name)
    if ":" not in name:
        named = ", ".join(f"{dataset}:{part}" for part in parts)
        raise OptionError(f"{what}: {name} is a data set; name one of its files: {named}")
    cached = cache_folder() / dataset / DATASETS[dataset].files[parts[0]].name
    if not cached.exists():
        raise FetchError(
            f"{name}: not in the cache ({cached}); fetch it first: audiolabels fetch {name}"
        )
    return cached


def find_files(what: str, paths: str | Path | Iterable[str | Path]) -> list[Path]:
    """One input file or several as a list of paths; see `find_file`.

    A name with `*`, `?` or `[` that is no file is a pattern: the files that match it are taken, in
    the order of their names.

    Raises:
        LabelFileError: no file matches a pattern.
    """
    return [found for path in as_paths(what, paths) for found in _matching(what, path)]


def _matching(what: str, path: Path) -> list[Path]:
    if isinstance(path, RemotePath):
        if path.protocol in READ_ONLY or not has_magic(str(path)) or path.exists():
            return [path]
        found = path.matches()
    elif not has_magic(str(path)) or os.path.lexists(path):
        return [find_file(what, path)]
    else:
        found = sorted(map(Path, glob(str(path), recursive=True)))  # noqa: PTH207 (patterns may be absolute)
    if not found:
        raise LabelFileError(f"{path}: no file matches this pattern")
    return found
