"""AGM against the golden numbers of one step (tests/golden/agm_late_2.json, computed from the authors' program)."""

import json
from pathlib import Path

import pytest
import torch
from torch import nn

from mmlib.methods import AGM
from mmlib.methods.agm import responses
from mmlib.models import ConcatFusion, MultimodalModel

GOLDEN = json.loads((Path(__file__).parent.parent / "golden" / "agm_late_2.json").read_text())
EXPECT = GOLDEN["expect"]
# The vector is given to six decimals; float32 rounding in the exponentials costs a little more.
TOLERANCES = {torch.float64: 2e-6, torch.float32: 1e-5}
GRADIENTS = {
    "dWa": "encoders.a.weight",
    "dba": "encoders.a.bias",
    "dWv": "encoders.v.weight",
    "dbv": "encoders.v.bias",
    "dH": "fusion.head.weight",
    "dh": "fusion.head.bias",
}


def linear(weight, bias, dtype):
    layer = nn.Linear(len(weight[0]), len(weight), dtype=dtype)
    with torch.no_grad():
        layer.weight.copy_(torch.tensor(weight, dtype=dtype))
        layer.bias.copy_(torch.tensor(bias, dtype=dtype))
    return layer


def golden_method(dtype):
    encoders = {m: linear(GOLDEN[f"W{m}"], GOLDEN[f"b{m}"], dtype) for m in ("a", "v")}
    fusion = ConcatFusion({"a": 2, "v": 2}, 3, head=linear(GOLDEN["H"], GOLDEN["h"], dtype))
    return AGM(MultimodalModel(encoders, fusion), alpha=GOLDEN["alpha"])


def golden_batch(dtype):
    return {m: torch.tensor(GOLDEN[f"x{m}"], dtype=dtype) for m in ("a", "v")}, torch.tensor(GOLDEN["y"])


def one_step(dtype, first=False):
    method, (inputs, labels) = golden_method(dtype), golden_batch(dtype)
    if not first:
        method.running_scores.copy_(torch.tensor(GOLDEN["running_scores"]))
        method.steps = GOLDEN["earlier_steps"]
    logs = method.step(inputs, labels, torch.optim.SGD(method.parameters(), lr=0.0))
    return method, logs


def assert_near(value, key, dtype):
    torch.testing.assert_close(value, torch.tensor(EXPECT[key], dtype=dtype), rtol=0, atol=TOLERANCES[dtype])


@pytest.fixture(params=TOLERANCES, ids=["float64", "float32"])
def dtype(request):
    return request.param


def test_logits_and_responses(dtype):
    method, (inputs, _) = golden_method(dtype), golden_batch(dtype)
    features = method.model.encode(inputs)
    full = method.model.fuse(features)
    phi = responses(method.model, inputs, features, full)
    assert_near(full.detach(), "T", dtype)
    assert_near(phi["a"].detach(), "phi_a", dtype)
    assert_near(phi["v"].detach(), "phi_v", dtype)


@pytest.mark.parametrize(
    ("log", "key"), [("score", "scores"), ("ratio", "ratios"), ("target", "targets"), ("kappa", "kappa")]
)
def test_logged_vectors(dtype, log, key):
    _, logs = one_step(dtype)
    assert_near(torch.stack([logs[f"{log}/a"], logs[f"{log}/v"]]), key, dtype)


def test_loss_and_running_scores(dtype):
    method, logs = one_step(dtype)
    assert_near(logs["loss"], "loss", dtype)
    assert_near(method.running_scores, "new_running_scores", dtype)
    assert method.steps == GOLDEN["earlier_steps"] + 1


@pytest.mark.parametrize(("key", "name"), GRADIENTS.items())
def test_gradients(dtype, key, name):
    method, _ = one_step(dtype)
    assert_near(method.model.get_parameter(name).grad, key, dtype)


def test_first_step(dtype):
    method, logs = one_step(dtype, first=True)
    assert_near(torch.stack([logs["kappa/a"], logs["kappa/v"]]), "first_step_kappa", dtype)
    assert logs["target/a"] == logs["target/v"] == 1
    assert_near(method.running_scores, "scores", dtype)


def test_every_expected_number_is_compared():
    compared = {
        "T",
        "phi_a",
        "phi_v",
        "scores",
        "ratios",
        "targets",
        "kappa",
        "loss",
        "new_running_scores",
        "first_step_kappa",
    }
    assert set(EXPECT) == compared | set(GRADIENTS)
