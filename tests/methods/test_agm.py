"""Properties of AGM: what must hold for any network, any number of modalities and any fusion."""

import copy
import math

import pytest
import torch
from torch import nn

from mmlib.methods import AGM, Joint
from mmlib.methods.agm import responses
from mmlib.models import FUSIONS, MultimodalModel

EVERY_FUSION = ("concat", "sum", "linear", "gated", "film", "attention", "maxout")
TAKES_ANY = ("concat", "sum", "linear", "attention", "maxout")


@pytest.mark.parametrize(
    ("fusion", "modalities"), [(f, 2) for f in EVERY_FUSION] + [(f, m) for f in TAKES_ANY for m in (3, 4, 5)]
)
def test_responses_add_up_to_the_logits(problem, fusion, modalities):
    model, inputs, _ = problem(modalities, fusion=fusion, norm="batch", dropout=0.3)
    features = model.encode(inputs)
    full = model.fuse(features)
    phi = responses(model, inputs, features, full)
    assert list(phi) == list(model.modalities)
    torch.testing.assert_close(sum(phi.values()), full, rtol=0, atol=1e-12)
    assert not any(torch.allclose(p, full / modalities, atol=1e-6) for p in phi.values())


@pytest.mark.parametrize("options", [{}, {"norm": "batch", "dropout": 0.3}], ids=["plain", "bn_dropout"])
@pytest.mark.parametrize("fusion", EVERY_FUSION)
def test_alpha_zero_is_joint_training(problem, twin, trained, assert_same_state, fusion, options):
    model, inputs, labels = problem(fusion=fusion, **options)
    agm, joint = AGM(twin(model), alpha=0.0), Joint(twin(model))
    logs, plain = trained(agm, inputs, labels), trained(joint, inputs, labels)
    assert_same_state(agm.model, joint.model, atol=1e-12)
    assert abs(logs["loss"] - plain["loss"]) < 1e-12
    with pytest.raises(AssertionError):
        assert_same_state(agm.model, model, atol=1e-3)


@pytest.mark.parametrize("fusion", ["concat", "maxout"])
@pytest.mark.parametrize("epoch", [0, 5])
def test_outside_the_window_it_is_joint_training_that_keeps_scores(
    problem, twin, trained, assert_same_state, fusion, epoch
):
    model, inputs, labels = problem(3, fusion=fusion, norm="batch", dropout=0.3)
    agm, joint = AGM(twin(model), alpha=2.0, modulation_start=1, modulation_end=4), Joint(twin(model))
    agm.begin_epoch(epoch, None)
    logs = trained(agm, inputs, labels)
    trained(joint, inputs, labels)
    assert_same_state(agm.model, joint.model, atol=1e-12)
    assert [logs[f"kappa/{m}"].item() for m in model.modalities] == [1.0, 1.0, 1.0]
    assert agm.steps == 3 and (agm.running_scores > 0).all()


@pytest.mark.parametrize("epoch", [1, 4])
def test_both_ends_of_the_window_are_inside(problem, trained, epoch):
    model, inputs, labels = problem()
    agm = AGM(model, modulation_start=1, modulation_end=4)
    agm.begin_epoch(epoch, None)
    assert trained(agm, inputs, labels)["kappa/a"] != 1


def test_running_scores_do_not_depend_on_the_window(problem, twin):
    model, inputs, labels = problem(norm="batch")
    inside, outside = AGM(twin(model)), AGM(twin(model), modulation_start=9)
    for method in (inside, outside):
        method.step(inputs, labels, torch.optim.SGD(method.parameters(), lr=0.1))
    torch.testing.assert_close(inside.running_scores, outside.running_scores, rtol=0, atol=1e-12)


@pytest.mark.parametrize("epoch", [0, 9], ids=["inside", "outside"])
@pytest.mark.parametrize("fusion", ["concat", "maxout"])
def test_running_statistics_change_once_per_step(problem, twin, trained, fusion, epoch):
    model, inputs, labels = problem(3, fusion=fusion, norm="batch")
    agm, joint = AGM(twin(model), modulation_end=8), Joint(twin(model))
    agm.begin_epoch(epoch, None)
    for method in (agm, joint):
        trained(method, inputs, labels, steps=1)
    before, after = dict(model.named_buffers()), dict(agm.model.named_buffers())
    assert before
    for name, plain in joint.model.named_buffers():
        assert torch.equal(after[name], plain), name
        assert not torch.equal(after[name], before[name]), name
        if name.endswith("num_batches_tracked"):
            assert after[name] == before[name] + 1


@pytest.mark.parametrize("modalities", [2, 3])
def test_affine_fusion_scales_weights_by_kappa_and_biases_by_its_mean(problem, twin, gradients_of, modalities):
    """One linear map per encoder, late fusion, no normalisation: the case agm.md works out by hand."""
    model, inputs, labels = problem(modalities, depth=1)
    for encoder in model.encoders.values():
        encoder.blocks[0] = encoder.blocks[0][:-1]  # without ReLU the whole network is affine
    agm = AGM(twin(model), alpha=2.0)
    modulated, plain = gradients_of(agm, inputs, labels), gradients_of(Joint(twin(model)), inputs, labels)
    logs = agm.loss(inputs, labels)[1]  # the second step of a constant network: tau differs, r does not
    kappa = {m: torch.exp(2.0 * (1 - logs[f"ratio/{m}"])) for m in model.modalities}
    mean = sum(kappa.values()) / modalities
    for m, k in kappa.items():
        weight, bias = (f"model.encoders.{m}.blocks.0.1.{name}" for name in ("weight", "bias"))
        torch.testing.assert_close(modulated[weight], k * plain[weight], rtol=0, atol=1e-12)
        torch.testing.assert_close(modulated[bias], mean * plain[bias], rtol=0, atol=1e-12)
        assert abs(k - mean) > 0.01


def test_no_gradient_flows_through_kappa(problem, twin):
    """The loss is sum_m kappa_m phi_m with constant kappa: its gradient is the same when kappa comes from elsewhere."""
    model, inputs, labels = problem(fusion="film")
    agm = AGM(twin(model), alpha=1.3)
    logs = agm.step(inputs, labels, torch.optim.SGD(agm.parameters(), lr=0.0))
    features = model.encode(inputs)
    full = model.fuse(features)
    phi = responses(model, inputs, features, full)
    arriving = (full.softmax(1) - nn.functional.one_hot(labels, 3)).detach() / len(labels)
    sum((logs[f"kappa/{m}"] * arriving * p).sum() for m, p in phi.items()).backward()
    for ours, theirs in zip(agm.model.parameters(), model.parameters(), strict=True):
        torch.testing.assert_close(ours.grad, theirs.grad, rtol=0, atol=1e-12)
    _, attached = agm.loss(inputs, labels)
    assert not any(value.requires_grad for value in (*attached.values(), agm.running_scores))


def test_scores_are_averaged_over_all_steps_of_all_epochs(problem):
    model, inputs, labels = problem()
    agm = AGM(model)
    optimizer = torch.optim.SGD(agm.parameters(), lr=0.5)
    seen, before = [], []
    for epoch in range(3):
        agm.begin_epoch(epoch, None)
        for _ in range(2):
            before.append(agm.running_scores.clone())
            logs = agm.step(inputs, labels, optimizer)
            seen.append(torch.stack([logs["score/a"], logs["score/v"]]))
            difference = before[-1][1] - before[-1][0]  # tau looks at the means from before this batch
            assert logs["target/a"] == pytest.approx(math.exp(difference), abs=1e-12)
    torch.testing.assert_close(agm.running_scores, torch.stack(seen).mean(0), rtol=0, atol=1e-12)
    assert agm.steps == 6


@pytest.mark.parametrize(("margin", "clipped"), [(1.001, False), (0.999, True)])
@pytest.mark.parametrize("fusion", ["concat", "sum", "maxout"])
def test_theta_clips_the_global_norm_when_the_head_exceeds_it(problem, twin, gradients_of, fusion, margin, clipped):
    model, inputs, labels = problem(fusion=fusion)
    free = AGM(twin(model))
    before = gradients_of(free, inputs, labels)
    theta = margin * max(w.grad.abs().max().item() for w in free.model.fusion.last_weights)
    after = gradients_of(AGM(twin(model), theta=theta), inputs, labels)
    norm = math.sqrt(sum(g.square().sum().item() for g in before.values()))
    assert norm > theta
    for name, g in before.items():
        torch.testing.assert_close(after[name], g * (theta / norm) if clipped else g, rtol=0, atol=1e-12)


def test_dtype_follows_the_model(problem, twin, trained, assert_same_state):
    model, inputs, labels = problem(dtype=torch.float32)
    agm = AGM(model)
    model.double()
    inputs = {m: x.double() for m, x in inputs.items()}
    reference = AGM(twin(model))
    logs = trained(agm, inputs, labels)
    trained(reference, inputs, labels)
    assert agm.running_scores.dtype == torch.float64
    assert all(value.dtype == torch.float64 for value in logs.values())
    assert_same_state(agm, reference)


def test_steps_can_be_set(problem):
    agm = AGM(problem()[0])
    agm.steps = 7
    assert agm.steps == 7
    agm.steps = torch.tensor(9)
    assert agm.steps == 9 and agm.steps.dtype == torch.long


def test_cap_bounds_kappa(problem):
    model, inputs, labels = problem()
    agm = AGM(model, alpha=2.0, cap=0.1)
    agm.running_scores.copy_(torch.tensor([0.0, 5.0]))
    logs = agm.step(inputs, labels, torch.optim.SGD(agm.parameters(), lr=0.0))
    assert logs["kappa/a"] == pytest.approx(math.exp(0.2), abs=1e-12)
    assert logs["kappa/v"] < 1


def test_the_scores_are_of_the_batch_that_is_trained_on(problem):
    """A copy of the network says what the step must log, from the evaluation-free definition s_m = CE(phi_m)."""
    model, inputs, labels = problem(3)
    frozen = copy.deepcopy(model)
    features = frozen.encode(inputs)
    phi = responses(frozen, inputs, features, frozen.fuse(features))
    logs = AGM(model).step(inputs, labels, torch.optim.SGD(model.parameters(), lr=0.1))
    for m in model.modalities:
        assert logs[f"score/{m}"] == pytest.approx(nn.functional.cross_entropy(phi[m], labels).item(), abs=1e-12)


@pytest.mark.parametrize(
    ("options", "name"),
    [
        ({"alpha": -0.1}, "alpha"),
        ({"alpha": math.nan}, "alpha"),
        ({"alpha": math.inf}, "alpha"),
        ({"alpha": "1"}, "alpha"),
        ({"cap": -1.0}, "cap"),
        ({"cap": math.nan}, "cap"),
        ({"theta": -1.0}, "theta"),
        ({"theta": math.nan}, "theta"),
        ({"modulation_start": -1}, "modulation_start"),
        ({"modulation_start": 0.5}, "modulation_start"),
        ({"modulation_start": 3, "modulation_end": 2}, "modulation_end"),
        ({"modulation_end": math.nan}, "modulation_end"),
    ],
)
def test_bad_options_raise_and_name_the_option(problem, options, name):
    with pytest.raises((TypeError, ValueError), match=f"^{name} must "):
        AGM(problem()[0], **options)


def test_theta_clips_linear_fusion_as_it_clips_concatenation():
    """The same function must be trained the same way: all of the last map is looked at, not one modality's part."""
    grads = {}
    generator = torch.Generator().manual_seed(0)
    weight = torch.randn(3, 4, generator=generator, dtype=torch.double)
    inputs = {m: k * torch.randn(6, 2, generator=generator, dtype=torch.double) for m, k in (("a", 0.01), ("v", 50.0))}
    for name in ("concat", "linear"):
        model = MultimodalModel({m: nn.Identity() for m in "av"}, FUSIONS[name]({"a": 2, "v": 2}, 3)).double()
        with torch.no_grad():
            model.fusion.bias.zero_() if name == "linear" else model.fusion.head.bias.zero_()
            for part, w in zip(weight.split(2, 1), model.fusion.last_weights):
                w.copy_(part if name == "linear" else weight)
        agm = AGM(model, alpha=0.0, theta=0.5)
        agm.step(inputs, torch.tensor([0, 1, 2, 0, 1, 2]), torch.optim.SGD(agm.parameters(), lr=0.0))
        grads[name] = torch.cat([w.grad for w in model.fusion.last_weights], 1)
    torch.testing.assert_close(grads["linear"], grads["concat"], rtol=0, atol=1e-12)
    assert grads["concat"].norm() <= 0.5
