import pytest
import torch

from mmlib.data import Split
from mmlib.measures import masked_accuracy, response_accuracy
from mmlib.models import build_model


def test_masked_accuracy_of_an_additive_network_is_what_the_hand_finds(additive, four_rows):
    assert masked_accuracy(additive(), four_rows) == {("a",): 0.75, ("b",): 0.5, ("a", "b"): 0.75}


def test_response_of_an_additive_network_without_bias_is_its_masked_output(additive, four_rows):
    assert response_accuracy(additive(), four_rows) == {"a": 0.75, "b": 0.5}


def test_response_shares_the_bias_where_the_masked_output_keeps_all_of_it(additive, four_rows):
    # f(a) = a + (0, 1.5) is wrong in row 1 and in row 4, phi_a = a + (0, .75) in neither.
    model = additive(bias=(0.0, 0.75))
    assert masked_accuracy(model, four_rows)["a",] == 0.25
    assert response_accuracy(model, four_rows)["a"] == 0.75


def test_response_of_two_modalities_is_half_the_gain_plus_half_the_solo_output(one_informative):
    torch.manual_seed(0)
    model = build_model({"a": (10,), "b": (10,)}, 10, fusion="gated", width=16).eval()
    split = one_informative(300)
    with torch.no_grad():
        a, b = split.inputs["a"], split.inputs["b"]
        full = model({"a": a, "b": b})
        solo = model({"a": a, "b": torch.zeros_like(b)})
        rest = model({"a": torch.zeros_like(a), "b": b})
    right = ((full - rest + solo) / 2).argmax(1) == split.labels
    assert response_accuracy(model, split)["a"] == pytest.approx(right.double().mean().item(), abs=1e-12)


def test_a_perfect_and_a_useless_modality(additive, one_informative):
    accuracy = masked_accuracy(additive(classes=10), one_informative(2500))
    assert accuracy["a",] == 1.0
    assert accuracy["b",] == pytest.approx(0.1, abs=0.03)
    assert accuracy["b",] < accuracy["a", "b"] < 1.0


def test_every_subset_of_six_modalities_has_a_row(additive):
    names = tuple("abcdef")
    torch.manual_seed(0)
    split = Split({m: torch.randn(5, 3) for m in names}, torch.randint(3, (5,)))
    accuracy = masked_accuracy(additive(names, classes=3), split)
    assert len(accuracy) == 63
    assert list(accuracy)[0] == ("a",) and list(accuracy)[-1] == names


def test_accuracy_is_over_rows_and_not_a_mean_of_batch_means(additive):
    # 1024 rows are right and the single row of the last batch is wrong: batch means would give one half.
    logits = torch.tensor([[1.0, 0.0]]).repeat(1025, 1)
    labels = torch.zeros(1025, dtype=torch.long)
    labels[-1] = 1
    accuracy = masked_accuracy(additive(), Split({"a": logits, "b": logits}, labels))
    assert set(accuracy.values()) == {1024 / 1025}


@pytest.mark.parametrize("measure", [masked_accuracy, response_accuracy])
def test_rows_that_do_not_fit_the_network_are_refused(measure, additive, four_rows):
    model = additive()
    with pytest.raises(ValueError, match="labels run from 0 to 7; the model's classes are 0..1"):
        measure(model, Split(four_rows.inputs, torch.tensor([0, 1, 7, 0])))
    with pytest.raises(ValueError, match="missing \\['b'\\]"):
        measure(model, Split({"a": four_rows.inputs["a"]}, four_rows.labels))
    with pytest.raises(ValueError, match="at least one row"):
        measure(model, Split({m: x[:0] for m, x in four_rows.inputs.items()}, four_rows.labels[:0]))
