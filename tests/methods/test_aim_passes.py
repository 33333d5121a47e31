"""The two passes of a step: running statistics of the first alone, a shared beginning, and nothing left behind."""

import pytest
import torch

from mmlib.methods import AIM, Joint
from mmlib.methods.aim.pam import auxiliary_logits, modulated_features
from mmlib.models import build_encoder

ENCODERS = {
    "mlp": ((4,), {"width": 6, "depth": 3}),
    "conv1d": ((2, 16), {"width": 6, "depth": 3, "norm": "batch"}),
    "conv2d": ((1, 8, 8), {"width": 6, "depth": 2, "norm": "batch"}),
    "resnet18": ((1, 32, 32), {"norm": "batch"}),
    "transformer": ((5, 3), {"width": 8, "depth": 2, "heads": 2, "feedforward": 8, "dropout": 0.0}),
}
DEPTH = {"mlp": 3, "conv1d": 3, "conv2d": 2, "resnet18": 5, "transformer": 3}


def ahead(problem, **options):
    """A network whose modality a tells the classes, so that it is modulated: (model, inputs, labels)."""
    model, inputs, labels = problem(**{"rows": 20, **options})
    inputs["a"][:, 0] += 4 * labels
    return model, inputs, labels


def hooks(module):
    return [len(v) for m in module.modules() for name, v in sorted(vars(m).items()) if name.endswith("_hooks")]


def tracking(module):
    return [getattr(m, "track_running_stats", None) for m in module.modules()]


@pytest.mark.parametrize("fusion", ["linear", "maxout"])
@pytest.mark.parametrize("path", ["dual", "aux_only"])
def test_running_statistics_are_those_of_the_full_pass_alone(problem, judged, twin, fusion, path):
    model, inputs, labels = ahead(problem, fusion=fusion, norm="batch")
    method = judged(model, inputs, labels, path=path).train()
    assert method.judgement.first
    joint = Joint(twin(model)).train()
    for each in (method, joint):
        torch.manual_seed(5)  # the same dropout in the full pass
        each.step(inputs, labels, torch.optim.SGD(each.parameters(), lr=0.0))
    ours, theirs = dict(model.named_buffers()), dict(joint.model.named_buffers())
    assert ours.keys() == theirs.keys() and ours
    assert all(torch.equal(ours[name], theirs[name]) for name in ours)


def test_nothing_is_hooked_or_switched_after_a_step(problem, judged):
    model, inputs, labels = ahead(problem, fusion="maxout", norm="batch")
    before = hooks(model), tracking(model)
    method = judged(model, inputs, labels)
    method.train().step(inputs, labels, torch.optim.SGD(method.parameters(), lr=0.1))
    assert (hooks(model), tracking(model)) == before


def test_nor_after_an_exception_in_the_auxiliary_pass(problem, judged, monkeypatch):
    model, inputs, labels = ahead(problem, fusion="maxout", norm="batch")
    method = judged(model, inputs, labels)
    before, fuse, calls = (hooks(model), tracking(model)), model.fuse, []

    def broken(features):
        calls.append(1)
        if len(calls) == 2:
            raise ZeroDivisionError
        return fuse(features)

    monkeypatch.setattr(model, "fuse", broken)
    with pytest.raises(ZeroDivisionError):
        method.train().step(inputs, labels, torch.optim.SGD(method.parameters(), lr=0.1))
    assert (hooks(model), tracking(model)) == before


@pytest.mark.parametrize(("kind", "first"), [(kind, first) for kind in ENCODERS for first in range(DEPTH[kind])])
def test_the_shared_beginning_is_the_same_as_running_all_blocks_again(kind, first):
    torch.manual_seed(first)
    shape, options = ENCODERS[kind]
    encoder = build_encoder(kind, shape, **options).double()
    assert len(encoder.blocks) == DEPTH[kind]
    x = torch.randn(4, *shape, dtype=torch.double)
    outputs = encoder.outputs(x)
    axis = -1 if kind == "transformer" else 1
    alpha = [torch.rand(()).double() * (d >= first) for d in range(len(outputs))]
    u = [(torch.rand(h.shape[axis]) < 0.4).double() for h in outputs]
    found = modulated_features(encoder, outputs, alpha, u, first)
    h = x
    for block, a, mask in zip(encoder.blocks, alpha, u, strict=True):
        h = block(h)
        h = torch.stack([h.select(axis, c) * (1 - a * (1 - mask[c])) for c in range(len(mask))], axis)
    torch.testing.assert_close(found, encoder.pool(h), rtol=0, atol=1e-12)


def test_blocks_up_to_the_first_modulated_one_run_once(problem, judged):
    model, inputs, labels = ahead(problem, depth=3, fusion="linear")
    method = judged(model, inputs, labels, dam="last")
    assert method.judgement.first == {"a": 2}
    runs = {(m, d): [] for m in "av" for d in range(3)}
    for (m, d), seen in runs.items():
        model.encoders[m].blocks[d].register_forward_hook(lambda *_, seen=seen: seen.append(1))
    method.loss(inputs, labels)
    assert {len(seen) for seen in runs.values()} == {1}
    method = judged(model, inputs, labels, dam="const")
    for seen in runs.values():
        seen.clear()
    method.loss(inputs, labels)
    assert {block: len(seen) for block, seen in runs.items()} == {
        ("a", 0): 1, ("a", 1): 2, ("a", 2): 2, ("v", 0): 1, ("v", 1): 1, ("v", 2): 1,
    }  # fmt: skip


def test_a_modality_that_is_not_ahead_takes_its_full_features(problem, judged):
    model, inputs, labels = ahead(problem, fusion="linear")
    method = judged(model, inputs, labels)
    assert set(method.judgement.first) == {"a"}
    outputs = {m: e.outputs(inputs[m]) for m, e in model.encoders.items()}
    features = {m: model.encoders[m].pool(blocks[-1]) for m, blocks in outputs.items()}
    seen, fuse = {}, model.fuse
    model.fuse = lambda f: seen.update(f) or fuse(f)
    auxiliary_logits(model, method.judgement, outputs, features)
    assert seen["v"] is features["v"] and not torch.allclose(seen["a"], features["a"])


def test_dropout_is_the_same_in_both_passes_up_to_the_first_modulated_block(problem, judged):
    """With one block, the auxiliary features are the full ones times their factors, dropout and all."""
    model, inputs, labels = ahead(problem, depth=1, dropout=0.5, fusion="linear")
    method = judged(model, inputs, labels).train()
    h = model.encoders["a"].outputs(inputs["a"])
    alpha, u = (method.judgement.of(part, "a") for part in ("strength", "masks"))
    found = modulated_features(model.encoders["a"], h, alpha, u, 0)
    assert torch.equal(found, h[0] * (1 - alpha[0] * (1 - u[0])))


def test_inference_is_the_ordinary_network(problem, judged):
    model, inputs, labels = ahead(problem, norm="batch", dropout=0.3)
    method = judged(model, inputs, labels)
    expected = model.eval()(inputs).detach()
    assert torch.equal(method.train().predict(inputs), expected)
    assert sum(p.numel() for p in AIM(model).parameters()) == sum(p.numel() for p in model.parameters())
