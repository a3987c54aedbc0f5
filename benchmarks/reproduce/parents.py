"""Claim 5: which repair of weak labels do strong labels of the same clips confirm?

    python benchmarks/reproduce/parents.py ../shared/data/audioset [--seeds 0 1 2]

Grzywalski & Botteldooren's pel and pe-cml, each with the three parent policies. First without a
model: what a repair changes in the evaluation set's weak labels, against the strong labels of the
same clips. Then with one: an MLP is trained on the balanced set's labels, as given or repaired, and
measured on frames and clips of the evaluation set's strong labels.

Strong labels are themselves given at one level of the ontology, so there are three truths: `given`;
`certain`, events expanded by that policy, its unknown classes left out; and `open`, as given, with
the ancestors of what is given left out.
"""

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from common import FEATURES, LABELS, main, split, train_mlp
from results_page import Result, effort, markdown, spread
from strong import Flags, read_strong, shared_classes, states

import audiolabels
from audiolabels.features import open_features
from audiolabels.metrics.evaluation import evaluate
from audiolabels.ontology.parents import PARENTS
from audiolabels.training.examples import Examples
from audiolabels.training.hyperparameters import Hyperparameters
from audiolabels.training.predict import predict_windows

MODEL = {"hidden": 512, "dropout": 0.4, "norm": True}
HYPERPARAMETERS = {
    "epochs": 25,
    "patience": 25,
    "learning_rate": 2e-3,
    "decay": 0.93,
    "batch_size": 256,
}
FRAME = 0.96  # seconds; one random frame of each clip in an epoch
REPAIRS: dict[str, tuple[str, dict[str, str]]] = {
    "weak": ("weak", {}),
    **{f"{s}, {p}": (s, {"parents": p}) for s in ("pel", "pe-cml") for p in PARENTS},
}
TRUTHS = ("given", "certain", "open")
SHOWN = {True: 12, False: 6}  # pairs under only some policies, and under all


def truths(
    events: audiolabels.Events, vocabulary: audiolabels.Vocabulary, scheme: str
) -> dict[str, tuple[Flags, Flags]]:
    """Positive and known by each truth, bool (N, C) each."""
    found = {
        parents: states(audiolabels.expand(events, scheme, vocabulary=vocabulary, parents=parents))
        for parents in ("none", "certain", "all")
    }
    # `all` is the most lenient one: every event implies every ancestor.
    given = found["none"][0]
    open_ = given, given | ~found["all"][0]
    return {"given": found["none"], "certain": found["certain"], "open": open_, "all": found["all"]}


def repair(labels: audiolabels.Annotations, name: str, vocabulary: Any) -> audiolabels.Targets:
    """Labels repaired over the 527 classes, then cut to a vocabulary."""
    scheme, options = REPAIRS[name]
    return audiolabels.expand(labels, scheme, vocabulary="audioset", **options).select(vocabulary)


def complete_classes(vocabulary: audiolabels.Vocabulary, events: audiolabels.Events) -> Flags:
    """Classes below which the strong evaluation labels have none but those that are at hand."""
    ontology = events.ontology
    everywhere = set(audiolabels.load_vocabulary("audioset-strong-eval", ontology=ontology).ids)
    here = {ontology.ids[position] for position in np.unique(events.classes).tolist()}
    missing = {ontology.resolve(id_) for id_ in everywhere} - here
    return np.array([not (ontology.descendants(id_) & missing) for id_ in vocabulary.ids])


def compare_labels(
    labels: audiolabels.Annotations, events: audiolabels.Events, vocabulary: Any
) -> Result:
    """What repairs change, against each truth; and pairs of a class and an implied ancestor."""
    place = {clip: row for row, clip in enumerate(labels.clip_id.to_pylist())}
    rows = np.array([place.get(clip, -1) for clip in events.clip_id.to_pylist()])
    both = rows >= 0
    rows = rows[both]
    known_truths = truths(events, vocabulary, "diffuse")
    complete = complete_classes(vocabulary, events)
    weak, _ = states(repair(labels, "weak", vocabulary), rows)
    found: Result = {
        "clips": len(rows),
        "classes": len(vocabulary),
        "complete": int(complete.sum()),
    }
    for name in REPAIRS:
        positive, known = states(repair(labels, name, vocabulary), rows)
        found[name] = {
            f"{truth}{suffix}": count(weak, positive, known, true[both], told[both] & columns)
            for truth, (true, told) in known_truths.items()
            for suffix, columns in (("", np.True_), (", complete", complete))
        }
    every = audiolabels.expand(labels, "weak", vocabulary="audioset")
    found["pairs"] = pairs(every, rows, known_truths["all"][0][both], vocabulary, events.ontology)
    return found


def count(weak: Flags, positive: Flags, known: Flags, true: Flags, told: Flags) -> dict[str, float]:
    """Cells that a repair adds or makes unknown, and how many of them are true.

    `prior` is the share that would be true if each cell were of another clip.
    """
    added, unknown = positive & ~weak & told, ~known & told
    missing = true & ~weak & told
    prior = (true & told).sum(0) / np.maximum(1, told.sum(0))
    return {
        "added": int(added.sum()),
        "confirmed": int((added & true).sum()),
        "prior_of_added": float((added * prior).sum() / max(1, added.sum())),
        "unknown": int(unknown.sum()),
        "unknown_true": int((unknown & true).sum()),
        "prior_of_unknown": float((unknown * prior).sum() / max(1, unknown.sum())),
        "missing": int(missing.sum()),
        "positive": int((positive & told).sum()),
        "true": int((true & told).sum()),
        "true_positive": int((positive & true & told).sum()),
        "negative": int((~positive & known & told).sum()),
        "false_negative": int((~positive & known & true & told).sum()),
    }


def pairs(
    weak: audiolabels.Targets, rows: Any, true: Flags, vocabulary: Any, ontology: Any
) -> list[Result]:
    """For each class and each ancestor that it implies under `all`: clips with the one given and
    not the other; those in which the other is true; and the policies under which it is implied.
    """
    given, wide = states(weak, rows)[0], weak.vocabulary
    climbs = {name: climb(ontology, wide) for name, climb in PARENTS.items()}
    found = []
    for column, id_ in enumerate(wide.ids):
        for other in sorted(climbs["all"][id_].implied & set(vocabulary.ids)):
            added = given[:, column] & ~given[:, wide.index[other]]
            if added.any():
                found.append(
                    {
                        "class": wide.names[column],
                        "ancestor": wide.names[wide.index[other]],
                        "added": int(added.sum()),
                        "confirmed": int((added & true[:, vocabulary.index[other]]).sum()),
                        "policies": [p for p in PARENTS if other in climbs[p][id_].implied],
                    }
                )
    found.sort(key=refuted, reverse=True)
    return [row for partial in SHOWN for row in select(found, partial=partial)]


def refuted(pair: Result) -> int:
    added: int = pair["added"] - pair["confirmed"]
    return added


def select(rows: list[Result], *, partial: bool) -> list[Result]:
    """The worst pairs under only some policies, or of those under all."""
    return [r for r in rows if (len(r["policies"]) < len(PARENTS)) == partial][: SHOWN[partial]]


def measure(data: Path, seed: int, epochs: int | None) -> Result:
    """Train on each repair of the balanced set, judge on strong labels of the evaluation set."""
    events = read_strong(data)
    vocabulary = shared_classes(events)
    labels = {name: audiolabels.read_labels(data / file) for name, file in LABELS.items()}
    features = {name: open_features(data / file) for name, file in FEATURES.items()}
    judged: dict[str, tuple[Examples, dict[str, Any]]] = {}
    for what, scheme in (("frames", "strong-framed"), ("clips", "diffuse")):
        plain = audiolabels.expand(events, scheme, vocabulary=vocabulary)
        examples = Examples.match(plain, features["eval"])
        ends = examples.features.durations(examples.clips)
        examples = examples.take(examples.onset + FRAME / 2 < ends)
        known = truths(events, vocabulary, scheme)
        judged[what] = examples, {t: [part[examples.rows] for part in known[t]] for t in TRUTHS}
    hyperparameters: dict[str, Any] = {
        **HYPERPARAMETERS,
        "epochs": epochs or HYPERPARAMETERS["epochs"],
        "seed": seed,
    }
    weak = states(repair(labels["train"], "weak", vocabulary))[0]
    every, told = states(repair(labels["train"], "pe-cml, all", vocabulary))
    groups = {"gaining": (every & ~weak).any(0), "masked": (~told).any(0)}
    groups["untouched"] = ~groups["gaining"] & ~groups["masked"]
    found: Result = {
        "labels": compare_labels(labels["eval"], events, vocabulary),
        "groups": {name: int(flags.sum()) for name, flags in groups.items()},
        "models": {},
    }
    for name in REPAIRS:
        examples = Examples.match(
            repair(labels["train"], name, vocabulary), features["train"], crop=FRAME
        )
        train, validation = split(examples, 0.1)
        model = train_mlp(
            train, replace(validation, crop=None), Hyperparameters(**hyperparameters), **MODEL
        )
        scored: Result = {}
        for what, (rows, known) in judged.items():
            scores = predict_windows(model, rows, None, batch_size=4096)
            for truth, (positive, told) in known.items():
                result = evaluate(scores, positive, told, vocabulary=vocabulary)
                numbers = {k: result.numbers()[k] for k in ("mAP", "d_prime_of_mean_auc", "lwlrap")}
                for group, flags in groups.items():
                    numbers[group] = result.macro(classes=np.flatnonzero(flags).tolist())
                scored[f"{what}, {truth}"] = numbers
        found["models"][name] = scored
        print(f"seed {seed}, {name}: {scored}", flush=True)
    return found


def tables(results: list[Result]) -> str:
    by_labels = results[0]["labels"]
    parts = [
        f"Without a model: {by_labels['clips']:,} clips, {by_labels['classes']} classes. "
        "*Confirmed* and *true* are shares by the strong labels; in brackets what chance would "
        "give, the share of clips in which the same classes are true. *Missing labels found*: of "
        "what is true and not given, the share that is added. *False negatives*: of the "
        "negatives, the share that is true.\n"
    ]
    for truth in TRUTHS:
        parts += [f"Truth: {truth}\n", label_table(by_labels, truth)]
    parts += [
        f"The same over the {by_labels['complete']} classes of which every class below is among "
        "the 110, truth: certain\n",
        label_table(by_labels, "certain, complete"),
        "Pairs of a given class and an ancestor that it implies under some policies only, and how "
        "often a strong label confirms it, even if each implies all its ancestors:\n",
        pair_table(by_labels["pairs"], partial=True),
        "Pairs under all three policies, with the most additions that nothing confirms:\n",
        pair_table(by_labels["pairs"], partial=False),
        effort(results),
    ]
    for what in ("frames", "clips"):
        parts += [f"mAP on {what}, by truth, and its difference from weak:\n", gains(results, what)]
    parts += [
        "Difference from weak in mAP on frames, by groups of classes: "
        + ", ".join(f"{count} {group}" for group, count in results[0]["groups"].items())
        + " (gaining: positives are added to them; masked: some become unknown; a class can be "
        "both)\n",
        group_table(results),
        "lωlrap and d′ on frames, truth open:\n",
        other_metrics(results),
    ]
    return "\n".join(parts)


def share(part: float, whole: float) -> str:
    return f"{100 * part / whole:.1f} %" if whole else ""


def beside_chance(part: float, whole: float, prior: float) -> str:
    return f"{share(part, whole)} ({share(prior, 1)})" if whole else ""


def label_table(by_labels: Result, truth: str) -> str:
    rows = []
    for name in REPAIRS:
        n = by_labels[name][truth]
        added, unknown = n["added"], n["unknown"]
        precision, recall = n["true_positive"] / n["positive"], n["true_positive"] / n["true"]
        rows.append(
            [
                name,
                f"{added:,}",
                f"{share(n['confirmed'], added)} ({share(n['prior_of_added'], 1)})"
                if added
                else "",
                share(n["confirmed"], n["missing"]),
                f"{unknown:,}",
                f"{share(n['unknown_true'], unknown)} ({share(n['prior_of_unknown'], 1)})"
                if unknown
                else "",
                share(n["false_negative"], n["negative"]),
                f"{precision:.3f}",
                f"{recall:.3f}",
                f"{2 * precision * recall / (precision + recall):.3f}",
            ]
        )
    head = ["labels", "added", "confirmed", "missing labels found", "unknown", "true",
            "false negatives", "precision", "recall", "F1"]  # fmt: skip
    return markdown(head, rows)


def pair_table(rows: list[Result], *, partial: bool) -> str:
    return markdown(
        ["given", "ancestor", "clips", "confirmed", "implied under"],
        [
            [r["class"], r["ancestor"], r["added"], share(r["confirmed"], r["added"]),
             ", ".join(r["policies"])]
            for r in select(rows, partial=partial)
        ],
    )  # fmt: skip


def gather(results: list[Result], name: str, where: str, metric: str) -> list[float]:
    return [result["models"][name][where][metric] for result in results]


def difference(results: list[Result], name: str, where: str, metric: str) -> str:
    own, weak = (gather(results, n, where, metric) for n in (name, "weak"))
    return spread((a - b for a, b in zip(own, weak, strict=True)), 4, sign=True)


def gains(results: list[Result], what: str) -> str:
    rows = []
    for name in REPAIRS:
        row = [name]
        for truth in TRUTHS:
            where = f"{what}, {truth}"
            row.append(spread(gather(results, name, where, "mAP")))
            row.append("" if name == "weak" else difference(results, name, where, "mAP"))
        rows.append(row)
    head = ["trained on", *(cell for truth in TRUTHS for cell in (truth, "difference"))]
    return markdown(head, rows)


def group_table(results: list[Result]) -> str:
    cells = [(group, truth) for truth in ("open", "certain") for group in results[0]["groups"]]
    return markdown(
        ["trained on", *(f"{group}, {truth}" for group, truth in cells)],
        [
            [name, *(difference(results, name, f"frames, {t}", group) for group, t in cells)]
            for name in REPAIRS
            if name != "weak"
        ],
    )


def other_metrics(results: list[Result]) -> str:
    return markdown(
        ["trained on", "lωlrap", "d′ of the mean AUC"],
        [
            [name, *(spread(gather(results, name, "frames, open", metric))
                     for metric in ("lwlrap", "d_prime_of_mean_auc"))]
            for name in REPAIRS
        ],
    )  # fmt: skip


if __name__ == "__main__":
    main("parents", measure, tables)
