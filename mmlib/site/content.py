"""What there is to show, and what ought to be there and is not."""

import json
from dataclasses import dataclass
from pathlib import Path

from mmlib import paths
from mmlib.notebooks.foreign import foreign_results
from mmlib.records.figure_list import figures_listed, outdated_words
from mmlib.records.figure_record import read_record
from mmlib.records.names import check_name
from mmlib.records.origin.suite import suite_notebooks
from mmlib.site.notebooks import Executed, read_executed
from mmlib.site.runs import Row, rows_of


@dataclass(frozen=True)
class Content:
    """Everything the pages are written from.

    notebooks: executed ones, failed ones too. figures: id -> record, in the order of figures.yaml, then those that
    are not listed. missing: id -> entry of figures.yaml. unlisted: ids. outdated: ids of those whose caption or other
    words have changed in figures.yaml since. foreign: name of a notebook -> which of its results were made with other
    parameters than its own. absent: name of a notebook that was not executed -> why, or "". runs: one row per run that
    a figure is drawn from.
    """

    notebooks: list[Executed]
    figures: dict[str, dict]
    missing: dict[str, dict]
    unlisted: list[str]
    outdated: list[str]
    foreign: dict[str, str]
    absent: dict[str, str]
    runs: list[Row]

    @property
    def alts(self) -> dict[str, str]:
        """SHA-256 of each picture in a notebook -> its alternative text."""
        return {sha: alt for executed in self.notebooks for sha, alt in executed.alts.items()}

    @property
    def failed(self) -> list[Executed]:
        """The notebooks that did not run to their end."""
        return [executed for executed in self.notebooks if executed.failed]


def gather() -> Content:
    """Reads the outputs. Raises ValueError if a figure's record or an executed notebook is damaged."""
    listed, made = figures_listed(), _made()
    # A figure's own words tell what is in it; only what an earlier version did not record comes from the list.
    known = {id: entry | made[id] for id, entry in listed.items() if id in made}
    unlisted = sorted(set(made) - set(listed))
    figures = known | {id: made[id] for id in unlisted}
    notebooks = read_executed()
    return Content(
        notebooks=notebooks,
        figures=figures,
        missing={id: entry for id, entry in listed.items() if id not in made},
        unlisted=unlisted,
        outdated=[id for id in known if outdated_words(id, made[id])],
        foreign=foreign_results(paths.outputs_dir()),
        absent=_absent({executed.source for executed in notebooks}),
        runs=rows_of(figures),
    )


def _made() -> dict[str, dict]:
    """Figure id -> its record, for each figure of the suite's notebooks that is there with its pictures.

    One without them is among the missing ones on the start page: no figure keeps the others from being shown.
    """
    made, suite = {}, set(suite_notebooks())
    for file in sorted((paths.outputs_dir() / "figures").glob("[!.]*.json")):
        check_name(f"the name of {file} without .json", file.stem)
        record = _own_record(file)
        if record["notebook"] in suite and all(file.with_suffix(kind).is_file() for kind in (".png", ".svg")):
            made[file.stem] = record
    return made


def _own_record(file: Path) -> dict:
    record = read_record(file)
    if record["id"] != file.stem:
        raise ValueError(f"{file} is the record of the figure {record['id']}: run its notebook again.")
    return record


def _absent(executed: set[str]) -> dict[str, str]:
    """Notebooks of the suite without an executed copy -> which data the plan found missing, and how to get them."""
    plan = paths.results_dir() / "plan.json"
    entries = json.loads(plan.read_text(encoding="utf-8"))["notebooks"] if plan.is_file() else {}
    names = sorted(file.stem for file in paths.NOTEBOOKS.glob("[!.]*.ipynb"))
    missing = {name: entries.get(name, {}).get("missing", {}) for name in names if name not in executed}
    return {
        name: "; ".join(f"it needs {data}: {command}" for data, command in needs.items())
        for name, needs in missing.items()
    }
