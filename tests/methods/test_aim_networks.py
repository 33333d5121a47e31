"""AIM trains any network, of any number of modalities, with any optimiser."""

import pytest
import torch
from torch import nn

from mmlib.methods import AIM
from mmlib.models import FUSIONS, ConcatFusion, MultimodalModel, build_encoder
from mmlib.training import evaluate, fit

MEASURES = ("performance", "strength", "weak")


def ahead(problem, **options):
    """A network whose modality a tells the classes, so that it is modulated: (model, inputs, labels)."""
    model, inputs, labels = problem(**{"rows": 20, "seed": 1, **options})
    inputs["a"].flatten(1)[:, 0] += 4 * labels
    return model, inputs, labels


def blocks_of(model):
    return [f"{m}/{d}" for m, e in model.encoders.items() for d in range(1, len(e.blocks) + 1)]


@pytest.mark.parametrize("modalities", range(2, 7))
def test_two_to_six_modalities(problem, as_data, modalities):
    model, inputs, labels = ahead(problem, modalities=modalities, norm="batch", dtype=torch.float32)
    assert_trains(AIM(model, warm_up=1, every=1), as_data(inputs, labels))


@pytest.mark.parametrize("fusion", [*FUSIONS, "maxout"])
def test_every_fusion_trains(problem, as_data, fusion):
    model, inputs, labels = ahead(problem, fusion=fusion, norm="batch", dropout=0.2, dtype=torch.float32)
    assert_trains(AIM(model, warm_up=1, proto="class_mean"), as_data(inputs, labels))


@pytest.mark.parametrize(
    ("encoder", "options"),
    [
        ("mlp", {"depth": 1}), ("conv1d", {"norm": "batch"}), ("conv2d", {"norm": "batch"}), ("transformer", {}),
        ("transformer", {"pool": "first", "dropout": 0.2}),
    ],
    ids=str,
)  # fmt: skip
@pytest.mark.parametrize("optimizer", ["sgd", "adam", "adamw"])
def test_every_encoder_trains_with_every_optimiser(problem, as_data, encoder, options, optimizer):
    model, inputs, labels = ahead(problem, encoder=encoder, dtype=torch.float32, **options)
    assert_trains(AIM(model, warm_up=1), as_data(inputs, labels), optimizer)


@pytest.mark.parametrize("norm", ["none", "batch"])
def test_a_residual_network_trains(problem, as_data, monkeypatch, norm):
    monkeypatch.setattr("mmlib.methods.aim.judge.FIRST_STEPS", 3)
    model, inputs, labels = ahead(problem, encoder="resnet18", norm=norm, rows=8, dtype=torch.float32)
    labels = torch.arange(8) % 3
    assert_trains(AIM(model, warm_up=1), as_data(inputs, labels), epochs=2)


def test_token_ids_train_beside_vectors(problem, as_data):
    """What is learned for token ids goes in behind their embedding; the first depth is what was learned itself."""
    torch.manual_seed(0)
    small = {"width": 8, "depth": 2, "heads": 2, "feedforward": 8}
    encoders = {"t": build_encoder("transformer", (7, 1), **small), "v": build_encoder("mlp", (4,), width=6, depth=2)}
    encoders["t"].blocks[0].embed = nn.Embedding(11, 8)
    model, labels = MultimodalModel(encoders, ConcatFusion({"t": 8, "v": 6}, 3)), torch.arange(24) % 3
    tokens = (torch.randint(3, (24, 7)) + 3 * labels[:, None]).long()
    method = AIM(model, warm_up=1)
    assert_trains(method, as_data({"t": tokens, "v": torch.randn(24, 4)}, labels))
    learned, P = method.judgement.learned, method.judgement.prototypes
    assert learned["t"].shape == (3, 7, 8) and learned["v"].shape == (3, 4)
    assert torch.equal(P["t/1"], learned["t"].mean(1)) and len(method.judgement.of("prototypes", "t")) == 3


def assert_trains(method, data, optimizer="sgd", epochs=3):
    history = fit(method, data, epochs=epochs, batch_size=10, lr=0.01, optimizer=optimizer, device="cpu")
    last = history.epochs[-1]
    assert {f"{name}/{block}" for name in MEASURES for block in blocks_of(method.model)} <= last.keys()
    assert "loss/stim" in last and not any(k.startswith("performance") for k in history.epochs[0])
    assert all(torch.isfinite(p).all() for p in method.parameters())
    assert 0 <= evaluate(method, data.test)["accuracy"] <= 1


@pytest.mark.parametrize("name", ["1", "of", "first", "masks", "x y", "replace"])
def test_modalities_of_any_name(name, as_data):
    torch.manual_seed(0)
    names = (name, name + "2")
    encoders = {m: build_encoder("mlp", (4,), width=6, depth=2) for m in names}
    model, labels = MultimodalModel(encoders, ConcatFusion(dict.fromkeys(names, 6), 3)), torch.arange(12) % 3
    method = AIM(model, warm_up=0)
    method.begin_epoch(0, as_data({m: torch.randn(12, 4) for m in names}, labels))
    assert [len(method.judgement.of("masks", m)) for m in names] == [2, 2]
    twin = AIM(model, warm_up=0)
    twin.load_state_dict(method.state_dict())
    assert twin.judgement.first == method.judgement.first


def test_more_than_nine_blocks_stay_in_order(problem, judged, twin):
    model, inputs, labels = problem(depth=11, rows=12)
    method = judged(model, inputs, labels)
    loaded = AIM(twin(model))
    loaded.load_state_dict(method.state_dict())
    for each in (method, loaded):
        values = each.judgement.of("performance", "a")
        assert len(values) == 11
        assert all(v is each.judgement.performance[f"a/{d}"] for d, v in enumerate(values, start=1))
