"""AIM beside a reference that follows the specification literally, S3 to S7, over samples, classes and channels.

The reference runs every path from the inputs on and takes from AIM only the prototypes (and the masks, where random).
"""

import math
from itertools import product

import pytest
import torch

from mmlib.methods.aim.dam import DAMS
from mmlib.methods.aim.judge import SELECTIONS
from mmlib.models import build_model

DEPTHS = {"a": 3, "v": 2, "t": 1}
WIDTHS = {"a": 5, "v": 4, "t": 6}
FUSIONS = [(f, m) for f in ("concat", "sum", "linear", "attention") for m in (2, 3)] + [("gated", 2), ("film", 2)]
K = 3


def network(fusion="concat", modalities=2, rows=7, **options):
    """(model, inputs, labels): encoders of different depth and width, in float64."""
    torch.manual_seed(modalities)
    shapes = {m: (3 + i,) for i, m in enumerate(list(DEPTHS)[:modalities])}
    sizes = {"width": {m: WIDTHS[m] for m in shapes}, "depth": {m: DEPTHS[m] for m in shapes}}
    model = build_model(shapes, K, fusion=fusion, **sizes, **options).double()
    with torch.no_grad():  # one modality far ahead of the others, so that there is something to modulate
        model.encoders["a"].blocks[0][1].weight.mul_(3)
    labels = torch.arange(rows) % K
    inputs = {m: torch.randn(rows, *s, dtype=torch.double) for m, s in shapes.items()}
    inputs["a"][:, 0] += 2.0 * labels
    return model, inputs, labels


def blocks_by_hand(encoder, x, factors=None):
    """Outputs [B, C] of every block, each channel of each multiplied by its factor before it goes on."""
    outputs = []
    for d, block in enumerate(encoder.blocks):
        x = block(x)
        if factors is not None:
            x = torch.stack([x[:, c] * factors[d][c] for c in range(x.shape[1])], dim=1)
        outputs.append(x)
    return outputs


def cosine(one, other):
    """Of two vectors; 0 where one has no length, as where all its channels are silent."""
    squares = [sum(x * x for x in one), sum(x * x for x in other)]
    if not all(squares):
        return torch.zeros((), dtype=torch.double)
    return sum(x * y for x, y in zip(one, other, strict=True)) / (squares[0].sqrt() * squares[1].sqrt())


def centred(h, P):
    c = [sum(P[k][i] for k in range(K)) / K for i in range(len(h))]
    return [h[i] - c[i] for i in range(len(h))], [[P[k][i] - c[i] for i in range(len(h))] for k in range(K)]


def logits_by_hand(h, P, u):
    h, P = centred(h, P)
    kept = [i for i in range(len(h)) if u is None or u[i] == 1]
    return [10.0 * cosine([h[i] for i in kept], [P[k][i] for i in kept]) for k in range(K)]


def ce_by_hand(logits, labels):
    """Mean of log sum_k e^{l_k} - l_y."""
    return sum(torch.log(sum(torch.exp(v) for v in row)) - row[y] for row, y in zip(logits, labels.tolist())) / len(
        labels
    )


def g_by_hand(h, P, labels):
    total = 0.0
    for row, y in zip(h, labels.tolist(), strict=True):
        weights = [math.exp(v) for v in logits_by_hand(row, P, None)]
        total += weights[y] / sum(weights)
    return total / len(labels)


def r_by_hand(h, P, labels):
    r = [0.0] * h.shape[1]
    for row, y in zip(h, labels.tolist(), strict=True):
        hc, Pc = centred(row, P)
        hats = [v / math.sqrt(sum(x * x for x in hc)) for v in hc]
        phats = [[v / math.sqrt(sum(x * x for x in p)) for v in p] for p in Pc]
        for c in range(len(r)):
            others = [phats[k][c] for k in range(K) if k != y]
            r[c] += float(hats[c] * (phats[y][c] - sum(others) / len(others))) / len(labels)
    return r


def u_by_hand(r, q, select):
    order = sorted(range(len(r)), key=lambda c: r[c], reverse=select == "anti")
    chosen = set(order[: math.floor(q * len(r))])
    return [1.0 if c in chosen else 0.0 for c in range(len(r))]


def alpha_by_hand(g, gamma, dam):
    """alpha {m: [D_m]}; depth d of D_m is compared with depth ceil(d D_j / D_m) of j."""
    alpha = {}
    for m, own in g.items():
        alpha[m] = []
        for d in range(1, len(own) + 1):
            rivals = [g[j][math.ceil(d * len(g[j]) / len(own)) - 1] for j in g if j != m]
            rival = sum(rivals) / len(rivals)
            lead = own[d - 1] - rival if dam == "gap" else own[d - 1] / rival - 1
            alpha[m].append(math.tanh(gamma * max(0.0, lead)))
        if dam == "const":
            alpha[m] = [sum(alpha[m]) / len(own)] * len(own)
        if dam == "last":
            alpha[m] = [0.0] * (len(own) - 1) + alpha[m][-1:]
    return alpha


def judged_by_hand(method, inputs, labels):
    """(P, g, r, alpha, u), each {m: one per block}, of the method's prototypes."""
    model, found = method.model, method.judgement
    P, g, r, u = {}, {}, {}, {}
    with torch.no_grad():
        for m, encoder in model.encoders.items():
            outputs = blocks_by_hand(encoder, inputs[m])
            P[m] = [found.prototypes[f"{m}/{d}"] for d in range(1, len(outputs) + 1)]
            g[m] = [g_by_hand(h, p, labels) for h, p in zip(outputs, P[m], strict=True)]
            r[m] = [r_by_hand(h, p, labels) for h, p in zip(outputs, P[m], strict=True)]
            u[m] = [u_by_hand(each, method.q, method.select) for each in r[m]]
            if method.select == "random":
                u[m] = [found.masks[f"{m}/{d}"].tolist() for d in range(1, len(outputs) + 1)]
    return P, g, r, alpha_by_hand(g, method.gamma, method.dam), u


def loss_by_hand(method, P, alpha, u, inputs, labels):
    model = method.model
    full = {m: blocks_by_hand(e, inputs[m]) for m, e in model.encoders.items()}
    factors = {m: [[1 - a * (1 - v) for v in mask] for a, mask in zip(alpha[m], u[m])] for m in alpha}
    leads = [m for m in alpha if max(alpha[m]) > 0]
    aux = {m: blocks_by_hand(e, inputs[m], factors[m] if m in leads else None) for m, e in model.encoders.items()}
    ce_full = ce_by_hand(model.fuse({m: h[-1] for m, h in full.items()}), labels)
    ce_aux = ce_by_hand(model.fuse({m: h[-1] for m, h in aux.items()}), labels)
    stim = 0.0
    for m in {"all": list(full), "dominant": leads, "none": []}[method.stim]:
        for h, p, mask in zip(full[m], P[m], u[m], strict=True):
            stim = stim + ce_by_hand([logits_by_hand(row, p, mask) for row in h], labels) / len(full[m])
    both = (ce_full + method.lambda_aux * ce_aux) / (1 + method.lambda_aux)
    return (both if method.path == "dual" else ce_aux) + method.beta * stim


def assert_equals_the_reference(method, inputs, labels):
    P, g, r, alpha, u = judged_by_hand(method, inputs, labels)
    for m in g:
        for d in range(len(g[m])):
            block = f"{m}/{d + 1}"
            assert method.judgement.performance[block].item() == pytest.approx(g[m][d], abs=1e-12)
            assert method.judgement.strength[block].item() == pytest.approx(alpha[m][d], abs=1e-12)
            weak = [each <= 0 for each in r[m][d]]
            assert method.judgement.weak[block].item() == pytest.approx(sum(weak) / len(weak), abs=1e-12)
            assert method.judgement.masks[block].tolist() == u[m][d]
    assert any(max(alpha[m]) > 0 for m in alpha)
    total = loss_by_hand(method, P, alpha, u, inputs, labels)
    expected = torch.autograd.grad(total, list(method.model.parameters()), materialize_grads=True)
    logs = method.step(inputs, labels, torch.optim.SGD(method.parameters(), lr=0.0))
    assert logs["loss"].item() == pytest.approx(total.item(), abs=1e-12)
    for (name, p), grad in zip(method.model.named_parameters(), expected, strict=True):
        torch.testing.assert_close(p.grad, grad, rtol=0, atol=1e-12, msg=lambda text, n=name: f"{n}: {text}")


OPTIONS = {"q": 0.6, "beta": 0.3, "gamma": 1.7, "lambda_aux": 0.6}


@pytest.mark.parametrize(("fusion", "modalities"), FUSIONS)
def test_every_fusion(judged, fusion, modalities):
    batch = network(fusion, modalities)
    assert_equals_the_reference(judged(*batch, **OPTIONS), *batch[1:])


@pytest.mark.parametrize("modalities", [2, 3])
@pytest.mark.parametrize(("stim", "path"), list(product(("all", "dominant", "none"), ("dual", "aux_only"))))
def test_every_loss(judged, stim, path, modalities):
    batch = network("linear", modalities)
    assert_equals_the_reference(judged(*batch, **OPTIONS, stim=stim, path=path), *batch[1:])


@pytest.mark.parametrize("modalities", [2, 3])
@pytest.mark.parametrize(("dam", "select"), list(product(DAMS, SELECTIONS)))
def test_every_strength_and_selection(judged, dam, select, modalities):
    batch = network("linear", modalities)
    assert_equals_the_reference(judged(*batch, **OPTIONS, dam=dam, select=select), *batch[1:])


def test_learned_prototypes(judged):
    batch = network("linear", 3)
    assert_equals_the_reference(judged(*batch, **OPTIONS, proto="learned"), *batch[1:])


def test_a_batch_norm_normalises_both_paths_by_the_batch(judged):
    model, inputs, labels = network("linear", 3, norm="batch")
    method = judged(model, inputs, labels, **OPTIONS)
    P, alpha, u = ({m: method.judgement.of(part, m) for m in inputs} for part in ("prototypes", "strength", "masks"))
    total = loss_by_hand(method, P, alpha, u, inputs, labels)
    assert method.loss(inputs, labels)[0].item() == pytest.approx(total.item(), abs=1e-12)


@pytest.mark.parametrize("seed", range(4))
def test_any_judgement(judged, seed):
    """Strengths of 0 at some depths and not at others, as a real judgement seldom gives them."""
    model, inputs, labels = network("attention", 3)
    method = judged(model, inputs, labels, **OPTIONS)
    torch.manual_seed(seed)
    for m, depth in DEPTHS.items():
        for d in range(1, depth + 1):
            method.judgement.strength[f"{m}/{d}"].copy_(torch.rand(()) * (torch.rand(()) < 0.5))
            method.judgement.masks[f"{m}/{d}"].copy_(torch.rand(WIDTHS[m]) < 0.6)
            method.judgement.prototypes[f"{m}/{d}"].normal_()
    method.load_state_dict(method.state_dict())
    P, alpha, u = ({m: method.judgement.of(part, m) for m in inputs} for part in ("prototypes", "strength", "masks"))
    total = loss_by_hand(method, P, alpha, u, inputs, labels)
    assert method.loss(inputs, labels)[0].item() == pytest.approx(total.item(), abs=1e-12)
