"""Putting outputs into a notebook kept in git."""

import nbformat
import pytest
from nbformat import v4

from mmlib import paths
from mmlib.notebooks.clean import KERNEL, LANGUAGE, describe_images, normalise, saved_figures
from mmlib.notebooks.execute import NotebookFailed
from mmlib.notebooks.refresh import refresh
from mmlib.records.execution_record import write_record
from mmlib.records.files import write_json
from mmlib.records.profiles import default_profile
from mmlib.records.sealed import sealed

METADATA = {"widgets": {}, "papermill": {}, "kernelspec": {"name": "conda-x", "display_name": "x"}}


def test_only_outputs_and_counts_change_and_a_second_time_changes_nothing(make_notebook):
    source = make_notebook("1 + 1")
    before = nbformat.read(source, as_version=4)
    refresh(source, say=lambda line: None)
    after = nbformat.read(source, as_version=4)
    assert [(c.id, c.source, c.metadata) for c in after.cells] == [(c.id, c.source, c.metadata) for c in before.cells]
    assert after.cells[2].execution_count == 2 and after.cells[2].outputs[0].data["text/plain"] == "2"
    assert after.metadata == {"kernelspec": KERNEL, "language_info": LANGUAGE}
    text = source.read_text()
    assert text.endswith("}\n") and not text.endswith("\n\n")
    refresh(source, say=lambda line: None)
    assert source.read_text() == text


@pytest.fixture
def executed(make_notebook, tmp_path, monkeypatch):
    """A notebook, and what the engine left of it: the executed one has an output. Executing it again is an error."""
    source = make_notebook("1 + 1")
    notebook = nbformat.read(source, as_version=4)
    notebook.cells[2].outputs = [v4.new_output("stream", text="by the engine")]
    output = tmp_path / "results" / "notebooks" / "toy.ipynb"
    write_json(output.with_suffix("") / "metrics.json", sealed({"parameters": {"profile": default_profile()}}))
    nbformat.write(notebook, output)
    write_record(output)

    def again(source, say):
        raise NotebookFailed("executed again")

    monkeypatch.setattr("mmlib.notebooks.refresh.execute", again)
    return source, output


def test_what_the_engine_has_executed_is_taken(executed):
    source, _ = executed
    refresh(source, say=lambda line: None)
    assert nbformat.read(source, as_version=4).cells[2].outputs[0].text == "by the engine"


@pytest.mark.parametrize("name", ["toy.ipynb", "toy/metrics.json", "toy/execution.json"])
@pytest.mark.parametrize("damage", ["changed", "emptied", "gone", "a folder"])
def test_a_damaged_result_is_not_taken(executed, name, damage):
    source, output = executed
    file, before = output.parent / name, source.read_bytes()
    content = file.read_bytes()
    file.unlink()
    if damage == "a folder":
        file.mkdir()
    elif damage != "gone":
        file.write_bytes(content.replace(b'"', b"'", 1) if damage == "changed" else b"")
    with pytest.raises(NotebookFailed, match="executed again"):
        refresh(source, say=lambda line: None)
    assert source.read_bytes() == before


def test_a_result_of_other_parameters_is_not_taken(executed):
    source, output = executed
    metrics = output.with_suffix("") / "metrics.json"
    write_json(metrics, sealed({"parameters": {"profile": default_profile(), "epochs": 4}}))
    with pytest.raises(NotebookFailed, match="executed again"):
        refresh(source, say=lambda line: None)


def test_a_failing_notebook_stays_untouched(make_notebook):
    source = make_notebook("1 / 0")
    before = source.read_bytes()
    with pytest.raises(NotebookFailed, match="ZeroDivisionError"):
        refresh(source, say=lambda line: None)
    assert source.read_bytes() == before


def test_saved_figures_are_found_over_lines_and_quotes():
    assert saved_figures("save_figure(\n    'a_b', f)\nx = 1; save_figure(\"c\", g)") == ["a_b", "c"]


def test_pictures_get_their_words_only_where_it_is_plain_which_is_which(monkeypatch):
    listed = {"one": {"alt": "A line."}, "two": {"alt": "Dots."}}
    monkeypatch.setattr("mmlib.notebooks.clean.figures_listed", lambda: listed)

    def picture():
        return v4.new_output("display_data", {"image/png": "AA=="})

    clear = v4.new_code_cell("save_figure('one', f)\nsave_figure('two', g)", outputs=[picture(), picture()])
    unclear = v4.new_code_cell("save_figure('one', f)", outputs=[picture(), picture()])
    describe_images(v4.new_notebook(cells=[v4.new_markdown_cell("x"), clear, unclear]))
    assert [out.metadata["image/png"]["alt"] for out in clear.outputs] == ["A line.", "Dots."]
    assert all("image/png" not in out.metadata for out in unclear.outputs)


def test_paths_start_at_the_project():
    result = v4.new_output("execute_result", {"text/plain": f"'{paths.ROOT}/results/a.png'"})
    printed = v4.new_output("stream", text=f"wrote {paths.ROOT}/results/a.png\n")
    normalise(v4.new_notebook(cells=[v4.new_code_cell("1", outputs=[result, printed])]))
    assert result.data["text/plain"] == "'results/a.png'" and printed.text == "wrote results/a.png\n"


def test_noise_goes_and_meaning_stays():
    cell = v4.new_code_cell("1", metadata={"papermill": {"duration": 1}, "execution": {}, "tags": ["solution"]})
    other = v4.new_code_cell("2", metadata={"tags": []})
    notebook = v4.new_notebook(cells=[cell, other], metadata=METADATA)
    normalise(notebook)
    assert cell.metadata == {"tags": ["solution"]} and other.metadata == {}
    assert notebook.metadata.kernelspec.name == "python3" and "widgets" not in notebook.metadata
