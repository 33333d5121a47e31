"""Names that modalities may have, and what is said of those that they may not."""

import pytest
import torch
from torch import nn

from mmlib.data import DATASETS, Split, load
from mmlib.models import ConcatFusion, Fusion, MultimodalModel, build_model
from mmlib.records.modality_names import OWN_NAMES, check_modality

MODULE_NAMES = ["keys", "items", "values", "type", "forward", "training", "pop", "update", "_modules", "__class__"]
REFUSED = {
    **{name: f"in logs and tables that name stands for {meaning}" for name, meaning in OWN_NAMES.items()},
    **{name: "PyTorch's ModuleDict, which holds a module for each modality, uses that name" for name in MODULE_NAMES},
    "a/1": "'/' separates the parts of a log's name",
    "a+v": r"'\+' separates the modalities of a group",
    "a.v": r"'\.' separates the parts of a module's name",
    "\ud800": r"it holds half a sign \(a lone surrogate\), which cannot be written to a file",
    "left\udfff": "it holds half a sign",
    "": "the name is empty",
    "  ": "the name is empty",
}


@pytest.mark.parametrize("name", REFUSED)
def test_a_name_that_is_taken_is_refused_with_what_to_do(name):
    words = rf"^a modality cannot be named '.*': {REFUSED[name]}.*\. Rename it in the data, encoders and fusion\.$"
    with pytest.raises(ValueError, match=words):
        build_model({name: (4,), "v": (4,)}, 3)
    with pytest.raises(ValueError, match=words):
        ConcatFusion({"v": 4, name: 4}, 3)


@pytest.mark.parametrize("name", REFUSED)
def test_the_network_looks_too(name):
    """A fusion whose widths were set by hand gets no further."""
    fusion = ConcatFusion({"a": 4, "v": 4}, 3)
    fusion.widths = {name: 4, "v": 4}
    with pytest.raises(ValueError, match=f"cannot be named '.*': {REFUSED[name]}"):
        MultimodalModel({name: nn.Linear(4, 4), "v": nn.Linear(4, 4)}, fusion)


@pytest.mark.parametrize("name", REFUSED)
def test_data_are_refused_by_the_same_rule(name):
    words = rf"^a modality cannot be named '.*': {REFUSED[name]}.*\. Rename it in the data, encoders and fusion\.$"
    with pytest.raises(ValueError, match=words):
        Split({"v": torch.randn(2, 4), name: torch.randn(2, 4)}, torch.tensor([0, 1]))


@pytest.mark.parametrize("name", [0, 1.5, None, ("a", "v"), True])
def test_a_name_that_is_not_a_text_is_refused(name):
    with pytest.raises(TypeError, match="^a modality is named by a text, such as 'audio', got "):
        build_model({name: (4,), "v": (4,)}, 3)


@pytest.mark.parametrize("name", ["audio", "a", "left hand", "x_1", "joint_2", "Joint", "k", "rho", "1", "größe", "👂"])
def test_other_names_are_free(name):
    check_modality(name)
    model = build_model({name: (4,), "v": (4,)}, 3)
    assert model({name: torch.randn(2, 4), "v": torch.randn(2, 4)}).shape == (2, 3)


@pytest.mark.parametrize("name", [name for name in DATASETS if name.startswith("synthetic")])
def test_the_suites_synthetic_data_have_such_names(name):
    for m in load(name).modalities:
        check_modality(m)


class OwnFusion(Fusion):
    """A fusion of a user's own that defines as little as can be."""

    def forward(self, features):
        return sum(features.values())


class OwnAdditive(OwnFusion):
    is_additive = True


@pytest.mark.parametrize("kind", [OwnFusion, OwnAdditive])
@pytest.mark.parametrize("member", ["forward", "fused", "last_weights", "terms", "offset"])
def test_an_own_fusion_that_lacks_something_hears_what_to_write(kind, member):
    fusion = kind({"a": 3, "v": 3}, 3)
    features = {m: torch.randn(2, 3) for m in "av"}
    calls = {
        "forward": lambda: Fusion.forward(fusion, features),
        "fused": lambda: fusion.fused(features),
        "last_weights": lambda: fusion.last_weights,
        "terms": lambda: fusion.terms(features),
        "offset": lambda: fusion.offset,
    }
    if member == "terms" and kind is OwnFusion:  # the features themselves: what a fusion that is not additive joins
        assert calls[member]() == features
        return
    words = f"^{kind.__name__} does not define '{member}', which .*\\. Write .*def {member}\\(self.*to return"
    with pytest.raises(NotImplementedError, match=words):
        calls[member]()
