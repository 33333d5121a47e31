"""Saving a figure together with what a reader needs to trust it and to make it again."""

import hashlib
import io
from collections.abc import Iterable, Mapping
from pathlib import Path

import matplotlib as mpl
from matplotlib.figure import Figure

from mmlib import checks
from mmlib.records.figure_list import figures_listed
from mmlib.records.figure_record import png_metadata, svg_metadata
from mmlib.records.files import sha256_of, write_atomically, write_json
from mmlib.records.jsonable import to_json
from mmlib.records.names import HEX
from mmlib.records.origin.destination import all_parameters, results_place
from mmlib.records.provenance import provenance
from mmlib.records.sealed import sealed

DPI = 150


class SavedFigure(type(Path())):
    """The path of a saved PNG. As the last value of a cell it shows nothing: a path differs from machine to machine."""

    def _ipython_display_(self) -> None:
        pass


def save_figure(
    id: str,
    figure: Figure,
    *,
    parameters: Mapping[str, object],
    seeds: Iterable[int],
    inputs: Mapping[str, str | Path],
) -> SavedFigure:
    """Writes figures/ID.png, ID.svg and, last, ID.json into the results folder; returns the path of the PNG.

    From other code or with other parameters than the suite's, they go to results/variants (records/origin).
    All three hold the record (mmlib.records.figure_record), so that a picture that travels alone can be traced; the
    JSON holds the SHA-256 of both pictures beside it, which they cannot hold themselves.
    id: listed in notebooks/figures.yaml, where its caption, alternative text and what it answers stand.
    parameters: what the figure depends on, JSON values; those of the notebook's parameters that are left out are taken
    from the running kernel. seeds: of every run in it.
    inputs: name -> a file, whose SHA-256 is taken, or a hash already known (hex).
    Raises ValueError for an id that is not listed, a text missing in the list or a value JSON cannot hold.
    """
    listed = figures_listed()
    checks.one_of("figure (see notebooks/figures.yaml)", id, listed)
    notebook = listed[id]["notebook"]
    place = results_place(notebook)
    record = {
        "id": id,
        **listed[id],
        **place.origin,
        "parameters": all_parameters(notebook, parameters),
        "seeds": to_json("seeds", list(seeds)),
        "inputs": {name: _hash(name, value) for name, value in inputs.items()},
        "provenance": provenance(),
    }
    pictures = {"png": _render_png(figure, record), "svg": _render_svg(figure, record)}
    target = place.folder / "figures" / f"{id}.png"
    # No old JSON may vouch for the new picture.
    target.with_suffix(".json").unlink(missing_ok=True)
    for kind, content in pictures.items():
        write_atomically(target.with_suffix(f".{kind}"), lambda file, content=content: file.write(content))
    hashes = {kind: hashlib.sha256(content).hexdigest() for kind, content in pictures.items()}
    write_json(target.with_suffix(".json"), sealed({**record, "sha256": hashes}))
    return SavedFigure(target)


def _hash(name: str, value: object) -> str:
    if isinstance(value, Path):
        return sha256_of(value)
    if isinstance(value, str) and HEX.fullmatch(value):
        return value
    raise ValueError(f"inputs[{name!r}] must be a Path or a hash in hex (8 to 64 digits), got {value!r}.")


def _render_png(figure: Figure, record: dict) -> bytes:
    buffer = io.BytesIO()
    look = {"dpi": DPI, "facecolor": "white", "transparent": False}
    figure.savefig(buffer, format="png", metadata=png_metadata(record), **look)
    return buffer.getvalue()


def _render_svg(figure: Figure, record: dict) -> bytes:
    """The same bytes every time: ids come from the figure's id, and no date is written."""
    buffer = io.BytesIO()
    with mpl.rc_context({"svg.hashsalt": record["id"]}):
        figure.savefig(buffer, format="svg", facecolor="white", transparent=False, metadata=svg_metadata(record))
    return buffer.getvalue()
