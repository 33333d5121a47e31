"""verify over every kind of file in a results folder and every way it can be spoilt: named, and never a traceback."""

import json
import os
import shutil
import socket

import matplotlib
import matplotlib.pyplot as plt
import nbformat
import numpy as np
import pandas as pd
import pytest
import yaml
from nbformat.v4 import new_code_cell, new_notebook

from mmlib import paths
from mmlib.__main__ import main
from mmlib.audit.verify import verify
from mmlib.figures import save_figure
from mmlib.notebooks.results import write_results
from mmlib.records.execution_record import write_record
from mmlib.records.files import sha256_of, write_json
from mmlib.records.sealed import sealed
from mmlib.runs import RunSpec, get_or_run, inputs_of

matplotlib.use("agg")
ENTRY = {"notebook": "12_agm", "answers": "none", "data": "synthetic", "caption": "Kappa.", "alt": "A line."}
MANIFEST = {"name": "ave", "classes": ["a"], "source": {}, "licence": "MIT", "credit": "x", "split": "6 / 2 / 2"}
FILES = [
    *(f"results/figures/kappa.{kind}" for kind in ("png", "svg", "json")),
    *(f"results/variants/12_agm-0/figures/kappa.{kind}" for kind in ("png", "svg", "json")),
    *(f"results/runs/*/{name}" for name in ("metrics.json", "spec.json", "history.csv", "environment.json")),
    "results/runs/*/checkpoint-0.pt",
    *(f"results/notebooks/12_agm{rest}" for rest in (".ipynb", "/metrics.json", "/table.csv", "/execution.json")),
    *(f"results/notebooks/13_mcr{rest}" for rest in (".failed.ipynb", "/execution.json")),
    *("data/ave.json", "data/ave/sound.npy"),
]
FOLDERS = ["figures", "runs", "runs/*[0-9a-f]", "notebooks", "notebooks/12_agm", "variants", "variants/12_agm-0"]


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """What a batch leaves, with a notebook that failed, a variant, and a prepared set."""
    folder = tmp_path_factory.mktemp("made")
    results = folder / "results"
    (folder / "figures.yaml").write_text(yaml.safe_dump({"kappa": ENTRY}))
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("MMLIB_RESULTS", str(results))
        patch.setenv("MMLIB_OUTPUTS", str(results))
        patch.setattr(paths, "NOTEBOOKS", folder)
        spec = RunSpec("synthetic", "joint", seeds=(0,), data_options={"samples": (40, 20, 20)}, training={"epochs": 1})
        get_or_run(spec)
        figure = plt.figure(figsize=(1, 1))
        plt.close(figure)
        save_figure("kappa", figure, parameters={"alpha": 1.5}, seeds=[0], inputs=inputs_of([spec]))
        write_results("12_agm", {"accuracy": 0.5}, pd.DataFrame({"value": [0.5]}), {"alpha": 1.5})
    for name in ("12_agm", "13_mcr.failed"):
        nbformat.write(new_notebook(cells=[new_code_cell("1 + 1")]), results / "notebooks" / f"{name}.ipynb")
        write_record(results / "notebooks" / f"{name}.ipynb")
    shutil.copytree(results / "figures", results / "variants" / "12_agm-0" / "figures")
    (folder / "data" / "ave").mkdir(parents=True)
    np.save(folder / "data" / "ave" / "sound.npy", np.arange(50.0))
    arrays = {"sound": {"shape": [50], "dtype": "float64", "sha256": sha256_of(folder / "data" / "ave" / "sound.npy")}}
    write_json(folder / "data" / "ave.json", sealed(MANIFEST | {"arrays": arrays}))
    return folder


@pytest.fixture
def results(made, tmp_path, monkeypatch):
    """A copy that a test may damage; its results folder."""
    shutil.copytree(made, tmp_path, dirs_exist_ok=True)
    monkeypatch.setenv("MMLIB_RESULTS", str(tmp_path / "results"))
    monkeypatch.setenv("MMLIB_DATA", str(tmp_path / "data"))
    monkeypatch.setattr(paths, "NOTEBOOKS", tmp_path)
    return tmp_path / "results"


def flip(path):
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)


def to_folder(path):
    path.unlink()
    path.mkdir()


def to_full_folder(path):
    to_folder(path)
    (path / "x.json").write_text("{}")


def to_loop(path):
    """Cannot be read, by the administrator either."""
    path.unlink()
    path.symlink_to(path)


def to_pipe(path):
    """Reading it would never end."""
    path.unlink()
    os.mkfifo(path)


def to_socket(path):
    path.unlink()
    here = os.getcwd()
    os.chdir(path.parent)  # its path may be too long for a socket's address
    with socket.socket(socket.AF_UNIX) as one:
        one.bind(path.name)
    os.chdir(here)


def truncate(path):
    path.write_bytes(path.read_bytes()[:-7])


def empty(path):
    path.write_bytes(b"")


def nest(path):
    path.write_bytes(b"[" * 100_000)


def other_json(path):
    """A whole and sealed file, of something else."""
    write_json(path, sealed({"spec": 3, "something": [1]}))


DAMAGES = [flip, truncate, empty, to_folder, to_full_folder, to_loop, to_pipe, to_socket, nest, other_json]


def named(lines, path):
    return [line for line in lines if str(path) in line.split(": ")[1]]


def test_nothing_is_found_in_what_was_just_made(results):
    findings = verify(results)
    assert findings.found == [] and findings.counts["notebooks"] == 1 and findings.counts["unfinished notebooks"] == 1


@pytest.mark.parametrize("damage", DAMAGES, ids=lambda damage: damage.__name__)
@pytest.mark.parametrize("file", FILES)
def test_a_spoilt_file_is_named_and_never_a_traceback(results, file, damage):
    [path] = results.parent.glob(file)
    damage(path)
    assert named(verify(results).found, path)


@pytest.mark.parametrize("folder", FOLDERS)
def test_a_file_in_place_of_a_folder_is_named(results, folder):
    [path] = [path for path in results.glob(folder) if path.is_dir()]
    shutil.rmtree(path)
    path.write_text("x")
    assert any("it is a file where a folder was written" in line for line in named(verify(results).found, path))


def test_an_executed_notebook_without_its_hash_is_unproven_and_a_lost_one_is_missing(results):
    executed = results / "notebooks" / "12_agm.ipynb"
    (results / "notebooks" / "12_agm" / "execution.json").unlink()
    [line] = verify(results).found
    assert line.startswith(f"unproven: {executed}: there is no hash of it")
    write_record(executed)
    executed.unlink()
    [line] = verify(results).found
    assert line.startswith(f"missing: {executed}: it is not there; execute it again")


def test_the_record_of_another_notebook_is_named(results):
    record = results / "notebooks" / "12_agm" / "execution.json"
    shutil.copy(results / "notebooks" / "13_mcr" / "execution.json", record)
    assert any("it is that of 13_mcr.failed.ipynb" in line for line in named(verify(results).found, record))


@pytest.mark.parametrize("field", ["caption", "alt", "answers", "data"])
def test_words_that_have_changed_in_the_list_are_outdated_in_the_figure(results, field):
    changed = ENTRY | {field: "AGM, figure 3"}
    (results.parent / "figures.yaml").write_text(yaml.safe_dump({"kappa": changed}))
    line, variant = verify(results).found
    assert line.startswith(f"outdated: {results / 'figures' / 'kappa.json'}: figures.yaml has another {field} for it; ")
    assert line.endswith("make it again: python -m mmlib notebook 12_agm") and "variants" in variant


def notebook_of(folder, parameters):
    cells = [
        new_code_cell(parameters, metadata={"tags": ["parameters"]}),
        new_code_cell('write_results("12_agm", {}, table, {})'),
    ]
    nbformat.write(new_notebook(cells=cells), folder / "12_agm.ipynb")


def change(file, **parameters):
    content = json.loads(file.read_text())
    content.pop("digest")
    write_json(file, sealed(content | {"parameters": content["parameters"] | parameters}))


def test_results_of_other_parameters_in_the_suites_places_are_foreign(results, capsys):
    notebook_of(results.parent, "alpha = 1.5")
    assert verify(results).found == []
    notebook_of(results.parent, "alpha = 2.0")
    figure, metrics = results / "figures" / "kappa.json", results / "notebooks" / "12_agm" / "metrics.json"
    lines = verify(results).found
    assert [line.split(": ")[1] for line in lines] == [str(metrics), str(figure)]
    again = "execute it again: python -m mmlib notebook 12_agm"
    assert lines[1] == f"foreign: {figure}: it was made with alpha=1.5; {again}"
    assert main(["verify", str(results)]) == 1 and "foreign: " in capsys.readouterr().out


def test_any_profile_will_do_and_it_is_one_for_all(results):
    notebook_of(results.parent, "profile = default()\nalpha = 1.5\nnew = 3")
    figure, metrics = results / "figures" / "kappa.json", results / "notebooks" / "12_agm" / "metrics.json"
    change(metrics, profile="full")
    found = verify(results).found
    [line] = [line for line in found if line.startswith("foreign")]
    assert line.startswith(f"foreign: {figure}: it was made with profile=null, unlike metrics.json; execute it again")
    change(figure, profile="full")
    assert not [line for line in verify(results).found if line.startswith("foreign")]
