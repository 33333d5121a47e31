"""AGM's step against a slow program written from the formulas alone: one whole pass for every subset of modalities."""

import copy
import math

import pytest
import torch

from mmlib.methods import AGM

ALPHA, CAP = 0.7, 1.2


def values_of_subsets(model, inputs):
    """f(S) by name, such as "av": one full pass over the batch per subset in evaluation mode, zeros outside S."""
    names = "".join(model.modalities)
    chosen = [s for size in range(1, len(names)) for s in _choose(names, size)]
    model.eval()
    values = {s: model({m: x if m in s else torch.zeros_like(x) for m, x in inputs.items()}) for s in chosen}
    model.train()
    return values


def _choose(names, size):
    if size == 0:
        return [""]
    return [names[i] + rest for i in range(len(names)) for rest in _choose(names[i + 1 :], size - 1)]


def responses_2(f, full):
    return {"a": (full - f["v"] + f["a"]) / 2, "v": (full - f["a"] + f["v"]) / 2}


def responses_3(f, full):
    return {
        "a": (full - f["vt"] + f["a"]) / 3 + (f["av"] - f["v"] + f["at"] - f["t"]) / 6,
        "v": (full - f["at"] + f["v"]) / 3 + (f["av"] - f["a"] + f["vt"] - f["t"]) / 6,
        "t": (full - f["av"] + f["t"]) / 3 + (f["at"] - f["a"] + f["vt"] - f["v"]) / 6,
    }


def slow_score(phi, labels):
    losses = []
    for row, label in zip(phi.tolist(), labels.tolist(), strict=True):
        p = math.exp(row[label]) / sum(math.exp(value) for value in row)
        losses.append(-math.log(max(p, 1e-8)))
    return sum(losses) / len(losses)


def ratios(scores):
    """exp(mean of the others - own), per modality."""
    result = {}
    for m in scores:
        others = [s for name, s in scores.items() if name != m]
        result[m] = math.exp(sum(others) / len(others) - scores[m])
    return result


def slow_step(model, inputs, labels, running):
    """(gradients by name, kappa, scores) of one step; changes the model's running statistics as the step should."""
    full = model(inputs)
    f = values_of_subsets(model, inputs)
    phi = (responses_2 if len(inputs) == 2 else responses_3)(f, full)
    scores = {m: slow_score(p, labels) for m, p in phi.items()}
    now, usual = ratios(scores), ratios(running)
    kappa = {m: math.exp(ALPHA * min(usual[m] - now[m], CAP)) for m in phi}
    arriving = (full.detach().softmax(1) - torch.nn.functional.one_hot(labels, full.shape[1])) / len(labels)
    total = {name: torch.zeros_like(p) for name, p in model.named_parameters()}
    for m, p in phi.items():
        parts = torch.autograd.grad(
            p, list(model.parameters()), arriving * kappa[m], retain_graph=True, allow_unused=True
        )
        for name, part in zip(total, parts, strict=True):
            total[name] += 0 if part is None else part
    return total, kappa, scores


@pytest.mark.parametrize("modalities", [2, 3])
@pytest.mark.parametrize(
    ("fusion", "options"),
    [
        ("concat", {}),
        ("concat", {"norm": "batch", "dropout": 0.4}),
        ("maxout", {"norm": "batch", "dropout": 0.4}),
        ("maxout", {}),
        ("sum", {"norm": "batch"}),
        ("linear", {"dropout": 0.4}),
        ("attention", {"norm": "batch", "dropout": 0.4}),
    ],
)
def test_step_equals_the_slow_program(problem, modalities, fusion, options):
    model, inputs, labels = problem(modalities, fusion=fusion, rows=6, **options)
    slow = copy.deepcopy(model)
    method = AGM(model, alpha=ALPHA, cap=CAP)
    running = {m: 0.8 + 0.3 * i for i, m in enumerate(model.modalities)}
    for step in range(3):
        torch.manual_seed(step)
        expected, kappa, scores = slow_step(slow, inputs, labels, running if step else dict.fromkeys(running, 0.0))
        torch.manual_seed(step)
        logs = method.step(inputs, labels, torch.optim.SGD(model.parameters(), lr=0.0))
        for m in model.modalities:
            assert logs[f"kappa/{m}"].item() == pytest.approx(kappa[m], abs=1e-10)
        for name, p in model.named_parameters():
            torch.testing.assert_close(p.grad, expected[name], rtol=0, atol=1e-10)
        running = {m: (running[m] if step else 0.0) * step / (step + 1) + s / (step + 1) for m, s in scores.items()}
    for name, buffer in model.named_buffers():
        torch.testing.assert_close(buffer, slow.get_buffer(name), rtol=0, atol=1e-12)


@pytest.mark.parametrize("fusion", ["gated", "film"])
def test_step_equals_the_slow_program_where_the_fusion_takes_two(problem, fusion):
    test_step_equals_the_slow_program(problem, 2, fusion, {"norm": "batch"})


@pytest.mark.parametrize("encoder", ["conv1d", "conv2d", "resnet18", "transformer"])
def test_step_equals_the_slow_program_for_every_encoder(problem, encoder):
    options = {"dropout": 0.2} if encoder == "transformer" else {"norm": "batch"}
    model, inputs, labels = problem(2, encoder, rows=3, **options)
    slow = copy.deepcopy(model)
    torch.manual_seed(0)
    expected, _, _ = slow_step(slow, inputs, labels, {"a": 0.0, "v": 0.0})
    torch.manual_seed(0)
    AGM(model, alpha=ALPHA, cap=CAP).step(inputs, labels, torch.optim.SGD(model.parameters(), lr=0.0))
    for name, p in model.named_parameters():
        torch.testing.assert_close(p.grad, expected[name], rtol=1e-9, atol=1e-10)
