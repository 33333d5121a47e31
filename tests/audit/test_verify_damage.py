"""verify over every kind of file in a results folder and every way it can be spoilt: named, and never a traceback."""

import json
import os
import shutil
import socket

import nbformat
import pytest
import yaml
from nbformat.v4 import new_code_cell, new_notebook

from mmlib.__main__ import main
from mmlib.audit.verify import verify
from mmlib.records.execution_record import write_record
from mmlib.records.files import write_json
from mmlib.records.sealed import sealed

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
def made(made, tmp_path_factory):
    """With an executed notebook, one that failed, and a variant."""
    folder = tmp_path_factory.mktemp("more")
    shutil.copytree(made, folder, dirs_exist_ok=True)
    results = folder / "results"
    for name in ("12_agm", "13_mcr.failed"):
        nbformat.write(new_notebook(cells=[new_code_cell("1 + 1")]), results / "notebooks" / f"{name}.ipynb")
        write_record(results / "notebooks" / f"{name}.ipynb")
    shutil.copytree(results / "figures", results / "variants" / "12_agm-0" / "figures")
    return folder


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
def test_words_that_have_changed_in_the_list_are_outdated_in_the_figure(results, entry, field):
    changed = entry | {field: "AGM, figure 3"}
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


def executed_in(file, profile):
    """The parameters in a record, with another profile."""
    return json.loads(file.read_text())["parameters"] | {"profile": profile}


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


def test_any_profile_will_do_and_it_is_one_for_all(results, change):
    notebook_of(results.parent, "profile = default()\nalpha = 1.5\nnew = 3")
    figure, metrics = results / "figures" / "kappa.json", results / "notebooks" / "12_agm" / "metrics.json"
    change(metrics, parameters=executed_in(metrics, "full"))
    found = verify(results).found
    [line] = [line for line in found if line.startswith("foreign")]
    assert line.startswith(f"foreign: {figure}: it was made with profile=null, unlike metrics.json; execute it again")
    change(figure, parameters=executed_in(figure, "full"))
    assert not [line for line in verify(results).found if line.startswith("foreign")]
