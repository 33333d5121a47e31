"""Networks with layers whose shapes are not known yet: they train, or a sentence says to run them once before."""

import pytest
import torch
from torch import nn

from mmlib.methods import METHODS, MSES, OGMGE, Ensemble, Unimodal
from mmlib.models import ConcatFusion, Encoder, MultimodalModel
from mmlib.training import fit

NEED_SHAPES = ("mses", "unimodal")


def lazy(which="av", head=None):
    torch.manual_seed(0)
    encoders = {m: Encoder([nn.LazyLinear(6) if m in which else nn.Linear(4, 6), nn.ReLU()], 6) for m in "av"}
    return MultimodalModel(encoders, ConcatFusion({"a": 6, "v": 6}, 3, head=head))


@pytest.fixture
def rows():
    torch.manual_seed(1)
    return {m: torch.randn(12, 4) for m in "av"}, torch.arange(12) % 3


@pytest.mark.parametrize("which", ["a", "v", "av"])
@pytest.mark.parametrize("name", [name for name in METHODS if name not in NEED_SHAPES])
def test_most_methods_train_them_as_they_are(method_named, as_data, rows, name, which):
    model = lazy(which)
    history = fit(method_named(name, model), as_data(*rows), epochs=5, device="cpu")
    assert history.epochs[-1]["valid/loss"] < history.epochs[0]["valid/loss"]


@pytest.mark.parametrize("which", ["a", "v", "av"])
@pytest.mark.parametrize("name", NEED_SHAPES)
def test_those_that_need_the_shapes_say_what_to_do(method_named, as_data, rows, name, which):
    model = lazy(which)
    if (name, which) == ("unimodal", "a"):  # its own encoder does run
        fit(method_named(name, model), as_data(*rows), epochs=2, device="cpu")
        return
    words = r"^\w+ .*, and a lazy layer \(such as nn.LazyLinear\) has no shape there yet: run the network once"
    with pytest.raises(ValueError, match=words):
        method_named(name, model)
    model(rows[0])
    fit(method_named(name, model), as_data(*rows), epochs=2, device="cpu")


@pytest.mark.parametrize("method", [Ensemble, lambda model: Unimodal(model, "a")])
def test_a_lazy_head_that_is_never_run(method):
    with pytest.raises(ValueError, match="never runs the .*, and a lazy layer .* run the network once"):
        method(lazy("", head=nn.Sequential(nn.LazyLinear(6), nn.Linear(6, 3))))


def test_where_the_shapes_of_the_rest_are_known_a_lazy_head_is_fine(as_data, rows):
    model = lazy("", head=nn.Sequential(nn.LazyLinear(6), nn.Linear(6, 3)))
    fit(MSES(model), as_data(*rows), epochs=3, device="cpu")


def test_a_lazy_layer_of_its_own_before_a_shared_one_counts_as_a_kernel(as_data, rows):
    shared, model = nn.Linear(6, 6), lazy("")
    for m in "av":
        model.encoders[m] = nn.Sequential(nn.LazyLinear(6), shared)
    fit(OGMGE(model), as_data(*rows), epochs=2, device="cpu")
