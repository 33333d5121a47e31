"""One page with every figure of the suite: results/index.html."""

import json
from collections.abc import Callable
from importlib import resources
from pathlib import Path

from jinja2 import Environment, StrictUndefined

from mmlib.figure_list import figures_listed
from mmlib.files import write_atomically
from mmlib.paths import results_dir


def build_site(*, say: Callable[[str], object] = print) -> Path:
    """Writes results/index.html from notebooks/figures.yaml and results/figures/*.json; returns its path.

    A figure that is listed and not made is named on the page as missing; so is one that was made and is not listed.
    Raises ValueError if a figure's JSON is damaged.
    """
    listed, made = figures_listed(), _made()
    missing = {id: entry for id, entry in listed.items() if id not in made}
    page = _template().render(
        figures=[made[id] | listed[id] for id in listed if id in made],
        missing=missing,
        unlisted=sorted(set(made) - set(listed)),
        pages=_pages(),
    )
    target = results_dir() / "index.html"
    write_atomically(target, lambda file: file.write(page.encode()))
    note = f"; missing: {', '.join(missing)}" if missing else ""
    say(f"site: {len(listed) - len(missing)} of {len(listed)} figures in {target}{note}")
    return target


def _made() -> dict[str, dict]:
    """Figure id -> its record, for each figure whose JSON is there: it is written last, so its pictures are too."""
    return {file.stem: _read(file) for file in sorted((results_dir() / "figures").glob("*.json"))}


def _read(file: Path) -> dict:
    try:
        record = json.loads(file.read_text(encoding="utf-8"))
    except ValueError as error:
        raise ValueError(f"{file} is damaged ({error}): delete it and run its notebook again.") from error
    for picture in (file.with_suffix(".png"), file.with_suffix(".svg")):
        if not picture.is_file():
            raise ValueError(f"{picture} is missing beside its {file.name}: run its notebook again.")
    return record


def _pages() -> list[str]:
    """Names of the executed notebooks that have a page."""
    return sorted(file.stem for file in (results_dir() / "notebooks").glob("*.html"))


def _template():
    environment = Environment(autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True)
    return environment.from_string(resources.files("mmlib").joinpath("site.html.j2").read_text(encoding="utf-8"))
