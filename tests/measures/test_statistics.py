import math
import warnings

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from mmlib.measures import mean_interval, paired_comparison
from mmlib.measures.statistics import holm


def test_the_interval_is_students():
    # Mean 3, standard error sqrt(2.5 / 5), t(4) at 97.5 % is 2.7764 in the tables.
    mean, low, high = mean_interval([1, 2, 3, 4, 5])
    assert mean == 3
    assert high - 3 == pytest.approx(2.7764451 * math.sqrt(0.5), abs=1e-6)
    assert 3 - low == pytest.approx(high - 3, abs=1e-12)


@pytest.mark.parametrize("level", [0.5, 0.9, 0.99])
def test_the_interval_agrees_with_scipy(level):
    values = [0.91, 0.87, 0.95, 0.9]
    expected = stats.t.interval(level, 3, np.mean(values), stats.sem(values))
    assert mean_interval(values, level)[1:] == pytest.approx(expected, abs=1e-12)


def test_one_seed_has_a_mean_and_no_interval():
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        mean, low, high = mean_interval([0.7])
    assert mean == 0.7 and math.isnan(low) and math.isnan(high)


@pytest.mark.parametrize("values", [[], [1.0, math.nan], [1.0, math.inf], [[1.0, 2.0]]])
def test_values_that_have_no_mean_are_refused(values):
    with pytest.raises(ValueError, match="at least one finite number"):
        mean_interval(values)


def test_a_level_in_percent_is_refused():
    with pytest.raises(ValueError, match="level must be a finite number from 0 to 1, got 95"):
        mean_interval([1, 2], level=95)


def test_holm_on_known_numbers():
    # Sorted .01 .03 .04 .2 times 4 3 2 1 is .04 .09 .08 .2; the third may not be below the second.
    assert holm([0.04, 0.01, 0.2, 0.03]) == pytest.approx([0.09, 0.04, 0.2, 0.09])
    assert holm([0.5, 0.9, 0.4]) == pytest.approx([1, 1, 1])
    assert holm([0.03]) == pytest.approx([0.03])


def tidy(**values):
    rows = [(m, s, v) for m, vs in values.items() for s, v in enumerate(vs)]
    return pd.DataFrame(rows, columns=["method", "seed", "value"])


FIVE = {
    "joint": [0.80, 0.82, 0.79, 0.81, 0.83],
    "ogm_ge": [0.81, 0.80, 0.80, 0.82, 0.82],
    "agm": [0.83, 0.84, 0.83, 0.83, 0.86],
}


def test_methods_are_compared_by_their_differences_on_equal_seeds():
    result = paired_comparison(tidy(**FIVE), baseline="joint")
    assert list(result["method"]) == ["ogm_ge", "agm"] and set(result["baseline"]) == {"joint"}
    assert list(result["seeds"]) == [5, 5]
    for row in result.itertuples():
        expected = stats.ttest_rel(FIVE[row.method], FIVE["joint"])
        interval = expected.confidence_interval(0.95)
        assert row.difference == pytest.approx(np.mean(FIVE[row.method]) - np.mean(FIVE["joint"]), abs=1e-12)
        assert (row.low, row.high) == pytest.approx((interval.low, interval.high), abs=1e-12)
        assert row.p == pytest.approx(expected.pvalue, rel=1e-9)
    least = result.loc[result["p"].idxmin()]
    assert least["method"] == "agm" and least["p_holm"] == pytest.approx(2 * least["p"])


def test_the_level_is_that_of_the_interval():
    row = paired_comparison(tidy(**FIVE), "joint", level=0.8).set_index("method").loc["agm"]
    expected = stats.ttest_rel(FIVE["agm"], FIVE["joint"]).confidence_interval(0.8)
    assert (row["low"], row["high"]) == pytest.approx((expected.low, expected.high), abs=1e-12)


def test_seeds_are_paired_by_their_number_and_not_by_their_place():
    table = tidy(**FIVE)
    mixed = table.sort_values(["method", "value"], ascending=False)
    pd.testing.assert_frame_equal(paired_comparison(table, "joint"), paired_comparison(mixed, "joint"))


def test_pairing_sees_what_unpaired_methods_would_miss():
    joint = [0.1, 0.3, 0.5, 0.7, 0.9]
    agm = [v + d for v, d in zip(joint, [0.01, 0.012, 0.009, 0.01, 0.011])]
    result = paired_comparison(tidy(joint=joint, agm=agm), "joint")
    assert result["low"].item() > 0 and result["p"].item() < 0.001


def test_fewer_than_five_seeds_give_an_interval_and_no_p():
    result = paired_comparison(tidy(**{m: v[:4] for m, v in FIVE.items()}), "joint")
    assert result[["p", "p_holm"]].isna().all(axis=None)
    assert result[["difference", "low", "high"]].notna().all(axis=None)


def test_equal_methods_have_p_one():
    table = tidy(joint=FIVE["joint"], same=FIVE["joint"], agm=FIVE["agm"])
    result = paired_comparison(table, "joint").set_index("method")
    assert result.loc["same", ["difference", "p", "p_holm"]].tolist() == [0, 1, 1]
    assert result.loc["agm", "p_holm"] == pytest.approx(2 * result.loc["agm", "p"])


def test_wrong_tables_are_named():
    table = tidy(**FIVE)
    with pytest.raises(ValueError, match="'ogm_ge' lacks seeds \\[4\\]"):
        paired_comparison(table.drop(index=9), "joint")
    more = pd.DataFrame([("agm", 7, 1.0), ("ogm_ge", 7, 1.0)], columns=table.columns)
    with pytest.raises(ValueError, match="'joint' lacks seeds \\[7\\]"):
        paired_comparison(pd.concat([table, more]), "joint")
    with pytest.raises(ValueError, match="several for 'joint' seed 0"):
        paired_comparison(pd.concat([table, table[:1]]), "joint")
    with pytest.raises(ValueError, match="not for 'joint' seed 2"):
        paired_comparison(table.assign(value=table["value"].where(table.index != 2)), "joint")
    with pytest.raises(ValueError, match="value must hold numbers"):
        paired_comparison(table.assign(value="0.5"), "joint")
    with pytest.raises(ValueError, match="unknown baseline 'Joint'.*Did you mean 'joint'"):
        paired_comparison(table, "Joint")
    with pytest.raises(ValueError, match="nothing to compare"):
        paired_comparison(tidy(joint=FIVE["joint"]), "joint")
    with pytest.raises(ValueError, match="\\['seed'\\] missing"):
        paired_comparison(table.drop(columns="seed"), "joint")
