"""How each data set is trained, and the settings that several notebooks share."""

import importlib
from collections.abc import Mapping

from mmlib import checks
from mmlib.data.recipe import SEEDS, Recipe
from mmlib.records.catalogue import CATALOGUE
from mmlib.runs.paper_networks import PAPER_NETWORKS


def recipe_of(data: str) -> Recipe:
    """What the module of the data set ``data`` has as its RECIPE. Raises TypeError or ValueError for anything else."""
    recipe = getattr(importlib.import_module(f"mmlib.data.{data}"), "RECIPE", None)
    what = f"RECIPE in mmlib.data.{data}"
    checks.of_type(what, recipe, (Recipe, str), "a Recipe, or the name of a paper network")
    return recipe if isinstance(recipe, Recipe) else _of_paper(what, recipe, data)


def _of_paper(what: str, name: str, data: str) -> Recipe:
    """The network of a paper that uses the set, and a budget that a GPU has done in a day."""
    of_this_set = [other for other, network in PAPER_NETWORKS.items() if network.data == data]
    checks.one_of(f"paper network as {what}", name, of_this_set)
    network = PAPER_NETWORKS[name]
    training = {option: value for option, value in network.training.items() if option != "epochs"}
    return Recipe(network.model, network.model_options, training, {"smoke": 1, "quick": 8, "full": 100}, SEEDS)


RECIPES: dict[str, Recipe] = {data: recipe_of(data) for data in CATALOGUE}

# The same for all data sets. AGM: alpha of CREMA-D in the paper; a cap of 1 keeps kappa below e^1.5, because on
# networks as small as these an uncapped kappa diverged for some seeds. OGM-GE: alpha of CREMA-D in its paper. MCR
# has the weights of CREMA-D as its defaults.
METHOD_OPTIONS: dict[str, Mapping[str, object]] = {"agm": {"alpha": 1.5, "cap": 1.0}, "ogm_ge": {"alpha": 0.8}}

# Three kinds of synthetic world that several notebooks look at. In "dominated", modality b holds more information than
# a (20 % against 10 % of the samples show their class in it alone) but its signal is weaker and its input smaller, so
# that it is learned more slowly.
SETTINGS: dict[str, Mapping[str, object]] = {
    "balanced": {"shared": 0.7, "unique": {"a": 0.15, "b": 0.15}},
    "dominated": {
        "shared": 0.7,
        "unique": {"a": 0.1, "b": 0.2},
        "signal": {"a": 5.0, "b": 3.0},
        "scale": {"a": 1.0, "b": 0.3},
    },
    "synergy": {"shared": 0.4, "unique": {"a": 0.1, "b": 0.1}, "synergy": 0.4},
}

# The synthetic experiment of the MCR paper (section 4.1): network and training, the same for every method. The paper
# gives no sizes; these show its trend.
PAPER_RATIO = {
    "model_options": {"width": 64, "depth": 2, "fusion": "linear"},
    "training": {"optimizer": "adam", "lr": 1e-3, "weight_decay": 1e-4, "batch_size": 64},
}


def ratio_world(ratio: float) -> dict[str, object]:
    """Options of "synthetic" in which ``ratio`` of what modality a shows is shown by a alone, 0..1 (MCR, figure 1).

    One sample in ten shows its class in b alone; of the others a share ``ratio`` in a alone, the rest in both.
    """
    checks.number("ratio", ratio, 0, 1)
    shared, unique = round(0.9 * (1 - ratio), 6), round(0.9 * ratio, 6)
    return {"shared": shared, "unique": {"a": unique, "b": 0.1}, "samples": [2000, 1000, 4000]}
