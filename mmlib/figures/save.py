"""Saving a figure together with what a reader needs to trust it and to make it again."""

import io
import re
from collections.abc import Iterable, Mapping
from pathlib import Path

import matplotlib as mpl
from matplotlib.figure import Figure

from mmlib import checks
from mmlib.figure_list import figures_listed
from mmlib.files import sha256_of, write_atomically, write_json
from mmlib.jsonable import to_json
from mmlib.paths import results_dir
from mmlib.provenance import provenance

DPI = 150


def save_figure(
    id: str,
    figure: Figure,
    *,
    parameters: Mapping[str, object],
    seeds: Iterable[int],
    inputs: Mapping[str, str | Path],
) -> Path:
    """Writes results/figures/ID.png, ID.svg and, last, ID.json; returns the path of the PNG.

    id: listed in notebooks/figures.yaml, where its caption and alternative text stand.
    parameters: what the figure depends on, JSON values. seeds: of every run in it.
    inputs: name -> a file, whose SHA-256 is taken, or a hash already known (hex).
    Raises ValueError for an id that is not listed, a text missing in the list or a value JSON cannot hold.
    """
    listed = figures_listed()
    checks.one_of("figure (see notebooks/figures.yaml)", id, listed)
    record = {
        "id": id,
        **listed[id],
        "parameters": to_json("parameters", parameters),
        "seeds": to_json("seeds", list(seeds)),
        "inputs": {name: _hash(name, value) for name, value in inputs.items()},
        "provenance": provenance(),
    }
    png, svg = _render_png(figure, record), _render_svg(figure, record)
    target = results_dir() / "figures" / f"{id}.png"
    # No old JSON may vouch for the new picture.
    target.with_suffix(".json").unlink(missing_ok=True)
    write_atomically(target, lambda file: file.write(png))
    write_atomically(target.with_suffix(".svg"), lambda file: file.write(svg))
    write_json(target.with_suffix(".json"), record)
    return target


def _hash(name: str, value: object) -> str:
    if isinstance(value, Path):
        return sha256_of(value)
    if isinstance(value, str) and re.fullmatch(r"[0-9a-f]{8,}", value):
        return value
    raise ValueError(f"inputs[{name!r}] must be a Path or a hash in hex (8 digits or more), got {value!r}.")


def _render_png(figure: Figure, record: dict) -> bytes:
    buffer = io.BytesIO()
    metadata = {"Title": record["caption"], "Description": record["alt"]}
    figure.savefig(buffer, format="png", dpi=DPI, facecolor="white", transparent=False, metadata=metadata)
    return buffer.getvalue()


def _render_svg(figure: Figure, record: dict) -> bytes:
    """The same bytes every time: ids come from the figure's id, and no date is written."""
    buffer = io.BytesIO()
    metadata = {"Title": record["caption"], "Description": record["alt"], "Date": None}
    with mpl.rc_context({"svg.hashsalt": record["id"]}):
        figure.savefig(buffer, format="svg", facecolor="white", transparent=False, metadata=metadata)
    return buffer.getvalue()
