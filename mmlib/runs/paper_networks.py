"""Networks and settings after those of the papers on their data sets, as named configurations.

    RunSpec(**spec_arguments("crema_d/agm"))                                     the paper's method
    RunSpec(**spec_arguments("crema_d/agm", "joint", training={"epochs": 20}))   another one on the same network

None is a paper's experiment to the letter yet. Each says in ``source`` what the paper or its released program gives,
and what is ours for now in place of what it has. In all of them these are ours:

- The learning rate is constant. AGM's program: times 0.1 every 70 epochs; MCR's: 780 steps of warm-up, then cosine with
  warm restarts (T_0 = 4, T_mult = 2).
- AGM modulates in every epoch. Its program: in epochs 0 to 20, unless asked otherwise.
- MCR trains by Adam with eps 1e-8 and without weight decay. Its program: 1e-7, weight decay 1e-4.
- Encoders start from random weights. MCR's start from networks trained on one modality each, in runs of their own, on
  every set but CMU-MOSI. That is not what ``pretrain_epochs`` does.
- Frames are not cropped or flipped at random. Both programs do it on CREMA-D, and MCR's on AVE.
- Validation rows choose the epoch, as in MCR, which also stops early. The programs of AGM and OGM-GE choose it by TEST
  accuracy, so an honest number is lower than theirs.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field

from mmlib import checks

Options = Mapping[str, object]


@dataclass(frozen=True)
class PaperNetwork:
    """Arguments of a RunSpec after ``paper`` on ``data`` with ``method``; source: which of them are the paper's."""

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
BY_CLIP = {"split": "ogm"}  # of OGM-GE and AGM; MCR has folds by actor, and our recipe keeps every actor in one split
OUR_EPOCHS = 100  # where the paper gives none, or a maximum for early stopping

_AGM = "AGM: SGD, momentum 0.9, weight decay 1e-4"
_MCR = "MCR: linear fusion, Adam, learning rate 1e-4, batches of 32, K = 32, lambda_con 1"
_RESNETS = "a ResNet-18 from scratch for each modality, 512 features"
_OURS = "ours for now:"
_AV_MNIST = (
    f"batches of 64; {_OURS} learning rate 1e-3 and 1000 epochs (its program has 1e-4 and 100), all rows of the "
    "release (it has the first 90 % of train and of test), batch-norm weights from 1 (it draws them from N(1, 0.02))"
)
_BY_CLIP = "the split of OGM-GE by clip, in which train and test share all 91 actors"


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


def _mcr_words(data: str, modalities: Options, lambda_mi: float, lambda_uni: float, more: str = "") -> PaperNetwork:
    source = (
        f"{OUR_EPOCHS} epochs at most; {_OURS} negative or not as the task (the paper has regression of the sentiment"
        f"{more}), a Transformer of two layers, 64 wide, for each modality (its program has encoders 40 wide)"
    )
    return _mcr(data, lambda_mi, lambda_uni, source, ("transformer", OUR_TRANSFORMER), modalities)


PAPER_NETWORKS: dict[str, PaperNetwork] = {
    "av_mnist/agm_late": _agm(
        "av_mnist", "resnet18", LATE, 1000,
        f"{_RESNETS}, concatenated, one linear layer, alpha 2.5, no cap, theta 1, {_AV_MNIST}",
        alpha=2.5, cap=None, theta=1.0,
    ),
    "av_mnist/agm_early": _agm(
        "av_mnist", "resnet18", EARLY, 1000,
        f"{_RESNETS}, the MaxOut head over both, alpha 2.5, no cap, theta 1, {_AV_MNIST}",
        alpha=2.5, cap=None, theta=1.0,
    ),
    "crema_d/agm": _agm(
        "crema_d", "resnet18", LATE, 1500,
        f"{_RESNETS}, concatenated, one linear layer, alpha 1.5, cap 10, theta 1, 1500 epochs, one frame, {_BY_CLIP}; "
        f"by its users: learning rate 1e-3, batches of 64; {_OURS} all clips of both lists (its program has the first "
        "90 % of each), PyTorch's initial weights (it has Xavier and Kaiming)",
        BY_CLIP, alpha=1.5, cap=10.0, theta=1.0,
    ),
    "ave/agm": _agm(
        "ave", "resnet18", LATE, OUR_EPOCHS,
        "no cap, no theta, alpha not published; another task than the paper's, which has features made beforehand "
        f"(VGG 7x7x512, VGGish 128, 10 segments, 29 classes) and another network; {_OURS} clips of 28 classes, "
        f"{_RESNETS}, alpha, epochs, learning rate and batch size",
        alpha=1.5, cap=None, theta=None,
    ),
    "ur_funny/agm": _agm(
        "ur_funny", "transformer", {**LATE, **AGM_TRANSFORMER}, 800,
        "a 1x1 convolution to 768 and a Transformer of 8 layers with 4 heads for each modality, the first step of its "
        f"output, concatenated 2304 -> 2, alpha 4, cap 7, theta 5, 800 epochs; {_OURS} learned positions and a bias in "
        "the convolution (its program has neither), learning rate and batch size",
        alpha=4.0, cap=7.0, theta=5.0,
    ),
    "crema_d/mcr": _mcr(
        "crema_d", 0.1, 0.01,
        f"{_RESNETS}; {_OURS} {_BY_CLIP} (the paper has 5 folds of its own, of 63 / 14 / 14 actors, none in two of "
        f"them), 1 frame (it has 3), {OUR_EPOCHS} epochs (it has at most 1,500)",
        data_options=BY_CLIP,
    ),
    "ave/mcr": _mcr(
        "ave", 0.01, 0.01,
        f"{_RESNETS}; {_OURS} 1 frame (its program has 4), {OUR_EPOCHS} epochs (it has at most 1,500)",
    ),
    "ucf101/mcr": _mcr(
        "ucf101", 0.001, 0.1,
        f"{_RESNETS}; another task than the paper's, under its lambdas: the paper has the spectrogram of the sound and "
        f"4 frames, in the 51 classes with sound; {_OURS} frames and optical flow, 8 of 112 pixels, in all 101 "
        f"classes, {OUR_EPOCHS} epochs (it has at most 1,000)",
    ),
    "kinetics_sounds/mcr": _mcr(
        "kinetics_sounds", 0.01, 0.01,
        f"no setting for this set; {_OURS} {_RESNETS}, the lambdas of AVE, {OUR_EPOCHS} epochs",
    ),
    "something_something/mcr": _mcr(
        "something_something", 0.1, 1.0,
        f"K = 16 in its place, with L_ceb, 16 frames; {_OURS} {_RESNETS}, the training above (the paper has a Swin "
        "that was pretrained on Kinetics-400, AdamW, learning rate 1e-5, weight decay 0.02, batches of 16, 30 epochs, "
        "gradients clipped at 5, frames resized, cropped and jittered in colour), the weight 1 of L_ceb, 112 pixels",
        K=16, lambda_ceb=1.0,
    ),
    "cmu_mosi/mcr_vt": _mcr_words("cmu_mosi", VT, 0.001, 0.001),
    "cmu_mosi/mcr_vat": _mcr_words("cmu_mosi", VAT, 0.01, 0.01),
    "cmu_mosei/mcr_vt": _mcr_words("cmu_mosei", VT, 0.01, 0.1, " and L_ceb"),
    "cmu_mosei/mcr_vat": _mcr_words("cmu_mosei", VAT, 0.001, 0.001, " and L_ceb"),
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
