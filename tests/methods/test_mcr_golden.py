"""MCR against the golden numbers of two modalities (tests/golden/mcr_2.json, given to six decimals)."""

import json
from pathlib import Path

import pytest
import torch
from torch import nn

from mmlib.methods import MCR
from mmlib.methods.mcr import contrastive, divergences, regulariser
from mmlib.methods.mcr.distances import squared_difference
from mmlib.methods.mcr.perturb import allowed_pairs
from mmlib.models import LinearFusion, MultimodalModel

GOLDEN = json.loads((Path(__file__).parent.parent / "golden" / "mcr_2.json").read_text())
EXPECT = GOLDEN["expect"]
TOLERANCES = {torch.float64: GOLDEN["tolerance"], torch.float32: 1e-5}
STRATEGIES = ("greedy", "independent", "collaborative")
LABELS = torch.tensor(GOLDEN["y"])
DRAWS = torch.tensor(GOLDEN["permutations"])
ROW, COLUMN = torch.arange(6, dtype=torch.float64)[:, None], torch.arange(3, dtype=torch.float64)


@pytest.fixture(params=TOLERANCES, ids=["float64", "float32"])
def dtype(request):
    return request.param


def golden_latents(dtype):
    """Leaves, so that their gradients can be looked at."""
    a, v = torch.sin(1 + 0.7 * ROW + 1.3 * COLUMN)[:4], torch.cos(0.5 + 0.9 * ROW - 0.4 * COLUMN)[:4]
    return {m: z.to(dtype).requires_grad_() for m, z in {"a": a, "v": v}.items()}


@torch.no_grad()
def golden_fusion(dtype):
    fusion = LinearFusion({"a": 3, "v": 3}, 3).to(dtype)
    fusion.projections["a"].weight.copy_(torch.sin(ROW + 2 * COLUMN)[:3])
    fusion.projections["v"].weight.copy_(torch.cos(2 * ROW - COLUMN)[:3])
    fusion.bias.copy_(torch.tensor(GOLDEN["b"]))
    return fusion


@torch.no_grad()
def golden_method(dtype, **options):
    """Encoders that hand their inputs on: the latents are the inputs."""
    model = MultimodalModel({m: nn.Identity() for m in "av"}, golden_fusion(dtype))
    method = MCR(model, lambda_mi=0.1, lambda_uni=0.01, lambda_con=1.0, lambda_ceb=1.0, K=2, **options)
    heads = {"a": torch.cos(ROW + COLUMN)[:3], "v": torch.sin(2 * ROW + COLUMN)[:3]}
    for m, head in method.heads.items():
        head.weight.copy_(heads[m])
        head.bias.zero_()
    method.bottleneck.h1.weight.copy_(0.3 * torch.cos(ROW - 2 * COLUMN)[:3])
    method.bottleneck.h2.weight.copy_(0.3 * torch.sin(ROW + COLUMN))
    return method


@pytest.fixture(autouse=True)
def golden_draws(monkeypatch):
    """torch.rand gives numbers that are sorted by the golden permutations."""
    order = DRAWS.argsort(-1).double()
    monkeypatch.setattr(torch, "rand", lambda *shape, device=None: order.expand(shape).to(device))


def one_step(dtype, **options):
    method, latents = golden_method(dtype, **options), golden_latents(dtype)
    logs = method.step(latents, LABELS, torch.optim.SGD(method.parameters(), lr=0.0))
    return logs, {m: z.grad for m, z in latents.items()}


def pairs(mode):
    """donors and keep, with the pairs that the mode forbids cut out."""
    allowed = allowed_pairs(DRAWS[None], LABELS, mode).flatten()
    return dict.fromkeys("av", DRAWS.flatten()[allowed]), torch.arange(4).repeat(2)[allowed]


def j_of_mode(dtype, mode, **options):
    donors, keep = pairs(mode)
    values = divergences(golden_fusion(dtype), golden_latents(dtype), donors, keep, **options)
    return {m: values[m,] for m in "av"}


def gradients_of_r(dtype, strategy, **options):
    fusion, latents = golden_fusion(dtype), golden_latents(dtype)
    r = regulariser(fusion, latents, *pairs("rand"), strategy, **options)
    r.backward()
    norms = {"norm_da": latents["a"], "norm_dv": latents["v"], "norm_db": fusion.bias}
    norms |= {f"norm_dW{m}": fusion.projections[m].weight for m in "av"}
    return {"R": r, "dR_da0": latents["a"].grad[0], **{name: x.grad.norm() for name, x in norms.items()}}


def divergences_of_every_mode(dtype):
    rows = {mode: {"rows": torch.tensor(len(pairs(mode)[1]))} for mode in EXPECT["J"]}
    return {mode: rows[mode] | j_of_mode(dtype, mode) for mode in rows}


def contrastive_at_both_temperatures(dtype):
    return {f"tau_{tau}": contrastive(golden_latents(dtype), LABELS, tau) for tau in (0.5, 0.1)}


def detached_gradients(dtype):
    detached = {s: gradients_of_r(dtype, s, detach_reference=True) for s in STRATEGIES[1:]}
    return {s: {name: values[name] for name in ("norm_da", "norm_dv")} for s, values in detached.items()}


def totals(dtype):
    method = golden_method(dtype)
    steps = {s: one_step(dtype, strategy=s) for s in STRATEGIES}
    weights = {name: torch.tensor(getattr(method, f"lambda_{name}")) for name in ("mi", "uni", "con", "ceb")}
    norms = {f"greedy_norm_d{m}": g.norm() for m, g in steps["greedy"][1].items()}
    return {"weights": weights, **{s: logs["loss"] for s, (logs, _) in steps.items()}, **norms}


SECTIONS = {
    "CE_fused": lambda dtype: one_step(dtype)[0]["loss/joint"],
    "CE_a": lambda dtype: one_step(dtype)[0]["loss/a"],
    "CE_v": lambda dtype: one_step(dtype)[0]["loss/v"],
    "J": divergences_of_every_mode,
    "J_mse": lambda dtype: {"rand": j_of_mode(dtype, "rand", distance=squared_difference)},
    "L_con": contrastive_at_both_temperatures,
    "L_ceb": lambda dtype: one_step(dtype)[0]["loss/ceb"],
    "R_unscaled_rand": lambda dtype: {s: gradients_of_r(dtype, s) for s in STRATEGIES},
    "detached_reference": detached_gradients,
    "total": totals,
}


def assert_near(ours, expected, dtype, where):
    if isinstance(expected, dict):
        assert ours.keys() == expected.keys(), where
        for key, value in expected.items():
            assert_near(ours[key], value, dtype, f"{where}/{key}")
        return
    expected = torch.tensor(expected, dtype=torch.float64)
    torch.testing.assert_close(
        ours.detach().double(), expected, rtol=0, atol=TOLERANCES[dtype], msg=lambda text: f"{where}: {text}"
    )


@pytest.mark.parametrize("section", EXPECT)
def test_every_number_of(section, dtype):
    assert_near(SECTIONS[section](dtype), EXPECT[section], dtype, section)


@pytest.mark.parametrize("mode", EXPECT["J"])
def test_a_step_reports_j_of_the_pairs_that_its_mode_keeps(mode, dtype):
    logs, _ = one_step(dtype, mode=mode)
    expected = {m: EXPECT["J"][mode][m] for m in "av"}
    assert_near({m: logs[f"J/{m}"] for m in "av"}, expected, dtype, mode)
    assert_near(logs["loss/con"], EXPECT["L_con"]["tau_0.5"], dtype, "L_con")


@pytest.mark.parametrize("strategy", STRATEGIES[1:])
def test_a_step_can_detach_the_reference(strategy):
    """Without the other terms the gradient of a step is that of the regulariser and the joint loss."""
    latents = golden_latents(torch.float64)
    method = golden_method(torch.float64, strategy=strategy, detach_reference=True)
    method.lambda_uni = method.lambda_con = method.lambda_ceb = 0.0
    method.lambda_mi = 1.0
    loss, logs = method.loss(latents, LABELS)
    pulled = torch.autograd.grad(loss - logs["loss/joint"], list(latents.values()))
    ours = {f"norm_d{m}": g.norm() for m, g in zip(latents, pulled, strict=True)}
    assert_near(ours, EXPECT["detached_reference"][strategy], torch.float64, strategy)
