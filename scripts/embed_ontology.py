"""Rebuild `ontology/` from the official AudioSet and FSD50K files.

    python scripts/embed_ontology.py AUDIOSET_FOLDER FSD50K_FOLDER

AUDIOSET_FOLDER holds `ontology.json`, `class_labels_indices.csv` and `strong_classes.tsv`,
FSD50K_FOLDER holds `vocabulary.csv`. Only facts are taken (ids, names, edges, flags); the
descriptions stay behind. `ontology/audioset_strong.json` is kept by hand.
"""

import csv
import json
import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent.parent / "ontology"


def rows(path: Path, delimiter: str = ",") -> list[dict[str, str]]:
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file, delimiter=delimiter))


def write_csv(path: Path, header: list[str], lines: list[list[str]]) -> None:
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(header)
        writer.writerows(lines)


def main(audioset: Path, fsd50k: Path) -> None:
    official = json.loads((audioset / "ontology.json").read_text(encoding="utf-8"))
    facts = [
        {"id": c["id"], "name": c["name"], "children": c["child_ids"], "flags": c["restrictions"]}
        for c in official
    ]
    body = ",\n".join(json.dumps(fact, ensure_ascii=False) for fact in facts)
    (HERE / "audioset.json").write_text(f'{{"classes": [\n{body}\n]}}\n', encoding="utf-8")

    weak = [[r["mid"], r["display_name"]] for r in rows(audioset / "class_labels_indices.csv")]
    strong = rows(audioset / "strong_classes.tsv", "\t")
    with (fsd50k / "vocabulary.csv").open(encoding="utf-8", newline="") as file:
        freesound = [[mid, name] for _, name, mid in csv.reader(file)]

    folder = HERE / "vocabularies"
    write_csv(folder / "audioset.csv", ["id", "name"], weak)
    write_csv(
        folder / "audioset-strong.csv",
        ["id", "name", "in_train", "in_eval"],
        [[r["mid"], r["name"], r["in_train"], r["in_eval"]] for r in strong],
    )
    write_csv(folder / "fsd50k.csv", ["id", "name"], freesound)


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
