"""Time exports of AudioSet-sized targets against writing the same bytes.

    python benchmarks/exports.py LABELS.csv... [--clips 2084320] [--repeats 5] [--folder DIR]

The input is that of `expand.py`, expanded by PE-CML. Seconds of processor time of a whole command,
medians of runs in turns; floor: a process that reads the finished file in blocks and writes it.
"""

import sys
from functools import partial
from pathlib import Path

from expand import build_input, ours, take_arguments
from mapping import in_turns, seconds_of, show

FORMS = ("psl", "fsd50k", "huggingface", "hear")
COPY = "import shutil, sys; shutil.copyfileobj(open(sys.argv[1], 'rb'), open(sys.argv[2], 'wb'))"


def main() -> None:
    options, folder = take_arguments(__doc__)
    source = folder / f"usual-{options.clips}.csv"
    if not source.exists():
        build_input(source, options.sources, options.clips, distinct=False)
    targets = folder / "exported.parquet"
    seconds_of(ours(source, targets, "packed"))
    for form in FORMS:
        made = Path(folder) / form / "labels"
        made.parent.mkdir(exist_ok=True)
        command = [sys.executable, "-m", "audiolabels", "export", str(targets), "--to", form]
        works = {form: partial(seconds_of, [*command, "-o", str(made)])}
        works[form]()
        copy = [sys.executable, "-c", COPY, str(made), str(made.with_name("copy"))]
        works["floor"] = partial(seconds_of, copy)
        print(f"{options.clips:,} clips, {made.stat().st_size / 1e6:,.0f} MB")
        show(in_turns(works, options.repeats), "floor")


if __name__ == "__main__":
    main()
