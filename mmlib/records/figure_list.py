"""The list of every figure of the suite, notebooks/figures.yaml, and whether the figures made agree with it."""

import re
from pathlib import Path

import yaml

from mmlib import checks, paths
from mmlib.records.names import check_name

FIELDS = ("notebook", "answers", "data", "caption", "alt")
ANSWER = re.compile(r"(AGM|MCR|AIM), ((figure|table) \d+\b.*|(experiment|claim) \S.*)")


def figures_listed() -> dict[str, dict[str, str]]:
    """Figure id -> {notebook, answers, data, caption, alt}, in the order of the file.

    Raises ValueError if an entry lacks a field, has an empty or an unknown one, or answers nothing that can be found.
    """
    file = paths.NOTEBOOKS / "figures.yaml"
    try:
        listed = yaml.safe_load(file.read_text(encoding="utf-8")) or {}
    except yaml.YAMLError as error:
        raise ValueError(f"{file} is not YAML: {' '.join(str(error).split())}") from error
    if not isinstance(listed, dict):
        raise ValueError(f"{file} must map figure ids to their fields, got a {type(listed).__name__}.")
    for id, entry in listed.items():
        _check_entry(id, entry)
    return listed


def disagreements(outputs: Path) -> list[str]:
    """Sentences on what was made and is not listed, and what is listed and was not made, in an outputs folder.

    A figure counts as made when its record, ID.json, is there; it should have been made when its notebook was
    executed, that is, when notebooks/NAME/metrics.json is there.
    """
    listed = figures_listed()
    made = {file.stem for file in (outputs / "figures").glob("*.json")}
    executed = {file.parent.name for file in (outputs / "notebooks").glob("*/metrics.json")}
    return [
        f"figure {id} was made and is not listed: list it in notebooks/figures.yaml, or delete its files in "
        f"{outputs / 'figures'}"
        for id in sorted(made - set(listed))
    ] + [
        f"figure {id} is listed and was not made, though {entry['notebook']} was executed: "
        f"run  python -m mmlib notebook {entry['notebook']}"
        for id, entry in listed.items()
        if id not in made and entry["notebook"] in executed
    ]


def outdated_words(id: str, record: dict) -> list[str]:
    """Which fields of a figure's record are not those that figures.yaml has now, such as ["caption"]."""
    entry = figures_listed().get(id, {})
    return [field for field in FIELDS if field in entry and field in record and record[field] != entry[field]]


def _check_entry(id: str, entry: object) -> None:
    if not isinstance(entry, dict):
        raise ValueError(f"figure {id!r} in figures.yaml needs the fields {', '.join(FIELDS)}, got {entry!r}.")
    check_name("a figure in figures.yaml", id)
    checks.options(f"figure {id!r} in figures.yaml", entry, FIELDS)
    for field in FIELDS:
        if not isinstance(entry.get(field), str) or not entry[field].strip():
            raise ValueError(f"figure {id!r} in figures.yaml needs a text for {field!r}, got {entry.get(field)!r}.")
    check_name(f"the notebook of figure {id!r} in figures.yaml", entry["notebook"])
    answers = entry["answers"]
    if answers != "none" and not ANSWER.fullmatch(answers):
        raise ValueError(
            f"figure {id!r} in figures.yaml answers {answers!r}: expected none, or a paper (AGM, MCR or AIM), a comma, "
            "and figure N, table N or, where the number is not known, experiment ... or claim ..."
        )
