"""The papers' networks: buildable on the shapes of their data, with the published sizes, and trainable."""

import json
import re
from dataclasses import replace
from importlib import import_module
from inspect import signature
from math import prod

import pytest
import torch

from mmlib.data import DATASETS, ave, crema_d, ucf101
from mmlib.methods import METHODS
from mmlib.models import LinearFusion, build_model
from mmlib.records.catalogue import CATALOGUE, RAW
from mmlib.runs import RunSpec, paper_networks
from mmlib.runs.paper_networks import PAPER_NETWORKS, spec_arguments
from mmlib.runs.recipes import METHOD_OPTIONS, RECIPES

SOUND = {"audio": (1, 257, 625), "visual": (3, 224, 224)}
SHAPES = {
    "av_mnist": {"image": (1, 28, 28), "audio": (1, 112, 112)},
    "crema_d": {"audio": (1, 257, 188), "visual": (3, 224, 224)},
    "ave": SOUND,
    "kinetics_sounds": SOUND,
    "ucf101": {"rgb": (3, 8, 112, 112), "flow": (2, 8, 112, 112)},
    "something_something": {"rgb": (3, 16, 112, 112), "flow": (2, 16, 112, 112)},
    "cmu_mosi": {"vision": (50, 20), "audio": (50, 5), "text": (50, 300)},
    "cmu_mosei": {"vision": (50, 35), "audio": (50, 74), "text": (50, 300)},
    "ur_funny": {"vision": (50, 371), "audio": (50, 81), "text": (50, 300)},
}
CLASSES = {"av_mnist": 10, "crema_d": 6, "ave": 28, "kinetics_sounds": 31, "ucf101": 101, "something_something": 174}


def shapes_of(network):
    shapes = SHAPES[network.data]
    return {m: shapes[m] for m in network.data_options.get("modalities", shapes)}


def built(network, shapes=None, **changes):
    options = {**network.model_options, **changes}
    return build_model(shapes or shapes_of(network), CLASSES.get(network.data, 2), encoder=network.model, **options)


def parameters(module):
    return sum(prod(p.shape) for p in module.parameters())


def small(shape):
    """Fewer steps, frames and pixels, and the channels or features as they are: the same weights with less work."""
    return (shape[0], *(min(size, 32) for size in shape[1:])) if len(shape) > 2 else (4, shape[1])


def test_every_set_of_the_papers_has_a_network_and_its_recipe_is_one_of_them():
    assert {network.data for network in PAPER_NETWORKS.values()} == set(RAW) <= set(DATASETS)
    for data in RAW:
        network, recipe = PAPER_NETWORKS[import_module(f"mmlib.data.{data}").RECIPE], RECIPES[data]
        assert network.data == data
        assert (recipe.encoder, recipe.model) == (network.model, network.model_options)
        assert recipe.training == {k: v for k, v in network.training.items() if k != "epochs"}


@pytest.mark.parametrize("name", PAPER_NETWORKS)
def test_the_options_are_those_of_the_data_and_the_method(name):
    network = PAPER_NETWORKS[name]
    assert set(network.data_options) <= set(signature(DATASETS[network.data]).parameters)
    spec = RunSpec(**spec_arguments(name))
    assert (spec.data, spec.method, spec.model) == (network.data, network.method, network.model)
    assert spec.method_options == network.method_options and spec.training["epochs"] == network.training["epochs"]
    json.dumps(spec.as_dict(), allow_nan=False)


@pytest.mark.parametrize("name", PAPER_NETWORKS)
def test_the_source_says_which_paper_and_what_is_ours(name):
    source = PAPER_NETWORKS[name].source
    assert source.startswith(PAPER_NETWORKS[name].paper) and source.endswith(".")
    assert "ours for now:" in source and " has " in source or name == "kinetics_sounds/mcr"


def test_published_sizes():
    with torch.device("meta"):  # half a billion bytes for ur_funny
        late, early, funny = (
            built(PAPER_NETWORKS[n]) for n in ("av_mnist/agm_late", "av_mnist/agm_early", "ur_funny/agm")
        )
    assert tuple(late.fusion.last_weights[0].shape) == (10, 1024)
    assert tuple(funny.fusion.last_weights[0].shape) == (2, 2304)
    # ResNet-18 without its last layer has 11,176,512 parameters for colour, 2 * 64 * 7 * 7 fewer for grey.
    assert parameters(late.encoders["image"]) == 11_176_512 - 2 * 64 * 49
    assert parameters(late) == 2 * (11_176_512 - 2 * 64 * 49) + 1024 * 10 + 10
    maxout = 2 * 1024 + (1024 * 4096 + 4096) + 2 * 2048 + (2048 * 2048 + 2048) + 2 * 1024 + 1024 * 10 + 10
    assert parameters(early) == 2 * (11_176_512 - 2 * 64 * 49) + maxout
    layer = 4 * (768 * 768 + 768) + (768 * 2048 + 2048) + (2048 * 768 + 768) + 4 * 768
    embedding = 81 * 768 + 768 + 64 * 768
    assert parameters(funny.encoders["audio"]) == 8 * layer + embedding


@pytest.mark.parametrize("name", PAPER_NETWORKS)
def test_the_published_widths_and_one_step_on_a_small_batch(name):
    network = PAPER_NETWORKS[name]
    shapes = {m: small(shape) for m, shape in shapes_of(network).items()}
    lighter = {"depth": 1} if name == "ur_funny/agm" else {}
    torch.manual_seed(0)
    model = built(network, shapes, **lighter)
    widths = set(model.fusion.widths.values())
    assert widths == {768 if name == "ur_funny/agm" else 64 if network.model == "transformer" else 512}
    assert isinstance(model.fusion, LinearFusion) == (network.paper == "MCR")
    method = METHODS[network.method](model, **network.method_options)
    inputs = {m: torch.randn(4, *shape) for m, shape in shapes.items()}
    before = [p.detach().clone() for p in model.parameters()]
    logs = method.step(inputs, torch.tensor([0, 1, 0, 1]), torch.optim.SGD(method.parameters(), lr=0.01))
    assert all(torch.isfinite(value).all() for value in logs.values())
    assert any(not torch.equal(old, new) for old, new in zip(before, model.parameters(), strict=True))


def test_another_method_takes_the_network_but_not_the_options_of_the_paper():
    spec = RunSpec(**spec_arguments("crema_d/agm", "joint", training={"epochs": 3}, seeds=(0,), profile="smoke"))
    assert (spec.method, spec.method_options, spec.training["epochs"], spec.seeds) == ("joint", {}, 3, (0,))
    assert spec.training["lr"] == PAPER_NETWORKS["crema_d/agm"].training["lr"]
    swapped = RunSpec(**spec_arguments("cmu_mosi/mcr_vt", "agm"))
    assert swapped.method_options == METHOD_OPTIONS["agm"]
    assert swapped.data_options == {"modalities": ["vision", "text"]}
    assert spec_arguments("crema_d/agm", "agm", method_options={"alpha": 2.0})["method_options"] == {
        "alpha": 2.0, "cap": 10.0, "theta": 1.0,
    }  # fmt: skip


@pytest.mark.parametrize("name", ["crema_d/agm", "crema_d/mcr"])
def test_crema_d_is_split_by_clip_as_agm_does(name):
    assert RunSpec(**spec_arguments(name, "joint")).data_options == {"split": "ogm"}
    assert "the split of OGM-GE by clip" in PAPER_NETWORKS[name].source
    assert spec_arguments(name, data_options={"split": "actor"})["data_options"] == {"split": "actor"}
    assert RunSpec("crema_d", "joint").data_options == {}, "the recipe keeps the loader's own split, by actor"


# What the released programs have where a configuration has something else: ../shared/specs/paper_settings.md.
THEIRS = {
    "av_mnist/agm_late": ["1e-4 and 100", "first 90 % of train and of test", r"N\(1, 0.02\)", "batches of 64; ours"],
    "av_mnist/agm_early": ["1e-4 and 100", "first 90 % of train and of test"],
    "crema_d/agm": ["share all 91 actors", "first 90 % of each", "one frame", "Xavier and Kaiming"],
    "ave/agm": ["another task than the paper's", "7x7x512, VGGish 128, 10 segments, 29 classes", "alpha not published"],
    "ur_funny/agm": [r"learned positions and a bias in the convolution \(its program has neither\)"],
    "crema_d/mcr": ["ours for now: the split of OGM-GE", "5 folds of its own, of 63 / 14 / 14 actors", "it has 3"],
    "ave/mcr": ["its program has 4", "at most 1,500"],
    "ucf101/mcr": ["another task than the paper's", "spectrogram of the sound and 4 frames, in the 51 classes"],
    "kinetics_sounds/mcr": ["no setting for this set"],
    "something_something/mcr": ["Swin.*Kinetics-400, AdamW, learning rate 1e-5, weight decay 0.02, batches of 16, 30"],
    "cmu_mosi/mcr_vt": [r"regression of the sentiment\)", "encoders 40 wide", "100 epochs at most; ours"],
    "cmu_mosi/mcr_vat": [r"regression of the sentiment\)"],
    "cmu_mosei/mcr_vt": ["regression of the sentiment and L_ceb"],
    "cmu_mosei/mcr_vat": ["regression of the sentiment and L_ceb"],
}  # fmt: skip


@pytest.mark.parametrize("name", PAPER_NETWORKS)
def test_the_source_says_what_the_paper_has_in_place_of_ours(name):
    for words in THEIRS[name]:
        assert re.search(words, PAPER_NETWORKS[name].source), words


def test_what_is_ours_in_all_of_them_is_said_once():
    said = " ".join(paper_networks.__doc__.split())
    for words in ("every 70 epochs", "780 steps", "epochs 0 to 20", "eps 1e-8", "cropped or flipped", "TEST accuracy"):
        assert words in said


def test_no_statement_says_that_mcr_has_the_clip_lists_of_ogm_ge():
    told = " ".join(crema_d.load.__doc__.split())
    assert "OGM-GE, AGM and MCR" not in told and "Neither is that of MCR: 5 folds of its own" in told
    assert "share all 91 actors" in told and "share all actors" in CATALOGUE["crema_d"].split
    assert "another task" in ucf101.__doc__ and "another task" in ave.__doc__


def test_an_unknown_name_is_refused_and_the_nearest_named():
    with pytest.raises(ValueError, match="Did you mean 'crema_d/agm'"):
        spec_arguments("crema_d/amg")


def test_no_configuration_is_twice_there():
    told = [repr(replace(network, source="", paper="")) for network in PAPER_NETWORKS.values()]
    assert len(set(told)) == len(told)
