"""The copies that ``make lab`` opens: nothing is written into the checkout, and no edit is lost."""

import shutil
import subprocess
import sys

import nbformat
import pytest
from nbformat import v4

from mmlib import paths
from mmlib.notebooks.lab_copies import renew_copies


@pytest.fixture
def suite(tmp_path, monkeypatch):
    """A notebooks folder with one notebook and a picture; its path."""
    monkeypatch.setattr(paths, "NOTEBOOKS", tmp_path / "notebooks")
    monkeypatch.setenv("MMLIB_RESULTS", str(tmp_path / "results"))
    (tmp_path / "notebooks").mkdir()
    (tmp_path / "notebooks" / "seen.png").write_bytes(b"a picture")
    write(tmp_path / "notebooks", "1 + 1")
    return tmp_path / "notebooks"


def write(folder, source, output=None):
    cell = v4.new_code_cell(source, id="one", outputs=[v4.new_output("stream", text=output)] if output else [])
    nbformat.write(v4.new_notebook(cells=[cell]), folder / "10_one.ipynb")


def read(folder):
    [cell] = nbformat.read(folder / "10_one.ipynb", as_version=4).cells
    return cell.source, "".join(output.text for output in cell.outputs)


def renewed():
    lines = []
    return renew_copies(say=lines.append), lines


def test_copies_lie_in_the_results_with_the_pictures_beside_them(suite, tmp_path):
    folder, lines = renewed()
    assert folder == tmp_path / "results" / "lab" and lines == []
    for name in ("10_one.ipynb", "seen.png"):
        assert (folder / name).read_bytes() == (suite / name).read_bytes()
    assert sorted(file.name for file in suite.iterdir()) == ["10_one.ipynb", "seen.png"]


def test_an_edited_copy_is_never_overwritten_and_it_is_said_when_the_original_changes(suite):
    folder, _ = renewed()
    write(folder, "2 + 2  # mine")
    assert renewed() == (folder, []) and read(folder) == ("2 + 2  # mine", "")
    write(suite, "3 + 3")
    for _ in range(2):
        _, [line] = renewed()
        assert "10_one.ipynb is edited and stays as it is" in line and "delete yours" in line
        assert read(folder) == ("2 + 2  # mine", "")
    (folder / "10_one.ipynb").unlink()
    assert renewed() == (folder, []) and read(folder) == ("3 + 3", "")


def test_an_unedited_copy_is_renewed_and_keeps_its_outputs_until_the_code_changes(suite):
    folder, _ = renewed()
    write(folder, "1 + 1", "ran here")
    write(suite, "1 + 1", "ran by the suite")
    assert renewed() == (folder, []) and read(folder) == ("1 + 1", "ran here")
    write(suite, "3 + 3", "new")
    assert renewed() == (folder, []) and read(folder) == ("3 + 3", "new")
    write(suite, "3 + 3", "newer")
    assert renewed() == (folder, []) and read(folder) == ("3 + 3", "newer")


@pytest.mark.parametrize("note", [None, "", "[]", "{"])
def test_without_the_note_of_what_was_copied_every_copy_counts_as_edited(suite, note):
    folder, _ = renewed()
    (folder / ".copied.json").unlink()
    if note is not None:
        (folder / ".copied.json").write_text(note)
    write(suite, "3 + 3")
    assert len(renewed()[1]) == 1 and read(folder) == ("1 + 1", "")


@pytest.mark.parametrize("content", [b"", b"{", b"[]", b"\xff"])
def test_a_copy_that_cannot_be_read_is_its_users(suite, content):
    folder, _ = renewed()
    (folder / "10_one.ipynb").write_bytes(content)
    write(suite, "3 + 3")
    assert len(renewed()[1]) == 1 and (folder / "10_one.ipynb").read_bytes() == content


def test_make_lab_opens_the_copies(tmp_path):
    shutil.copy(paths.ROOT / "Makefile", tmp_path)
    command = ["make", "--dry-run", "lab", "ENV=here", f"RESULTS={tmp_path / 'out'}"]
    printed = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True).stdout
    copies, server = (line for line in printed.splitlines() if "lab_copies" in line or "jupyterlab" in line)
    assert "-m mmlib.notebooks.lab_copies" in copies and str(tmp_path / "out" / "lab") in server
    assert "--notebook-dir=notebooks" not in printed


def test_the_module_makes_the_copies_of_the_suite(tmp_path):
    environment = {"MMLIB_RESULTS": str(tmp_path), "PATH": ""}
    subprocess.run([sys.executable, "-m", "mmlib.notebooks.lab_copies"], cwd=paths.ROOT, env=environment, check=True)
    copies = {file.name for file in (tmp_path / "lab").glob("*.ipynb")}
    assert copies == {file.name for file in paths.NOTEBOOKS.glob("*.ipynb")}
