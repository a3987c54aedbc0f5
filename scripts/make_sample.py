"""Write `audiolabels/sample_segments.csv`: made-up clips whose labels show what raters do.

    python scripts/make_sample.py

Nothing in it is taken from AudioSet but the class ids: clip ids are invented, label sets are drawn
from the habits that Grzywalski & Botteldooren describe (§II): a specific class with or without its
parents, or a general class alone.
"""

import random
from pathlib import Path

from audiolabels import load_ontology

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


def main() -> None:
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
    target = Path(__file__).resolve().parent.parent / "audiolabels" / "sample_segments.csv"
    target.write_text("\n".join([*head, *rows]) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
