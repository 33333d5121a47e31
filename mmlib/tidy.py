"""Cleaning an executed notebook: the copy kept in git gets reviewable diffs, the page gets words for its pictures."""

import re

from nbformat import NotebookNode, from_dict

from mmlib.figure_list import figures_listed

KERNEL = {"display_name": "Python 3", "language": "python", "name": "python3"}
CELL_NOISE = ("papermill", "execution", "collapsed", "scrolled")
SAVED = re.compile(r"""save_figure\(\s*["']([^"']+)["']""")
CHECKED = "NBVAL_CHECK_OUTPUT"


def saved_figures(source: str) -> list[str]:
    """The figure ids that a cell's ``save_figure("ID", ...)`` calls name, in order."""
    return SAVED.findall(source)


def normalise(notebook: NotebookNode) -> None:
    """Removes what differs from run to run: widgets, timings, papermill's notes, foreign kernel names. In place."""
    notebook.metadata = from_dict({"kernelspec": KERNEL, "language_info": {"name": "python"}})
    for cell in notebook.cells:
        for noise in CELL_NOISE:
            cell.metadata.pop(noise, None)
        if not cell.metadata.get("tags", True):
            del cell.metadata["tags"]


def describe_images(notebook: NotebookNode) -> None:
    """Gives each picture the alternative text of its figure, which nbconvert writes into the page. In place.

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
