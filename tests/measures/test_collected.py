import pytest
import torch
from every_measure import EVERY_MEASURE
from torch import nn

from mmlib.data import Split
from mmlib.measures import linear_probe, masked_accuracy
from mmlib.measures._predictions import check_alone, collect, split_logits
from mmlib.methods import Joint, Unimodal
from mmlib.models import ConcatFusion, Encoder, MultimodalModel, build_model


@pytest.fixture
def noisy():
    """A network in which training and evaluation passes differ: batch-norm and dropout."""
    torch.manual_seed(0)
    layers = {m: nn.Sequential(nn.Linear(10, 8), nn.BatchNorm1d(8), nn.Dropout(0.5), nn.ReLU()) for m in ("a", "b")}
    encoders = {m: Encoder([block], 8) for m, block in layers.items()}
    model = MultimodalModel(encoders, ConcatFusion({"a": 8, "b": 8}, 10))
    with torch.no_grad():
        for encoder in encoders.values():
            encoder(torch.randn(64, 10))  # running statistics other than 0 and 1
    return model


class Recorder(nn.Module):
    """Passes its input on and notes how many rows came."""

    def __init__(self):
        super().__init__()
        self.rows = []

    def forward(self, x):
        self.rows.append(len(x))
        return x


def test_batches_hold_at_most_1024_rows_and_all_rows_in_order():
    seen, split = [], Split({"x": torch.arange(2500.0)[:, None]}, torch.zeros(2500, dtype=torch.long))

    def read(inputs):
        seen.append(len(inputs["x"]))
        return inputs["x"]

    values = collect(nn.Linear(1, 1), read, split)
    assert seen == [1024, 1024, 452]
    assert torch.equal(values[:, 0], torch.arange(2500.0))


def test_encoders_never_see_more_than_1024_rows(additive, one_informative):
    model = additive(classes=10)
    model.encoders["a"] = Recorder()
    masked_accuracy(model, one_informative(2500))
    linear_probe(model, "a", one_informative(2500), one_informative(1030, seed=1))
    assert max(model.encoders["a"].rows) == 1024


def test_batches_give_the_logits_of_a_single_pass(noisy, one_informative):
    split = one_informative(2500)
    logits = split_logits(noisy, split)
    noisy.eval()
    with torch.no_grad():
        a, b = split.inputs["a"], split.inputs["b"]
        torch.testing.assert_close(logits["a", "b"], noisy({"a": a, "b": b}))
        torch.testing.assert_close(logits["a",], noisy({"a": a, "b": torch.zeros_like(b)}))
        torch.testing.assert_close(logits["b",], noisy({"a": torch.zeros_like(a), "b": b}))


OF_CLASSES = EVERY_MEASURE.keys() - {"monomodal_gap", "competition_of"}


@pytest.mark.parametrize("name", EVERY_MEASURE)
def test_a_measure_leaves_flags_buffers_and_gradients_as_they_were(name, noisy, one_informative):
    alone = Unimodal(build_model({"a": (10,), "b": (10,)}, 10, width=8, norm="batch"), "a")
    noisy.train()
    noisy.encoders["b"].eval()
    alone.train()
    alone.model.encoders["a"].eval()
    networks = [noisy, alone]
    flags = [[m.training for m in n.modules()] for n in networks]
    state = [{k: v.clone() for k, v in n.state_dict().items()} for n in networks]
    EVERY_MEASURE[name](noisy, alone, *[one_informative(100)] * 2)
    assert flags == [[m.training for m in n.modules()] for n in networks]
    for network, before in zip(networks, state):
        assert all(torch.equal(v, before[k]) for k, v in network.state_dict().items())
        assert all(p.grad is None and p.requires_grad for p in network.parameters())


@pytest.mark.parametrize("name", EVERY_MEASURE)
def test_a_measure_is_the_same_in_training_mode_as_in_evaluation_mode(name, noisy, one_informative):
    alone = Unimodal(build_model({"a": (10,), "b": (10,)}, 10, width=8, norm="batch"), "a")
    split = one_informative(100)
    in_training = EVERY_MEASURE[name](noisy.train(), alone.train(), split, split)
    assert EVERY_MEASURE[name](noisy.eval(), alone.eval(), split, split) == in_training


@pytest.mark.parametrize("name", sorted(OF_CLASSES))
def test_measures_of_classes_refuse_real_targets(name, noisy, one_informative):
    split = Split(one_informative(100).inputs, torch.linspace(0, 1, 100))
    with pytest.raises(ValueError, match=r"needs class labels, the split has real targets \(torch.float32\)"):
        EVERY_MEASURE[name](noisy, None, split, split)


def test_nothing_is_recorded_for_gradients(additive, four_rows):
    assert not any(z.requires_grad for z in split_logits(additive(), four_rows).values())


def test_a_diverged_network_is_named_and_not_measured(additive, four_rows):
    with pytest.raises(ValueError, match="NaN or infinite"):
        masked_accuracy(additive(bias=(float("nan"), 0.0)), four_rows)


def test_flags_come_back_after_an_error(additive, four_rows):
    model = additive().train()
    with pytest.raises(ValueError):
        masked_accuracy(model, Split({"a": four_rows.inputs["a"]}, four_rows.labels))
    assert model.training and model.fusion.training


def test_the_network_trained_alone_must_be_a_unimodal_method_of_its_own(additive, four_rows):
    model = additive()
    with pytest.raises(TypeError, match="must be a Unimodal method, got Joint"):
        check_alone(model, Joint(additive()), four_rows)
    with pytest.raises(ValueError, match="a network of its own"):
        check_alone(model, Unimodal(model, "a"), four_rows)
    with pytest.raises(ValueError, match="exactly the modalities"):
        check_alone(model, Unimodal(additive(("c", "d")), "c"), four_rows)
