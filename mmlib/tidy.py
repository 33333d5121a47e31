"""Cleaning an executed notebook: the copy kept in git gets reviewable diffs, the page gets words for its pictures."""

import re

from nbformat import NotebookNode, from_dict

from mmlib import paths
from mmlib.figure_list import figures_listed

KERNEL = {"display_name": "Python 3", "language": "python", "name": "python3"}
CELL_NOISE = ("papermill", "execution", "collapsed", "scrolled")
SAVED = re.compile(r"""save_figure\(\s*["']([^"']+)["']""")
CHECKED = "NBVAL_CHECK_OUTPUT"


def saved_figures(source: str) -> list[str]:
    """The figure ids that a cell's ``save_figure("ID", ...)`` calls name, in order."""
    return SAVED.findall(source)


def normalise(notebook: NotebookNode) -> None:
    """Removes what differs from run to run and from machine to machine. In place.

    Widgets, timings, papermill's notes, foreign kernel names; paths in outputs then start at the project's folder.
    """
    notebook.metadata = from_dict({"kernelspec": KERNEL, "language_info": {"name": "python"}})
    for cell in notebook.cells:
        for noise in CELL_NOISE:
            cell.metadata.pop(noise, None)
        if not cell.metadata.get("tags", True):
            del cell.metadata["tags"]
        for output in cell.get("outputs", []):
            _shorten_paths(output)


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
