"""Cleaning an executed notebook: the copy kept in git gets reviewable diffs, the page gets words for its pictures.

What differs though no number does, such as the ids of tables, is settled, so that equal results give equal files.
"""

import re

from nbformat import NotebookNode, from_dict

from mmlib import paths
from mmlib.records.figure_list import figures_listed

KERNEL = {"display_name": "Python 3", "language": "python", "name": "python3"}
# What programs need to know of Python; no version, which differs from machine to machine.
LANGUAGE = {
    "codemirror_mode": {"name": "ipython", "version": 3},
    "file_extension": ".py",
    "mimetype": "text/x-python",
    "name": "python",
    "nbconvert_exporter": "python",
    "pygments_lexer": "ipython3",
}
CELL_NOISE = ("papermill", "execution", "collapsed", "scrolled")
SAVED = re.compile(r"""save_figure\(\s*["']([^"']+)["']""")
CHECKED = "NBVAL_CHECK_OUTPUT"
# pandas draws five hex digits for each table that it styles; the ids of its cells begin with them.
STYLED = re.compile(r"""<table id="T_([0-9a-f]{5})\"""")
ADDRESS = re.compile(r"(?<= at) 0x[0-9a-f]+(?=>)")


def saved_figures(source: str) -> list[str]:
    """The figure ids that a cell's ``save_figure("ID", ...)`` calls name, in order."""
    return SAVED.findall(source)


def normalise(notebook: NotebookNode) -> None:
    """Removes what differs from run to run and from machine to machine. In place.

    Widgets, timings, papermill's notes, foreign kernel names; paths in outputs then start at the project's folder.
    """
    notebook.metadata = from_dict({"kernelspec": KERNEL, "language_info": LANGUAGE})
    for cell in notebook.cells:
        for noise in CELL_NOISE:
            cell.metadata.pop(noise, None)
        if not cell.metadata.get("tags", True):
            del cell.metadata["tags"]
        for output in cell.get("outputs", []):
            _shorten_paths(output)
    settle_tables(notebook)


def settle_tables(notebook: NotebookNode) -> None:
    """Gives each table that pandas styled an id that follows from its place: cell and output. In place.

    And leaves out where in memory an object was, which its text names.
    """
    for cell_number, cell in enumerate(notebook.cells):
        for number, output in enumerate(cell.get("outputs", [])):
            data = output.get("data", {})
            for table, drawn in enumerate(STYLED.findall(data.get("text/html", ""))):
                id = f"T_{cell.get('id', cell_number)}_{number}_{table}"
                data["text/html"] = data["text/html"].replace(f"T_{drawn}", id)
            if "text/plain" in data:
                data["text/plain"] = ADDRESS.sub("", data["text/plain"])


def _shorten_paths(output: NotebookNode) -> None:
    texts = output.get("data", {})
    for kind in (kind for kind in texts if kind.startswith("text/")):
        texts[kind] = texts[kind].replace(f"{paths.ROOT}/", "")
    if "text" in output:
        output.text = output.text.replace(f"{paths.ROOT}/", "")


def describe_images(notebook: NotebookNode) -> None:
    """Gives each picture the alternative text of its figure, which the site writes into the page. In place.

    Only in cells that show as many pictures as they save figures, so that no picture gets another one's text.
    """
    listed = figures_listed()
    for cell in notebook.cells:
        ids = saved_figures(cell.source) if cell.cell_type == "code" else []
        pictures = [output for output in cell.get("outputs", []) if "image/png" in output.get("data", {})]
        if len(ids) == len(pictures):
            for id, picture in zip(ids, pictures):
                if id in listed:
                    picture.metadata["image/png"] = {**picture.metadata.get("image/png", {}), "alt": listed[id]["alt"]}
