"""Public data sets: where their label files are published, and the cache that keeps them.

>>> DATASETS["audioset"].licence
'CC BY 4.0'
"""

from audiolabels.datasets.cache import cache_folder, find_file, find_files
from audiolabels.datasets.download import FetchedFile, fetch
from audiolabels.datasets.table import DATASETS, Dataset, RemoteFile

__all__ = [
    "DATASETS",
    "Dataset",
    "FetchedFile",
    "RemoteFile",
    "cache_folder",
    "fetch",
    "find_file",
    "find_files",
]
