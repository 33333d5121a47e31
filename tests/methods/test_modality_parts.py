"""What belongs to a modality, and its share of the logits on the validation split."""

from types import SimpleNamespace

import pytest
import torch

from mmlib.data import Split
from mmlib.methods._parts.modality_parts import own_parameters, validation_shares
from mmlib.models import FUSIONS

OWN = {"sum": ["heads.v.weight", "heads.v.bias"], "linear": ["projections.v.weight"]}
OWN |= {"attention": ["tokens.v.weight", "tokens.v.bias"]}


@pytest.mark.parametrize("fusion", [*FUSIONS, "maxout"])
def test_the_encoder_and_what_the_fusion_keeps_by_modality_are_its_own(problem, fusion):
    model = problem(fusion=fusion)[0]
    names = {id(p): name for name, p in model.named_parameters()}
    expected = [name for name in names.values() if name.startswith("encoders.v.")]
    expected += [f"fusion.{name}" for name in OWN.get(fusion, [])]
    assert [names[id(p)] for p in own_parameters(model)["v"]] == expected


@pytest.mark.parametrize("fusion", ["concat", "film", "maxout"])
def test_shares_are_of_the_validation_rows_batch_by_batch_in_evaluation_mode(problem, monkeypatch, fusion):
    model, inputs, labels = problem(fusion=fusion, rows=7, norm="batch", dropout=0.3)
    state = {k: v.clone() for k, v in model.state_dict().items()}
    monkeypatch.setattr("mmlib.data.split.MOST_BYTES", 3 * sum(x[0].nbytes for x in inputs.values()))
    shares, found = validation_shares(model, SimpleNamespace(valid=Split(inputs, labels)))
    assert all(torch.equal(v, state[k]) for k, v in model.state_dict().items())
    assert all(layer.training for layer in model.modules())
    model.eval()
    for m, z in model.fusion.modality_logits(model.encode(inputs)).items():
        torch.testing.assert_close(shares[m], z.detach(), rtol=0, atol=1e-12)
        assert not shares[m].requires_grad
    assert torch.equal(found, labels)


def test_a_second_name_for_an_encoder_beside_it_shares_nothing(problem):
    model = problem()[0]
    own = own_parameters(model)
    model.shortcut, model.fusion_weight = model.encoders["v"], model.fusion.head.weight
    assert own["v"] and {m: list(map(id, listed)) for m, listed in own.items()} == {
        m: list(map(id, listed)) for m, listed in own_parameters(model).items()
    }


def test_data_without_a_validation_split_are_refused(problem):
    model, inputs, _ = problem()
    with pytest.raises(TypeError, match="judges modalities on the MultimodalData of fit, got dict"):
        validation_shares(model, inputs)
