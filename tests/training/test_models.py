"""Models: shapes, pooling against its definition, padding, heads, and what is stored of them."""

import json

import numpy as np
import pytest
import torch
from oracles.pooling import logit_of_mean
from torch import Tensor, nn
from training_support import clips

from audiolabels.errors import OptionError
from audiolabels.training.models import (
    MODELS,
    describe,
    embeddings,
    layers,
    make_model,
    own_vocabulary,
    rebuild,
)
from audiolabels.training.tagger import POOLING, Tagger, freeze, new_head

CLASSES = 5
BUILT_IN = [name for name in MODELS if name != "huggingface"]
ON_FRAMES = ["mlp", "linear"]
LARGE = {"mobilenetv2", "resnet50", "segments"}


def make(name: str, **options) -> Tagger:
    torch.manual_seed(0)
    return make_model(name, CLASSES, **({"dim": 6} if name in ON_FRAMES else {}), **options)


def frame_logits(model: Tagger, x: Tensor, lengths: Tensor) -> Tensor:
    """Logits of each frame, also of those after a clip's end: (N, S, C)."""
    return model.head(model.inputs_of_head(x, lengths)[0])


@pytest.mark.parametrize("name", BUILT_IN)
def test_clips_of_any_length_give_finite_logits(name: str) -> None:
    model = make(name).eval()
    assert (model.takes, model.rate) == (MODELS[name].takes, MODELS[name].rate)
    x, lengths = clips(name, [2, 0, 1])
    logits = model(x, lengths)
    assert logits.shape == (3, CLASSES)
    assert logits.dtype == torch.float32
    assert logits.isfinite().all()
    assert not torch.equal(logits[0], logits[2])
    frames = frame_logits(model, x, lengths)
    assert (len(frames), frames.shape[2]) == (3, CLASSES)
    nothing = model(x[:, :0], torch.zeros(3, dtype=torch.int64))
    assert nothing.isfinite().all()


@pytest.mark.parametrize("name", BUILT_IN)
def test_every_weight_gets_a_finite_gradient(name: str) -> None:
    model = make(name).train()
    x, lengths = clips(name, [3, 2, 3, 0])
    model(x, lengths).square().sum().backward()
    for weight, parameter in model.named_parameters():
        assert parameter.grad is not None, weight
        assert parameter.grad.isfinite().all(), weight


def test_the_table_gives_options_as_the_models_have_them() -> None:
    assert MODELS["mlp"].options()["hidden"] == 1024
    assert MODELS["linear"].options() == {"pooling": "mean", "pool_inputs": False}
    assert MODELS["mobilenetv2"].options() == {"dropout": 0.3, "pooling": "mean", "width": 1}
    assert all(entry.source and entry.deviations for entry in MODELS.values())


# Pooling


@pytest.mark.parametrize("scale", [1, 5, 20])
def test_pooling_is_the_mean_of_probabilities(scale: float) -> None:
    z = torch.randn(4, 7, 3, generator=torch.Generator().manual_seed(0)) * scale
    real = torch.arange(7) < torch.tensor([7, 1, 3, 6])[:, None]
    pooled = POOLING["mean"](z.requires_grad_(), real)
    pooled.sum().backward()
    assert z.grad.isfinite().all()
    assert (z.grad[~real] == 0).all()
    for n, c in np.ndindex(4, 3):
        right = logit_of_mean(z[n, real[n], c].tolist())
        assert pooled[n, c].item() == pytest.approx(right, rel=1e-5, abs=1e-6 * scale)


def test_pooling_of_logits_that_saturate_in_float32() -> None:
    z = torch.tensor([[[200.0, -200.0, 200.0]], [[200.0, -200.0, -200.0]]]).transpose(0, 1)
    real = torch.ones(1, 2, dtype=torch.bool)
    pooled = POOLING["mean"](z, real)
    torch.testing.assert_close(pooled, torch.tensor([[80.0, -80.0, 0.0]]))
    assert POOLING["mean"](z * 1e30, real).isfinite().all()


def test_pooling_by_maximum_takes_real_frames_only() -> None:
    z = torch.tensor([[[1.0], [2.0], [9.0]]])
    assert POOLING["max"](z, torch.tensor([[True, True, False]])).item() == 2.0
    x, lengths = clips("mlp", [4, 2])
    model = make("mlp", pooling="max")
    right = [frame_logits(model, x, lengths)[i, :n].amax(0) for i, n in enumerate(lengths)]
    torch.testing.assert_close(model(x, lengths), torch.stack(right))


# Padding


@pytest.mark.parametrize("name", ["mlp", "linear", "mlp-norm", "mlp-pooled"])
@pytest.mark.parametrize("training", [False, True])
def test_padding_frames_changes_nothing(name: str, training: bool) -> None:
    options = {"mlp-norm": {"norm": True}, "mlp-pooled": {"pool_inputs": True}}.get(name, {})
    name = name.split("-")[0]
    model = make(name, **options)
    x, lengths = clips(name, [4, 2, 1])
    states = []
    for padded in (x, torch.cat([x, torch.full((3, 5, 6), 7.0)], 1)):
        model = make(name, **options).train(training)
        states.append((model(padded, lengths), model.state_dict()))
    torch.testing.assert_close(states[0], states[1])


@pytest.mark.parametrize("name", ["resnet50", "mobilenetv2", "segments", "cnn1d"])
def test_padding_audio_changes_little_at_the_end_of_a_clip(name: str) -> None:
    model = make(name).eval()
    x, lengths = clips(name, [2.5])
    alone = frame_logits(model, x, lengths)
    longer = torch.nn.functional.pad(x, (0, x.shape[1]))
    padded = frame_logits(model, longer, lengths)
    kept = max(1, alone.shape[1] - 2)
    if name == "mobilenetv2":  # its outputs see 1.5 s each way
        kept = 1
    tolerance = {"resnet50": 1e-5, "cnn1d": 0}.get(name, 1e-2)
    torch.testing.assert_close(padded[:, :kept], alone[:, :kept], atol=tolerance, rtol=tolerance)
    _, real = model.inputs_of_head(longer, lengths)
    assert real.sum() == alone.shape[1]


def test_mlp_of_pooled_inputs_sees_the_mean_frame() -> None:
    x, lengths = clips("mlp", [4, 2])
    model = make("mlp", pool_inputs=True)
    means = torch.stack([x[0].mean(0), x[1, :2].mean(0)])
    torch.testing.assert_close(model(x, lengths), model.head(model.body(means)))


# The networks


def test_cnn1d_has_the_lengths_of_table_2() -> None:
    model, lengths = make("cnn1d").eval(), []
    for block in model.convolutions:
        block.register_forward_hook(lambda _, __, output: lengths.append(output.shape[2]))
    model(torch.zeros(1, 80_000), torch.tensor([80_000]))
    assert lengths == [26662, 8883, 2957, 982, 324, 105, 33, 9, 1]


@pytest.mark.parametrize(
    ("name", "low", "high"),
    [
        ("cnn1d", 1.75e6, 1.85e6),
        ("mobilenetv2", 2.5e6, 3.5e6),
        ("resnet50", 24e6, 26e6),
        ("segments", 3e6, 5e6),
    ],
)
def test_number_of_parameters_with_527_classes(name: str, low: float, high: float) -> None:
    assert low < sum(p.numel() for p in make_model(name, 527).parameters()) < high


def test_cnn1d_pads_and_cuts_to_ten_seconds() -> None:
    model = make("cnn1d").eval()
    x, lengths = clips("cnn1d", [11])
    torch.testing.assert_close(model(x, lengths), model(x[:, :80_000], lengths))
    short = torch.nn.functional.pad(x[:, :100], (0, 79_900))
    torch.testing.assert_close(model(x[:, :100], torch.tensor([100])), model(short, lengths))


def test_batch_statistics_of_mobilenetv2_move_as_in_torch() -> None:
    norms = [m for m in make("mobilenetv2").modules() if isinstance(m, nn.BatchNorm2d)]
    assert {(m.momentum, m.eps) for m in norms} == {(0.1, 1e-5)}


@pytest.mark.parametrize(
    ("name", "seconds", "outputs"),
    [
        ("mobilenetv2", 10, 32),
        ("resnet50", 10, 10),
        ("resnet50", 0.96, 1),
        ("resnet50", 2, 2),
        ("segments", 10, 14),
        ("segments", 1, 1),
    ],
)
def test_number_of_outputs(name: str, seconds: float, outputs: int) -> None:
    model = make(name).eval()
    with torch.no_grad():
        _, real = model.inputs_of_head(*clips(name, [seconds]))
    assert real.shape == (1, outputs)
    assert real.all()


def test_segments_of_128_bands() -> None:
    model = make("segments", bands=128, pooling="max").eval()
    assert model(*clips("segments", [2])).shape == (1, CLASSES)


@pytest.mark.parametrize("name", ["mlp", *sorted(LARGE), "cnn1d"])
def test_bf16_autocast_stays_near(name: str) -> None:
    model = make(name).eval()
    x, lengths = clips(name, [2, 1])
    with torch.autocast("cpu", torch.bfloat16):
        half = model(x, lengths)
    assert half.dtype == torch.float32
    torch.testing.assert_close(half, model(x, lengths), atol=0.1, rtol=0.1)


# Heads and layers


@pytest.mark.parametrize("name", BUILT_IN)
def test_a_new_head_and_all_else_frozen(name: str) -> None:
    model = make(name)
    new_head(model, 3)
    freeze(model)
    model.train()
    before = {key: value.clone() for key, value in model.state_dict().items()}
    optimizer = torch.optim.SGD([p for p in model.parameters() if p.requires_grad], lr=1.0)
    logits = model(*clips(name, [2, 1]))
    assert logits.shape == (2, 3)
    logits.sum().backward()
    optimizer.step()
    after = model.state_dict()
    changed = {key for key in after if not torch.equal(after[key], before[key])}
    assert "head.bias" in changed
    assert changed <= {"head.bias", "head.weight"}
    assert embeddings(model, *clips(name, [2])).shape[0] == 1
    assert model.training


@pytest.mark.parametrize("name", BUILT_IN)
def test_embeddings_are_what_goes_into_the_head(name: str) -> None:
    model = make(name).eval()
    x, lengths = clips(name, [3, 2])
    features, real = model.inputs_of_head(x, lengths)
    right = torch.stack([features[i, real[i]].mean(0) for i in range(2)])
    torch.testing.assert_close(embeddings(model, x, lengths), right.detach())


@pytest.mark.parametrize("name", BUILT_IN)
def test_every_layer_gives_one_row_a_clip(name: str) -> None:
    model = make(name).train()
    x, lengths = clips(name, [3, 2, 0])
    names = layers(model)
    assert "head" in names
    for layer in names if name in ON_FRAMES else [*names[:3], *names[-4:]]:
        got = embeddings(model, x, lengths, layer)
        assert got.ndim == 2, layer
        assert len(got) == 3, layer
        assert got.isfinite().all(), layer


def test_a_hidden_layer_is_averaged_over_real_frames() -> None:
    model = make("mlp", hidden=[8, 7]).eval()
    x, lengths = clips("mlp", [4, 1])
    right = torch.stack([model.body[:2](x[i, :n]).mean(0) for i, n in enumerate(lengths)])
    torch.testing.assert_close(embeddings(model, x, lengths, "body.1"), right.detach())


def test_the_128_features_of_cnn1d_have_no_nonlinearity() -> None:
    model = make("cnn1d").eval()
    x, lengths = clips("cnn1d", [10])
    features = embeddings(model, x, lengths, "embedding")
    assert features.shape == (1, 128)
    torch.testing.assert_close(model.head(model.after(features)), model(x, lengths))


# What is stored


@pytest.mark.parametrize("name", BUILT_IN)
def test_a_rebuilt_model_gives_the_same(name: str) -> None:
    options = {"mlp": {"hidden": [8, 4], "norm": True, "activation": "elu", "dropout": 0.5}}
    model = make(name, **options.get(name, {}))
    new_head(model, 3)
    copy = rebuild(json.loads(json.dumps(describe(model))))
    copy.load_state_dict(model.state_dict())
    x, lengths = clips(name, [2, 1])
    assert torch.equal(copy.eval()(x, lengths), model.eval()(x, lengths))


@pytest.mark.parametrize(
    ("name", "options", "message"),
    [
        ("mpl", {}, "model 'mpl' is not offered; choose one of mlp, linear, "),
        ("mlp", {"dim": 4, "width": 3}, "option 'width' is not offered; choose one of hidden, "),
        ("mlp", {"dim": 4, "pooling": "median"}, "choose one of mean, max"),
        ("mlp", {"dim": 4, "activation": "tanh"}, "choose one of relu, elu"),
        ("mlp", {"dim": 4, "hidden": 0}, "1 or more"),
        ("mlp", {"dim": 4, "dropout": 1.0}, "dropout"),
        ("mlp", {}, "mlp takes embeddings: give dim"),
        ("cnn1d", {"dim": 4}, "cnn1d takes audio: omit dim"),
        ("mobilenetv2", {"width": 0}, "above 0"),
        ("segments", {"bands": 80}, "64 or 128"),
        ("huggingface", {}, "not an audio classifier"),
    ],
)
def test_what_is_not_offered_is_named(name: str, options: dict, message: str) -> None:
    with pytest.raises(OptionError, match=message):
        make_model(name, 3, **options)


def test_mobilenetv2_comes_in_smaller_widths() -> None:
    whole, half = (make_model("mobilenetv2", 3, width=width) for width in (1, 0.5))
    sizes = [sum(p.numel() for p in model.body.parameters()) for model in (whole, half)]
    assert sizes[1] < sizes[0] / 2
    assert half.head.in_features == whole.head.in_features
    assert rebuild(describe(half)).state_dict().keys() == half.state_dict().keys()


def test_no_classes_no_layer_no_description() -> None:
    with pytest.raises(OptionError, match="1 or more"):
        make_model("mlp", 0, dim=3)
    with pytest.raises(OptionError, match=r"'body\.9' is not offered"):
        embeddings(make("mlp"), *clips("mlp", [2]), "body.9")
    with pytest.raises(OptionError, match="not the description"):
        rebuild({"model": "mlp"})
    with pytest.raises(OptionError, match="no classes of its own"):
        own_vocabulary(make("mlp"))
