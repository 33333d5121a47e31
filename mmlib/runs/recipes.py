"""How each data set is trained: one network and one budget for all methods, so that only the method differs."""

from collections.abc import Mapping
from dataclasses import dataclass

from mmlib import checks
from mmlib.runs.paper_networks import PAPER_NETWORKS


@dataclass(frozen=True)
class Recipe:
    """Defaults for one data set.

    encoder: name in mmlib.models.ENCODERS, or {modality: name}; model: options of build_model; training: options of fit
    but the epochs; epochs and seeds: how many in each profile (smoke, quick, full).
    """

    encoder: str | Mapping[str, str]
    model: Mapping[str, object]
    training: Mapping[str, object]
    epochs: Mapping[str, int]
    seeds: Mapping[str, int]


SEEDS = {"smoke": 2, "quick": 5, "full": 10}
SGD = {"optimizer": "sgd", "lr": 0.02, "weight_decay": 0.0, "batch_size": 64}
ADAMW = {"optimizer": "adamw", "lr": 1e-3, "weight_decay": 0.01, "batch_size": 64}

RECIPES: dict[str, Recipe] = {
    "synthetic": Recipe(
        "mlp", {"width": 64, "depth": 3, "fusion": "concat"}, SGD, {"smoke": 4, "quick": 30, "full": 100}, SEEDS
    ),
    "synthetic_regression": Recipe(
        "mlp", {"width": 64, "depth": 3, "fusion": "concat"}, SGD, {"smoke": 4, "quick": 30, "full": 100}, SEEDS
    ),
    "uci_digits": Recipe(
        "mlp", {"width": 64, "depth": 3, "fusion": "concat"}, SGD, {"smoke": 4, "quick": 30, "full": 200}, SEEDS
    ),
    "smartwatch": Recipe(
        "conv1d", {"width": 32, "depth": 3, "fusion": "concat"}, ADAMW, {"smoke": 4, "quick": 12, "full": 60}, SEEDS
    ),
    "av_digits": Recipe(
        "conv2d",
        {"width": 16, "depth": 4, "fusion": "concat"},
        {**ADAMW, "lr": 2e-3},
        {"smoke": 4, "quick": 10, "full": 60},
        SEEDS,
    ),
    "emoji": Recipe(
        {"picture": "conv2d", "text": "transformer"},
        {"width": 32, "depth": {"picture": 3, "text": 1}, "vocabulary": {"text": 800}, "fusion": "concat"},
        {**ADAMW, "lr": 3e-3},
        {"smoke": 4, "quick": 10, "full": 60},
        SEEDS,
    ),
}

# The papers' data sets: the network of a paper that uses the set, and a budget that a GPU has done in a day.
PAPERS = (
    "av_mnist/agm_late", "crema_d/agm", "ave/mcr", "kinetics_sounds/mcr", "ucf101/mcr", "something_something/mcr",
    "cmu_mosi/mcr_vat", "cmu_mosei/mcr_vat", "ur_funny/agm",
)  # fmt: skip


def _of_paper(name: str) -> Recipe:
    network = PAPER_NETWORKS[name]
    training = {option: value for option, value in network.training.items() if option != "epochs"}
    return Recipe(network.model, network.model_options, training, {"smoke": 1, "quick": 8, "full": 100}, SEEDS)


RECIPES |= {PAPER_NETWORKS[name].data: _of_paper(name) for name in PAPERS}

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
