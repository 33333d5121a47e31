"""Where one modality dominates, AIM decides better than joint training and its encoders have learned more."""

from statistics import mean, stdev

import pytest

from mmlib.runs import RunSpec, run_all
from mmlib.runs.comparisons import measured
from mmlib.runs.recipes import SETTINGS

SEEDS = range(5)


def specs():
    common = {"data": "synthetic", "data_options": SETTINGS["dominated"], "profile": "quick", "seeds": SEEDS}
    return {name: RunSpec(method=name, measures=("probe",), **common) for name in ("joint", "aim")}


def gains(table):
    """AIM less joint in points: (mean, standard error) of the paired differences."""
    by_method = table.set_index(["method", "seed"])["value"]
    differences = [100 * (by_method["aim", s] - by_method["joint", s]) for s in SEEDS]
    return mean(differences), stdev(differences) / len(SEEDS) ** 0.5


@pytest.mark.slow
def test_both_modalities_gain(tmp_path, monkeypatch):
    """Measured over 5 seeds of 30 epochs, joint -> AIM, and the gain with its standard error in points: accuracy
    87.7 -> 95.3 % (+7.6, 0.4), probe of the weak encoder 77.5 -> 83.7 % (+6.3, 1.3), of the dominant one 83.0 -> 83.0 %
    (+0.0, 0.3)."""
    monkeypatch.setenv("MMLIB_RESULTS", str(tmp_path))
    chosen = specs()
    assert chosen["aim"].training["epochs"] == 30
    run_all(chosen.values(), device="cpu")
    probe = measured(chosen, "probe", device="cpu")
    tables = {"accuracy": measured(chosen, device="cpu")}
    tables |= {f"probe of {m}": probe[probe["modality"] == m] for m in ("a", "b")}
    found = {name: gains(table) for name, table in tables.items()}
    text = {name: f"{gain:+.2f} points (standard error {error:.2f})" for name, (gain, error) in found.items()}
    assert found["accuracy"][0] > 0 and found["probe of b"][0] > 0, text
    assert found["probe of a"][0] >= -found["probe of a"][1], text
