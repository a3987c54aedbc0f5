import json

import numpy as np
import pyarrow.parquet as pq
import pytest
import torch
from addresses import files_at

from audiolabels import expand, read_scores, read_targets, write_targets
from audiolabels.errors import OptionError, RunError
from audiolabels.features import open_features
from audiolabels.training import annotate as module
from audiolabels.training import scoring
from audiolabels.training.annotate import annotate
from audiolabels.training.hyperparameters import Hyperparameters
from audiolabels.training.run_evaluation import evaluate_run
from audiolabels.training.run_folder import load_run
from audiolabels.training.train import train


@pytest.fixture
def run(world):
    hyperparameters = Hyperparameters(epochs=6, batch_size=32, average=1, learning_rate=1e-2)
    done = train(world.labels, open_features(world.features), world.folder / "run",
                 hyperparameters=hyperparameters, model_options={"hidden": 16})  # fmt: skip
    return load_run(done.folder)


def by_hand(run, frames) -> np.ndarray:
    """Scores of a stretch: the mean over its frames of the model's probabilities."""
    with torch.no_grad():
        clip = torch.from_numpy(frames)[None], torch.tensor([len(frames)])
        logits = run.model.head(run.model.inputs_of_head(*clip)[0])
    return torch.sigmoid(logits)[0].mean(0).numpy()


def test_scores_of_segments_are_the_model_s(world, run):
    output = world.folder / "scores.parquet"
    done = annotate(run, open_features(world.features), output, window=1.92, batch_size=7)
    assert (done.clips, done.segments) == (120, 360)
    scores = read_scores(output)
    assert scores.vocabulary.ids == world.vocabulary.ids
    assert scores.onset.to_pylist()[:3] == [0.0, 1.92, 3.84]
    assert scores.offset.to_pylist()[:3] == [1.92, 3.84, 4.8]
    for row, frames in enumerate((slice(0, 2), slice(2, 4), slice(4, 5))):
        expected = by_hand(run, world.embedding[0, frames])
        assert scores.scores[row] == pytest.approx(expected, abs=1e-3)
    assert scores.clip_id.to_pylist()[::3] == world.ids


@pytest.mark.parametrize("seconds", [1e-9, 30])
def test_an_annotation_goes_on_where_it_was_interrupted(world, run, monkeypatch, seconds):
    monkeypatch.setattr(module, "PART", 50)
    features, whole = open_features(world.features), world.folder / "whole.parquet"
    annotate(run, features, whole, window=0.96, batch_size=64)
    monkeypatch.setattr(scoring, "SECONDS", seconds)
    output = world.folder / "broken.parquet"

    def interrupt(done, _):
        if done == 100:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        annotate(run, features, output, window=0.96, batch_size=64, progress=interrupt)
    assert not output.exists()
    done = annotate(run, features, output, window=0.96, batch_size=64)
    assert (done.parts, done.parts_found) == ((3, 2) if seconds == 30 else (10, 8))
    assert done.clips_scored == 20
    assert output.read_bytes() == whole.read_bytes()
    assert not list(world.folder.glob(".*parts"))


def test_an_annotation_at_an_address_goes_on_and_is_the_same(world, run, monkeypatch):
    monkeypatch.setenv("AUDIOLABELS_CACHE", str(world.folder / "cache"))
    features, whole = open_features(world.features), world.folder / "whole.parquet"
    annotate(run, features, whole, window=0.96)
    output = "memory://annotated/scores.parquet"
    interrupted(run, features, output, monkeypatch)
    done = annotate(run, features, output, window=0.96)
    assert done.parts_found
    assert files_at("memory://annotated") == {"scores.parquet": whole.read_bytes()}
    assert not (world.folder / "cache/remote").exists()


def test_what_is_missing_between_parts_is_scored(world, run, monkeypatch):
    monkeypatch.setattr(module, "PART", 20)
    features, whole = open_features(world.features), world.folder / "whole.parquet"
    annotate(run, features, whole, window=0.96)
    output = world.folder / "broken.parquet"
    interrupted(run, features, output, monkeypatch, after=120, PART=20)
    parts = sorted((world.folder / ".broken.parquet.parts").glob("*.parquet"))
    for lost in (0, 2, 3):
        parts[lost].unlink()
    done = annotate(run, features, output, window=0.96)
    assert (done.parts, done.parts_found, done.clips_scored) == (6, 3, 60)
    assert output.read_bytes() == whole.read_bytes()


def test_progress_is_shown_after_each_batch(world, run):
    calls = []
    annotate(run, open_features(world.features), world.folder / "s.parquet", window=0.96,
             batch_size=128, progress=lambda *call: calls.append(call))  # fmt: skip
    # Segments 128, 256, 384, 500, and the end; batches begin anew after 100 clips.
    assert calls == [(done, 120) for done in (25, 51, 76, 100, 120)]


def test_a_broken_part_is_named(world, run, monkeypatch):
    features, output = open_features(world.features), world.folder / "scores.parquet"
    interrupted(run, features, output, monkeypatch)
    parts = world.folder / ".scores.parquet.parts"
    (first,) = parts.glob("*.parquet")
    first.rename(parts / "000000000300.parquet")
    (parts / "000000000100.parquet").write_bytes((parts / "000000000300.parquet").read_bytes())
    with pytest.raises(RunError, match=r"300\.parquet: a broken part .* rows of the part before"):
        annotate(run, features, output, window=0.96)
    (parts / "000000000100.parquet").write_bytes(b"PAR1")
    with pytest.raises(RunError, match=r"100\.parquet: a broken part of an annotation; delete it"):
        annotate(run, features, output, window=0.96)


def interrupted(run, features, output, monkeypatch, after=50, PART=50, **options):
    def interrupt(done, _):
        if done == after:
            raise KeyboardInterrupt

    monkeypatch.setattr(module, "PART", PART)
    with pytest.raises(KeyboardInterrupt):
        annotate(run, features, output, window=0.96, progress=interrupt, **options)


def test_parts_of_another_job_are_not_taken_up(world, run, monkeypatch):
    features, output = open_features(world.features), world.folder / "scores.parquet"
    interrupted(run, features, output, monkeypatch, clips=range(100))
    np.savez(world.folder / "other.npz", clip_id=np.array(world.ids), embedding=-world.embedding)
    other = open_features(world.folder / "other.npz")
    for given, window, clips in (
        (features, 1.92, range(100)),
        (features, 0.96, [*range(98), 98, 100]),
        (other, 0.96, range(100)),
    ):
        with pytest.raises(RunError, match="another annotation"):
            annotate(run, given, output, window=window, clips=clips)
    run.model.head.bias.data += 1
    with pytest.raises(RunError, match="another annotation"):
        annotate(run, features, output, window=0.96, clips=range(100))


def test_parts_that_are_left_of_a_removed_job_are_not_taken_up(world, run, monkeypatch):
    features, output = open_features(world.features), world.folder / "scores.parquet"
    interrupted(run, features, output, monkeypatch)
    (world.folder / ".scores.parquet.parts" / "job.json").unlink()
    assert annotate(run, features, output, window=1.92).parts_found == 0


def test_a_layer_that_is_not_there_leaves_nothing_in_the_way(world, run):
    features, output = open_features(world.features), world.folder / "scores.parquet"
    with pytest.raises(OptionError, match="layer 'bdoy' is not offered; choose one of body"):
        annotate(run, features, output, layer="bdoy")
    assert annotate(run, features, output, layer="body").parts_found == 0


def test_no_clip_is_nothing_to_annotate(world, run):
    with pytest.raises(RunError, match="no clip was chosen"):
        annotate(run, open_features(world.features), world.folder / "s.parquet", clips=[])


def test_segments_without_a_frame_are_left_out_and_counted(world, run):
    frames = np.full(120, 5)
    frames[[3, 119]] = 0
    path, output = world.folder / "f.npz", world.folder / "scores.parquet"
    np.savez(path, clip_id=np.array(world.ids), embedding=world.embedding, n_frames=frames)
    done = annotate(run, open_features(path), output, window=2.35)
    assert (done.clips, done.segments, done.empty_segments) == (118, 236, 120)  # 4.7 to 4.8 s: none
    found = read_scores(output)
    assert world.ids[3] not in found.clip_id.to_pylist()
    assert found.offset.to_pylist()[:2] == [2.35, 4.7]
    frames[:] = 0
    np.savez(path, clip_id=np.array(world.ids), embedding=world.embedding, n_frames=frames)
    with pytest.raises(RunError, match="no clip has a frame"):
        annotate(run, open_features(path), output, window=0.96)


def test_a_student_learns_from_the_scores(world, run):
    features, output = open_features(world.features), world.folder / "scores.parquet"
    annotate(run, features, output, window=0.96)
    soft = expand(read_scores(output), "pseudo-strong")
    path = world.folder / "soft.parquet"
    write_targets(soft, path)
    hyperparameters = Hyperparameters(epochs=12, batch_size=64, average=2, learning_rate=1e-2)
    student = train(path, features, world.folder / "student", validation=world.labels,
                    hyperparameters=hyperparameters, model_options={"hidden": 16})  # fmt: skip
    measured = evaluate_run(load_run(student.folder), world.labels, features, window=0.96)[0]
    assert measured.mean_average_precision > 0.7
    frames = evaluate_run(load_run(student.folder), path, features)[0]
    assert frames.rows == 600


def test_embeddings_of_a_layer_are_features_again(world, run):
    features, output = open_features(world.features), world.folder / "embedding.parquet"
    annotate(run, features, output, window=0.96, layer="")
    again = open_features(output)
    assert again.dim == 16
    values, lengths = again.read([3], [0], [np.inf])
    assert lengths.tolist() == [5]
    with torch.no_grad():
        inputs, _ = run.model.inputs_of_head(
            torch.from_numpy(world.embedding[3:4]), torch.tensor([5])
        )
    assert values[0] == pytest.approx(inputs[0].numpy(), abs=1e-5)


def test_windowed_scores_of_a_clip_are_means_over_its_segments(world, run):
    features = open_features(world.features)
    whole = evaluate_run(run, world.labels, features)[2]
    windowed = evaluate_run(run, world.labels, features, window=0.96)[2]
    assert windowed == pytest.approx(whole, abs=1e-5)  # frames are pooled by their mean anyway


def test_metadata_of_scores_name_the_classes(world, run):
    output = world.folder / "scores.parquet"
    annotate(run, open_features(world.features), output)
    metadata = pq.read_schema(output).metadata
    assert json.loads(metadata[b"classes"]) == list(world.vocabulary.ids)
    assert len(read_targets(world.labels)) == pq.read_metadata(output).num_rows


def test_a_folder_with_a_classifier_annotates_without_training(tmp_path):
    transformers = pytest.importorskip("transformers")
    soundfile = pytest.importorskip("soundfile")
    names = ["Dog", "Rain"]
    config = transformers.ASTConfig(
        hidden_size=16, num_hidden_layers=1, num_attention_heads=2, intermediate_size=16,
        max_length=128, num_mel_bins=32, id2label=dict(enumerate(names)),
        label2id={name: i for i, name in enumerate(names)},
    )  # fmt: skip
    transformers.ASTForAudioClassification(config).save_pretrained(tmp_path / "ast")
    extractor = transformers.ASTFeatureExtractor(max_length=128, num_mel_bins=32)
    extractor.save_pretrained(tmp_path / "ast")
    (tmp_path / "audio").mkdir()
    noise = np.random.default_rng(0).normal(size=3 * 16_000) / 10
    soundfile.write(tmp_path / "audio" / "noise.wav", noise, 16_000)
    output = tmp_path / "scores.parquet"
    done = annotate(load_run(tmp_path / "ast"), open_features(tmp_path / "audio"), output, window=2)
    assert (done.clips, done.segments) == (1, 2)
    scores = read_scores(output)
    assert scores.vocabulary.names == ("Dog", "Rain")
    assert ((scores.scores > 0) & (scores.scores < 1)).all()
