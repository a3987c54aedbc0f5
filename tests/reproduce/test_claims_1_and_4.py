"""The scripts of benchmarks/reproduce run from data to page, on made-up clips."""

import doctest
import importlib
import json
from pathlib import Path

import numpy as np
import pytest

import audiolabels

pytest.importorskip("lightning")
FOLDER = Path(__file__).resolve().parents[2] / "benchmarks" / "reproduce"
SOUNDS = ("Whistling", "Cough", "Car", "Rain", "Thunder", "Bark", "Guitar", "Bang")
CLIPS = 240
DIM = len(SOUNDS)


@pytest.fixture
def data(tmp_path, monkeypatch):
    """A folder in which each clip has one sound, told by a high number in its frames."""
    monkeypatch.syspath_prepend(FOLDER)
    common = importlib.import_module("common")
    ids = [audiolabels.load_ontology().find(name) for name in SOUNDS]
    rng = np.random.default_rng(0)
    for part, labels in common.LABELS.items():
        names = [f"{part}{n:0{11 - len(part)}}" for n in range(CLIPS)]
        sound = rng.integers(0, DIM, CLIPS)
        rows = [f'{name}, 0.000, 10.000, "{ids[s]}"' for name, s in zip(names, sound, strict=True)]
        head = ["# made up", "# clips", "# YTID, start_seconds, end_seconds, positive_labels"]
        (tmp_path / labels).write_text("\n".join([*head, *rows]) + "\n")
        values = rng.integers(0, 200, (CLIPS, 2, DIM)).astype(np.uint8)
        values[np.arange(CLIPS), :, sound] = 255
        np.savez(
            tmp_path / common.FEATURES[part],
            clip_id=[f"{name}_0" for name in names],
            embedding=values,
            n_frames=np.full(CLIPS, 2, np.uint8),
        )
    quality = [f"{id_},10,{n % 11}\n" for n, id_ in enumerate(audiolabels.load_vocabulary().ids)]
    (tmp_path / "qa_true_counts.csv").write_text("label_id,num_rated,num_true\n" + "".join(quality))
    return tmp_path


def run(name, data):
    """The results, and the page, of which only what lies between the markers is new."""
    script, common = importlib.import_module(name), importlib.import_module("common")
    page, results = data / "page.md", data / "results.json"
    page.write_text("# Before\n\n<!-- measured -->\nstale\n<!-- end -->\n\nAfter.\n")
    command = [str(data), "--seeds", "0", "--epochs", "1"]
    command += ["--results", str(results), "--page", str(page)]
    if script.main is common.main:
        script.main(name, script.measure, script.tables, command)
    else:
        script.main(command)
    text = page.read_text()
    assert text.startswith("# Before\n\n<!-- measured -->\n")
    assert text.endswith("<!-- end -->\n\nAfter.\n")
    assert "stale" not in text
    return json.loads(results.read_text())["0"], text


def test_grzywalski(data, monkeypatch):
    script = importlib.import_module("grzywalski")
    rounds = [("Natural sounds", script.OURS), ("Natural sounds", script.PAPERS)]
    monkeypatch.setattr(script, "ROUNDS", rounds)
    monkeypatch.setattr(script, "TESTED", 1)
    result, page = run("grzywalski", data)
    found = result["Natural sounds"]
    assert sum(found["clips"]) == 2 * CLIPS
    assert found["classes"] == [509, 18]
    assert found["labels"]["PEL"][0] > found["labels"]["OL"][0]
    assert found["labels"]["PE-CML"][1] > 0
    assert found["folds"] == 1
    for own in (found, result["Natural sounds, squared error"]):
        assert [*own["target"]] == [f"{k}, {s}" for k in script.BASES for s in (1, 0.1)]
        for models in own["target"].values():
            assert {*models} == {
                "means",
                "scratch",
                *script.BASES,
                *(f"tuned {b}" for b in script.BASES),
            }
            assert all(0 < value <= 1 for value in models.values())
    assert page.count("| fine-tuning | Natural sounds | 1 |") == 3
    pytest.importorskip("matplotlib").use("agg")
    drawn = importlib.import_module("grzywalski_page").draw(data / "results.json")
    assert [axes.get_title() for axes in drawn.axes] == ["features", "fine-tuning"]


def test_parts_of_a_target(data):
    """Tested folds share no clip; a tenth of the training clips leaves the other parts alone."""
    script = importlib.import_module("grzywalski")
    labels = audiolabels.read_labels([data / "balanced_train_segments.csv"])
    features = importlib.import_module("common").clip_means(
        data, [data / "vggish_balanced_train.npz"]
    )
    examples = script.kinds(labels, audiolabels.load_vocabulary(), features)["OL"]
    tested = []
    for fold in range(script.FOLDS):
        train, validation, judged = script.Target(examples, fold, 1.0, 0).parts(examples)
        assert len(train) + len(validation) + len(judged) == len(examples) == CLIPS
        fewer, same, also = script.Target(examples, fold, 0.1, 0).parts(examples)
        assert {*fewer.clips} < {*train.clips}
        assert (same.clips == validation.clips).all()
        assert (also.clips == judged.clips).all()
        tested += judged.clips.tolist()
    assert sorted(tested) == list(range(CLIPS))


def test_a_base_is_embedded_and_tuned(data):
    """Features are the layer before ELU; another last layer leaves the base as it was."""
    torch = pytest.importorskip("torch")
    script = importlib.import_module("grzywalski")
    features = importlib.import_module("common").together([data / "vggish_eval.npz"], data)
    labels = audiolabels.read_labels([data / "eval_segments.csv"])
    examples = script.kinds(labels, audiolabels.load_vocabulary(), features)["OL"]
    base = script.fresh(examples, 0)
    whole = script.Segments.whole(features, np.arange(5))
    values, lengths = whole.__getitems__(range(5))
    got, _ = script.embedded(base, whole).read(np.arange(5), np.zeros(5), np.full(5, np.inf))
    with torch.no_grad():
        padded = torch.nn.functional.pad(values, (0, 0, 0, 8)).mT
        expected = base.embedding(base.dense(base.convolutions(padded).squeeze(2)))
        np.testing.assert_allclose(got[:, 0], expected, atol=1e-5)
        before = base(values, lengths)
        tuned = script.with_head(base, torch.nn.Linear(128, 3))
        assert tuned(values, lengths).shape == (5, 3)
        next(tuned.parameters()).zero_()
        torch.testing.assert_close(base(values, lengths), before)


def test_an_interval_is_students_and_a_verdict_needs_a_base_that_helps(data):
    page = importlib.import_module("grzywalski_page")
    low, high = page.interval([1.0, 2.0, 3.0])  # t of 2 degrees of freedom: 4.3027
    assert (low, high) == pytest.approx((2 - 4.3027 / 3**0.5, 2 + 4.3027 / 3**0.5), abs=1e-4)
    assert page.interval([1.0]) == (-np.inf, np.inf)
    assert page.verdict([0.1], [0.1]) == "not testable here"
    for name in ("grzywalski_page", "results_page"):
        tried = doctest.testmod(importlib.import_module(name))
        assert tried.attempted > 0 == tried.failed


def test_roots_are_averaged_over_the_seeds_that_have_all(data):
    page = importlib.import_module("grzywalski_page")

    def measured(scratch, ol, pel):
        models = {"scratch": scratch, "tuned OL": ol, "tuned PEL": pel, "tuned PE-CML": ol}
        return {"target": {f"{kind}, 1": models for kind in page.BASES}}

    roots = {"Rain": {"0": measured(0.1, 0.9, 0.9), "1": measured(0.1, 0.2, 0.4)},
             "Wind": {"1": measured(0.3, 0.3, 0.2)}}  # fmt: skip
    found = page.compared(roots, "fine-tuning")
    assert [*found] == ["Rain", "Wind", "mean of 2 roots"]
    assert found["Rain"][0] == pytest.approx([0.8, 0.1])
    assert found["mean of 2 roots"] == [pytest.approx([each]) for each in (0.05, 0.05, 0)]


def test_psl_probe(data, monkeypatch):
    script = importlib.import_module("psl_probe")
    monkeypatch.setattr(script, "SIZES", {"train": 8, "valid": 12})
    monkeypatch.setattr(
        script.scenes, "read_recordings", lambda folder: script.scenes.made_up_recordings()
    )
    page, results = data / "page.md", data / "results.json"
    page.write_text("<!-- measured -->\nkept\n<!-- end -->\n<!-- probe -->\nstale\n<!-- end -->\n")
    command = [data, "--seeds", 0, "--epochs", 1, "--results", results, "--page", page]
    script.main([*map(str, command)])
    found = json.loads(results.read_text())["0"]
    assert len(found["learned"]) == script.LEARNED
    assert [*found["probe"]] == ["random weights", "annotator", "weak labels", "student"]
    for kinds in found["probe"].values():
        assert all(0 <= value <= 1 for kind in kinds.values() for value in kind.values())
    assert found["probe"]["random weights"]["all"]["mAP"] > 0.5  # tones are easily told apart
    assert page.read_text().startswith("<!-- measured -->\nkept\n<!-- end -->\n<!-- probe -->\n")
    assert "stale" not in page.read_text()
    assert "| student − annotator |" in page.read_text()


def test_a_linear_probe_tells_what_is_linear(data):
    """Each fold is told by the others; a fold apart, on its own, by all others."""
    script = importlib.import_module("psl_probe")
    labels = np.array([*"aabbcc"] * 5)
    fold = np.repeat(np.arange(1, 6), 6)
    outputs = (labels[:, None] == np.array([*"abc"])).astype(np.float64)
    assert script.judged(outputs, labels, fold, range(1, 6)) == {"mAP": 1.0, "mAP@3": 1.0}
    outputs[fold == 5] = outputs[fold == 5][:, [1, 2, 0]]
    assert script.judged(outputs, labels, fold, [5])["mAP@3"] < 0.6


def test_secost(data, monkeypatch):
    script = importlib.import_module("secost")
    monkeypatch.setattr(script, "CASCADES", {"one stage, 0.7": (0.7,), "two": (0.7, 1.0)})
    result, page = run("secost", data)
    assert [len(stages) for stages in result["cascades"].values()] == [1, 2]
    assert result["cascades"]["two"][0] == result["cascades"]["one stage, 0.7"][0]
    assert result["base"]["higher"] == result["base"]["lower"] == 0
    assert result["base"]["classes"] == DIM
    assert sum(row["classes"] for row in result["gains"]["two"]["quality"]) == DIM
    assert "| two |" in page


def test_secost_for_longer(data, monkeypatch):
    """An interrupted run continues where it was, to the same end as one without a break."""
    script = importlib.import_module("secost_long")
    names = ("base", "control", "0.7, stage 1", "0.7, stage 2")
    monkeypatch.setattr(script, "ROUNDS", (names[:3], names))
    measured = []
    measure = script.Cascades.measure

    def watch(cascades, name):
        if len(measured) == 3:
            measured.append("interrupted")
            raise KeyboardInterrupt
        measured.append((cascades.seed, name))
        return measure(cascades, name)

    monkeypatch.setattr(script.Cascades, "measure", watch)
    with pytest.raises(KeyboardInterrupt):
        run("secost_long", data)
    result, page = run("secost_long", data)
    assert measured == [*((0, name) for name in names[:3]), "interrupted", (0, names[3])]
    assert tuple(result["longer"]) == names
    assert len({model["average_precision"] for model in result["longer"].values()}) == 4
    (data / "results.json").unlink()
    monkeypatch.setattr(script.Cascades, "measure", measure)
    again, _ = run("secost_long", data)
    for name, model in again["longer"].items():
        assert model["mAP"] == pytest.approx(result["longer"][name]["mAP"], abs=1e-6)
        values = [float(value) for value in model["average_precision"].split()]
        assert np.nanmean(values) == pytest.approx(model["mAP"], abs=1e-5)
        assert np.isfinite(values).sum() == DIM
    assert "| 0.7, stage 2 | 1 |" in page


def test_secost_compares_within_each_seed(monkeypatch):
    """A seed without a model is left out of that row alone; classes without a positive of all."""
    monkeypatch.syspath_prepend(FOLDER)
    page = importlib.import_module("secost_page")

    def model(*values):
        text = " ".join(f"{value:.5f}" for value in values)
        mean = float(np.nanmean(values))
        return {"mAP": mean, "d_prime": 1, "lwlrap": 0, "average_precision": text,
                "processor_seconds": 1}  # fmt: skip

    nan = float("nan")
    first = {"base": model(0.05, 0.5, nan), "control": model(0.15, 0.4, nan)}
    second = {
        "base": model(0.05, 1, nan),
        "control": model(0.25, 1, nan),
        "0.7, stage 1": model(0.35, 0.8, nan),
    }
    assert page.wins(first["base"], first["control"]) == (1, 1)
    assert page.gain_within(second["control"], second["base"], 0, 0.1) == pytest.approx(0.2)
    assert page.gain_within(second["0.7, stage 1"], second["base"], 0.6, 1) == pytest.approx(-0.2)
    made = page.tables({"1": {"longer": second}, "0": {"longer": first}})
    zero = "+0.0000 ± 0.0000"
    assert f"| control | 2 | +0.0500 ± 0.0707 | {zero} | {zero} | 1 | 1 ± 0 |" in made
    assert "| 0.7, stage 1 | 1 | −0.0500 | +0.0000 | +0.0000 | 0 | 1 |" in made
    assert "better, of 2" in made
    assert "## Ten epochs" not in made


def test_coverage(data):
    """Half of the labels are lost; coverage makes them unknown, or leaves them absent."""
    result, page = run("coverage", data)
    assert result["halves"]["first"]["classes"] + result["halves"]["second"]["classes"] == 527
    assert sum(half["labels"] for half in result["halves"].values()) == CLIPS
    for clips, number in (("every clip", CLIPS), ("labelled clips", None)):
        covered, absent = (result[clips][f"{w} coverage"] for w in ("with", "without"))
        assert covered["positive"] == absent["positive"]
        assert covered["lost_as_negative"] == absent["lost_as_unknown"] == absent["unknown"] == 0
        assert covered["lost_as_unknown"] == absent["lost_as_negative"]
        assert number in (None, result[clips]["clips"])
    every = result["every clip"]
    assert every["with coverage"]["positive"] + every["with coverage"]["lost_as_unknown"] == CLIPS
    assert 0 < every["with coverage"]["lost_as_unknown"] < CLIPS
    random = every["without coverage, as many random negatives unknown"]
    assert random["unknown"] == every["with coverage"]["unknown"] > CLIPS * 200
    assert result["labelled clips"]["clips"] == every["with coverage"]["positive"]
    assert "| with coverage |" in page


def test_halves_of_the_ontology(monkeypatch):
    """Halves are those of the most even numbers of labels; of several roots the first counts."""
    monkeypatch.syspath_prepend(FOLDER)
    halve = importlib.import_module("coverage").halve
    ontology = audiolabels.load_ontology()
    find = ontology.find
    labels = [[find("Cough"), find("Bark")], [find("Bark"), find("Rain")]]
    labels += [[find("Guitar")], [find("Rattle")]]
    first, second = halve(labels, ontology)
    together = {*first, *second}
    assert len(first) + len(second) == len(together) == 527
    assert find("Cough") in first
    assert (find("Rattle") in first) == (find("Animal") in first)
    numbers = [sum(id_ in half for own in labels for id_ in own) for half in (first, second)]
    assert numbers == [3, 3]  # Animal has three, with Rattle, and all others together
