"""What a machine with a GPU is asked: the tests marked ``gpu`` and the cost of a step, written to one JSON file.

    python3 tests/benchmarks/gpu_check.py [--out FILE]

Needs PyTorch, numpy and pytest, and no network. Leaves with 1 if a test failed, or if none ran on a machine with a GPU.
"""

import argparse
import platform
import sys
from dataclasses import asdict
from pathlib import Path

import pytest
import step_cost
import torch

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT))

from mmlib.paths import results_dir  # noqa: E402
from mmlib.records.files import write_json  # noqa: E402

# Tests in other places may need more than PyTorch, numpy and pytest.
PLACES = ("tests/coalitions", "tests/models", "tests/methods", "tests/training/test_training.py")


class Outcomes:
    """pytest plugin: the outcome of every test, and why it was skipped or how it failed."""

    def __init__(self) -> None:
        self.tests: dict[str, dict[str, str]] = {}
        self.broken: list[str] = []

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Keeps the test itself, and whatever went wrong before or after it."""
        if report.when == "call" or report.outcome != "passed":
            self.tests[report.nodeid] = {"outcome": report.outcome} | (
                {"why": _why(report)} if not report.passed else {}
            )

    def pytest_collectreport(self, report: pytest.CollectReport) -> None:
        """Keeps the files that could not be read."""
        if report.failed:
            self.broken.append(f"{report.nodeid}: {report.longreprtext}")


def _why(report: pytest.TestReport) -> str:
    return report.longrepr[2] if report.skipped else report.longreprtext


def run_tests() -> Outcomes:
    """Runs the tests marked ``gpu``."""
    outcomes = Outcomes()
    places = [str(ROOT / place) for place in PLACES]
    code = pytest.main(["-q", "-m", "gpu", "-p", "no:cacheprovider", f"--rootdir={ROOT}", *places], plugins=[outcomes])
    if code not in (pytest.ExitCode.OK, pytest.ExitCode.TESTS_FAILED):
        outcomes.broken.append(f"pytest ended with {pytest.ExitCode(code).name}")
    return outcomes


def device() -> dict[str, object]:
    """What the check ran on."""
    found = torch.cuda.is_available()
    return {
        "kind": "cuda" if found else "cpu",
        "name": torch.cuda.get_device_name() if found else platform.processor() or platform.machine(),
        "cuda": torch.version.cuda,
        "torch": torch.__version__,
        "python": platform.python_version(),
    }


def step_costs(configs: list[str]) -> dict[str, dict[str, dict[str, float | None]]]:
    """Configuration -> method -> cost; prints each table as it comes."""
    result = {}
    for name in configs:
        costs = step_cost.measure(step_cost.CONFIGS[name])
        print(f"{name}\n{step_cost.table(costs)}", flush=True)
        result[name] = {method: asdict(cost) for method, cost in costs.items()}
    return result


def main(arguments: list[str] | None = None) -> int:
    """Runs everything, writes the file and returns the exit code."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--out", type=Path, default=results_dir() / "gpu_check.json")
    parser.add_argument("--config", nargs="+", choices=step_cost.CONFIGS, default=list(step_cost.DEFAULT))
    options = parser.parse_args(arguments)
    outcomes = run_tests()
    counts = {
        kind: sum(t["outcome"] == kind for t in outcomes.tests.values()) for kind in ("passed", "failed", "skipped")
    }
    report = {
        "device": device(),
        "counts": counts,
        "tests": outcomes.tests,
        "broken": outcomes.broken,
        "step_cost": step_costs(options.config),
    }
    write_json(options.out, report)
    print(f"{counts} on {report['device']['name']}; written to {options.out}")
    nothing_ran = report["device"]["kind"] == "cuda" and not counts["passed"]
    return 1 if counts["failed"] or outcomes.broken or nothing_ran else 0


if __name__ == "__main__":
    sys.exit(main())
