"""The network and the settings of the papers on their data sets, as named configurations.

    RunSpec(**spec_arguments("crema_d/agm"))                                     the paper's method
    RunSpec(**spec_arguments("crema_d/agm", "joint", training={"epochs": 20}))   another one on the same network

Each says in ``source`` what the paper gives and what is ours. Two things are ours in all of them: the learning rate is
constant (AGM: times 0.1 every 70 epochs; MCR: cosine with warm-up), and encoders start from random weights (MCR starts
most of its rows from encoders trained alone).
"""

from collections.abc import Mapping
from dataclasses import dataclass, field

from mmlib import checks

Options = Mapping[str, object]


@dataclass(frozen=True)
class PaperNetwork:
    """Arguments of a RunSpec: what ``paper`` does on ``data`` with ``method``; source: which of it the paper gives."""

    data: str
    paper: str
    method: str
    model: str
    model_options: Options
    training: Options
    method_options: Options
    source: str
    data_options: Options = field(default_factory=dict)


MERGED = ("data_options", "model_options", "training", "method_options")
LATE, EARLY, LINEAR = {"fusion": "concat"}, {"fusion": "maxout"}, {"fusion": "linear"}
AGM_TRANSFORMER = {"width": 768, "depth": 8, "heads": 4, "feedforward": 2048, "dropout": 0.1, "pool": "first"}
OUR_TRANSFORMER = {"width": 64, "depth": 2, "heads": 4, "feedforward": 128, "dropout": 0.1}
VT, VAT = {"modalities": ["vision", "text"]}, {"modalities": ["vision", "audio", "text"]}
BY_CLIP = {"split": "ogm"}  # both papers train and test on it; our recipe keeps every actor in one split
OUR_EPOCHS = 100  # where the paper gives none

_AGM = "AGM: SGD, momentum 0.9, weight decay 1e-4"
_MCR = "MCR: linear fusion, Adam, learning rate 1e-4, batches of 32, K = 32, lambda_con 1"
_RESNETS = "a ResNet-18 from scratch for each modality, 512 features"
_OUR_RATE = "ours: learning rate and batch size"
_BY_CLIP = "the split of OGM-GE by clip, which shares actors between train and test"


def _agm(
    data: str,
    model: str,
    model_options: Options,
    epochs: int,
    source: str,
    data_options: Options | None = None,
    **method_options: object,
) -> PaperNetwork:
    training = {"optimizer": "sgd", "lr": 1e-3, "weight_decay": 1e-4, "batch_size": 64, "epochs": epochs}
    said = f"{_AGM}; {source}."
    return PaperNetwork(data, "AGM", "agm", model, model_options, training, method_options, said, data_options or {})


def _mcr(
    data: str,
    lambda_mi: float,
    lambda_uni: float,
    source: str,
    model: tuple[str, Options] = ("resnet18", {}),
    data_options: Options | None = None,
    **method_options: object,
) -> PaperNetwork:
    encoder, options = model
    training = {"optimizer": "adam", "lr": 1e-4, "weight_decay": 0.0, "batch_size": 32, "epochs": OUR_EPOCHS}
    of_mcr = {"lambda_mi": lambda_mi, "lambda_uni": lambda_uni, "K": 32, **method_options}
    said = f"{_MCR}, lambda_mi {lambda_mi:g}, lambda_uni {lambda_uni:g}; {source}."
    return PaperNetwork(data, "MCR", "mcr", encoder, {**LINEAR, **options}, training, of_mcr, said, data_options or {})


def _mcr_words(data: str, modalities: Options, lambda_mi: float, lambda_uni: float) -> PaperNetwork:
    source = "ours: a Transformer of two layers, 64 wide, for each modality, negative or not as the task, epochs"
    return _mcr(data, lambda_mi, lambda_uni, source, ("transformer", OUR_TRANSFORMER), modalities)


PAPER_NETWORKS: dict[str, PaperNetwork] = {
    "av_mnist/agm_late": _agm(
        "av_mnist", "resnet18", LATE, 1000,
        f"{_RESNETS}, concatenated, one linear layer, alpha 2.5, no cap, theta 1, 1000 epochs; {_OUR_RATE}",
        alpha=2.5, cap=None, theta=1.0,
    ),
    "av_mnist/agm_early": _agm(
        "av_mnist", "resnet18", EARLY, 1000,
        f"{_RESNETS}, the MaxOut head over both, alpha 2.5, no cap, theta 1, 1000 epochs; {_OUR_RATE}",
        alpha=2.5, cap=None, theta=1.0,
    ),
    "crema_d/agm": _agm(
        "crema_d", "resnet18", LATE, 1500,
        f"{_RESNETS}, concatenated, one linear layer, alpha 1.5, cap 10, theta 1, 1500 epochs, {_BY_CLIP}; by its "
        "users: learning rate 1e-3, batches of 64",
        BY_CLIP, alpha=1.5, cap=10.0, theta=1.0,
    ),
    "ave/agm": _agm(
        "ave", "resnet18", LATE, OUR_EPOCHS,
        f"no cap, no theta; ours: {_RESNETS}, alpha, epochs, learning rate and batch size, none of which is published",
        alpha=1.5, cap=None, theta=None,
    ),
    "ur_funny/agm": _agm(
        "ur_funny", "transformer", {**LATE, **AGM_TRANSFORMER}, 800,
        "a 1x1 convolution to 768 and a Transformer of 8 layers with 4 heads for each modality, the first step of its "
        "output, concatenated 2304 -> 2, alpha 4, cap 7, theta 5, 800 epochs; ours: learned positions, learning rate "
        "and batch size",
        alpha=4.0, cap=7.0, theta=5.0,
    ),
    "crema_d/mcr": _mcr("crema_d", 0.1, 0.01, f"{_RESNETS}, {_BY_CLIP}; ours: epochs", data_options=BY_CLIP),
    "ave/mcr": _mcr("ave", 0.01, 0.01, f"{_RESNETS}; ours: epochs"),
    "ucf101/mcr": _mcr("ucf101", 0.001, 0.1, f"{_RESNETS}; ours: epochs, 8 frames of 112 pixels"),
    "kinetics_sounds/mcr": _mcr("kinetics_sounds", 0.01, 0.01, f"ours: {_RESNETS}, the lambdas of AVE, epochs"),
    "something_something/mcr": _mcr(
        "something_something", 0.1, 1.0,
        f"K = 16 in its place, with L_ceb; ours: {_RESNETS}, the weight 1 of L_ceb, epochs, 112 pixels",
        K=16, lambda_ceb=1.0,
    ),
    "cmu_mosi/mcr_vt": _mcr_words("cmu_mosi", VT, 0.001, 0.001),
    "cmu_mosi/mcr_vat": _mcr_words("cmu_mosi", VAT, 0.01, 0.01),
    "cmu_mosei/mcr_vt": _mcr_words("cmu_mosei", VT, 0.01, 0.1),
    "cmu_mosei/mcr_vat": _mcr_words("cmu_mosei", VAT, 0.001, 0.001),
}  # fmt: skip


def spec_arguments(name: str, method: str | None = None, **overrides: object) -> dict[str, object]:
    """Arguments of RunSpec for the configuration ``name``, with ``overrides`` (fields of RunSpec) in place of its own.

    method: None for the paper's own; another one is trained on the same network, without the paper's method options.
    Dicts among the overrides are merged into those of the configuration. Raises ValueError for an unknown name.
    """
    checks.one_of("paper network", name, PAPER_NETWORKS)
    network = PAPER_NETWORKS[name]
    own = {"method_options": network.method_options if method in (None, network.method) else {}}
    own |= {"data_options": network.data_options, "model_options": network.model_options, "training": network.training}
    merged = {key: {**own[key], **overrides.get(key, {})} for key in MERGED}
    fixed = {"data": network.data, "method": method or network.method, "model": network.model}
    return {**fixed, **overrides, **merged}
