"""What a batch leaves, for tests to damage: a run, a figure drawn from it, a notebook's results, two prepared sets."""

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import matplotlib
import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pytest
import yaml

from mmlib import paths
from mmlib.figures import save_figure
from mmlib.notebooks.results import write_results
from mmlib.records.files import sha256_of, write_json
from mmlib.records.sealed import sealed
from mmlib.runs import RunSpec, get_or_run, inputs_of

matplotlib.use("agg")
ENTRY = {"notebook": "12_agm", "answers": "none", "data": "synthetic", "caption": "Größe κ.", "alt": "A line."}
MANIFEST = {"name": "demo", "classes": ["a"], "source": {}, "licence": "MIT", "credit": "x", "split": "6 / 2 / 2"}


def _prepare(folder: Path, seal: bool = True) -> None:
    folder.mkdir(exist_ok=True)
    np.savez(folder / "demo.npz", x=np.arange(500.0))
    arrays = {"x": {"shape": [500], "dtype": "float64"}}
    manifest = MANIFEST | {"arrays": arrays, "npz_sha256": sha256_of(folder / "demo.npz")}
    write_json(folder / "demo.json", sealed(manifest) if seal else manifest)


def _prepare_own_copy(folder: Path) -> None:
    """A set as it is prepared from a user's copy: a folder with a file per array."""
    (folder / "ave").mkdir()
    np.save(folder / "ave" / "sound.npy", np.arange(500.0))
    arrays = {"sound": {"shape": [500], "dtype": "float64", "sha256": sha256_of(folder / "ave" / "sound.npy")}}
    write_json(folder / "ave.json", sealed(MANIFEST | {"name": "ave", "arrays": arrays}))


@pytest.fixture
def entry() -> dict[str, str]:
    """What figures.yaml says of the figure kappa."""
    return ENTRY


@pytest.fixture
def prepare() -> Callable[..., None]:
    """prepare(folder, seal=True) puts the data set demo there; without the seal, as an earlier version did."""
    return _prepare


@pytest.fixture
def change() -> Callable[..., None]:
    """change(file, entry=...) changes a sealed JSON file as somebody would who also mends its digest."""

    def change(file: Path, **entries: object) -> None:
        content = json.loads(file.read_text()) | entries
        del content["digest"]
        write_json(file, sealed(content))

    return change


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder that holds results/, data/ and figures.yaml."""
    folder = tmp_path_factory.mktemp("made")
    (folder / "figures.yaml").write_text(yaml.safe_dump({"kappa": ENTRY}))
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("MMLIB_RESULTS", str(folder / "results"))
        patch.setenv("MMLIB_OUTPUTS", str(folder / "results"))  # no notebook runs here
        patch.setattr(paths, "NOTEBOOKS", folder)
        options = {"data_options": {"samples": (40, 20, 20)}, "training": {"epochs": 1}}
        spec = RunSpec("synthetic", "joint", seeds=(0, 1), **options)
        get_or_run(spec)
        figure = plt.figure(figsize=(1, 1))
        plt.close(figure)
        save_figure("kappa", figure, parameters={"alpha": 1.5}, seeds=[0, 1], inputs=inputs_of([spec]))
        write_results("12_agm", {"accuracy": 0.5}, pd.DataFrame({"seed": [0], "value": [0.5]}), {"alpha": 1.5})
    _prepare(folder / "data")
    _prepare_own_copy(folder / "data")
    return folder


@pytest.fixture
def results(made: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A copy of ``made`` that a test may damage; its results folder."""
    shutil.copytree(made, tmp_path, dirs_exist_ok=True)
    monkeypatch.setenv("MMLIB_RESULTS", str(tmp_path / "results"))
    monkeypatch.setenv("MMLIB_DATA", str(tmp_path / "data"))
    monkeypatch.setattr(paths, "NOTEBOOKS", tmp_path)
    return tmp_path / "results"
