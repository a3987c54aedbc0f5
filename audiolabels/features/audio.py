"""Audio files as one channel at one rate.

`labels.report.FATES` lists what becomes of unsuitable files; each is in the report. Headers are
read when a folder is opened, samples when segments are read, so silent, short and broken files are
found only then. Forked processes share these findings; spawned ones keep their own.
"""

import contextlib
import csv
import mmap
import os
import re
from collections import Counter, OrderedDict
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from audiolabels.clips.names import EXTENSION, parse_clip_name
from audiolabels.errors import FeaturesFileError, extra, guarded, shortlist
from audiolabels.features.inputs import Features, Floats, Inputs, Progress, Rows, Seconds, spans
from audiolabels.labels.report import Finding, Report

PATHS = ("path", "file", "filename", "file_name", "audio")
SILENCE = 2.0**-15  # one step of 16 bits
BLOCK = 1024
ENDLESS = 1 << 62
DENSEST = 1 << 13  # samples a byte; silence takes that little in FLAC
RATES = range(100, 1_000_001)  # Hz
# What reading finds, as bits; the reasons in the report.
SILENT, SHORT, BROKEN, NO_NUMBER = 1, 2, 4, 8
FOUND = {
    SILENT: ("silent", "no sample above one step of 16 bits"),
    SHORT: ("short", "shorter than a segment that was asked for"),
    BROKEN: ("broken", "fewer samples than the header announces"),
    NO_NUMBER: ("samples that are no number", "NaN or infinite samples"),
}


@dataclass
class AudioFile:
    """An audio file and its header."""

    path: Path
    shown: str  # its path in folder or table
    clip_id: str
    row: int  # its number in the folder, or its line in the table, from 1
    frames: int = 0  # samples per channel
    rate: int = 0
    channels: int = 0
    cut: bool = False  # whether a WAV file has fewer samples than its header states

    def finding(self, kind: str, reason: str) -> Finding:
        """A finding on this file, for the report."""
        return Finding(self.shown, self.row, self.clip_id, kind, reason)


class AudioFeatures(Features):
    """Audio of clips: one usable file of each, read at one rate in Hz; the report is of opening."""

    takes = "audio"
    rate: int
    cache_bytes = 64 << 20  # of samples of recent files

    def __init__(self, files: Sequence[AudioFile], rate: int, report: Report) -> None:
        super().__init__([file.clip_id for file in files], 1 / rate, report)
        self.rate, self._files = rate, files
        self._found = np.frombuffer(mmap.mmap(-1, len(files)), np.uint8)  # forks share it
        self._found[:] = [BROKEN * file.cut for file in files]
        self._cache: OrderedDict[int, Floats] = OrderedDict()

    @property
    def paths(self) -> list[Path]:
        """The file of each clip."""
        return [file.path for file in self._files]

    @property
    def report(self) -> Report:
        """Findings of opening and, so far, of reading."""
        report = replace(self._report, findings=list(self._report.findings))
        for bit, (kind, reason) in FOUND.items():
            for clip in np.flatnonzero(self._found & bit).tolist():
                report.findings.append(self._files[clip].finding(kind, reason))
        return report

    def durations(self, rows: npt.ArrayLike) -> Seconds:
        """See `Features`."""
        files = [self._files[clip] for clip in self._numbers(rows).tolist()]
        return np.array([file.frames / file.rate for file in files], np.float64)

    def sizes(self, rows: npt.ArrayLike) -> Rows:
        """See `Features`."""
        return np.ceil(self.durations(rows) * self.rate).astype(np.int64)

    def read(self, rows: npt.ArrayLike, onset: npt.ArrayLike, offset: npt.ArrayLike) -> Inputs:
        """See `Features`. Each file is decoded once per call."""
        clips = self._numbers(rows)
        begin, end = spans(onset, offset, 1 / self.rate, 0, ENDLESS)
        segments: list[Floats] = [np.zeros(0, np.float32)] * len(clips)
        for i in np.argsort(clips, kind="stable").tolist():
            samples = self._samples(int(clips[i]))
            segments[i] = samples[begin[i] : end[i]]
            if len(samples) + 1 < end[i] < ENDLESS:
                self._found[clips[i]] |= SHORT
        lengths = np.array([len(segment) for segment in segments], np.int64)
        values = np.zeros((len(clips), lengths.max(initial=0)), np.float32)
        for row, segment in zip(values, segments, strict=True):
            row[: len(segment)] = segment
        return Inputs(values, lengths)

    def _samples(self, clip: int) -> Floats:
        """All samples of a clip, float32 (n,), at the rate of the features."""
        if clip in self._cache:
            self._cache.move_to_end(clip)
            return self._cache[clip]
        import soxr

        file = self._files[clip]
        channels, whole = _decode(file)
        samples = channels[:, 0] if file.channels == 1 else channels.mean(axis=1)
        odd = ~np.isfinite(samples)
        samples[odd] = 0
        silent = np.abs(samples).max(initial=0) <= SILENCE
        self._found[clip] |= BROKEN * (not whole) | NO_NUMBER * odd.any() | SILENT * silent
        if file.rate != self.rate and len(samples):
            samples = soxr.resample(samples, file.rate, self.rate)
        self._cache[clip] = samples
        held = self._cache.values()
        while len(held) > 1 and sum(kept.nbytes for kept in held) > self.cache_bytes:
            self._cache.popitem(last=False)
        return samples

    def __getstate__(self) -> dict[str, Any]:
        return {**vars(self), "_cache": OrderedDict()}

    def __setstate__(self, state: dict[str, Any]) -> None:
        vars(self).update(state, _found=state["_found"].copy())  # Ray's arrays are read-only


def open_audio(path: Path, rate: int | None, progress: Progress | None = None) -> AudioFeatures:
    """Open a folder of audio files, or a table of them. See `open_features`."""
    with extra("audio"):
        import soundfile  # noqa: F401
        import soxr  # noqa: F401
    files = list(_in_folder(path) if path.is_dir() else _in_table(path))
    report, used = Report(len(files)), dict[str, AudioFile]()
    with ThreadPoolExecutor() as pool:
        looked_at = zip(files, pool.map(_look_at, files), strict=True)
        for done, (file, fault) in enumerate(looked_at, 1):
            first = file if fault else used.setdefault(parse_clip_name(file.clip_id).clip_id, file)
            if fault or first is not file:
                reason = fault or f"{first.shown} has the same clip id"
                report.findings.append(file.finding("file unused", reason))
            if progress:
                progress(done, len(files))
    if not used:
        reasons = shortlist(sorted({found.reason for found in report.findings}))
        raise FeaturesFileError(f"{path}: no audio file of use among {len(files):,}"
                                f"{': ' * bool(reasons)}{reasons}")  # fmt: skip
    report.rows_used = len(used)
    rate = rate or Counter(file.rate for file in used.values()).most_common(1)[0][0]
    for file in used.values():
        if file.channels > 1:
            report.findings.append(file.finding("several channels", f"{file.channels} channels"))
        if file.rate != rate:
            report.findings.append(file.finding("other rate", f"{file.rate:,} Hz"))
    return AudioFeatures(list(used.values()), rate, report)


def _in_folder(folder: Path) -> Iterator[AudioFile]:
    paths = sorted(p for p in folder.rglob("*") if EXTENSION.search(p.name) and p.is_file())
    for row, path in enumerate(paths, 1):
        shown = os.fsencode(path.relative_to(folder)).decode("utf-8", "replace")
        yield AudioFile(path, shown, parse_clip_name(shown).clip_id, row)


def _in_table(path: Path) -> Iterator[AudioFile]:
    with guarded(path, FeaturesFileError, "no table of audio files"):
        lines = path.read_text("utf-8-sig").splitlines()
        table = csv.DictReader(lines, delimiter="\t" if "\t" in "".join(lines[:1]) else ",")
        column = next((name for name in PATHS if name in (table.fieldnames or ())), None)
        if column is None:
            raise FeaturesFileError(f"{path}: neither embeddings (npz, HDF5, Parquet) nor a table "
                                    f"with a column path")  # fmt: skip
        for row in table:
            shown = row[column] or ""
            clip = row.get("clip_id") or parse_clip_name(shown).clip_id
            yield AudioFile(path.parent / shown, shown, clip, table.line_num)


def _look_at(file: AudioFile) -> str:
    """Read a file's header; returns why the file cannot be used, if so."""
    import soundfile

    try:
        if not file.path.is_file():
            return "no such file"
        size = file.path.stat().st_size
        info = soundfile.info(os.fsencode(file.path), verbose=True)
    except (soundfile.SoundFileError, OSError):
        return "cannot be decoded"
    file.frames, file.rate, file.channels = info.frames, info.samplerate, info.channels
    file.cut = re.search(r"^data : .*should be", info.extra_info, re.MULTILINE) is not None
    if info.frames > DENSEST * size:
        return f"its header announces {info.frames:,} samples in {size:,} bytes"
    if info.samplerate not in RATES:
        return f"a sampling rate of {info.samplerate:,} Hz"
    return "" if info.frames else "no sample"


def _decode(file: AudioFile) -> tuple[Floats, bool]:
    """The samples (n, channels) that can be decoded, and whether these are all."""
    import soundfile

    with contextlib.suppress(soundfile.SoundFileError, OSError):
        samples, _ = soundfile.read(os.fsencode(file.path), dtype="float32", always_2d=True)
        return samples, len(samples) >= file.frames
    blocks = [np.zeros((0, file.channels), np.float32)]
    # A call that fails gives nothing: so small ones, up to the one that does.
    with contextlib.suppress(soundfile.SoundFileError, OSError):
        blocks.extend(soundfile.blocks(os.fsencode(file.path), BLOCK, dtype="float32",
                                       always_2d=True))  # fmt: skip
    return np.concatenate(blocks), False
