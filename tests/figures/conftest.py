"""A list of figures of our own, and a results folder of our own."""

import matplotlib
import pytest
import yaml

from mmlib import paths

matplotlib.use("agg")
ENTRY = {"notebook": "12_agm", "answers": "none", "data": "synthetic", "caption": "Kappa", "alt": "A line that rises."}


@pytest.fixture
def listed(tmp_path, monkeypatch):
    """listed(id=entry, ...) replaces notebooks/figures.yaml; the results go to tmp_path."""
    monkeypatch.setattr(paths, "NOTEBOOKS", tmp_path)
    monkeypatch.setenv("MMLIB_RESULTS", str(tmp_path))
    monkeypatch.setenv("MMLIB_OUTPUTS", str(tmp_path))  # no notebook runs here

    def write(**entries):
        (tmp_path / "figures.yaml").write_text(yaml.safe_dump(entries))

    write(agm_kappa=ENTRY)
    return write
