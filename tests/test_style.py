"""The package, the preparation of data and the tests keep to one style, as pyproject.toml says (ruff)."""

import subprocess
import sys

import pytest

from mmlib.paths import ROOT

PLACES = ("mmlib", "data_prep", "tests")


@pytest.mark.parametrize("asked", [("check",), ("format", "--diff")], ids=["rules", "layout"])
def test_ruff_finds_nothing(asked):
    done = subprocess.run([sys.executable, "-m", "ruff", *asked, *PLACES], cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
