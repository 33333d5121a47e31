"""Training on one modality: the others must not matter."""

import pytest
import torch

from mmlib.methods import Unimodal


@pytest.mark.parametrize("through_fusion", [False, True])
@pytest.mark.parametrize("modality", ["a", "v", "t"])
def test_other_modalities_never_matter(problem, twin, trained, assert_same_state, modality, through_fusion):
    model, inputs, labels = problem(3, fusion="attention", norm="batch")
    nonsense = {m: x if m == modality else torch.full_like(x, torch.nan) for m, x in inputs.items()}
    torch.manual_seed(0)
    one = Unimodal(twin(model), modality, through_fusion)
    other = twin(one)
    logs, same = trained(one, inputs, labels), trained(other, nonsense, labels)
    assert torch.equal(logs["loss"], same["loss"])
    assert_same_state(one, other)
    finite = {m: x.nan_to_num(1e3) for m, x in nonsense.items()}  # predict refuses NaN
    assert torch.equal(one.predict(inputs), other.predict(finite))
    assert torch.equal(one.penultimate(inputs), other.penultimate(nonsense))


def test_other_encoders_and_the_fusion_stay_without_gradients(problem, gradients_of):
    model, inputs, labels = problem(3)
    gradients = gradients_of(Unimodal(model, "v"), inputs, labels)
    with_gradient = {name for name, g in gradients.items() if g is not None}
    assert with_gradient == {name for name in gradients if name.startswith(("model.encoders.v.", "head."))}


def test_weight_decay_leaves_the_other_encoders_alone(problem, twin, trained):
    model, inputs, labels = problem()
    method = Unimodal(twin(model), "v")
    trained(method, inputs, labels, weight_decay=0.1)
    for name, p in model.named_parameters():
        assert torch.equal(p, method.model.get_parameter(name)) != name.startswith("encoders.v."), name


def test_through_the_fusion_is_the_network_with_zeros(problem, gradients_of):
    model, inputs, labels = problem(3, fusion="maxout", head_dropout=0.0)
    method = Unimodal(model, "v", through_fusion=True)
    model.eval()
    zeros = {m: x if m == "v" else torch.zeros_like(x) for m, x in inputs.items()}
    assert torch.equal(method(inputs), model(zeros))
    assert torch.equal(method.penultimate(inputs), model.fusion.fused(model.encode(zeros)))
    gradients = gradients_of(method, inputs, labels)
    assert not any(name.startswith("head.") for name in gradients)
    assert all(g is not None for name, g in gradients.items() if name.startswith("model.fusion."))


def test_penultimate_of_late_fusion_is_the_encoder(problem):
    model, inputs, _ = problem()
    method = Unimodal(model, "a")
    assert torch.equal(method.penultimate(inputs), model.encoders["a"](inputs["a"]))
    assert torch.equal(method.head(method.penultimate(inputs)), method(inputs))


def test_an_unknown_modality_is_named(problem):
    with pytest.raises(ValueError, match="unknown modality 'sound': expected one of a, v"):
        Unimodal(problem()[0], "sound")
