"""The framed release's form: written, and read back to the same targets."""

import csv
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from audiolabels import Events, expand, export, read_events, toy_ontology
from audiolabels.errors import OptionError

TOY = toy_ontology()
EVENTS = {
    "abcdefghijk_30000": [("Guitar", 0.0, 1.5), ("Bell", 3.0, 3.1), ("Bell", 9.7, 9.9)],
    "Yb-defghijk_0": [("Engine", 0.0, 10.0)],
    "tail only": [("Bell", 9.7, 9.9)],
    "verified empty": [],
    "nobody listened": None,
}
ABSENT = {"abcdefghijk_30000": ["Music"], "Yb-defghijk_0": ["Bell"]}


def rows(path: Path) -> list[dict[str, str]]:
    with path.open(newline="") as file:
        return list(csv.DictReader(file, delimiter="\t"))


@pytest.mark.parametrize("negatives", ["complementary", "explicit", "both"])
def test_every_known_frame_is_a_row(tmp_path: Path, negatives: str) -> None:
    events = Events.from_dict(EVENTS, absent=ABSENT, ontology=TOY)
    targets = expand(events, "strong-framed", vocabulary=list(TOY), negatives=negatives)
    done = export(targets, "framed-release", tmp_path / "framed.tsv")
    frame = targets.to_pandas()
    target, mask = targets.to_numpy()
    right = {
        (frame["clip_id"][r], f"{frame['onset'][r]:.3f}", f"{frame['offset'][r]:.3f}", id_): (
            "PRESENT" if target[r, c] else "NOT_PRESENT"
        )
        for r in range(len(targets))
        for c, id_ in enumerate(targets.vocabulary.ids)
        if mask[r, c]
    }
    written = rows(tmp_path / "framed.tsv")
    assert {tuple(row.values())[:4]: row["present"] for row in written} == right
    assert len(written) == len(right) == done.files[tmp_path / "framed.tsv"]
    told = {clip for clip, *_ in right}
    assert done.left_out["clips without any known target"] == len(EVENTS) - len(told)


def test_all_negatives_are_refused(tmp_path: Path) -> None:
    targets = expand(Events.from_dict(EVENTS, ontology=TOY), "strong-framed", vocabulary=list(TOY))
    with pytest.raises(OptionError, match=r"nearly every class of every frame.*--negatives both"):
        export(targets, "framed-release", tmp_path / "framed.tsv")
    clips = expand(Events.from_dict(EVENTS, ontology=TOY), "diffuse", vocabulary=list(TOY))
    with pytest.raises(OptionError, match=r"not framed targets.*strong-framed"):
        export(clips, "framed-release", tmp_path / "framed.tsv")
    assert not list(tmp_path.iterdir())


@given(
    st.dictionaries(
        st.sampled_from(["a", "b", "c"]),
        st.lists(
            st.tuples(st.sampled_from(TOY.ids), st.integers(0, 9900), st.integers(1, 4000)),
            min_size=1,
            max_size=6,
        ),
        min_size=1,
    ),
    st.dictionaries(st.sampled_from(["a", "b", "c"]), st.sets(st.sampled_from(TOY.ids))),
)
def test_reading_it_gives_the_same_targets(
    tmp_path_factory: pytest.TempPathFactory,
    clips: dict[str, list[tuple[str, int, int]]],
    absent: dict[str, set[str]],
) -> None:
    events = Events.from_dict(
        {c: [(i, t / 1000, (t + d) / 1000) for i, t, d in e] for c, e in clips.items()},
        absent={c: ids for c, ids in absent.items() if c in clips},
        ontology=TOY,
    )
    targets = expand(events, "strong-framed", vocabulary=list(TOY), negatives="both")
    path = tmp_path_factory.mktemp("framed") / "framed.tsv"
    if not export(targets, "framed-release", path).files[path]:
        return
    again = expand(
        read_events(path, ontology=TOY),
        "strong-framed",
        vocabulary=list(TOY),
        negatives="explicit",
    )
    first, second = targets.to_pandas(), again.to_pandas()
    known = first["clip_id"].isin(set(second["clip_id"]))
    assert first[known].reset_index(drop=True).equals(second)


def test_frames_that_overlap_are_refused(tmp_path: Path) -> None:
    events = Events.from_dict(EVENTS, ontology=TOY)
    options = {"vocabulary": list(TOY), "negatives": "both", "frame_hop": 0.48}
    targets = expand(events, "strong-framed", **options)
    with pytest.raises(OptionError, match=r"0.96 s every 0.48 s: rows that overlap"):
        export(targets, "framed-release", tmp_path / "framed.tsv")
