"""Judging the network changes nothing but the judgement: no weight, gradient, buffer, flag, hook or random number."""

import pytest
import torch

from mmlib.methods import AIM

NOISY = {"norm": "batch", "dropout": 0.3, "rows": 20}


def everything(model):
    """All that judging could change in a network."""
    return {
        "state": {name: value.clone() for name, value in model.state_dict().items()},
        "gradients": {name: None if p.grad is None else p.grad.clone() for name, p in model.named_parameters()},
        "asks": {name: p.requires_grad for name, p in model.named_parameters()},
        "training": {name: m.training for name, m in model.named_modules()},
        "hooks": {name: hooks_of(m) for name, m in model.named_modules()},
        "tracking": {name: getattr(m, "track_running_stats", None) for name, m in model.named_modules()},
    }


def hooks_of(module):
    return sum(len(value) for name, value in vars(module).items() if name.endswith("_hooks"))


def assert_same(one, other):
    torch.testing.assert_close(one, other, rtol=0, atol=0)


def odd_network(problem, **more):
    """A network with gradients, a frozen weight, and some layers in training mode and some not."""
    model, inputs, labels = problem(3, fusion="maxout", **NOISY, **more)
    model(inputs).sum().backward()
    model.encoders["v"].eval()
    model.encoders["a"].blocks[0][1].weight.requires_grad_(False)
    return model, inputs, labels


@pytest.mark.parametrize("proto", ["learned", "class_mean"])
@pytest.mark.parametrize("objective", ["split", "joint"])
def test_the_network_stays_as_it_is(problem, as_data, proto, objective):
    model, inputs, labels = odd_network(problem)
    data, method = as_data(inputs, labels), AIM(model, proto=proto, objective=objective, warm_up=0, every=1)
    before = everything(model)
    for epoch in range(2):
        method.begin_epoch(epoch, data)
        assert method.judgement
        assert_same(everything(model), before)


@pytest.mark.parametrize("encoder", ["conv1d", "transformer"])
def test_so_does_one_of_other_encoders(problem, as_data, encoder):
    model, inputs, labels = problem(2, encoder, rows=9)
    method, before = AIM(model, warm_up=0), everything(model)
    method.begin_epoch(0, as_data(inputs, labels))
    assert_same(everything(model), before)


@pytest.mark.parametrize("when", [0, 7, 200])
def test_an_exception_in_the_middle_changes_nothing_either(problem, as_data, monkeypatch, when):
    """Broken off in a step of learning, or (200) in what follows; the random numbers go on as if nothing had been."""
    model, inputs, labels = odd_network(problem)
    method, before, calls = AIM(model, warm_up=0), everything(model), []
    outputs = type(model.encoders["a"]).outputs

    def run(self, *args):
        calls.append(1)
        if len(calls) > 3 * when:  # three encoders a step
            raise ZeroDivisionError
        return outputs(self, *args)

    monkeypatch.setattr(type(model.encoders["a"]), "outputs", run)
    torch.manual_seed(3)
    expected = torch.rand(4)
    torch.manual_seed(3)
    with pytest.raises(ZeroDivisionError):
        method.begin_epoch(0, as_data(inputs, labels))
    assert torch.equal(torch.rand(4), expected)
    assert not method.judgement
    assert_same(everything(model), before)


@pytest.mark.parametrize("options", [{}, {"proto": "class_mean"}, {"select": "random"}], ids=str)
def test_random_numbers_run_on_as_if_nobody_had_drawn(problem, as_data, options):
    model, inputs, labels = problem(**NOISY)
    data, method = as_data(inputs, labels), AIM(model, warm_up=0, every=1, **options)
    torch.manual_seed(3)
    expected = torch.rand(4)
    torch.manual_seed(3)
    for epoch in range(2):
        method.begin_epoch(epoch, data)
    assert torch.equal(torch.rand(4), expected)


def test_equal_random_states_give_equal_judgements(problem, as_data, assert_same_state, twin):
    model, inputs, labels = problem(**NOISY)
    found = []
    for seed in (1, 1, 2):
        torch.manual_seed(seed)
        method = AIM(twin(model), warm_up=0, select="random")
        method.begin_epoch(0, as_data(inputs, labels))
        found.append(method.judgement)
    assert_same_state(found[0], found[1])
    assert not torch.equal(found[0].learned["a"], found[2].learned["a"])
