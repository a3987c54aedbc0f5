"""Public data sets: where their label files are published, and the cache that keeps them.

>>> DATASETS["audioset"].licence
'CC BY 4.0'
"""

from audiolabels.datasets.cache import find_file, find_files
from audiolabels.datasets.download import FetchedFile, fetch
from audiolabels.datasets.table import DATASETS, Dataset, RemoteFile
from audiolabels.files.cache import cache_folder

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
