"""Digests of what the command line writes, to see that a change of the code changes no output.

    python scripts/digests.py > digests.tsv
    python scripts/digests.py --data ../shared/data > digests.tsv

Runs the commands that need no training, on the embedded sample, on small files made from it, and
with `--data` on real files too. Prints a line an output, `name<TAB>sha256`, sorted. To compare two
checkouts, name each in PYTHONPATH, and stand in a folder that is neither:

    cd /tmp
    PYTHONPATH=/path/to/old python /path/to/digests.py > old.tsv
    PYTHONPATH=/path/to/new python /path/to/digests.py > new.tsv
    diff old.tsv new.tsv

A name is the command line that made the output, without `-o`. Lines that begin with `data:` are
files: of Parquet and Arrow the bytes, and under `.content` the values and metadata, which other
versions of pyarrow and of the library leave as they are; of HDF5 the content alone. Exit codes
other than 0 and `info --json` are `data:` too. Lines that begin with `text:` are what was printed.
`--keep FOLDER` keeps all files and texts, where they can be looked at.
"""

import argparse
import hashlib
import json
import os
import random
import re
import shlex
import subprocess
import sys
import tempfile
import wave
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from functools import partial
from importlib.util import find_spec
from itertools import product
from pathlib import Path
from typing import Any, NamedTuple

import h5py
import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

PARENTS = ("all", "unambiguous", "certain")
LAYOUTS = ("lists", "packed", "dense")
LABELS = (
    "--scheme weak",
    *(f"--scheme {s} --parents {p}" for s, p in product(("pel", "pe-cml"), PARENTS)),
)
EVENTS = tuple(
    f"--scheme {scheme} --parents {parents} --negatives {negatives}{absent}"
    for scheme, parents, (negatives, absent) in product(
        ("strong-framed", "diffuse"),
        (*PARENTS, "none"),
        (
            ("all", ""),
            ("complementary", ""),
            ("explicit", " --explicit-negatives %absent.csv"),
            ("both", " --explicit-negatives %absent.csv"),
        ),
    )
)
# How given labels beside scores are expanded.
GIVEN = tuple(line.replace("--scheme", "--labels-scheme") for line in LABELS)
SCORES = (
    *(
        f"--scheme pseudo-strong{more}{how}"
        for more, how in product(
            ("", " --propagate-scores"), ("", " --threshold 0.5", " --layout dense")
        )
    ),
)
# Scores and given labels.
MIXED = (
    *(
        f"--scheme {scheme} {given} --teacher-weight {weight}{propagate}"
        for scheme, given, weight, propagate in product(
            ("pseudo-strong", "co-supervised"), GIVEN, ("0.3", "1"), ("", " --propagate-scores")
        )
    ),
    *(
        f"--scheme {scheme} {given} --layout {layout}"
        for scheme, given, layout in product(
            (
                "pseudo-strong --teacher-weight 0.5 --threshold 0.5",
                "teacher-masked",
                "teacher-masked --mask-share 0.2",
                "teacher-enhanced",
            ),
            GIVEN,
            LAYOUTS,
        )
    ),
    *(
        f"--scheme teacher-enhanced --labels-scheme pe-cml --parents all --enhance {enhance} "
        f"--score-threshold {threshold}{more}"
        for enhance, threshold, more in product(
            ("both", "children", "ancestors"),
            ("mean", "median", "p25", "p10", "p5"),
            ("", " --added-as-given"),
        )
    ),
)
# Targets that are exported. As in all that follows, % is the folder of inputs of a set, : that of
# its targets, @ that of the command's own outputs. < and ! stand for the set's labels and events.
TARGETS = """
hard   expand < --scheme pe-cml
certain expand < --scheme pe-cml --parents certain
few    expand < --scheme pel --vocabulary fsd50k
frames expand ! --scheme strong-framed
segments expand ! --scheme strong-framed --vocabulary audioset --parents certain
both   expand ! --scheme strong-framed --negatives both --explicit-negatives %absent.csv
diffuse expand ! --scheme diffuse --negatives both --explicit-negatives %absent.csv
soft   expand --scheme pseudo-strong --scores %clips.npz
mixed  expand %labels.csv --scheme co-supervised --scores %clips.npz --labels-scheme pe-cml
soft-segments expand --scheme pseudo-strong --scores %segments.npz
soft-strong expand --scheme pseudo-strong --scores %strong.npz
"""
FORMS = """
panns :hard @train-hdf
panns :hard @train-hdf --audio %some.h5 --index @index-hdf
panns :hard @train-hdf --audio %all.h5
panns :mixed @train-hdf --threshold 0.5
passt :certain @train.hdf
passt :hard @train.hdf --audio %some.h5
passt :hard @train.hdf --audio %all.h5
passt :mixed @train.hdf --threshold 0.5
passt :frames @train.hdf
ast :hard @train.json
ast :few @train.json --files "audio/{clip}.flac"
ast :mixed @train.json --threshold 0.5
psl :hard @train.tsv
psl :certain @train.tsv --audio %psl.h5
psl :segments @train.tsv --clip-duration 10
psl :soft @train.tsv --threshold 0.5 --clip-duration 10
psl :mixed @train.tsv --threshold 0.5
psl :soft-segments @train.tsv --threshold 0.5 --clip-duration 9.5
ced :hard @train.tsv --files "{clip}.wav"
ced :certain @train.tsv --audio %ced.h5
ced :mixed @logits_ep1_0.h5
ced :soft-segments @logits_ep1_0.h5
eat :hard @train.tsv --sample-rate 16000
eat :certain @train.tsv --audio %audio
eat :soft @train.tsv --sample-rate 16000 --clip-duration 10 --threshold 0.5
eat :few @train.tsv --sample-rate 32000 --files "{clip}.flac"
fsd50k :few @dev.csv
fsd50k :certain @dev.csv
fsd50k :mixed @dev.csv --threshold 0.5
desed :hard @weak.tsv
desed :hard @weak.tsv --names
desed :mixed @weak.tsv --threshold 0.5
desed :frames @strong.tsv
desed :both @strong.tsv --names --files "{id}.wav"
desed :segments @strong.tsv
desed %events.tsv @strong.tsv
desed %events.tsv @strong.tsv --names --parents certain --clip-durations %durations.tsv
desed %events.tsv @strong.tsv --vocabulary fsd50k --parents all
hear :certain @train.json
hear :hard @train.json --names --files "{id}.wav"
hear :frames @train.json
hear :both @train.json
hear :soft @train.json
huggingface :certain @train.parquet
huggingface :mixed @train.parquet --threshold 0.5
pretrained-sed %events.tsv @eval
pretrained-sed %events.tsv @eval --parents certain --audio %some.h5
pretrained-sed :soft-strong @pseudo-hdf
pretrained-sed :soft @pseudo-hdf
framed-release :both @framed.tsv
framed-release :frames @framed.tsv
sed-scores-eval %events.tsv @events.tsv --durations @durations.tsv
sed-scores-eval %events.tsv @events.tsv --vocabulary audioset --parents all --names
psds-eval %events.tsv @events.tsv --durations @durations.tsv --parents certain
psds-eval %events.tsv @events.tsv --clip-duration 9
sed-eval %events.tsv @events.tsv --durations @durations.tsv --parents unambiguous
"""
# Exported files, read again: the beginning of the export's name, its file, the command that reads.
AGAIN = """
panns :mixed|train-hdf|expand --scheme pseudo-strong --vocabulary audioset --scores
passt :certain|train.hdf|expand --scheme pseudo-strong --threshold 0.5 --scores
ast :mixed|train.json|expand --scheme pseudo-strong --scores
ast :few|train.json|expand --scheme weak --vocabulary fsd50k
psl :hard|train.tsv|expand --scheme pseudo-strong --threshold 0.5 --scores
psl :certain|train.tsv|expand --scheme pe-cml
psl :soft-segments|train.tsv|expand --scheme pseudo-strong --scores
ced :certain|train.tsv|expand --scheme weak
ced :mixed|logits_ep1_0.h5|expand --scheme pseudo-strong --scores
ced :soft-segments|logits_ep1_0.h5|expand --scheme pseudo-strong --beyond-top zero --scores
eat :certain|train.lbl|expand --scheme weak
eat :soft|train.lbl|expand --scheme pseudo-strong --scores
fsd50k :few|dev.csv|expand --scheme weak --vocabulary fsd50k
fsd50k :mixed|dev.csv|expand --scheme pseudo-strong --scores
desed :mixed|weak.tsv|expand --scheme pseudo-strong --scores
desed :hard|weak.tsv|expand --scheme weak
desed :both|strong.tsv|expand --scheme strong-framed
hear :certain|train.json|expand --scheme pseudo-strong --threshold 0.5 --scores
huggingface :mixed|train.parquet|expand --scheme pseudo-strong --scores
huggingface :certain|train.parquet|expand --scheme weak
pretrained-sed %events.tsv|eval/data-00000-of-00001.arrow|expand --scheme strong-framed
pretrained-sed :soft-strong|pseudo-hdf|expand --scheme pseudo-strong --scores
framed-release :both|framed.tsv|expand --scheme strong-framed --negatives both
sed-scores-eval %events.tsv|events.tsv|expand --scheme diffuse
"""
# Further commands on the files of each set.
FURTHER = """
expand < --scheme pe-cml --vocabulary ontology
expand < --scheme pe-cml --vocabulary audioset-strong --parents certain
expand < --scheme pel --vocabulary %classes.txt
expand ! --scheme strong-framed --frame-length 1 --frame-hop 0.25
expand ! --scheme strong-framed --frame-length 0.04 --vocabulary fsd50k --clip-duration 8
expand ! --scheme diffuse --vocabulary audioset-strong-both --negatives both
expand %events.tsv --scheme strong-framed --clip-durations %durations.tsv --unknown drop
expand %events.tsv --scheme diffuse --parents certain --negatives complementary
expand %labels.csv %other.tsv --scheme pe-cml
expand %messy.csv --scheme pe-cml
expand %messy.csv --scheme pe-cml --unknown drop
expand %messy-events.tsv --scheme strong-framed
expand %messy-events.tsv --scheme strong-framed --unknown drop
expand --scheme pseudo-strong --scores %segments.npz --threshold 0.5 --layout packed
expand --scheme pseudo-strong --scores %segments.npz --vocabulary fsd50k
expand %labels.csv --scheme co-supervised --scores %segments.npz --labels-scheme pel
expand --scheme pseudo-strong --scores %strong.npz
expand --scheme pseudo-strong --scores %logits.h5
expand --scheme pseudo-strong --scores %logits.h5 --score-values probabilities
expand --scheme pseudo-strong --scores %scores.parquet
expand --scheme pseudo-strong --scores %array.npy --scores-index %names.txt
expand --scheme pseudo-strong --scores %array.npy --scores-index %names.txt --class-order %order.txt
check %labels.csv --report @report.csv
check %other.tsv --report @report.csv
check %messy.csv --report @report.csv
check --events %events.tsv --clip-durations %durations.tsv --report @report.csv
check --events %messy-events.tsv --report @report.csv
compare %labels.csv %other.tsv -o @classes.csv --odds @odds.csv --report @report.csv
compare %labels.csv %other.tsv --vocabulary audioset --label Speech --label Music --minimum 2
compare %labels.csv :certain -o @classes.csv --odds @odds.csv --rows 30 --level 0.9
compare :hard :certain -o @classes.csv --odds @odds.csv
compare :certain %messy.csv --unknown drop --report @report.csv
compare %events.tsv %labels.csv --vocabulary audioset-strong -o @classes.csv --odds @odds.csv
split %labels.csv --root "Human sounds" --base @base.csv --target @target.csv
split %labels.csv --root Music --base @base.csv --target @target.csv --vocabulary ontology
split %labels.csv %other.tsv --root Animal --base @b.csv --target @t.csv --report @report.csv
split %labels.csv --root Music --base @b.csv --target @t.csv --shares 80,10,10
split %labels.csv --root Music --base @b.csv --target @t.csv --shares 60,20,20 --seed 7
split %messy.csv --root Speech --base @b.csv --target @t.csv --unknown drop --report @report.csv
"""
# What needs no files.
PLAIN = """
tree
tree --depth 1
tree guitar
show "electric guitar"
show "church bell" --vocabulary ontology
show Music --vocabulary fsd50k
show /m/0395lw
show "no such class"
--help
"""
COMMANDS = ("expand", "export", "check", "compare", "split", "info", "show", "tree")
TRAINING = ("train", "evaluate", "annotate", "cascade")
REAL = """
expand %audioset/eval_segments.csv %audioset/balanced_train_segments.csv --scheme pe-cml
expand %datasets/audioset_r_eval.json.gz --scheme pel --unknown drop
expand %fsd50k/collection_dev.csv --scheme pe-cml --parents certain --vocabulary fsd50k
expand %fsd50k/dev.csv --scheme weak --vocabulary fsd50k
compare %audioset/eval_segments.csv %audioset/strong_eval_110_classes.tsv.gz --vocabulary audioset
compare %audioset/eval_segments.csv %audioset/strong_eval_110_classes.tsv.gz --label Speech
compare %fsd50k/collection_dev.csv %fsd50k/dev.csv -o @classes.csv --odds @odds.csv
split %audioset/eval_segments.csv --root "Natural sounds" --base @base.csv --target @target.csv
expand %audioset/eval_segments.csv --scheme pe-cml --ontology %audioset/ontology.json
expand %messy/09_semicolon_lost_decimal.csv --scheme weak --time-unit ms
tree --ontology %audioset/ontology.json
show Music --ontology %messy/34_ontology_broken_id.json
export --to desed %audioset/strong_eval_110_classes.tsv.gz -o @strong.tsv
export --to pretrained-sed %audioset/strong_eval_110_classes.tsv.gz -o @eval
"""
LABEL_FOLDERS = ("audioset", "datasets", "fsd50k", "messy")
CHANGING = ("library", "sha256")  # facts of the metadata that tell of versions, or of bytes
GIVEN_CLIPS, SCORED_CLIPS, SEGMENTED_CLIPS = 2_000, 300, 60  # at most, of each set

WIDTH = 78  # of help texts, as in a usual terminal

Invoke = Callable[[Sequence[str]], tuple[int, str]]


def main() -> None:
    """Run everything, print the lines."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0])
    parser.add_argument("--data", type=Path, metavar="DIR", help="real files, shared/data")
    parser.add_argument("--keep", type=Path, metavar="FOLDER", help="where outputs stay; new")
    options = parser.parse_args()
    os.environ["COLUMNS"] = str(WIDTH + 2)
    data = options.data.resolve() if options.data else None
    spec = find_spec("audiolabels")
    print(f"digests of {spec.origin if spec else 'nothing'}", file=sys.stderr)
    with tempfile.TemporaryDirectory(prefix="digests-") as temporary:
        work = options.keep or Path(temporary)
        work.mkdir(parents=True, exist_ok=work == Path(temporary))
        recorder = Recorder(work.resolve(), data)
        os.chdir(work)
        record_all(recorder, data)
        os.chdir("/")
    sys.stdout.writelines(f"{name}\t{digest}\n" for name, digest in sorted(recorder.lines.items()))


class Recorder:
    """Runs commands in a folder, and keeps the digests of what they write.

    Attributes:
        lines: name to digest.
    """

    def __init__(self, work: Path, data: Path | None) -> None:
        self.lines: dict[str, str] = {}
        self._work = work
        self._data = data
        self._invoke = command_line()

    def run(
        self, folder: str, line: str | Sequence[str], name: str = "", *, exact: bool = True
    ) -> None:
        """Run a command and record its outputs.

        Args:
            folder: the set of files; % and : are its inputs and its targets.
            line: arguments; @ is a folder of the command's own.
            name: of that folder, in place of the command line itself.
            exact: whether bytes of Parquet matter. Its metadata tell the digests of its sources,
                which are others in each run where these name the folder of the run.
        """
        words = shlex.split(line) if isinstance(line, str) else list(line)
        own = f"{folder}/{name or name_of(words)}"
        (self._work / own).mkdir(parents=True)  # fails where two commands have one name
        places = {"@": own, "%": f"{folder}/inputs", ":": f"{folder}/targets"}
        arguments = [in_place(word, places) for word in words]
        code, text = self._invoke(arguments)
        text = self._normalise(text.encode()).decode()
        self._record_text(own, code, text, as_json="--json" in words)
        for path in files_in(self._work / own):
            for kind, digest in digests_of(path, self._normalise):
                if exact or kind or path.suffix != ".parquet":
                    self.lines[f"data:{own}/{path.relative_to(self._work / own)}{kind}"] = digest
        (self._work / own / "output.txt").write_text(text, encoding="utf-8")

    def _record_text(self, own: str, code: int, text: str, *, as_json: bool) -> None:
        if as_json and code == 0:
            self.lines[f"data:{own}"] = digest_of(as_text(settled(json.loads(text))))
        else:
            self.lines[f"text:{own}"] = digest_of(f"{code}\n{text}".encode())
        if code:
            self.lines[f"data:{own}/exit"] = digest_of(str(code).encode())

    def _normalise(self, content: bytes) -> bytes:
        """Without the paths of the folders of this run."""
        content = content.replace(str(self._work).encode(), b"TMP")
        return content if self._data is None else content.replace(str(self._data).encode(), b"DATA")


def in_place(word: str, places: Mapping[str, str]) -> str:
    """An argument with its first sign replaced by a folder."""
    if word[:1] not in places:
        return word
    path = f"{places[word[0]]}/{word[1:]}"
    return f"{path}/targets.parquet" if word[0] == ":" else path


def name_of(words: Sequence[str]) -> str:
    """The command line as the name of a folder, without where outputs are written.

    >>> name_of(["export", "--to", "hear", ":hard", "-o", "@a.json", "--files", "{id}", "--names"])
    'export/hear hard files={id} names'
    """
    parts: list[str] = []
    after = ""
    for word, following in zip(words, [*words[1:], ""], strict=True):
        shown = word.lstrip("%:-").replace("/", "|").replace(".h5", "-h5")
        if after.startswith("--") and after != "--to" and not word.startswith(("-", "@")):
            parts[-1] += f"={shown}"
        elif word != "--to" and not following.startswith("@") and not word.startswith("@"):
            parts.append(shown)
        after = word
    return f"{parts[0]}/{' '.join(parts[1:]) or 'alone'}"


def command_line() -> Invoke:
    """What runs `audiolabels`: in this process, if it can be imported as it always could."""
    try:
        from click.testing import CliRunner

        from audiolabels.cli import group
    except ImportError:
        return run_process

    def run_here(arguments: Sequence[str]) -> tuple[int, str]:
        told: dict[str, Any] = {"prog_name": "audiolabels", "terminal_width": WIDTH}
        result = CliRunner().invoke(group, list(arguments), **told)
        if result.exception is None or isinstance(result.exception, SystemExit):
            return result.exit_code, result.output
        return 1, f"{result.output}Error: {result.exception}\n"

    return run_here


def run_process(arguments: Sequence[str]) -> tuple[int, str]:
    """Run `audiolabels` in a process of its own."""
    done = subprocess.run(
        [sys.executable, "-m", "audiolabels", *arguments],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    return done.returncode, done.stdout


# Digests of files


def files_in(folder: Path) -> list[Path]:
    """All files in a folder and below."""
    return sorted(path for path in folder.rglob("*") if path.is_file())


def digest_of(content: bytes) -> str:
    """SHA-256 of some bytes."""
    return hashlib.sha256(content).hexdigest()


def as_text(value: Any) -> bytes:
    """A value as JSON, in one way."""
    return json.dumps(value, sort_keys=True, default=repr).encode()


def settled(value: Any) -> Any:
    """A JSON value without the facts that tell of versions, or of bytes."""
    if isinstance(value, dict):
        return {key: settled(inner) for key, inner in value.items() if key not in CHANGING}
    return [settled(inner) for inner in value] if isinstance(value, list) else value


def told(metadata: bytes) -> Any:
    """What metadata say, if it is JSON without the facts that change; else as it is."""
    try:
        return settled(json.loads(metadata))
    except ValueError:
        return repr(metadata)


def digests_of(path: Path, normalise: Callable[[bytes], bytes]) -> Iterator[tuple[str, str]]:
    """Endings of names, and digests: of bytes and content, as far as these make sense."""
    with path.open("rb") as file:
        start = file.read(4)
    if start == b"\x89HDF":
        yield ".content", digest_of(as_text(hdf5_facts(path, normalise)))
        return
    yield "", digest_of(normalise(path.read_bytes()))
    if start == b"PAR1":
        parquet = pq.ParquetFile(path)
        groups = (parquet.read_row_group(i) for i in range(parquet.num_row_groups))
        yield ".content", digest_of(as_text(table_facts(parquet.schema_arrow, groups)))
    elif path.suffix == ".arrow":
        with pa.OSFile(str(path)) as stream, pa.ipc.open_stream(stream) as reader:
            tables = (pa.Table.from_batches([batch]) for batch in reader)
            yield ".content", digest_of(as_text(table_facts(reader.schema, tables)))


def table_facts(schema: pa.Schema, tables: Iterable[pa.Table]) -> dict[str, Any]:
    """Types, metadata and digests of the columns of a table, however it is cut into parts."""
    parts: dict[str, Any] = defaultdict(hashlib.sha256)
    for table in tables:
        for name, column in zip(table.column_names, table.columns, strict=True):
            for chunk in column.chunks:
                feed(parts, name, chunk)
    return {
        "types": {field.name: str(field.type) for field in schema},
        "metadata": {key.decode(): told(value) for key, value in (schema.metadata or {}).items()},
        "columns": {name: part.hexdigest() for name, part in parts.items()},
    }


def feed(parts: dict[str, Any], name: str, array: pa.Array) -> None:
    """Add the values of an array to the digests of its column: nulls, lengths, leaves."""
    parts[f"{name}?"].update(array.is_null().to_numpy(zero_copy_only=False).tobytes())
    kind = array.type
    if pa.types.is_struct(kind):
        for place, field in enumerate(kind):
            feed(parts, f"{name}.{field.name}", pc.struct_field(array, [place]))
    elif pa.types.is_list(kind) or pa.types.is_fixed_size_list(kind):
        lengths = pc.list_value_length(array).fill_null(0).to_numpy(zero_copy_only=False)
        parts[f"{name}#"].update(lengths.astype(np.int64).tobytes())
        feed(parts, f"{name}[]", array.flatten())
    elif pa.types.is_primitive(kind):
        parts[name].update(array.drop_null().to_numpy(zero_copy_only=False).tobytes())
    else:  # texts and bytes
        values = [v.encode() if isinstance(v, str) else v for v in array.drop_null().to_pylist()]
        parts[f"{name}#"].update(np.array([len(v) for v in values], np.int64).tobytes())
        parts[name].update(b"".join(values))


def hdf5_facts(path: Path, normalise: Callable[[bytes], bytes]) -> dict[str, Any]:
    """Attributes and data sets of an HDF5 file: how they are linked, types, shapes, values."""
    with h5py.File(path, "r") as file:
        facts: dict[str, Any] = {"": {"attributes": attributes(file)}}
        for name in file:
            link, data = file.get(name, getlink=True), file[name]
            facts[name] = {
                "link": [getattr(link, key, "") for key in ("filename", "path")],
                "parts": [p.file_name for p in data.virtual_sources()] if data.is_virtual else [],
                "type": str(data.dtype),
                "shape": data.shape,
                "attributes": attributes(data),
                "values": digest_of(normalise(plain_bytes(data[()]))),
            }
    return facts


def attributes(holder: Any) -> dict[str, str]:
    """Names of HDF5 attributes, and digests of them."""
    return {name: digest_of(plain_bytes(np.asarray(v))) for name, v in holder.attrs.items()}


def plain_bytes(values: npt.NDArray[Any]) -> bytes:
    """The values of an array; of texts, and arrays of varying length, as they are shown."""
    if values.dtype.kind in "SUO":
        shown = (v.tolist() if isinstance(v, np.ndarray) else v for v in values.ravel())
        return "\n".join(map(repr, shown)).encode()
    return np.ascontiguousarray(values).tobytes()


# Files to run commands on


class Clip(NamedTuple):
    """A clip of ten seconds and its classes."""

    video: str
    start_ms: int
    ids: tuple[str, ...]

    @property
    def clip_id(self) -> str:
        """Video and start, as the library names clips."""
        return f"{self.video}_{self.start_ms}"

    @property
    def spans(self) -> tuple[str, str]:
        """Its start and its end in the video, in seconds."""
        return f"{self.start_ms / 1000:.3f}", f"{self.start_ms / 1000 + 10:.3f}"


class Given(NamedTuple):
    """What the inputs of a set are made from; all of it comes from targets files.

    Attributes:
        clips: with labels.
        heard: ids of clips with events.
        classes: ids of AudioSet's classes.
        strong: ids of the strong training classes.
    """

    clips: list[Clip]
    heard: list[str]
    classes: list[str]
    strong: list[str]


def read_clips(path: Path) -> tuple[list[Clip], list[str]]:
    """The clips of a targets file in lists, and the ids of its classes."""
    table = pq.read_table(path)
    ids = json.loads(table.schema.metadata[b"audiolabels"])["vocabulary"]["ids"]
    clips = []
    for name, positive in zip(
        *(table[c].to_pylist() for c in ("clip_id", "positive")), strict=True
    ):
        video, _, start = name.rpartition("_")
        clips.append(Clip(video, int(start), tuple(ids[i] for i in positive)))
    return clips, ids


def write_lines(path: Path, lines: Iterable[str | Sequence[object]], gap: str = "\t") -> None:
    """Write lines, or rows of cells."""
    texts = (line if isinstance(line, str) else gap.join(map(str, line)) for line in lines)
    path.write_text("".join(f"{text}\n" for text in texts), encoding="utf-8")


def write_inputs(folder: Path, given: Given) -> None:
    """Write label files, scores and audio, always the same of the same clips."""
    write_labels(folder, given)
    write_events(folder, given)
    write_scores(folder, given)
    write_audio(folder, given.clips[:SEGMENTED_CLIPS])


def write_labels(folder: Path, given: Given) -> None:
    """Labels, labels that differ here and there, labels with all kinds of faults, classes."""
    rng, clips = random.Random(1), given.clips
    head = "# YTID, start_seconds, end_seconds, positive_labels"
    rows = [f'{c.video}, {", ".join(c.spans)}, "{",".join(c.ids)}"' for c in clips]
    write_lines(folder / "labels.csv", [head, *rows])
    other = [
        (f"{clip.clip_id}.wav", id_)
        for clip in clips
        for id_ in dict.fromkeys([*clip.ids, rng.choice(given.classes)])
        if rng.random() < 0.7
    ]
    write_lines(folder / "other.tsv", ["filename\tlabel", *other])
    a, b, c, *_ = (clip.video for clip in clips)
    messy = [
        '#NAME?, 30.000, 40.000, "/m/09x0r"',
        f'{a}, 40.000, 30.000, "/m/04rlf"',
        f'{a}, 0.000, 10.000, "/m/04rlf,/m/04rlf"',
        f'{b}, 0.000, 10.000, "/m/04rlf,/m/nosuch"',
        f'{c}, 0.000, 10.000, "/m/nosuch"',
        f"{c}, zero, 10.000, /m/04rlf",
        f"{c}, 500.000",
    ]
    write_lines(folder / "messy.csv", [head, *rows[:20], *messy, *rows[10:40]])
    write_lines(folder / "classes.txt", given.classes[5:200:3])
    write_lines(folder / "order.txt", rng.sample(given.classes, len(given.classes)))


def write_events(folder: Path, given: Given) -> None:
    """Events, the same with faults, lengths of clips, and classes confirmed absent."""
    rng = random.Random(2)
    head = "filename\tonset\toffset\tevent_label"
    rows: list[Sequence[object]] = []
    for clip in given.clips[: GIVEN_CLIPS // 4]:
        for id_ in clip.ids * 3:
            onset = rng.randrange(9_900)
            offset = min(onset + rng.randrange(20, 4_000), 10_000)
            rows.append((f"{clip.clip_id}.wav", onset / 1000, offset / 1000, id_))
    rows.append(("-nothing-in_0.wav", "", "", ""))
    write_lines(folder / "events.tsv", [head, *rows])
    name = str(rows[0][0])
    faults = [
        (name, 3, 2, "/m/09x0r"),
        (name, 3, 3, "/m/09x0r"),
        (name, 12, 13, "/m/09x0r"),
        (name, 9, 11, "/m/04rlf"),
        (name, 1, 2, "/m/nosuch"),
        (name, 1, 2, ""),
        (name, "x", 2, "/m/09x0r"),
        (name, 1, 2, "/m/09x0r"),
        (name, 1, 2, "/m/09x0r"),
    ]
    write_lines(folder / "messy-events.tsv", [head, *rows[:30], *faults, *rows[20:25]])
    lengths = [(f"{clip.clip_id}.wav", rng.choice((8, 9.6, 10, 12.345))) for clip in given.clips]
    write_lines(folder / "durations.tsv", ["filename\tduration", *lengths[::2]])
    absent = [(clip, ";".join(rng.sample(given.strong, 5))) for clip in given.heard[::3]]
    write_lines(folder / "absent.csv", ["clip_id,labels", *absent], ",")


def write_scores(folder: Path, given: Given) -> None:
    """Scores of clips and segments in the plain forms."""
    rng = np.random.default_rng(3)
    clips, classes = given.clips[: SCORED_CLIPS * 7 : 7], given.classes
    if len(clips) < SCORED_CLIPS // 2:
        clips = given.clips[: -len(given.clips) // 10]
    names = [clip.clip_id for clip in clips]
    column = {id_: i for i, id_ in enumerate(classes)}
    scores = rng.random((len(clips), len(classes))) ** 6
    for row, clip in zip(scores, clips, strict=True):
        row[[column[id_] for id_ in clip.ids if id_ in column]] += 0.5
    scores = np.minimum(scores, 1).astype(np.float32)
    unlabelled = ["-nobody-had_0"]
    both = np.concatenate([scores, scores[:1]])
    np.savez(folder / "clips.npz", clip_id=[*names, *unlabelled], scores=both, classes=classes)
    few = names[:SEGMENTED_CLIPS]
    for file, ids in (("segments", classes), ("strong", given.strong)):
        values = rng.random((len(few), 5, len(ids)), np.float32) ** 3
        np.savez(folder / file, clip_id=few, scores=values, segment_seconds=2.0, classes=ids)
    with np.errstate(divide="ignore"):
        logits = np.clip(np.log(scores) - np.log1p(-scores), -20, 20)[: len(few)]
    with h5py.File(folder / "logits.h5", "w") as file:
        file["clip_id"], file["scores"] = np.array(few, "S"), logits
    table = pa.table({"clip_id": names, "scores": scores.tolist()})
    table = table.replace_schema_metadata({"classes": json.dumps(classes)})
    pq.write_table(table, folder / "scores.parquet")
    np.save(folder / "array.npy", logits.astype(np.float16))
    write_lines(folder / "names.txt", few)


def write_audio(folder: Path, clips: Sequence[Clip]) -> None:
    """Audio of some clips as each form has it: HDF5 by row, HDF5 by name, files."""
    rng = np.random.default_rng(4)
    videos = [clip.video for clip in clips]
    for name, listed in (("some", [*videos[:30], "-nobody-had", *videos[40:]]), ("all", videos)):
        with h5py.File(folder / f"{name}.h5", "w") as file:
            file["audio_name"] = np.array([f"Y{video}.mp3" for video in listed], "S20")
            sounds = file.create_dataset("mp3", len(listed), h5py.vlen_dtype(np.uint8))
            for i in range(len(listed)):
                sounds[i] = rng.integers(0, 255, 5 + i % 7).astype(np.uint8)
            file["waveform"] = rng.integers(-9, 9, (len(listed), 16)).astype(np.int16)
            file["waveform"].attrs["unit"] = "int16"
            file.attrs["sample_rate"] = 32_000
    psl = [f"{clip.video}_{'_'.join(clip.spans)}.wav" for clip in clips[3:]]
    ced = [f"{video}.wav" for video in videos[5:]]
    for form, listed in (("psl", psl), ("ced", ced)):
        with h5py.File(folder / f"{form}.h5", "w") as file:
            for name in ["-nobody-had.wav", *listed]:
                file[name] = np.zeros(16, np.int16)
    (folder / "audio").mkdir()
    for i, video in enumerate(videos[2:]):
        with wave.open(str(folder / "audio" / f"{video}.wav"), "wb") as sound:
            sound.setparams((1, 2, 16_000, 0, "NONE", ""))
            sound.writeframes(bytes(2 * i))


# What is run


def record_all(recorder: Recorder, data: Path | None) -> None:
    """Every command, on the sample and on real files."""
    for line in lines_of(PLAIN):
        recorder.run("plain", line)
    for command in (*COMMANDS, *TRAINING):
        recorder.run("plain", f"{command} --help")
    record_set(recorder, "sample", "--sample", "--sample")
    if data is None:
        return
    inputs = Path("real", "inputs")
    inputs.mkdir(parents=True)
    for folder in LABEL_FOLDERS:
        (inputs / folder).symlink_to(data / folder)
    labels, events = "balanced_train_segments.csv", "strong_eval_110_classes.tsv.gz"
    record_set(recorder, "real", f"%audioset/{labels}", f"%audioset/{events}")
    record_real(recorder, inputs)


def lines_of(table: str) -> list[str]:
    """The lines of a table."""
    return table.strip().splitlines()


def record_set(recorder: Recorder, folder: str, labels: str, events: str) -> None:
    """All commands on one set of files."""
    run = partial(recorder.run, folder)
    source = f"{folder}/targets"
    for name, words in (
        ("given", f"{labels} --scheme weak --vocabulary ontology"),
        ("weak", f"{labels} --scheme weak"),
        ("heard", f"{events} --scheme diffuse"),
        ("strong", f"{labels} --scheme weak --vocabulary audioset-strong-train"),
    ):
        run(f"expand {words} -o @targets.parquet", name=f"targets/{name}")
    given, weak, heard, strong = (
        read_clips(Path(source, name, "targets.parquet"))
        for name in ("given", "weak", "heard", "strong")
    )
    inputs = Path(folder, "inputs")
    inputs.mkdir(parents=True, exist_ok=True)
    clips = [clip.clip_id for clip in heard[0]]
    write_inputs(inputs, Given(given[0][:GIVEN_CLIPS], clips, weak[1], strong[1]))

    def placed(line: str) -> str:
        words = {"<": labels, "!": events}
        return " ".join(words.get(word, word) for word in line.split(" "))

    for line in lines_of(TARGETS):
        name, words = line.split(maxsplit=1)
        run(f"{placed(words)} -o @targets.parquet", name=f"targets/{name}")
        run(f"info :{name}")
        run(f"info --json :{name}")
    expansions = [
        *(f"{labels} {how} --layout {layout}" for how, layout in product(LABELS, LAYOUTS)),
        *(f"{events} {how} --layout {layout}" for how, layout in product(EVENTS, LAYOUTS)),
        *(f"{how} --scores %clips.npz" for how in SCORES),
        *(f"%labels.csv {how} --scores %clips.npz" for how in MIXED),
    ]
    for words in expansions:
        run(f"expand {words} -o @targets.parquet --report @report.csv")
    for line in lines_of(FURTHER):
        written = " -o @targets.parquet --report @report.csv" * line.startswith("expand")
        run(placed(line) + written)
    record_exports(recorder, folder)


def record_exports(recorder: Recorder, folder: str) -> None:
    """All forms, and some of the files read again."""
    folders: dict[str, str] = {}
    for line in lines_of(FORMS):
        form, source, output, *options = shlex.split(line)
        words = ["export", "--to", form, source, "-o", output, *options]
        recorder.run(folder, words)
        folders.setdefault(f"{form} {source}", f"{folder}/{name_of(words)}")
    for line in lines_of(AGAIN):
        export, file, command = line.split("|")
        words = shlex.split(command)
        name = f"again/{re.sub('[:%]', '', export)} by {name_of(words).removeprefix('expand/')}"
        words += [f"{folders[export]}/{file}", "-o", "@again.parquet", "--report", "@report.csv"]
        recorder.run(folder, words, name, exact=False)


def record_real(recorder: Recorder, inputs: Path) -> None:
    """Further commands on real files, and all label files there, good and bad."""
    for line in lines_of(REAL):
        recorder.run("real", line + " -o @targets.parquet" * line.startswith("expand"))
    for path in (path for part in LABEL_FOLDERS for path in files_in(inputs / part)):
        if not re.search(r"\.(csv|tsv|txt|json|jams|xlsx)(\.gz)?$", path.name):
            continue
        file = f"%{path.relative_to(inputs)}"
        recorder.run("real", ["check", file, "--report", "@report.csv"])
        recorder.run("real", ["check", "--events", file, "--report", "@report.csv"])
        expansion = ["expand", file, "--unknown", "drop", "-o", "@targets.parquet"]
        recorder.run("real", [*expansion, "--report", "@report.csv"])


if __name__ == "__main__":
    main()
