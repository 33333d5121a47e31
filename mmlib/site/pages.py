"""The builder's sources: the executed notebooks and, from templates, the pages about them."""

import csv
import shutil
from importlib import resources
from pathlib import Path

import nbformat

from mmlib import paths
from mmlib.records.provenance import provenance
from mmlib.runs.files import distributions
from mmlib.site.content import Content
from mmlib.site.escape import page_templates
from mmlib.site.runs import COLUMNS

PAGES = ("index", "gallery", "runs", "environment")
PICTURES = ("*.png", "*.svg", "*.jpg")


def write_pages(content: Content, folder: Path) -> None:
    """Writes every source of the site into ``folder``."""
    (folder / "notebooks").mkdir(parents=True)
    for executed in content.notebooks:
        nbformat.write(executed.notebook, folder / "notebooks" / f"{executed.name}.ipynb")
    # Texts of notebooks may show pictures that lie beside them.
    for picture in (file for kind in PICTURES for file in paths.NOTEBOOKS.glob(kind)):
        shutil.copyfile(picture, folder / "notebooks" / picture.name)
    environment = page_templates()
    values = {
        "content": content,
        "sections": _sections(content),
        "origins": _origins(content),
        "here": provenance(),
        "packages": distributions(),
    }
    for name in PAGES:
        page = environment.get_template(f"{name}.md.j2").render(**values)
        (folder / f"{name}.md").write_text(page, encoding="utf-8")
    _write_static(content, folder / "static")


def _sections(content: Content) -> list[dict]:
    """The figures and the runs of each notebook; a run that serves several stands with the first of them."""
    names = list(dict.fromkeys(record["notebook"] for record in content.figures.values()))
    owner = {row["run"]: content.figures[row["figures"][0]]["notebook"] for row in content.runs}
    pages = {executed.source: executed for executed in content.notebooks}
    return [
        {
            "notebook": name,
            "page": pages.get(name),
            "figures": {id: record for id, record in content.figures.items() if record["notebook"] == name},
            "runs": [row for row in content.runs if owner[row["run"]] == name],
        }
        for name in names
    ]


def _origins(content: Content) -> list[dict]:
    """Each different provenance among the figures, with the ids of its figures."""
    origins: list[dict] = []
    for id, record in content.figures.items():
        same = next((origin for origin in origins if origin["provenance"] == record["provenance"]), None)
        if same is None:
            origins.append(same := {"provenance": record["provenance"], "figures": []})
        same["figures"].append(id)
    return origins


def _write_static(content: Content, folder: Path) -> None:
    folder.mkdir()
    style = resources.files("mmlib.site").joinpath("templates", "site.css").read_bytes()
    (folder / "site.css").write_bytes(style)
    with (folder / "runs.csv").open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, COLUMNS)
        writer.writeheader()
        writer.writerows({**row, "figures": " ".join(row["figures"])} for row in content.runs)
