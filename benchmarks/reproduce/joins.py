"""Seven data sets in one file of targets, by scheme and parent policy.

    python benchmarks/reproduce/joins.py ../shared/data

Nothing is drawn at random and no model is trained; the numbers are those of the summary that
`audiolabels expand joint.toml` prints.
"""

import argparse
import json
import tempfile
from collections.abc import Sequence
from pathlib import Path

from results_page import HERE, PAGES, Result, markdown, write, write_tables

import audiolabels
from audiolabels.ontology.parents import PARENTS

POLICIES = {
    "weak": ("weak", "all"),
    **{f"{s}, {p}": (s, p) for s in ("pel", "pe-cml") for p in PARENTS},
}
# Data set: its file, and the other keys of its table.
SOURCES: dict[str, tuple[str, dict[str, str | float]]] = {
    "AudioSet, balanced": ("audioset/balanced_train_segments.csv", {}),
    "AudioSet-R, evaluation": ("datasets/audioset_r_eval.json.gz", {}),
    "DESED, public": ("datasets/desed_public.tsv", {"mapping": "desed"}),
    "ESC-50": ("datasets/esc50.csv", {"mapping": "esc50"}),
    "UrbanSound8K": ("datasets/UrbanSound8K.csv", {"mapping": "urbansound8k"}),
    "OpenMIC": ("datasets/openmic_labels.csv", {"mapping": "openmic"}),
    "MAESTRO, one second": ("maestro.tsv", {"mapping": "maestro", "values": 0.2}),
}
MAESTRO = "datasets/maestro_cafe_14.txt"  # its columns have no names
NUMBERS = ("clips", "positive", "negative", "unknown", "covered")


def measure(data: Path, folder: Path) -> Result:
    """The numbers of each data set under each policy."""
    table = (data / MAESTRO).read_text("utf-8")
    rows = "".join(f"{Path(MAESTRO).stem}\t{line}\n" for line in table.splitlines())
    (folder / "maestro.tsv").write_text("filename\tonset\toffset\tlabel\tvalue\n" + rows, "utf-8")
    found: Result = {}
    for policy, (scheme, parents) in POLICIES.items():
        joint = folder / "joint.toml"
        lines = [f'scheme = "{scheme}"', f'parents = "{parents}"', 'vocabulary = "audioset"']
        for name, (file, options) in SOURCES.items():
            path = folder / file if (folder / file).exists() else (data / file).resolve()
            given = {"labels": str(path), "prefix": f"{name}/", **options}
            lines.append(f"[{json.dumps(name)}]")
            lines += [f"{option} = {json.dumps(value)}" for option, value in given.items()]
        joint.write_text("\n".join(lines) + "\n", "utf-8")
        summary = audiolabels.expand_files(joint, folder / "joint.parquet")
        found[policy] = {each["name"]: each["counts"] for each in summary.metadata["joined"]}
    return found


def tables(found: Result) -> str:
    """A row for each data set and each policy; policies of equal results share one."""
    rows = []
    for name in SOURCES:
        alike: dict[tuple[int, ...], list[str]] = {}
        for policy in POLICIES:
            numbers = tuple(found[policy][name][n] for n in NUMBERS)
            alike.setdefault(numbers, []).append(policy)
        for numbers, policies in alike.items():
            rows.append([name, "; ".join(policies), *(f"{number:,}" for number in numbers)])
    head = ["data set", "scheme, parents", "clips", *NUMBERS[1:4], "classes known"]
    total = [
        [policy, *(f"{sum(row[n] for row in found[policy].values()):,}" for n in NUMBERS[:4])]
        for policy in POLICIES
    ]
    return "\n".join([markdown(head, rows), "All seven:\n", markdown(head[1:6], total)])


def main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("data", type=Path, help="folder with the folders audioset and datasets")
    parser.add_argument("--results", type=Path, default=HERE / "results" / "joins.json")
    parser.add_argument("--page", type=Path, default=PAGES / "joins.md")
    given = parser.parse_args(arguments)
    if not given.results.exists():
        with tempfile.TemporaryDirectory() as folder:
            found = measure(given.data, Path(folder))
        write(given.results, json.dumps(found, indent=1) + "\n")
    write_tables(given.page, tables(json.loads(given.results.read_text("utf-8"))))


if __name__ == "__main__":
    main()
