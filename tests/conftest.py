"""One thread per test process, as pytest-xdist runs several, and the same tests in each. Needs pytest and PyTorch."""

import pytest
import torch

torch.set_num_threads(1)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Processes of pytest-xdist must find tests of the same names, and a set is written in another order in each."""
    for item in items:
        for value in item.callspec.params.values() if hasattr(item, "callspec") else ():
            if isinstance(value, (set, frozenset)) and len(value) > 1 and str(value) in item.name:
                raise pytest.UsageError(f"{item.nodeid}: a set stands in the name of the test; make it a list.")
