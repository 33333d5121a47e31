"""OGM-GE against a direct computation of its ratios, coefficients and gradients."""

import math

import pytest
import torch
from torch import nn

from mmlib.methods import OGMGE, Joint
from mmlib.methods.ogm_ge import discrepancy_ratios, kernels, spread_of_used_rows
from mmlib.models import ConcatFusion, MultimodalModel, build_encoder


def by_hand(logits, labels, alpha):
    """rho and k per modality, sample by sample."""
    sums = {
        m: sum(math.exp(row[y]) / sum(map(math.exp, row)) for row, y in zip(z.tolist(), labels.tolist(), strict=True))
        for m, z in logits.items()
    }
    rho = {m: sum(own / s for n, s in sums.items() if n != m) / (len(sums) - 1) for m, own in sums.items()}
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


@pytest.mark.parametrize("modalities", [2, 3, 6])
@pytest.mark.parametrize("encoder", ["mlp", "conv1d", "conv2d"])
def test_ratios_coefficients_and_gradients(problem, twin, gradients_of, modalities, encoder):
    model, inputs, labels = problem(modalities, encoder)
    rho, k = by_hand(shares(model, inputs), labels, alpha=0.8)
    plain = gradients_of(Joint(twin(model)), inputs, labels)
    method = OGMGE(twin(model), alpha=0.8, noise=False)
    ours = gradients_of(method, inputs, labels)
    logs = method.loss(inputs, labels)[1]
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


def test_a_modality_is_compared_with_each_other_one():
    """With true-class sums of .9, .1 and .9: 1/2 (9 + 1) = 5, where the mean of the others would give 1.8."""
    logits = {
        m: torch.tensor([[p, 1 - p]], dtype=torch.double).log() for m, p in {"a": 0.9, "v": 0.1, "t": 0.9}.items()
    }
    rho = discrepancy_ratios(logits, torch.tensor([0]))
    assert [rho[m].item() for m in "avt"] == pytest.approx([5.0, 1 / 9, 5.0])


def test_a_modality_that_gives_the_truth_no_chance_leaves_the_ratios_finite():
    logits = {"a": torch.tensor([[9.0, 0.0]]), "v": torch.tensor([[-1e4, 1e4]])}
    rho = discrepancy_ratios(logits, torch.tensor([0]))
    assert rho["v"] == 0 and torch.isfinite(rho["a"]) and rho["a"] > 1e7


class OneByOne(nn.Module):
    """A convolution with a kernel of one element, in front of one with several."""

    def __init__(self):
        super().__init__()
        self.single, self.kernel = nn.Conv2d(1, 1, 1), nn.Conv2d(1, 4, 3)

    def forward(self, x):
        return self.kernel(self.single(x)).flatten(2).mean(2)


class Scale(nn.Module):
    """An encoder without convolutions whose first matrix has one element."""

    def __init__(self):
        super().__init__()
        self.single, self.matrix = nn.Linear(1, 1), nn.Linear(1, 4)

    def forward(self, x):
        return self.matrix(self.single(x))


@pytest.mark.parametrize(("kind", "shape"), [(OneByOne, (1, 6, 6)), (Scale, (1,))])
@pytest.mark.filterwarnings("error")  # PyTorch warns of the deviation of one number
def test_a_weight_of_one_element_is_damped_and_gets_no_noise(gradients_of, twin, kind, shape):
    torch.manual_seed(0)
    model = MultimodalModel({m: kind() for m in "av"}, ConcatFusion({"a": 4, "v": 4}, 3)).double()
    inputs, labels = {m: torch.randn(5, *shape, dtype=torch.double) for m in "av"}, torch.arange(5) % 3
    plain = gradients_of(Joint(twin(model)), inputs, labels)
    method = OGMGE(twin(model))
    ours = gradients_of(method, inputs, labels)
    logs = method.loss(inputs, labels)[1]
    for m in "av":
        name = f"model.encoders.{m}.single.weight"
        torch.testing.assert_close(ours[name], plain[name] * logs[f"k/{m}"], rtol=0, atol=1e-14)
    assert min(logs["k/a"], logs["k/v"]) < 1
    assert all(torch.isfinite(grad).all() for grad in ours.values())


def test_an_embedding_gets_noise_for_the_tokens_of_the_batch_only(problem, twin, gradients_of):
    """Rows of tokens that are not there, and positions behind the end, are left alone; the others vary as they do."""
    torch.manual_seed(0)
    encoders = {
        "a": build_encoder("transformer", (4,), vocabulary=50, length=9, width=8, depth=1, heads=2, dropout=0.0),
        "v": build_encoder("mlp", (4,), width=8, depth=1),
    }
    model = MultimodalModel(encoders, ConcatFusion({"a": 8, "v": 8}, 3)).double()
    tokens = torch.tensor([[1, 2, 3, 1], [7, 2, 2, 2], [49, 1, 3, 3]])
    inputs, labels = {"a": tokens, "v": torch.randn(3, 4, dtype=torch.double)}, torch.tensor([0, 1, 2])
    clean = gradients_of(OGMGE(twin(model), noise=False), inputs, labels)
    plain = gradients_of(Joint(twin(model)), inputs, labels)
    noisy = OGMGE(twin(model))
    present = {"embed.weight": tokens.unique(), "positions": torch.arange(4)}
    draws = {name: [] for name in present}
    for _ in range(300):
        noisy.step(inputs, labels, torch.optim.SGD(noisy.parameters(), lr=0.0))
        for name, rows in present.items():
            full = f"model.encoders.a.blocks.0.{name}"
            noise = noisy.get_parameter(full).grad - clean[full]
            absent = [i for i in range(len(noise)) if i not in rows]
            assert absent and not noise[absent].any() and noise[rows].all()
            draws[name].append(noise[rows] / plain[full][rows].std())
    for values in map(torch.stack, draws.values()):
        assert abs(values.std() - 1) < 4 / math.sqrt(2 * values.numel())
        assert abs(values.mean()) < 4 / math.sqrt(values.numel())


def test_a_table_without_any_gradient_stays_without():
    grad = torch.zeros(4, 3)
    assert torch.equal(spread_of_used_rows(grad), torch.zeros(4, 1))
    grad[2, 0] = 5.0
    used = spread_of_used_rows(grad)
    assert used[2, 0] == pytest.approx(grad[2].std().item()) and not used[[0, 1, 3]].any()
    assert not spread_of_used_rows(torch.tensor([[0.0], [2.0]])).any()  # the deviation of one number


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
