"""Compare the parent policies with FSD50K's own hand-checked expansion, and print the page.

    python scripts/compare_fsd50k.py FSD50K_FOLDER > docs/fsd50k.md

FSD50K_FOLDER holds `collection_dev.csv` (labels before FSD50K's expansion) and `dev.csv` (after).
Clips are joined by id. An unknown target is neither right nor wrong, so it is counted apart.
"""

import sys
import textwrap
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

from audiolabels import Annotations, Targets, Vocabulary, expand, load_vocabulary, read_labels

RULES: dict[str, tuple[str, dict[str, str]]] = {
    "weak (no expansion)": ("weak", {}),
    "pel, parents all": ("pel", {"parents": "all"}),
    "pel, parents unambiguous": ("pel", {"parents": "unambiguous"}),
    "pel, parents certain": ("pel", {"parents": "certain"}),
}
SHOWN = 15
COMMAND = "python scripts/compare_fsd50k.py FSD50K_FOLDER > docs/fsd50k.md"


@dataclass
class Comparison:
    """One rule against FSD50K's expansion, over the clips that have labels before it.

    Attributes:
        equal: clips without an extra, missing or unknown label.
        agreeing: clips without an extra or missing label; unknown ones may be there.
        both: labels that rule and FSD50K give.
        extra, missing, unknown, confirmed: class to clips: given by the rule only, by FSD50K only
            (not unknown), unknown under the rule, and of these given by FSD50K.
        before_extra, before_missing: class to the labels that its clips had before, where it is
            extra, where it is missing.
    """

    equal: int = 0
    agreeing: int = 0
    both: int = 0
    extra: Counter[str] = field(default_factory=Counter)
    missing: Counter[str] = field(default_factory=Counter)
    unknown: Counter[str] = field(default_factory=Counter)
    confirmed: Counter[str] = field(default_factory=Counter)
    before_extra: dict[str, Counter[str]] = field(default_factory=lambda: defaultdict(Counter))
    before_missing: dict[str, Counter[str]] = field(default_factory=lambda: defaultdict(Counter))


def compare(before: Annotations, targets: Targets, after: dict[str, set[str]]) -> Comparison:
    result = Comparison()
    for row, (clip, made, unknown) in enumerate(classes_of(targets, before)):
        given = before.labels(row)
        if given is None:
            continue
        theirs = after[clip]
        extra, missing = made - theirs, theirs - made - unknown
        result.equal += not (extra or missing or unknown)
        result.agreeing += not (extra or missing)
        result.both += len(made & theirs)
        result.extra.update(extra)
        result.missing.update(missing)
        result.unknown.update(unknown)
        result.confirmed.update(unknown & theirs)
        for name in extra:
            result.before_extra[name].update(given)
        for name in missing:
            result.before_missing[name].update(given)
    return result


def classes_of(targets: Targets, labels: Annotations) -> Iterator[tuple[str, set[str], set[str]]]:
    """Clip id, positive and unknown classes of each clip, by the ontology's display names."""
    ids = targets.vocabulary.ids
    names = [labels.ontology.name(id_) for id_ in ids]
    target, mask = targets.to_numpy()
    for clip, positive, known in zip(targets.clip_id.to_pylist(), target, mask, strict=True):
        yield (
            clip,
            {names[c] for c in positive.nonzero()[0]},
            {names[c] for c in (known == 0).nonzero()[0]},
        )


def table(header: str, rows: Iterable[Iterable[object]]) -> str:
    """A Markdown table whose first column is text and whose others are right-aligned numbers."""
    columns = header.split(" | ")
    rule = ["---", *("--:" if name[0] != "*" else "---" for name in columns[1:])]
    lines = [[name.lstrip("*") for name in columns], rule, *rows]
    return "\n".join("| " + " | ".join(shown(cell) for cell in line) + " |" for line in lines)


def shown(cell: object) -> str:
    return f"{cell:,}" if isinstance(cell, int) else str(cell)


def ranked(counts: Counter[str]) -> list[tuple[str, int]]:
    return sorted(counts.items(), key=lambda item: (-item[1], item[0]))


def causes(counts: Counter[str], before: dict[str, Counter[str]]) -> list[list[object]]:
    """The commonest classes, each with the labels that their clips had before most often."""
    return [
        [name, number, "; ".join(f"{n} ({k:,})" for n, k in ranked(before[name])[:3])]
        for name, number in ranked(counts)[:SHOWN]
    ]


def overview(results: dict[str, Comparison], clips: int) -> str:
    return table(
        "rule | clips equal | share | nothing wrong | share | labels in both | extra | missing | "
        "unknown | of these given",
        (
            [
                name,
                r.equal,
                f"{r.equal / clips:.1%}",
                r.agreeing,
                f"{r.agreeing / clips:.1%}",
                r.both,
                r.extra.total(),
                r.missing.total(),
                r.unknown.total(),
                r.confirmed.total(),
            ]
            for name, r in results.items()
        ),
    )


def interpretation(results: dict[str, Comparison], clips: int) -> str:
    weak, every, one, sure = results.values()
    assert not sure.extra
    assert sure.missing == every.missing
    assert every.extra == sure.unknown - sure.confirmed
    assert min(every.equal, one.equal, sure.equal) > 0.9 * clips
    return paragraphs(
        f"""
Without any expansion, {weak.equal / clips:.1%} of the clips have FSD50K's final labels; each of the
three policies raises that above 90%. `all` gives {every.extra.total():,} labels that FSD50K does
not; they come from classes with several parents: bells that are no Music, squeaks and taps that are
no Door, howls that are no Wild animals. `unambiguous` gives {one.extra.total():,} such labels, but
it also makes {one.missing.total() - every.missing.total():,} labels negative that FSD50K gives and
`all` finds: a class with two parents inside the vocabulary implies neither, so that clapping is no
Hands and a vehicle horn no Alarm.

`certain` gives no label that FSD50K lacks: of the {sure.unknown.total():,} targets that it leaves
unknown FSD50K gives {sure.confirmed.total():,} and not the other {every.extra.total():,}, which are
exactly the extra labels of `all`, and among its known targets nothing is wrong in
{sure.agreeing / clips:.1%} of the clips. The {sure.missing.total():,} labels that `all` and
`certain` miss are ancestors of no label given before, for instance Engine in clips of passing cars;
the files do not explain their origin, and no expansion by ancestors can find them. FSD50K is one
answer, not the truth: it is built on the same ontology, and its clips are not AudioSet's."""
    )


def paragraphs(text: str) -> str:
    """Paragraphs filled to a line's width, wherever numbers made lines longer or shorter."""
    return "\n\n".join(
        textwrap.fill(part, 100, break_on_hyphens=False, break_long_words=False)
        for part in text.strip().split("\n\n")
    )


def sections(results: dict[str, Comparison]) -> Iterator[str]:
    for name, result in results.items():
        yield f"## {name}"
        for what, counts, before in (
            ("Extra", result.extra, result.before_extra),
            ("Missing", result.missing, result.before_missing),
        ):
            if counts:
                yield f"{what}: {counts.total():,} labels of {len(counts)} classes."
                header = "class | clips | *labels that these clips had before, most often"
                yield table(header, causes(counts, before))
            else:
                yield f"{what}: none."
        if result.unknown:
            yield f"Unknown: {result.unknown.total():,} targets of {len(result.unknown)} classes."
            rows = (
                [n, number, result.confirmed[n], number - result.confirmed[n]]
                for n, number in ranked(result.unknown)[:SHOWN]
            )
            yield table("class | clips | FSD50K gives it | FSD50K does not", rows)


def unlabelled(before: Annotations, after: dict[str, set[str]]) -> str:
    clips = [str(before.clip_id[r]) for r in range(len(before)) if before.labels(r) is None]
    given = Counter(name for clip in clips for name in after[clip])
    common = ", ".join(f"{name} ({number})" for name, number in ranked(given)[:5])
    return paragraphs(
        f"""
{len(clips)} clips have no label at all in `collection_dev.csv`. Every scheme leaves all their
targets unknown, so they are in none of the counts above. In `dev.csv` they have
{given.total():,} labels, most often {common}."""
    )


def introduction(clips: int, given: int, outside: int) -> str:
    return paragraphs(
        f"""
FSD50K is annotated with classes of the AudioSet ontology and comes with a parent expansion of its
own, verified by hand: `collection_dev.csv` has the labels before it, `dev.csv` those after, with
which each policy can be compared. The labels before are expanded over the vocabulary `fsd50k` (200
classes) and compared with those after, clip by clip, over the {clips:,} clips that have labels
before. Of their {given:,} labels {outside:,} are classes outside the 200: these have no column, but
they imply their ancestors.

*Extra* is a label that the rule gives and FSD50K does not; *missing* is one that FSD50K gives and
the rule makes negative. An *unknown* target is neither right nor wrong: a clip with one is not
*equal*, but if nothing is extra or missing there is *nothing wrong* with it. *Of these given* is
the number of unknown targets that are labels in FSD50K. Up to {SHOWN} classes are listed for each
rule."""
    )


def page(folder: Path, note: Callable[[str], None] = lambda _: None) -> str:
    """The page `docs/fsd50k.md`, from FSD50K's two files."""
    before, expanded = (read_labels(folder / name) for name in ("collection_dev.csv", "dev.csv"))
    vocabulary: Vocabulary = load_vocabulary("fsd50k")
    after = {
        str(clip): set(expanded.labels(row) or ()) for row, clip in enumerate(expanded.clip_id)
    }
    clips = sum(before.labels(row) is not None for row in range(len(before)))
    results, given, outside = {}, 0, 0
    for name, (scheme, options) in RULES.items():
        note(name)
        targets = expand(before, scheme, vocabulary=vocabulary, **options)
        results[name] = compare(before, targets, after)
        if scheme == "weak":
            outside = int(targets.cut[targets.row_of_clip].sum())
            given = outside + int(targets.to_numpy()[0].sum())
    sources = [*before.report.sources, *expanded.report.sources]
    return (
        "\n\n".join(
            [
                "# The parent policies against FSD50K's own expansion",
                f"This page was made by\n\n```sh\n{COMMAND}\n```\n\nfrom",
                "\n".join(f"- `{s['name']}`, SHA-256 `{s['sha256']}`" for s in sources),
                introduction(clips, given, outside),
                overview(results, clips),
                "## Results",
                interpretation(results, clips),
                *sections(results),
                "## Clips without labels",
                unlabelled(before, after),
            ]
        )
        + "\n"
    )


if __name__ == "__main__":
    text = page(Path(sys.argv[1]), lambda name: print(name, file=sys.stderr))
    sys.stdout.buffer.write(text.encode())
