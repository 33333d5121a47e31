"""Frozen parts of a network in a training: nothing of them moves, and every method works with one."""

import pytest
import torch
from torch import nn

from mmlib.data import load
from mmlib.methods import METHODS, Joint, Unimodal
from mmlib.models import FUSIONS, ConcatFusion, MultimodalModel, build_model
from mmlib.training import OPTIMIZERS, fit
from mmlib.training.frozen_parts import training_mode

ENCODERS, FUSION = ["model.encoders"], ["model.fusion"]
OPTIONS = {"unimodal": {"modality": "b"}, "mcr": {"lambda_ceb": 0.1}, "aim": {"warm_up": 1}, "mses": {"patience": 1}}


def make(method="joint", frozen=("model.encoders.a",), fusion="concat", **options):
    """(method, data): parameters whose name begins with one of ``frozen`` are frozen."""
    data = load("synthetic", samples=(60, 30, 30), classes=3)
    torch.manual_seed(0)
    model = build_model(data.shapes, 3, fusion=fusion, width=8, depth=2, norm="batch", dropout=0.5)
    method = METHODS[method](model, **{**OPTIONS.get(method, {}), **options})
    for name, parameter in method.named_parameters():
        if name.startswith(tuple(frozen)):
            parameter.requires_grad_(False)
    return method, data


def state_of(module):
    return {name: tensor.clone() for name, tensor in module.state_dict().items()}


def assert_same(module, before):
    after = module.state_dict()
    assert after.keys() == before.keys() and all(torch.equal(after[name], before[name]) for name in before)


def moved(module, before):
    return [name for name, tensor in module.named_parameters() if not torch.equal(tensor, before[name])]


@pytest.mark.parametrize("optimizer", OPTIMIZERS)
@pytest.mark.parametrize("name", METHODS)
def test_a_frozen_encoder_ends_with_the_bits_it_began_with(name, optimizer):
    method, data = make(name)
    for parameter in method.model.encoders["a"].parameters():
        parameter.grad = torch.ones_like(parameter)  # left by whatever was trained before it was frozen
    before, others = state_of(method.model.encoders["a"]), state_of(method.model.encoders["b"])
    history = fit(method, data, epochs=4, lr=0.01, optimizer=optimizer, weight_decay=0.5, device="cpu")
    assert_same(method.model.encoders["a"], before)
    assert moved(method.model.encoders["b"], others)
    assert len(history.epochs) == 4


@pytest.mark.parametrize("name", METHODS)
@pytest.mark.parametrize("frozen", [ENCODERS, FUSION, ["model.encoders.a", *FUSION]], ids=str)
def test_every_method_trains_what_is_left(name, frozen):
    method, data = make(name, frozen)
    before, rest = state_of(method), state_of(method)
    fit(method, data, epochs=4, device="cpu")
    names = moved(method, rest)
    assert names and not [name for name in names if name.startswith(tuple(frozen))]
    if frozen != FUSION:  # the statistics of its own batch-norm layers, if it has any
        statistics = [name for name in before if "running" in name and name.startswith(tuple(frozen))]
        assert all(torch.equal(method.state_dict()[name], before[name]) for name in statistics) and statistics


@pytest.mark.parametrize("fusion", [*FUSIONS, "maxout"])
@pytest.mark.parametrize("name", ["agm", "mcr", "aim", "ogm_ge", "mslr", "mses"])
def test_every_fusion_goes_with_a_frozen_encoder(name, fusion):
    method, data = make(name, fusion=fusion)
    before = state_of(method.model.encoders["a"])
    fit(method, data, epochs=4, device="cpu")
    assert_same(method.model.encoders["a"], before)


class Watching(Joint):
    """Notes which modules are in training mode in a step."""

    def loss(self, inputs, labels):
        self._seen = {name for name, module in self.model.named_modules() if module.training}
        return super().loss(inputs, labels)


def layers(frozen=()):
    """A network of named layers, trained with the parameters of ``frozen`` frozen; gives what ran in training mode."""
    data = load("synthetic", samples=(60, 30, 30), classes=3)
    width = data.shapes["a"][0]
    backbone = nn.Sequential(nn.Linear(width, 8), nn.BatchNorm1d(8), nn.Dropout(0.5), nn.BatchNorm1d(8, affine=False))
    a = nn.Sequential(backbone, nn.Dropout(0.5), nn.BatchNorm1d(8, affine=False), nn.Linear(8, 8), nn.BatchNorm1d(8))
    b = nn.Sequential(nn.Linear(data.shapes["b"][0], 8), nn.Dropout(0.5))
    method = Watching(MultimodalModel({"a": a, "b": b}, ConcatFusion({"a": 8, "b": 8}, 3)))
    for name in frozen:
        method.model.get_submodule(name).requires_grad_(False)
    fit(method, data, epochs=1, device="cpu")
    return method._seen, {name for name, _ in method.model.named_modules()}


def test_all_runs_in_training_mode_where_nothing_is_frozen():
    seen, names = layers()
    assert seen == names


@pytest.mark.parametrize(
    ("frozen", "resting"),
    [
        (["encoders.a.0"], ["encoders.a.0", "encoders.a.0.0", "encoders.a.0.1", "encoders.a.0.2", "encoders.a.0.3"]),
        (["encoders.a.0.0"], ["encoders.a.0.0"]),
        (["encoders.a.4"], ["encoders.a.4"]),
        (["encoders.b"], ["encoders.b", "encoders.b.0", "encoders.b.1"]),
    ],
)
def test_what_is_frozen_rests_with_all_that_is_inside_and_nothing_else(frozen, resting):
    seen, names = layers(frozen)
    assert names - seen == set(resting)


def test_an_encoder_with_one_trained_bias_is_trained():
    method, _ = make()
    method.model.encoders["a"].blocks[1][1].bias.requires_grad_(True)
    training_mode(method)
    resting = {name for name, module in method.model.encoders["a"].named_modules() if not module.training}
    assert resting == {"blocks.0", *(f"blocks.0.{i}" for i in range(5)), "blocks.1.0"}


def test_a_network_with_nothing_to_train_is_refused():
    method, data = make(frozen=[""])
    with pytest.raises(ValueError, match="Joint has nothing to train: all parameters .* are frozen .*requires_grad_"):
        fit(method, data, epochs=1, device="cpu")
    method, data = make("unimodal", frozen=["model"])
    assert isinstance(method, Unimodal)
    fit(method, data, epochs=1, device="cpu")  # its own head is left


def test_a_loss_of_frozen_parts_alone_is_refused():
    method, data = make("unimodal", frozen=["model.encoders.b", "head"])
    with pytest.raises(ValueError, match="the loss of Unimodal depends on no parameter that is trained: free some"):
        fit(method, data, epochs=1, device="cpu")


@pytest.mark.parametrize("fusion", ["concat", "attention"])
def test_mses_ends_in_peace_when_all_is_stopped_or_frozen(fusion):
    method, data = make("mses", frozen=["model.fusion"], fusion=fusion)
    history = fit(method, data, epochs=30, lr=0.5, device="cpu")
    assert len(history.epochs) == 30 and history.epochs[-1]["stopped/a"] == history.epochs[-1]["stopped/b"] == 1


def test_what_is_freed_on_the_way_is_trained_from_then_on_also_after_a_stop(tmp_path):
    def free(epoch, method):
        method.model.encoders["a"].requires_grad_(epoch >= 1)

    def stopped(epoch, method):
        free(epoch, method)
        return 1 / (4 - epoch) and None

    options = {"epochs": 6, "device": "cpu", "checkpoint_every": 0.0, "optimizer": "adamw"}
    (whole, data), (broken, _), (resumed, _) = make(), make(), make()
    before = state_of(whole.model.encoders["a"])
    history = fit(whole, data, on_epoch=free, **options)
    assert moved(whole.model.encoders["a"], before)
    with pytest.raises(ZeroDivisionError):
        fit(broken, data, on_epoch=stopped, checkpoint=tmp_path / "c.pt", **options)
    assert fit(resumed, data, on_epoch=free, checkpoint=tmp_path / "c.pt", **options) == history
    assert_same(resumed, state_of(whole))
