"""The list of every figure of the suite, notebooks/figures.yaml."""

import yaml

from mmlib import checks, paths

FIELDS = ("notebook", "data", "caption", "alt")


def figures_listed() -> dict[str, dict[str, str]]:
    """Figure id -> {notebook, data, caption, alt}, in the order of the file.

    Raises ValueError if an entry lacks a field, has an empty or an unknown one.
    """
    file = paths.NOTEBOOKS / "figures.yaml"
    listed = yaml.safe_load(file.read_text(encoding="utf-8")) or {}
    if not isinstance(listed, dict):
        raise ValueError(f"{file} must map figure ids to their fields, got a {type(listed).__name__}.")
    for id, entry in listed.items():
        _check_entry(id, entry)
    return listed


def _check_entry(id: str, entry: object) -> None:
    if not isinstance(entry, dict):
        raise ValueError(f"figure {id!r} in figures.yaml needs the fields {', '.join(FIELDS)}, got {entry!r}.")
    checks.options(f"figure {id!r} in figures.yaml", entry, FIELDS)
    for field in FIELDS:
        if not isinstance(entry.get(field), str) or not entry[field].strip():
            raise ValueError(f"figure {id!r} in figures.yaml needs a text for {field!r}, got {entry.get(field)!r}.")
