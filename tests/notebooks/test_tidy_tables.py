"""Equal results give equal notebooks: what pandas and Python draw again in each process is settled."""

import nbformat
import pytest
from nbformat import v4

from mmlib.notebooks.clean import LANGUAGE, normalise, settle_tables
from mmlib.notebooks.execute import execute
from mmlib.records.execution_record import record_file, require_whole

QUIET = {"say": lambda line: None}
STYLED = """\
import pandas as pd
styled = pd.DataFrame({"a": [1, 2]}).style.hide(axis="index").format(precision=2).highlight_max()
display(styled, styled.set_caption("again"))
styled"""


def outputs(file):
    cells = nbformat.read(file, as_version=4).cells
    return [[{**output} for output in cell.get("outputs", [])] for cell in cells]


def test_a_styled_table_is_the_same_in_every_execution(make_notebook):
    source = make_notebook(STYLED, STYLED.replace("[1, 2]", "[3, 4]"))
    first, second = (outputs(execute(source, **QUIET)) for _ in range(2))
    assert first == second
    data = [output.get("data", {}) for of_cell in first for output in of_cell]
    pages = [of["text/html"] for of in data if "text/html" in of]
    ids = [page.split('<table id="')[1].split('"')[0] for page in pages]
    assert len(pages) == 6 and len(set(ids)) == 6
    # The style of a cell is still that of its own table.
    assert all(f"#{id}_row1_col0 {{" in page and f'<td id="{id}_row1_col0"' in page for id, page in zip(ids, pages))


def test_other_ids_and_texts_stay():
    html = '<table id="T_mine"><tr id="x T_0123"></tr></table>'
    output = v4.new_output("display_data", {"text/html": html, "text/plain": "look at 0x12 and 0xab>"})
    settle_tables(v4.new_notebook(cells=[v4.new_code_cell("1", outputs=[output])]))
    assert output.data == {"text/html": html, "text/plain": "look at 0x12 and 0xab>"}


def test_settling_twice_is_settling_once():
    html = '<style>#T_0a1b2_row0 {}</style><table id="T_0a1b2"></table><table id="T_ffff0"></table>'
    output = v4.new_output("display_data", {"text/html": html, "text/plain": "<Styler at 0x7f01>"})
    notebook = v4.new_notebook(cells=[v4.new_code_cell("1", id="10-03", outputs=[output])])
    settle_tables(notebook)
    once = dict(output.data)
    expected = '<style>#T_10-03_0_0_row0 {}</style><table id="T_10-03_0_0"></table><table id="T_10-03_0_1"></table>'
    assert once == {"text/html": expected, "text/plain": "<Styler at>"}
    settle_tables(notebook)
    assert output.data == once


def test_a_notebook_tells_programs_how_its_script_is_called(tmp_path):
    from nbconvert import ScriptExporter

    language = {"name": "python", "version": "3.11.7"}
    notebook = v4.new_notebook(cells=[v4.new_code_cell("1")], metadata={"language_info": language})
    normalise(notebook)
    assert notebook.metadata.language_info == LANGUAGE and "version" not in LANGUAGE
    _, resources = ScriptExporter().from_notebook_node(notebook)
    assert resources["output_extension"] == ".py"


def test_an_executed_notebook_carries_its_hash(make_notebook):
    output = execute(make_notebook("1 + 1"), **QUIET)
    require_whole(output)
    for change in (lambda: output.write_bytes(output.read_bytes() + b" "), output.unlink, output.mkdir):
        change()
        with pytest.raises(ValueError, match="toy.ipynb is damaged"):
            require_whole(output)
    record_file(output).write_text("{")
    with pytest.raises(ValueError, match="execution.json is damaged"):
        require_whole(output)
    record_file(output).unlink()
    require_whole(output)
