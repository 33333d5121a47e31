"""The network as a whole: its parts, its groups of parameters, its checks, and building one from names."""

import math

import pytest
import torch
from torch import nn

from mmlib.models import ENCODERS, FUSIONS, ConcatFusion, MultimodalModel, build_encoder, build_model


def small():
    torch.manual_seed(0)
    model = build_model({"a": (4,), "v": (6,)}, 3, width=5, depth=2)
    return model, {"a": torch.randn(7, 4), "v": torch.randn(7, 6)}


def test_forward_is_fuse_after_encode():
    model, inputs = small()
    features = model.encode(inputs)
    assert list(features) == list(model.modalities) == ["a", "v"]
    assert {m: tuple(f.shape) for m, f in features.items()} == {"a": (7, 5), "v": (7, 5)}
    assert torch.equal(model(inputs), model.fuse(features))
    assert model(inputs).shape == (7, model.num_classes) == (7, 3)


def test_groups_are_the_blocks_from_shallow_to_deep():
    model, _ = small()
    groups = model.groups()
    for m, encoder in model.encoders.items():
        expected = [[id(p) for p in block.parameters()] for block in encoder.blocks]
        assert [[id(p) for p in group] for group in groups[m]] == expected
    grouped = [id(p) for groups_of_m in groups.values() for group in groups_of_m for p in group]
    assert sorted(grouped) == sorted(id(p) for p in model.encoders.parameters())


def test_groups_of_an_encoder_without_blocks_and_with_parameters_outside_them():
    plain = nn.Linear(4, 5)
    with_scale = build_encoder("mlp", (6,), width=5, depth=2)
    with_scale.scale = nn.Parameter(torch.ones(5))
    model = MultimodalModel({"a": plain, "v": with_scale}, ConcatFusion({"a": 5, "v": 5}, 3))
    groups = model.groups()
    assert [len(group) for group in groups["a"]] == [2]
    assert len(groups["v"]) == 3 and groups["v"][-1][0] is with_scale.scale


def test_the_anchor_follows_the_model():
    model, _ = small()
    assert model.double().anchor.dtype == torch.float64
    assert model.to("meta").anchor.device.type == "meta"


@pytest.mark.parametrize("call", ["forward", "encode", "check"])
def test_bad_inputs_raise(call):
    model, inputs = small()
    call = getattr(model, call)
    with pytest.raises(
        ValueError, match=r"exactly the modalities \['a', 'v'\], got \['a'\] \(missing \['v'\], unknown \[\]\)"
    ):
        call({"a": inputs["a"]})
    with pytest.raises(ValueError, match=r"unknown \['smell'\]"):
        call({**inputs, "smell": inputs["a"]})
    with pytest.raises(ValueError, match=r"same number of rows, got {'a': 7, 'v': 6}"):
        call({**inputs, "v": inputs["v"][1:]})


def test_wrong_features_raise():
    model, inputs = small()
    features = model.encode(inputs)
    with pytest.raises(ValueError, match=r"features of 'v' must be \[B, 5\], got \(7, 4\)"):
        model.fuse({**features, "v": features["v"][:, :4]})
    with pytest.raises(ValueError, match=r"features of 'a' must be \[B, 5\], got \(5,\)"):
        model.fuse({**features, "a": features["a"][0]})


def test_encoders_and_fusion_must_fit():
    encoder = build_encoder("mlp", (4,), width=5)
    with pytest.raises(ValueError, match="must name the same modalities"):
        MultimodalModel({"a": encoder, "x": encoder}, ConcatFusion({"a": 5, "v": 5}, 3))
    with pytest.raises(TypeError, match="fusion must be a mmlib.models Fusion, got Linear"):
        MultimodalModel({"a": encoder, "v": encoder}, nn.Linear(10, 3))


@pytest.mark.parametrize("fusion", [*FUSIONS, "maxout"])
def test_build_model_with_every_fusion(fusion):
    model = build_model(
        {"a": (4,), "v": (2, 16)}, 3, encoder={"a": "mlp", "v": "conv1d"}, fusion=fusion, width={"a": 8, "v": 12}
    )
    assert model({"a": torch.randn(3, 4), "v": torch.randn(3, 2, 16)}).shape == (3, 3)
    assert {m: e.width for m, e in model.encoders.items()} == {"a": 8, "v": 12}


@pytest.mark.parametrize("kind", ENCODERS)
def test_build_model_with_every_encoder(kind):
    shape = {"mlp": (4,), "transformer": (6, 3), "conv1d": (2, 16)}.get(kind, (1, 32, 32))
    model = build_model({"a": shape, "v": shape}, 2, encoder=kind)
    assert model({m: torch.randn(2, *shape) for m in ("a", "v")}).shape == (2, 2)


SHAPES = {"a": (4,), "v": (6,)}


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"fusion": "conct"}, "unknown fusion 'conct': .* Did you mean 'concat'"),
        ({"encoder": "resnet"}, "unknown encoder 'resnet': .* Did you mean 'resnet18'"),
        ({"encoder": {"a": "mlp"}}, "encoder must name one for 'v' too, it names"),
        ({"encoder": {"a": "mlp", "v": "mlp", "x": "mlp"}}, "unknown modality of encoder 'x'"),
        ({"width": {"a": 4, "v": 4, "x": 4}}, "unknown modality of width 'x'"),
        ({"widht": 4}, "unknown option of encoder 'mlp' 'widht': .* Did you mean 'width'"),
        ({"width": -1}, "width must be at least 1"),
        ({"width": math.nan}, "width must be a whole number"),
        ({"encoder": "conv1d"}, r"encoder 'conv1d' reads samples with 2 axes, got shape \(4,\)"),
        ({"num_classes": 0}, "num_classes must be at least 1"),
        ({"shapes": {"a": (4,)}}, "takes 2 to 6 modalities, got 1"),
    ],
)
def test_build_model_says_what_is_wrong(arguments, message):
    with pytest.raises((TypeError, ValueError), match=message):
        build_model(**{"shapes": SHAPES, "num_classes": 3, **arguments})
