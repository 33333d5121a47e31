"""The recipes: complete, usable by everything they are for, and the same for all methods."""

from inspect import signature

import pytest
import torch

from mmlib.data import DATASETS, ave, load
from mmlib.methods import METHODS
from mmlib.models import build_model
from mmlib.records.profiles import PROFILES
from mmlib.runs import RunSpec
from mmlib.runs.options import TRAINING
from mmlib.runs.recipes import METHOD_OPTIONS, PAPER_RATIO, RECIPES, SETTINGS, ratio_world, recipe_of
from mmlib.training import check_settings

SHAPES = {
    "synthetic": {"a": (100,), "b": (100,)},
    "synthetic_regression": {"a": (100,), "b": (100,)},
    "uci_digits": {"fac": (216,), "kar": (64,)},
    "smartwatch": {"acc": (3, 100), "gyr": (3, 100)},
    "av_digits": {"image": (1, 16, 15), "audio": (1, 32, 33)},
    "emoji": {"picture": (3, 36, 36), "text": (16,)},
    "av_mnist": {"image": (1, 28, 28), "audio": (1, 112, 112)},
    "crema_d": {"audio": (1, 257, 188), "visual": (3, 224, 224)},
    "ave": {"audio": (1, 257, 625), "visual": (3, 3, 224, 224)},
    "kinetics_sounds": {"audio": (1, 257, 625), "visual": (3, 3, 224, 224)},
    "ucf101": {"rgb": (3, 8, 112, 112), "flow": (2, 8, 112, 112)},
    "cmu_mosi": {"vision": (50, 35), "audio": (50, 74), "text": (50, 300)},
    "cmu_mosei": {"vision": (50, 35), "audio": (50, 74), "text": (50, 300)},
    "ur_funny": {"vision": (50, 371), "audio": (50, 81), "text": (50, 300)},
    "something_something": {"rgb": (3, 16, 112, 112), "flow": (2, 16, 112, 112)},
}


def test_every_data_set_has_a_recipe_and_no_recipe_is_for_another():
    assert set(RECIPES) == set(DATASETS)


@pytest.mark.parametrize(
    ("recipe", "error"),
    [
        (None, "RECIPE in mmlib.data.ave must be a Recipe, or the name of a paper network, got None"),
        ({"encoder": "mlp"}, "must be a Recipe, or the name of a paper network, got {'encoder': 'mlp'}"),
        ("ave/mrc", "unknown paper network as RECIPE in mmlib.data.ave 'ave/mrc': .* Did you mean 'ave/mcr'?"),
        ("ucf101/mcr", "unknown paper network as .* 'ucf101/mcr': expected one of ave/agm, ave/mcr"),
    ],
)
def test_a_recipe_that_is_missing_or_of_another_set_is_named(monkeypatch, recipe, error):
    monkeypatch.setattr(ave, "RECIPE", recipe)
    with pytest.raises((TypeError, ValueError), match=error):
        recipe_of("ave")


@pytest.mark.parametrize("data", DATASETS)
def test_every_profile_says_how_much_and_each_one_more_than_the_one_before(data):
    recipe = RECIPES[data]
    for amounts in (recipe.epochs, recipe.seeds):
        assert tuple(amounts) == PROFILES
        smoke, quick, full = amounts.values()
        assert 1 <= smoke < quick < full


@pytest.mark.parametrize("data", DATASETS)
def test_the_training_options_are_those_of_fit_and_complete(data):
    recipe = RECIPES[data]
    assert set(recipe.training) == set(TRAINING) - {"epochs"}
    check_settings(epochs=recipe.epochs["quick"], **recipe.training)


@pytest.mark.parametrize("data", DATASETS)
def test_the_network_can_be_built_for_the_data(data):
    recipe = RECIPES[data]
    with torch.device("meta"):  # some are large, and no number of them is looked at
        model = build_model(SHAPES[data], 5, encoder=recipe.encoder, **recipe.model)
    assert model.modalities == tuple(SHAPES[data]) and model.num_classes == 5


@pytest.mark.parametrize("data", DATASETS)
def test_five_seeds_or_more_wherever_somebody_reads_the_numbers(data):
    assert all(RECIPES[data].seeds[profile] >= 5 for profile in ("quick", "full"))


def test_method_options_are_those_of_the_methods():
    for name, options in METHOD_OPTIONS.items():
        assert set(options) <= set(signature(METHODS[name]).parameters) - {"model"}
        assert RunSpec(data="synthetic", method=name).method_options == options


@pytest.mark.parametrize("name", SETTINGS)
def test_the_synthetic_settings_load(name):
    data = load("synthetic", samples=(20, 10, 10), **SETTINGS[name])
    assert data.modalities == ("a", "b")


def test_the_settings_are_what_their_names_say():
    limits = {name: load("synthetic", samples=(4, 4, 4), **SETTINGS[name]).bayes_accuracy for name in SETTINGS}
    a, b, both = ("a",), ("b",), ("a", "b")
    assert limits["balanced"][a] == pytest.approx(limits["balanced"][b], abs=0.01)
    assert limits["balanced"][both] > limits["balanced"][a] + 0.05
    assert SETTINGS["dominated"]["unique"]["b"] > SETTINGS["dominated"]["unique"]["a"]
    assert SETTINGS["dominated"]["scale"]["b"] < SETTINGS["dominated"]["scale"]["a"]
    gain = {name: limit[both] - max(limit[a], limit[b]) for name, limit in limits.items()}
    assert max(gain, key=gain.get) == "synergy"


@pytest.mark.parametrize("ratio", [0.0, 0.1, 0.5, 1.0])
def test_the_ratio_moves_what_a_shows_from_shared_to_unique(ratio):
    world = ratio_world(ratio)
    unique = world["unique"]
    assert unique["b"] == 0.1 and world["shared"] + unique["a"] == pytest.approx(0.9)
    assert unique["a"] == pytest.approx(0.9 * ratio)
    data = load("synthetic", **world)
    assert [len(split) for split in data.splits.values()] == [2000, 1000, 4000]
    RunSpec(data="synthetic", method="joint", data_options=world, **PAPER_RATIO)


def test_a_ratio_is_between_0_and_1():
    with pytest.raises(ValueError, match="ratio must be a finite number from 0 to 1"):
        ratio_world(1.5)
