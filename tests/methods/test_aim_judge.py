"""Which channels are taken as under-optimised, and which rows a network is judged on."""

import math

import pytest
import torch

from mmlib.data import Split
from mmlib.methods.aim import judge as aim_judge
from mmlib.methods.aim.dap import pooled_outputs
from mmlib.methods.aim.judge import SELECTIONS, calibration_rows, under_optimised
from mmlib.models import build_model

R = torch.tensor([0.3, -0.1, 0.5, 0.0, -0.4])


def test_the_worst_and_the_best_channels():
    assert under_optimised(R, 0.4, "worst").tolist() == [0, 1, 0, 0, 1]
    assert under_optimised(R, 0.4, "anti").tolist() == [1, 0, 1, 0, 0]


@pytest.mark.parametrize("select", SELECTIONS)
@pytest.mark.parametrize("channels", [1, 2, 5, 6, 64])
@pytest.mark.parametrize("q", [0.0, 0.1, 0.2, 0.5, 0.99, 1.0])
def test_their_number(q, channels, select):
    torch.manual_seed(0)
    u = under_optimised(torch.randn(channels), q, select)
    assert u.shape == (channels,) and set(u.tolist()) <= {0.0, 1.0}
    assert u.sum() == math.floor(q * channels)


@pytest.mark.parametrize("select", ["worst", "anti"])
def test_equal_channels_are_taken_in_order(select):
    assert under_optimised(torch.zeros(40), 0.25, select).tolist() == [1.0] * 10 + [0.0] * 30


def test_random_channels_are_drawn_and_not_chosen():
    torch.manual_seed(0)
    r = torch.arange(10.0)
    drawn = torch.stack([under_optimised(r, 0.3, "random") for _ in range(400)])
    assert (drawn.sum(1) == 3).all()
    # A share of 0.3 of 400 draws has a standard error of 0.023.
    torch.testing.assert_close(drawn.mean(0), torch.full((10,), 0.3), rtol=0, atol=0.1)
    torch.manual_seed(0)
    assert torch.equal(under_optimised(r, 0.3, "random"), drawn[0])


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
@pytest.mark.parametrize("select", SELECTIONS)
def test_masks_have_the_type_of_the_contributions(dtype, select):
    assert under_optimised(R.to(dtype), 0.4, select).dtype == dtype


@pytest.mark.parametrize("rows", [1, 7, 1023, 1024, 1025, 5000])
def test_rows_are_distinct_and_not_too_many(rows):
    torch.manual_seed(0)
    chosen = calibration_rows(torch.randint(4, (rows,)))
    assert len(chosen) == len(set(chosen.tolist())) == min(rows, 1024)
    assert 0 <= chosen.min() and chosen.max() < rows


@pytest.mark.parametrize("seed", range(5))
def test_every_class_is_there_however_rare(seed):
    labels = torch.zeros(6000, dtype=torch.long)
    labels[100 + seed], labels[5999], labels[3:6] = 1, 7, 4
    torch.manual_seed(seed)
    assert set(labels[calibration_rows(labels)].tolist()) == {0, 1, 4, 7}


def test_more_classes_than_rows_would_be_taken():
    labels = torch.arange(3000) % 1500
    assert set(labels[calibration_rows(labels)].tolist()) == set(range(1500))
    assert len(calibration_rows(labels)) == 1500


def test_rows_are_drawn_at_random_and_repeatably():
    labels = torch.arange(4000) % 3
    torch.manual_seed(1)
    one = calibration_rows(labels)
    torch.manual_seed(1)
    same, other = calibration_rows(labels), calibration_rows(labels)
    assert torch.equal(one, same) and not torch.equal(one.sort().values, other.sort().values)


def test_every_row_is_as_likely_as_any_other():
    """Halves of 4,000 rows: each gives 512 of 1,024 rows on average, with a standard error of 2.2 over 40 draws."""
    torch.manual_seed(0)
    labels = torch.zeros(4000, dtype=torch.long)
    early = [(calibration_rows(labels) < 2000).sum().item() for _ in range(40)]
    assert abs(sum(early) / 40 - 512) < 10


def test_their_number_is_that_of_exact_arithmetic():
    assert 0.29 * 100 < 29  # as a floating number
    assert under_optimised(torch.randn(100), 0.29, "worst").sum() == 29


def rows_and_network(rows=1500):
    torch.manual_seed(0)
    labels = torch.arange(rows) % 3
    inputs = {"a": torch.randn(rows, 2, 9) + labels[:, None, None], "b": torch.randn(rows, 5)}
    return Split(inputs, labels), build_model({"a": (2, 9), "b": (5,)}, 3, width=8, depth=2, norm="batch")


def of_some(model, split):
    torch.manual_seed(4)
    return aim_judge._outputs_of_some(model, split)


def at_once(model, split):
    """The same with all rows together."""
    torch.manual_seed(4)
    inputs, labels = split.rows(calibration_rows(split.labels))
    return pooled_outputs(model, inputs), labels


def test_the_outputs_are_to_the_bit_those_of_all_rows_together():
    split, model = rows_and_network()
    (outputs, labels), state = of_some(model, split), torch.get_rng_state()
    expected, expected_labels = at_once(model, split)
    assert torch.equal(state, torch.get_rng_state()) and torch.equal(labels, expected_labels) and len(labels) == 1024
    for m, blocks in expected.items():
        assert len(outputs[m]) == len(blocks) == 2
        assert all(torch.equal(x, y) for x, y in zip(outputs[m], blocks, strict=True))


@pytest.mark.parametrize("proto", ["learned", "class_mean"])
def test_large_rows_are_taken_few_at_a_time(proto, judged, monkeypatch):
    split, model = rows_and_network()
    monkeypatch.setattr("mmlib.data.split.MOST_BYTES", 100 * 4 * (2 * 9 + 5))
    taken, rows, through = [], Split.rows, []
    monkeypatch.setattr(Split, "rows", lambda self, index: taken.append(len(index)) or rows(self, index))
    monkeypatch.setattr(
        aim_judge, "pooled_outputs", lambda m, x, *s: through.append(len(x["a"])) or pooled_outputs(m, x, *s)
    )
    judged(model, split.inputs, split.labels, proto=proto)
    assert max(taken) == max(through) == 100 and sum(taken) >= 1024
    for found, expected in zip(of_some(model, split)[0]["a"], at_once(model, split)[0]["a"], strict=True):
        torch.testing.assert_close(found, expected)
