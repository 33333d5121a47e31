"""A fair comparison: everything equal but the method, and every number paired by seed."""

import pandas as pd
import pytest
from scipy import stats

from mmlib.measures import mean_interval
from mmlib.runs.comparisons import METHODS_COMPARED, against, measured, specs_of

COMMON = {
    "data_options": {"samples": [60, 40, 40], "classes": 3},
    "model_options": {"width": 4, "depth": 1},
    "training": {"epochs": 1},
    "seeds": (0, 1),
    "profile": "smoke",
}


@pytest.fixture
def results(tmp_path, monkeypatch):
    monkeypatch.setenv("MMLIB_RESULTS", str(tmp_path))
    return tmp_path


def accuracies(**values):
    """A table of accuracies, one list per method."""
    rows = [(name, seed, "all", v) for name, listed in values.items() for seed, v in enumerate(listed)]
    return pd.DataFrame(rows, columns=["method", "seed", "modality", "value"])


def test_each_modality_alone_and_then_each_method_under_its_own_name():
    specs = specs_of("uci_digits", ["fac", "mor"], data_options={"views": ["fac", "mor"]})
    assert list(specs) == ["fac alone", "mor alone", *METHODS_COMPARED]
    assert {specs[f"{m} alone"].method_options["modality"] for m in ("fac", "mor")} == {"fac", "mor"}
    assert all(specs[f"{m} alone"].method == "unimodal" for m in ("fac", "mor"))
    assert all(specs[name].method == name for name in METHODS_COMPARED)
    assert METHODS_COMPARED == ("joint", "multi_loss", "ogm_ge", "agm", "mcr", "aim", "ensemble")


def test_all_specs_of_a_comparison_differ_in_the_method_only():
    specs = specs_of("synthetic", ["a", "b"], **COMMON).values()
    for field in ("data", "data_options", "model", "model_options", "training", "seeds", "profile", "track"):
        assert all(getattr(spec, field) == getattr(next(iter(specs)), field) for spec in specs), field
    assert len({spec.hash for spec in specs}) == len(specs)


def test_common_fields_and_methods_can_be_chosen():
    specs = specs_of("synthetic", ["a"], methods=["agm"], profile="full", seeds=(3,))
    assert list(specs) == ["a alone", "agm"]
    assert all(spec.profile == "full" and spec.seeds == (3,) for spec in specs.values())


def test_a_measure_of_every_spec_that_has_it(results):
    specs = specs_of("synthetic", ["a", "b"], methods=["joint", "agm"], **COMMON)
    accuracy = measured(specs, device="cpu")
    assert list(accuracy) == ["method", "seed", "modality", "value"]
    assert accuracy.groupby("method", sort=False)["seed"].apply(list).to_dict() == {label: [0, 1] for label in specs}
    assert set(accuracy["modality"]) == {"all"} and accuracy["value"].between(0, 1).all()
    probes = measured(specs, "probe", device="cpu")
    assert set(probes["method"]) == {"joint", "agm"} and set(probes["modality"]) == {"a", "b"}
    with pytest.raises(ValueError, match="unknown measure 'probes'.*Did you mean 'probe'"):
        measured(specs, "probes", device="cpu")


def test_a_comparison_on_real_targets_is_of_their_error(results):
    common = COMMON | {"data_options": {"samples": [60, 40, 40]}}
    specs = specs_of("synthetic_regression", ["a", "b"], methods=["joint", "multi_loss", "ensemble"], **common)
    assert all(spec.measures == () for spec in specs.values())
    error = measured(specs, "mae", device="cpu")
    assert error.groupby("method", sort=False)["seed"].apply(list).to_dict() == {label: [0, 1] for label in specs}
    compared = against("joint", error, ["ensemble"])
    joint, ensemble = (error[error["method"] == name]["value"].mean() for name in ("joint", "ensemble"))
    assert compared["difference"].item() == round(100 * (ensemble - joint), 2) != 0
    with pytest.raises(ValueError, match="unknown measure 'accuracy': expected one of mae, valid_mae, best_epoch"):
        measured(specs, device="cpu")
    with pytest.raises(ValueError, match="method 'agm' looks at the true class"):
        specs_of("synthetic_regression", ["a"], methods=["agm"], **common)


def test_against_is_in_points_paired_by_seed_and_leaves_other_labels_out():
    # Paired by seed, agm is one to three points ahead on every seed, although the seeds differ by much more.
    joint, ahead = [0.5, 0.6, 0.7, 0.8, 0.9], [0.01, 0.03, 0.02, 0.01, 0.03]
    agm = [v + more for v, more in zip(joint, ahead)]
    table = accuracies(joint=joint, agm=agm, ensemble=[0.1] * 5, **{"a alone": [0.2] * 5})
    compared = against("joint", table.sample(frac=1, random_state=0), ["agm"])
    assert list(compared) == ["method", "seeds", "difference", "low", "high", "p_holm"]
    (row,) = compared.to_dict("records")
    _, low, high = mean_interval(ahead)
    assert (row["method"], row["seeds"], row["difference"]) == ("agm", 5, 2.0)
    assert (row["low"], row["high"]) == (round(100 * low, 2), round(100 * high, 2)) and row["low"] > 0
    assert row["p_holm"] == round(stats.ttest_1samp(ahead, 0).pvalue, 4) < 0.05


def test_against_corrects_for_the_labels_it_is_asked_for():
    joint = [0.5, 0.6, 0.7, 0.8, 0.9]
    agm = [v + d for v, d in zip(joint, (0.01, 0.03, 0.02, 0.04, -0.01))]
    table = accuracies(joint=joint, agm=agm, ogm_ge=[v - 0.3 for v in agm])
    alone = against("joint", table, ["agm"])["p_holm"].item()
    both = against("joint", table, ["agm", "ogm_ge"]).set_index("method")["p_holm"]
    assert 0.05 < alone < 0.2 and both["ogm_ge"] < alone
    assert both["agm"] == pytest.approx(alone, abs=1e-4)  # the larger of two p-values is multiplied by one


@pytest.mark.parametrize(("baseline", "labels"), [("joint", ["agm", "amg"]), ("jiont", ["agm"])])
def test_a_label_that_is_not_in_the_table_is_named_and_not_dropped(baseline, labels):
    with pytest.raises(ValueError, match="unknown (method 'amg'|baseline 'jiont')"):
        against(baseline, accuracies(joint=[0.1, 0.2], agm=[0.2, 0.3]), labels)
