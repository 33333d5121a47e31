"""The suite's notebooks with parameters other than the defaults: what they report must follow the parameters.

And every run behind its figures was known before it was executed (mmlib.batch.notebook_runs).
"""

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from mmlib import paths
from mmlib.batch.notebook_runs import planned_runs
from mmlib.methods.mcr.game import STRATEGIES
from mmlib.records.figure_list import figures_listed
from mmlib.records.origin.parameters import check_parameters, known_parameters

Check = Callable[[dict], object]

# notebook, parameters other than the defaults, what must hold of its metrics.json (truth value).
CASES: list[tuple[str, dict[str, object], Check]] = [
    ("00_start_here", {"views": ["kar", "pix"]}, lambda m: set(m["gap"]) == {"kar", "pix"}),
    ("10_modality_imbalance", {"scales": [1.0, 0.3]}, lambda m: set(m["gap_of_b_by_scale"]) == {"1", "0.3"}),
    (
        "11_measuring_imbalance",
        {"method": "agm"},
        lambda m: set(m["preferred"]) == {"balanced", "dominated", "synergy"},
    ),
    (
        "12_agm",
        {"dataset": "uci_digits", "fusion": "gated", "alpha": 0.5, "alphas": [0.0, 0.25]},
        lambda m: set(m["competition"]) == {"fac", "kar"} and m["best_alpha"] in (0.0, 0.25),
    ),
    (
        "13_mcr",
        {"ratio": 0.9, "lambda_mi": 0.3, "K": 2},
        lambda m: set(m["influence"]["as trained"]) == {f"game, {s}" for s in STRATEGIES} | {"joint"},
    ),
    ("16_aim", {"q": 0.3, "beta": 0.0}, lambda m: set(m["strength"]) == {"a", "b"} and "aim" in m["accuracy"]),
    (
        "20_uci_digits",
        {"views": ["fou", "mor"], "all_views": ["fou", "mor", "zer"]},
        lambda m: "fou alone" in m["two_views"] and set(m["shapley"]["agm"]) == {"fou", "mor", "zer"},
    ),
    ("21_smartwatch", {"hop": 1.0}, lambda m: set(m["gap"]) == {"acc", "gyr"}),
    (
        "22_av_digits",
        {"settings": [[10.0, 3.0], [-20.0, 0.0]], "pairs": [300, 100, 100]},
        lambda m: set(m["alone"]) == {"10 dB, blur 3", "-20 dB, blur 0"} and m["lead_of_sound"]["-20 dB, blur 0"] < 0,
    ),
    ("23_emoji", {"vocabulary": 300}, lambda m: set(m["gap"]) == {"picture", "text"} and m["pieces"] == 300),
    (
        "24_your_own_data",
        {"speakers": 6, "takes": 3, "method": "ogm_ge"},
        lambda m: "ogm_ge" in m["accuracy"] and set(m["inflated"]) == {"joint", "picture alone", "sound alone"},
    ),
    (
        "30_mcr_paper",
        {"ratios": [0.5], "sets": ["uci_digits"], "jobs": 1},
        lambda m: set(m["accuracy"]) == {"r = 0.5", "codes"} and set(m["minus_default"]["strategy"]) == {"uci_digits"},
    ),
    (
        "31_aim_paper",
        {"sets": ["two views"], "fusions": ["sum"], "optimizers": ["adam"], "jobs": 1},
        lambda m: set(m["accuracy"]) == {"two views"} and set(m["grid"]) == {"conv1d, sum, adam", "mlp, sum, adam"},
    ),
    (
        "32_agm_paper",
        {"sets": ["uci_digits"], "early": "film", "alphas": [0.25], "jobs": 1},
        lambda m: set(m["stronger"]) == {"uci_digits"} and m["best_alpha"]["uci_digits"] in (0.25, 1.5),
    ),
]


@pytest.fixture(scope="module")
def results(tmp_path_factory) -> str:
    """One folder for all cases, so that runs they share are computed once."""
    return str(tmp_path_factory.mktemp("results"))


def execute(name: str, parameters: dict[str, object], results: str) -> subprocess.CompletedProcess:
    """As a user does it: by the command line, in a process of its own, in the smoke profile."""
    given = [part for key, value in parameters.items() for part in ("-p", key, _text(value))]
    environment = os.environ | {"MMLIB_PROFILE": "smoke", "MMLIB_RESULTS": results}
    command = [sys.executable, "-m", "mmlib", "notebook", name, *given]
    return subprocess.run(command, env=environment, cwd=paths.ROOT, capture_output=True, text=True)


def _text(value: object) -> str:
    return value if isinstance(value, str) else json.dumps(value)


def drawn_from(metrics: Path, name: str) -> dict[str, set[str]]:
    """Figure id -> hashes of the runs it was drawn from, of the figures that the notebook left."""
    records = [json.loads(file.read_text()) for file in (metrics.parents[2] / "figures").glob("*.json")]
    return {
        record["id"]: {key.removeprefix("runs/") for key in record["inputs"] if key.startswith("runs/")}
        for record in records
        if record["notebook"] == name
    }


@pytest.mark.parametrize(("name", "parameters", "check"), CASES, ids=[case[0] for case in CASES])
def test_the_results_follow_the_parameters_and_the_figures_follow_list_and_plan(
    results, name, parameters, check, monkeypatch
):
    done = execute(name, parameters, results)
    assert done.returncode == 0, done.stderr
    [file] = Path(results).rglob(f"notebooks/{name}/metrics.json")
    metrics = json.loads(file.read_text())
    assert metrics["parameters"] | parameters == metrics["parameters"]
    assert check(metrics["metrics"]), metrics["metrics"]

    monkeypatch.setenv("MMLIB_PROFILE", "smoke")
    planned = {spec.hash for spec in planned_runs(paths.NOTEBOOKS / f"{name}.ipynb", parameters)}
    drawn = drawn_from(file, name)
    assert sorted(drawn) == sorted(id for id, entry in figures_listed().items() if entry["notebook"] == name)
    assert any(drawn.values())
    assert {id: runs - planned for id, runs in drawn.items() if runs - planned} == {}


@pytest.mark.parametrize("file", sorted(paths.NOTEBOOKS.glob("*.ipynb")), ids=lambda file: file.stem)
def test_each_takes_a_profile_and_refuses_what_it_does_not_know(file):
    assert "profile" in known_parameters(file)
    with pytest.raises(ValueError, match="unknown parameter of notebook"):
        check_parameters(file, {"no_such_parameter": 1})
