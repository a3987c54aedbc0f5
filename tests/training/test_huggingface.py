"""Audio classifiers of transformers: read from folders, rebuilt, and refused."""

import json
from pathlib import Path

import pytest
import torch
from torch import Tensor
from training_support import clips

from audiolabels import load_vocabulary
from audiolabels.errors import OptionError, RunError
from audiolabels.training.models import (
    describe,
    embeddings,
    layers,
    make_model,
    own_vocabulary,
    rate_of,
    rebuild,
)
from audiolabels.training.run_folder import load_run
from audiolabels.training.tagger import freeze


@pytest.fixture(scope="module")
def classifier(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A tiny AST with fresh weights, saved."""
    from transformers import ASTConfig, ASTFeatureExtractor, ASTForAudioClassification

    folder = tmp_path_factory.mktemp("ast")
    names = load_vocabulary("audioset").names[:4]
    config = ASTConfig(
        hidden_size=8,
        num_hidden_layers=1,
        num_attention_heads=2,
        intermediate_size=8,
        max_length=128,
        num_mel_bins=32,
        id2label=dict(enumerate(names)),
        label2id={name: i for i, name in enumerate(names)},
    )
    torch.manual_seed(0)
    ASTForAudioClassification(config).save_pretrained(folder)
    ASTFeatureExtractor(num_mel_bins=32, max_length=128).save_pretrained(folder)
    return folder


def seconds(*lengths: float) -> tuple[Tensor, Tensor]:
    return clips("mobilenetv2", list(lengths))


def test_a_classifier_from_a_folder_gives_its_own_logits(classifier: Path) -> None:
    from transformers import ASTFeatureExtractor, ASTForAudioClassification

    model = make_model(classifier, None).eval()
    x, lengths = seconds(1, 0.5, 0)
    assert (model.takes, model.rate) == ("audio", 16_000)
    logits = model(x, lengths)
    assert logits.shape == (3, 4)
    assert logits.isfinite().all()
    theirs = ASTForAudioClassification.from_pretrained(classifier).eval()
    extract = ASTFeatureExtractor.from_pretrained(classifier)
    inputs = extract([x[1, :8000].numpy()], sampling_rate=16_000, return_tensors="pt")
    torch.testing.assert_close(logits[1:2], theirs(**inputs).logits)


def test_its_classes_are_read_as_ids(classifier: Path) -> None:
    vocabulary = own_vocabulary(make_model(str(classifier), None))
    assert vocabulary.ids == load_vocabulary("audioset").ids[:4]


def test_all_names_of_audioset_are_ids() -> None:
    audioset = load_vocabulary("audioset")
    assert load_vocabulary(audioset.names).ids == audioset.ids


def test_with_other_classes_it_has_a_new_head(classifier: Path) -> None:
    model = make_model(classifier, 3)
    freeze(model)
    model(*seconds(0.5)).sum().backward()
    assert [n for n, p in model.named_parameters() if p.grad is not None] == [
        "head.weight",
        "head.bias",
    ]
    with pytest.raises(OptionError, match="no classes of its own"):
        own_vocabulary(model)


@pytest.mark.parametrize("classes", [None, 3])
def test_it_is_rebuilt_without_its_folder(classifier: Path, classes: int | None) -> None:
    model = make_model(classifier, classes).eval()
    copy = rebuild(json.loads(json.dumps(describe(model)))).eval()
    copy.load_state_dict(model.state_dict())
    x, lengths = seconds(0.5, 0.3)
    assert torch.equal(copy(x, lengths), model(x, lengths))
    assert copy.labels == model.labels


def test_extractors_with_empty_bands_are_rebuilt_without_a_warning(classifier: Path) -> None:
    description = describe(make_model(classifier, 3))
    description["extractor"]["num_mel_bins"] = 128
    assert rebuild(description).extractor.num_mel_bins == 128


def test_its_layers_give_embeddings(classifier: Path) -> None:
    model = make_model(classifier, None)
    x, lengths = seconds(0.5, 0.3)
    for layer in layers(model):
        assert embeddings(model, x, lengths, layer).shape[0] == 2, layer
    assert embeddings(model, x, lengths).shape == (2, 8)


def test_a_waveform_classifier_pads_its_batch(tmp_path: Path) -> None:
    from transformers import (
        Wav2Vec2Config,
        Wav2Vec2FeatureExtractor,
        Wav2Vec2ForSequenceClassification,
    )

    config = Wav2Vec2Config(
        hidden_size=8,
        num_hidden_layers=1,
        num_attention_heads=2,
        intermediate_size=8,
        conv_dim=(4, 4),
        conv_kernel=(10, 3),
        conv_stride=(5, 2),
        num_feat_extract_layers=2,
        num_conv_pos_embeddings=4,
        num_conv_pos_embedding_groups=2,
        classifier_proj_size=8,
        num_labels=3,
    )
    Wav2Vec2ForSequenceClassification(config).save_pretrained(tmp_path)
    Wav2Vec2FeatureExtractor().save_pretrained(tmp_path)
    model = make_model(tmp_path, None).eval()
    assert model(*seconds(0.2, 0.1, 0)).isfinite().all()
    assert model.labels == ("LABEL_0", "LABEL_1", "LABEL_2")


def test_pickled_weights_and_incomplete_ones_are_refused(classifier: Path, tmp_path: Path) -> None:
    from safetensors.torch import load_file, save_file

    for name in ("config.json", "preprocessor_config.json"):
        (tmp_path / name).write_bytes((classifier / name).read_bytes())
    weights = load_file(classifier / "model.safetensors")
    torch.save(weights, tmp_path / "pytorch_model.bin")
    with pytest.raises(OptionError, match="safetensors"):
        make_model(tmp_path, None)
    weights.pop("classifier.dense.weight")
    save_file(weights, tmp_path / "model.safetensors", metadata={"format": "pt"})
    with pytest.raises(OptionError, match=r"lacks weights: classifier.dense.weight"):
        make_model(tmp_path, None)


@pytest.mark.parametrize(
    "change",
    [
        {"model_type": "mine", "auto_map": {"AutoConfig": "mine.Config"}},
        {"_attn_implementation": "owner/kernel"},
        {"attn_implementation": {"": "owner/kernel"}},
        {"hidden_size": "eight"},
        {"model_type": "bert"},
    ],
)
def test_folders_that_ask_for_code_or_are_broken_are_refused(
    classifier: Path, tmp_path: Path, change: dict
) -> None:
    for path in classifier.iterdir():
        (tmp_path / path.name).write_bytes(path.read_bytes())
    config = json.loads((tmp_path / "config.json").read_text())
    (tmp_path / "config.json").write_text(json.dumps(config | change))
    (tmp_path / "mine.py").write_text(f"open({str(tmp_path / 'ran')!r}, 'w')\n")
    with pytest.raises(OptionError, match="not an audio classifier"):
        make_model(tmp_path, None)
    description = describe(make_model(classifier, None))
    description["config"] |= change
    with pytest.raises(OptionError, match="not an audio classifier"):
        rebuild(description)
    assert not (tmp_path / "ran").exists()


def test_an_id_of_the_hub_is_refused_with_how_to_download_it(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    name = "MIT/ast-finetuned-audioset-10-10-0.4593"
    command = rf"hf download {name} --local-dir ast-finetuned-audioset-10-10-0\.4593"
    for call in (rate_of, lambda name: make_model(name, 3)):
        with pytest.raises(OptionError, match=rf"model '{name}': no such folder; .*{command}"):
            call(name)
    with pytest.raises(RunError, match=command):
        load_run(name)
    (tmp_path / "MIT" / "ast-finetuned-audioset-10-10-0.4593").mkdir(parents=True)
    with pytest.raises(OptionError, match="no sampling rate"):
        rate_of(name)
