"""MCR as a whole: its total and gradients put together by hand, its limits, its logs, its training."""

import math

import pytest
import torch
import torch.nn.functional as F

from mmlib.coalitions import subsets
from mmlib.data import load
from mmlib.methods import MCR, Ensemble, Joint, MultiLoss
from mmlib.methods.mcr import contrastive, divergences
from mmlib.methods.mcr.game import STRATEGIES
from mmlib.methods.mcr.perturb import MODES, draw_pairs
from mmlib.models import build_model
from mmlib.training import evaluate, fit

BARE = {"lambda_mi": 0.0, "lambda_con": 0.0}
WEIGHTS = {"lambda_uni": 0.3, "lambda_mi": 0.7, "lambda_con": 0.2, "lambda_ceb": 0.4}
FUSIONS = [(f, m) for f in ("concat", "sum", "linear", "attention", "maxout") for m in (2, 3)]
FUSIONS += [("gated", 2), ("film", 2)]


def with_heads_of(method, other):
    """``method`` with the unimodal heads of ``other``."""
    method.heads.load_state_dict(other.heads.state_dict())
    return method


def r_by_hand(method, features, labels):
    """R as the paper writes it, of the permutations that the step with this random state draws."""
    donors, keep, factor = draw_pairs(labels, method.model.modalities, method.K, method.mode)
    names, signs = method.model.modalities, {"greedy": 1, "independent": 0}
    options = {"detach_reference": method.detach_reference}
    if method.strategy == "collaborative":
        j = divergences(method.model.fusion, features, donors, keep, **options)
        return -factor.to(torch.double) * sum(j.values())
    terms = [
        j * (-1 if m in s else signs[method.strategy])
        for m in names
        for s, j in divergences(method.model.fusion, features, donors, keep, through=(m,), **options).items()
    ]
    return factor.to(torch.double) * sum(terms)


def total_by_hand(method, inputs, labels):
    features = method.model.encode(inputs)
    logits = method.model.fuse(features)
    hidden = F.relu(logits.detach() @ method.bottleneck.h1.weight.T)
    guess = hidden @ method.bottleneck.h2.weight.T
    return (
        F.cross_entropy(logits, labels)
        + 0.3 * sum(F.cross_entropy(head(features[m]), labels) for m, head in method.heads.items())
        + 0.7 * r_by_hand(method, features, labels)
        + 0.2 * contrastive(features, labels, 0.5)
        + 0.4 * (torch.cat(list(features.values()), 1) - guess).square().mean()
    )


@pytest.mark.parametrize("detach", [False, True])
@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("strategy", STRATEGIES)
@pytest.mark.parametrize(("fusion", "modalities"), [("linear", 2), ("linear", 3), ("attention", 3)])
def test_a_step_is_the_sum_of_its_parts(problem, twin, gradients_of, fusion, modalities, strategy, mode, detach):
    model, inputs, labels = problem(modalities, fusion=fusion)
    method = MCR(model, strategy, K=4, mode=mode, detach_reference=detach, **WEIGHTS)
    found = gradients_of(twin(method), inputs, labels)
    torch.manual_seed(100)
    total = total_by_hand(method, inputs, labels)
    total.backward()
    for name, p in method.named_parameters():
        torch.testing.assert_close(found[name], p.grad, rtol=0, atol=1e-12, msg=lambda text, n=name: f"{n}: {text}")
    torch.manual_seed(100)
    assert method.loss(inputs, labels)[0].item() == pytest.approx(total.item(), abs=1e-12)


@pytest.mark.parametrize("term", ["mi", "con", "ceb", "uni"])
def test_every_term_counts(problem, twin, gradients_of, term):
    """A term that is computed and never added to the total would change nothing."""
    model, inputs, labels = problem(fusion="linear")
    method = MCR(model, K=4, **WEIGHTS)
    with_term, without = twin(method), twin(method)
    setattr(without, f"lambda_{term}", 0.0)
    ours, theirs = (gradients_of(m, inputs, labels) for m in (with_term, without))
    for m in model.modalities:
        name = f"model.encoders.{m}.blocks.0.1.weight"
        assert not torch.allclose(ours[name], theirs[name], atol=1e-6)


@pytest.mark.parametrize("modalities", [2, 3])
def test_logs(problem, modalities):
    model, inputs, labels = problem(modalities, fusion="linear")
    method = MCR(model, K=4, **WEIGHTS)
    torch.manual_seed(5)
    logs = method.step(inputs, labels, torch.optim.SGD(method.parameters(), lr=0.0))
    losses = {"loss", "loss/joint", "loss/con", "loss/ceb", *(f"loss/{m}" for m in model.modalities)}
    coalitions = subsets(model.modalities)[:-1]
    assert logs.keys() == losses | {f"J/{'+'.join(s)}" for s in coalitions}
    assert not any(value.requires_grad for value in logs.values())
    torch.manual_seed(5)
    donors, keep, _ = draw_pairs(labels, model.modalities, 4, "rand")
    for s, j in divergences(model.fusion, model.encode(inputs), donors, keep).items():
        assert logs[f"J/{'+'.join(s)}"].item() == pytest.approx(j.item(), abs=1e-13)


def test_the_temperature_reaches_the_contrastive_term(problem):
    model, inputs, labels = problem()
    _, logs = MCR(model, temperature=0.1).loss(inputs, labels)
    assert (
        logs["loss/con"] == contrastive(model.encode(inputs), labels, 0.1) != contrastive(model.encode(inputs), labels)
    )


def test_a_term_without_weight_is_not_computed(problem):
    model, inputs, labels = problem()
    _, logs = MCR(model, **BARE).loss(inputs, labels)
    assert logs.keys() == {"loss/joint", "loss/a", "loss/v"}
    assert not any("bottleneck" in name for name, _ in MCR(model).named_parameters())


@pytest.mark.parametrize(("fusion", "modalities"), FUSIONS)
def test_with_the_unimodal_term_alone_it_is_multi_loss(problem, twin, trained, assert_same_state, fusion, modalities):
    model, inputs, labels = problem(modalities, fusion=fusion, norm="batch", dropout=0.2)
    other = MultiLoss(twin(model))
    mcr = with_heads_of(MCR(twin(model), lambda_uni=1.0, **BARE), other)
    for method in (mcr, other):
        trained(method, inputs, labels)
    assert_same_state(mcr, other, atol=1e-12)


def test_without_any_term_it_is_joint_training(problem, twin, trained, assert_same_state):
    model, inputs, labels = problem(3, norm="batch", dropout=0.2)
    mcr, other = MCR(twin(model), lambda_uni=0.0, **BARE), Joint(twin(model))
    for method in (mcr, other):
        trained(method, inputs, labels)
    assert_same_state(mcr.model, other.model, atol=1e-12)


def test_pretraining_is_an_ensemble_and_ends_in_time(problem, twin, trained, gradients_of, assert_same_state):
    model, inputs, labels = problem(norm="batch", dropout=0.2)
    ensemble = Ensemble(twin(model))
    mcr = with_heads_of(MCR(twin(model), pretrain_epochs=2), ensemble)
    mcr.begin_epoch(1, None)
    found = gradients_of(twin(mcr), inputs, labels)
    assert all((g is None) == name.startswith("model.fusion.") for name, g in found.items())
    for method in (mcr, ensemble):
        trained(method, inputs, labels)
    assert_same_state(mcr.model, ensemble.model, atol=1e-12)
    assert_same_state(mcr.heads, ensemble.heads, atol=1e-12)
    always = with_heads_of(MCR(twin(mcr.model)), mcr)
    mcr.begin_epoch(2, None)
    torch.testing.assert_close(gradients_of(mcr, inputs, labels), gradients_of(always, inputs, labels))


def test_the_fused_logits_decide(problem):
    model, inputs, _ = problem(norm="batch")
    assert torch.equal(MCR(model).predict(inputs), model.eval()(inputs).detach())


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_numbers_are_of_the_models_type(problem, dtype, mode):
    model, inputs, labels = problem(fusion="linear", dtype=dtype)
    method = MCR(model, mode=mode, K=4, lambda_ceb=0.1)
    logs = method.step(inputs, labels, torch.optim.SGD(method.parameters(), lr=0.1))
    assert {value.dtype for value in (*logs.values(), *method.parameters())} == {dtype}


@pytest.mark.parametrize(
    ("encoder", "modalities"),
    [(e, m) for e in ("mlp", "conv1d", "conv2d", "transformer") for m in (2, 3)] + [("resnet18", 2)],
)
def test_every_encoder_trains(problem, trained, encoder, modalities):
    assert_trains(problem(modalities, encoder, "linear"), trained)


@pytest.mark.parametrize(("fusion", "modalities"), FUSIONS)
def test_every_fusion_trains(problem, trained, fusion, modalities):
    assert_trains(problem(modalities, fusion=fusion, norm="batch", dropout=0.2), trained)


def assert_trains(batch, trained):
    model, inputs, labels = batch
    method = MCR(model, K=4, lambda_ceb=0.1)
    logs = trained(method, inputs, labels, steps=2)
    assert all(torch.isfinite(value) for value in logs.values())
    assert all(torch.isfinite(p).all() and p.grad is not None for p in method.parameters())


@pytest.mark.parametrize("strategy", ["independent", "collaborative"])
def test_the_regulariser_makes_the_prediction_depend_more_on_its_inputs(problem, twin, trained, strategy):
    model, inputs, labels = problem(rows=12, fusion="linear")
    weights = {"lambda_con": 0.0, "lambda_uni": 0.0, "K": 8}
    plain, played = (MCR(twin(model), strategy, lambda_mi=w, **weights) for w in (1e-9, 3.0))
    before, after = (trained(method, inputs, labels, steps=10) for method in (plain, played))
    assert after["J/a"] + after["J/v"] > 1.3 * (before["J/a"] + before["J/v"])


SMALL = {"samples": (200, 100, 300), "classes": 3}


def small_model():
    torch.manual_seed(0)
    return build_model({"a": (100,), "b": (100,)}, 3, width=8, depth=1, dropout=0.2, fusion="linear")


@pytest.mark.parametrize("strategy", STRATEGIES)
def test_it_learns(strategy):
    data, method = load("synthetic", **SMALL), MCR(small_model(), strategy)
    history = fit(method, data, epochs=8, lr=0.05, device="cpu")
    assert history.epochs[-1]["loss/joint"] < 0.7 * history.epochs[0]["loss/joint"]
    assert evaluate(method, data.test)["accuracy"] > 0.5  # chance is a third
    assert all(0 < epoch[f"J/{m}"] < math.log(2) for epoch in history.epochs for m in "ab")


@pytest.mark.parametrize(
    "options", [{}, {"mode": "no_self", "second_pass": True}, {"perturbation": "noise_latent"}], ids=str
)
def test_a_resumed_run_ends_with_the_same_bits(tmp_path, assert_same_state, options):
    """Broken off in the pretraining, so that its end must come at the right epoch too."""
    arguments = {"epochs": 4, "batch_size": 50, "device": "cpu"}
    unbroken, broken, resumed = (MCR(small_model(), lambda_ceb=0.1, pretrain_epochs=2, **options) for _ in range(3))
    data = load("synthetic", **SMALL)

    def stop(epoch, _):
        if epoch == 1:
            raise KeyboardInterrupt
        return {}

    expected = fit(unbroken, data, **arguments)
    with pytest.raises(KeyboardInterrupt):
        fit(broken, data, checkpoint=tmp_path / "c.pt", checkpoint_every=0.0, on_epoch=stop, **arguments)
    assert fit(resumed, data, checkpoint=tmp_path / "c.pt", **arguments) == expected
    assert_same_state(resumed, unbroken)
