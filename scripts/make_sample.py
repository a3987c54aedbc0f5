"""Write the samples `sample_segments.csv` and `sample_events.tsv`: made-up clips.

    python scripts/make_sample.py

Nothing in them is taken from AudioSet but the class ids: clip ids are invented, label sets are
drawn from the habits that Grzywalski & Botteldooren describe (§II): a specific class with or
without its parents, or a general class alone; events have a length that is usual for their class.
"""

import random
from pathlib import Path

from audiolabels import load_ontology

PACKAGE = Path(__file__).resolve().parent.parent / "audiolabels"

# Specific classes of a scene, and how likely a rater adds each ancestor.
SCENES = {
    "Electric guitar; Drum kit": 0.8,
    "Acoustic guitar; Male singing": 0.7,
    "Guitar; Singing": 0.6,
    "Violin, fiddle": 0.5,
    "Music": 1.0,
    "Pop music": 0.9,
    "Speech": 1.0,
    "Female speech, woman speaking; Inside, small room": 0.6,
    "Male speech, man speaking; Computer keyboard": 0.4,
    "Rain": 0.01,
    "Thunder; Rain": 0.05,
    "Wind; Ocean": 0.1,
    "Bark; Speech": 0.5,
    "Dog": 0.3,
    "Meow": 0.4,
    "Duck": 0.01,
    "Rooster": 0.2,
    "Bird": 0.3,
    "Car passing by": 0.4,
    "Vehicle": 1.0,
    "Motorcycle; Speech": 0.3,
    "Helicopter": 0.4,
    "Church bell": 0.3,
    "Rattle": 0.1,
    "Hiss; Snake": 0.2,
    "Fire engine, fire truck (siren); Siren": 0.3,
    "Toilet flush": 0.0,
    "Knock; Door": 0.2,
    "Applause; Crowd": 0.2,
    "Silence": 0.0,
}
CLIPS = 200

# Classes of a clip with strong labels: how many events, how long in seconds, from and to.
EVENT_SCENES: list[dict[str, tuple[int, float, float]]] = [
    {"Music": (1, 10, 10), "Male singing": (3, 1, 4), "Acoustic guitar": (1, 6, 9)},
    {"Male speech, man speaking": (5, 0.4, 3), "Computer keyboard": (6, 0.2, 1.2)},
    {"Female speech, woman speaking": (4, 0.5, 2.5), "Breathing": (3, 0.3, 0.6)},
    {"Wind": (1, 9, 10), "Bark": (6, 0.15, 0.4), "Mechanisms": (1, 10, 10)},
    {"Rain": (1, 10, 10), "Thunder": (2, 1.5, 4)},
    {"Church bell": (4, 1.8, 2.6), "Human voice": (1, 0.5, 1)},
    {"Tick": (12, 0.05, 0.2), "Background noise": (1, 10, 10)},
    {"Vehicle": (1, 5, 9), "Vehicle horn, car horn, honking": (3, 0.2, 0.9)},
]
EVENT_CLIPS = 60


def main() -> None:
    write_segments()
    write_events()


def write_events() -> None:
    rng = random.Random(2021)
    ontology = load_ontology().with_supplement()
    rows = []
    for number in range(1, EVENT_CLIPS + 1):
        scene = rng.choice(EVENT_SCENES)
        events = []
        for name, (count, shortest, longest) in scene.items():
            slot = 10 / count
            for i in range(rng.randint(1, count)):
                length = min(rng.uniform(shortest, longest), slot)
                onset = i * slot + rng.uniform(0, slot - length)
                events.append((f"{onset:.3f}", f"{onset + length:.3f}", ontology.find(name)))
        clip = f"sample-{number:04}_{10000 * rng.randrange(30)}"
        rows += ["\t".join([clip, *event]) for event in sorted(events, key=lambda e: float(e[0]))]
    head = "segment_id\tstart_time_seconds\tend_time_seconds\tlabel"
    (PACKAGE / "sample_events.tsv").write_text("\n".join([head, *rows]) + "\n", encoding="utf-8")


def write_segments() -> None:
    rng = random.Random(2017)
    ontology = load_ontology()
    blocked = {c.id for c in ontology.classes if c.flags}
    rows, labels = [], 0
    for number in range(1, CLIPS + 1):
        scene, chance = rng.choice(list(SCENES.items()))
        given = {ontology.find(name) for name in scene.split("; ")}
        above = {a for c in given for a in ontology.ancestors(c)} - blocked
        given |= {a for a in sorted(above) if rng.random() < chance}
        start = 10 * rng.randrange(30)
        labels += len(given)
        rows.append(
            f'sample-{number:04}, {start}.000, {start + 10}.000, "{",".join(sorted(given))}"'
        )
    head = [
        "# Made-up clips by scripts/make_sample.py, in the form of AudioSet's segments files",
        f"# num_ytids={CLIPS}, num_segs={CLIPS}, num_positive_labels={labels}",
        "# YTID, start_seconds, end_seconds, positive_labels",
    ]
    target = PACKAGE / "sample_segments.csv"
    target.write_text("\n".join([*head, *rows]) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
