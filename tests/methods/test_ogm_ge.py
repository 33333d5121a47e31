"""OGM-GE against a direct computation of its ratios, coefficients and gradients."""

import math

import pytest
import torch

from mmlib.methods import OGMGE, Joint
from mmlib.methods.ogm_ge import discrepancy_ratios, kernels


def by_hand(logits, labels, alpha):
    """rho and k per modality, sample by sample."""
    sums = {
        m: sum(math.exp(row[y]) / sum(map(math.exp, row)) for row, y in zip(z.tolist(), labels.tolist(), strict=True))
        for m, z in logits.items()
    }
    rho = {m: own / (sum(s for n, s in sums.items() if n != m) / (len(sums) - 1)) for m, own in sums.items()}
    return rho, {m: 1 - math.tanh(alpha * r) if r > 1 else 1.0 for m, r in rho.items()}


def shares(model, inputs):
    """W_m f_m + b/M of a linear head over concatenated features."""
    result, start = {}, 0
    for m, encoder in model.encoders.items():
        f = encoder(inputs[m])
        columns = model.fusion.head.weight[:, start : start + f.shape[1]]
        result[m] = f @ columns.T + model.fusion.head.bias / len(model.encoders)
        start += f.shape[1]
    return result


@pytest.mark.parametrize("modalities", [2, 3])
@pytest.mark.parametrize("encoder", ["mlp", "conv1d", "conv2d"])
def test_ratios_coefficients_and_gradients(problem, twin, gradients_of, modalities, encoder):
    model, inputs, labels = problem(modalities, encoder)
    rho, k = by_hand(shares(model, inputs), labels, alpha=0.8)
    plain = gradients_of(Joint(twin(model)), inputs, labels)
    method = OGMGE(twin(model), alpha=0.8, noise=False)
    ours = gradients_of(method, inputs, labels)
    logs = method.losses(inputs, labels)[1]
    for m in model.modalities:
        assert logs[f"rho/{m}"].item() == pytest.approx(rho[m], abs=1e-12)
        assert logs[f"k/{m}"].item() == pytest.approx(k[m], abs=1e-12)
        for name, p in method.model.encoders[m].named_parameters():
            name = f"model.encoders.{m}.{name}"
            torch.testing.assert_close(ours[name], plain[name] * (k[m] if p.ndim >= 2 else 1), rtol=0, atol=1e-12)
    assert min(k.values()) < 1
    assert max(k.values()) == 1  # a modality behind the others is left alone
    for name in (n for n in plain if n.startswith("model.fusion.")):
        assert torch.equal(ours[name], plain[name])


def test_of_a_convolutional_encoder_only_kernels_are_modulated(problem):
    resnet, transformer, mlp = (problem(encoder=e)[0].encoders["a"] for e in ("resnet18", "transformer", "mlp"))
    assert len(kernels(resnet)) == 20 and all(p.ndim == 4 for p in kernels(resnet))
    assert [p.ndim for p in kernels(mlp)] == [2, 2]
    assert kernels(transformer) and all(p.ndim == 2 for p in kernels(transformer))
    mixed = torch.nn.Sequential(torch.nn.Conv2d(1, 2, 3), torch.nn.Flatten(), torch.nn.Linear(2, 4))
    assert [p.ndim for p in kernels(mixed)] == [4]


def test_noise_has_the_spread_of_the_undamped_gradient(problem, twin, gradients_of):
    model, inputs, labels = problem()
    clean = gradients_of(OGMGE(twin(model), noise=False), inputs, labels)
    plain = gradients_of(Joint(twin(model)), inputs, labels)
    noisy = OGMGE(twin(model))
    optimizer = torch.optim.SGD(noisy.parameters(), lr=0.0)
    weight = "model.encoders.a.blocks.0.1.weight"
    parameter, biases = noisy.get_parameter(weight), noisy.get_parameter(weight.replace("weight", "bias"))
    torch.manual_seed(0)
    draws = []
    for _ in range(600):
        noisy.step(inputs, labels, optimizer)
        draws.append((parameter.grad - clean[weight]) / plain[weight].std())
        assert torch.equal(biases.grad, plain[weight.replace("weight", "bias")])
    draws = torch.stack(draws)  # 600 x 24 values that should be standard normal
    assert abs(draws.mean()) < 4 / math.sqrt(draws.numel())
    assert abs(draws.std() - 1) < 4 / math.sqrt(2 * draws.numel())
    assert draws.std(0).max() < 1.2 and draws.mean(0).abs().max() < 0.2


@pytest.mark.parametrize(("epoch", "inside"), [(0, False), (1, True), (3, True), (4, False)])
def test_window(problem, twin, gradients_of, epoch, inside):
    model, inputs, labels = problem()
    method = OGMGE(twin(model), modulation_start=1, modulation_end=3)
    method.begin_epoch(epoch, None)
    ours, plain = gradients_of(method, inputs, labels), gradients_of(Joint(twin(model)), inputs, labels)
    assert all(torch.equal(ours[name], plain[name]) for name in plain) != inside


def test_alpha_zero_without_noise_is_joint_training(problem, twin, trained, assert_same_state):
    model, inputs, labels = problem(3, norm="batch", dropout=0.2)
    ogm, joint = OGMGE(twin(model), alpha=0.0, noise=False), Joint(twin(model))
    trained(ogm, inputs, labels)
    trained(joint, inputs, labels)
    assert_same_state(ogm.model, joint.model)


@pytest.mark.parametrize("fusion", ["maxout", "film", "attention"])
def test_looking_at_one_modality_changes_nothing_in_the_network(problem, twin, trained, assert_same_state, fusion):
    """The shares of a fusion with batch-norm and dropout are extra passes: they leave statistics and draws alone."""
    model, inputs, labels = problem(fusion=fusion, norm="batch", dropout=0.2)
    ogm, joint = OGMGE(twin(model), alpha=0.0, noise=False), Joint(twin(model))
    trained(ogm, inputs, labels)
    trained(joint, inputs, labels)
    assert_same_state(ogm.model, joint.model)


def test_ratio_of_equal_modalities_is_one():
    logits = {m: torch.zeros(4, 3) for m in ("a", "v", "t")}
    rho = discrepancy_ratios(logits, torch.tensor([0, 1, 2, 0]))
    assert all(r == pytest.approx(1.0) for r in rho.values())


@pytest.mark.parametrize(
    ("options", "name"),
    [({"alpha": -1.0}, "alpha"), ({"alpha": math.nan}, "alpha"), ({"modulation_end": -1}, "modulation_end")],
)
def test_bad_options_raise_and_name_the_option(problem, options, name):
    with pytest.raises((TypeError, ValueError), match=f"^{name} must "):
        OGMGE(problem()[0], **options)
