"""Learned prototypes: what is minimised and how, from where they start, and that they mean something."""

import pytest
import torch
import torch.nn.functional as F
from torch import nn

from mmlib.data import load
from mmlib.methods import Joint
from mmlib.methods.aim.dap import OBJECTIVES, first_inputs, learn, pooled_outputs, starts_of
from mmlib.models import ConcatFusion, MultimodalModel, build_encoder, build_model
from mmlib.runs.recipes import SETTINGS
from mmlib.training import fit

STARTS = {"a": 0, "v": 0, "t": 0}


def meaning_by_hand(model, x, objective):
    """Joint CE, CE of each modality beside the others' averages, and the penalty, one class after another."""
    K, features = len(x["a"]), model.encode(x)
    total = 0.0
    for k in range(K):
        rows = [{m: f[k] for m, f in features.items()}]
        if objective == "split":
            means = {m: sum(f.detach()[j] for j in range(K)) / K for m, f in features.items()}
            rows += [{j: features[j][k] if j == m else means[j] for j in features} for m in features]
        for row in rows:
            total = total - F.log_softmax(model.fuse({m: f[None] for m, f in row.items()})[0], 0)[k] / K
    return total + 0.01 * sum((each**2).mean() for each in x.values())


@pytest.mark.parametrize("objective", OBJECTIVES)
@pytest.mark.parametrize("fusion", ["linear", "attention", "maxout"])
def test_steps_are_those_of_adam_on_the_objective(problem, twin, objective, fusion):
    model, rows, _ = problem(3, fusion=fusion, norm="batch", dropout=0.3)
    with torch.no_grad():
        for p in model.parameters():
            p.mul_(2.0)
    start = first_inputs(model, rows)
    found = learn(model, start, STARTS, 4, objective)
    copied, x = twin(model).eval(), {m: v.clone().requires_grad_() for m, v in start.items()}
    adam = torch.optim.Adam(list(x.values()), lr=0.05)
    for _ in range(4):
        adam.zero_grad()
        meaning_by_hand(copied, x, objective).backward()
        adam.step()
    for m in x:
        assert not found[m].requires_grad
        torch.testing.assert_close(found[m], x[m].detach(), rtol=0, atol=1e-10)


def test_what_it_starts_from_stays(problem):
    model, rows, _ = problem(3)
    start = first_inputs(model, rows)
    before = {m: x.clone() for m, x in start.items()}
    learn(model, start, STARTS, 2, "split")
    torch.testing.assert_close(start, before, rtol=0, atol=0)
    assert not any(x.requires_grad for x in start.values())


def test_first_inputs_are_small_random_and_of_the_data_s_shape(problem):
    model, rows, _ = problem(2, "conv2d", classes=3)
    torch.manual_seed(0)
    found = first_inputs(model, rows)
    assert {m: x.shape for m, x in found.items()} == {m: (3, *x.shape[1:]) for m, x in rows.items()}
    values = torch.cat([x.flatten() for x in found.values()])
    assert values.dtype == torch.float64 and 0.08 < values.std() < 0.12 and abs(values.mean()) < 0.03


def test_outputs_are_those_of_evaluation_mode_for_any_number_of_rows(problem):
    model, _, _ = problem(2, norm="batch", dropout=0.4)
    model.train()
    rows = {m: torch.randn(600, 4, dtype=torch.double) for m in "av"}
    found = pooled_outputs(model, rows)
    model.eval()
    for m, encoder in model.encoders.items():
        expected = [encoder.pool(h) for h in encoder.outputs(rows[m])]
        torch.testing.assert_close(found[m], expected, rtol=0, atol=1e-12)
        assert not any(h.requires_grad for h in found[m])


def test_token_ids_are_learned_behind_their_embedding():
    torch.manual_seed(0)
    small = {"width": 8, "depth": 1, "heads": 2, "feedforward": 8}
    encoders = {"t": build_encoder("transformer", (7, 1), **small), "v": build_encoder("transformer", (5, 3), **small)}
    encoders["t"].blocks[0].embed = nn.Embedding(11, 8)
    model = MultimodalModel(encoders, ConcatFusion({"t": 8, "v": 8}, 3))
    rows = {"t": torch.randint(11, (6, 7)), "v": torch.randn(6, 5, 3)}
    starts = starts_of(rows)
    assert starts == {"t": 1, "v": 0}
    learned = learn(model, first_inputs(model, rows), starts, 60, "split")
    assert {m: x.shape for m, x in learned.items()} == {"t": (3, 7, 8), "v": (3, 5, 3)}
    found = pooled_outputs(model, learned, starts)
    assert torch.equal(found["t"][0], learned["t"].mean(1)) and len(found["t"]) == len(found["v"]) == 2
    logits = model.fuse({m: outputs[-1] for m, outputs in found.items()})
    assert logits.argmax(1).tolist() == [0, 1, 2]


def weak_probabilities(seed):
    """{objective: (least probability of its class given both inputs, mean probability of it given that of the weak
    modality and the average of the other)} of a network trained where modality a is dominant."""
    data = load("synthetic", samples=(400, 100, 100), classes=4, **SETTINGS["dominated"])
    torch.manual_seed(seed)
    model = build_model(data.shapes, 4, width=16, depth=2)
    fit(Joint(model), data, epochs=10, lr=0.05, device="cpu")
    start, found = first_inputs(model, data.train.inputs), {}
    for objective in OBJECTIVES:
        with torch.no_grad():
            features = model.encode(learn(model, start, {"a": 0, "b": 0}, 200, objective))
            weak = {**features, "a": features["a"].mean(0).expand_as(features["a"])}
            chosen = [model.fuse(f).softmax(1).diagonal() for f in (features, weak)]
        found[objective] = chosen[0].min().item(), chosen[1].mean().item()
    return found


def test_what_was_learned_is_of_its_class_and_with_split_the_weak_modality_s_too():
    """Measured over seeds 0, 1, 2: the weak inputs alone get their class a probability of 0.64, 0.77, 0.77 with
    "split" and of 0.49, 0.31, 0.39 with "joint", as the dominant modality has met the joint objective by itself."""
    found = [weak_probabilities(seed) for seed in range(3)]
    assert all(least > 0.99 for each in found for least, _ in each.values()), found
    split, joint = (sum(each[objective][1] for each in found) / 3 for objective in OBJECTIVES)
    assert split > 0.6 and joint < 0.5, found
