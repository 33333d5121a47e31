"""The record of a figure inside its PNG and its SVG, and reading it back from either or from the JSON beside them."""

import json
import re
from pathlib import Path
from xml.etree import ElementTree

from PIL import Image

from mmlib.records.names import check_hash, check_name
from mmlib.records.sealed import NotSealed, opened, sealed

PNG_KEY = "mmlib"
SVG_TAG = "{http://purl.org/dc/elements/1.1/}source"
KINDS = (".png", ".svg", ".json")
TEXTS = ("id", "caption", "notebook", "data")
NEEDED = {*TEXTS, "parameters", "seeds", "inputs", "provenance"}
PROVENANCE = {"commit", "dirty", "versions", "platform", "threads", "device"}
RUN = "runs/"  # before the name of an input that is a run


def png_metadata(record: dict) -> dict[str, str]:
    """For savefig: text chunks that any viewer shows, and the whole record as JSON under ``mmlib``."""
    return {"Title": record["caption"], "Description": record["alt"], PNG_KEY: _text(record)}


def svg_metadata(record: dict) -> dict[str, str | None]:
    """For savefig, which writes Dublin Core only: the record is the picture's Source. No date, so equal bytes."""
    words = {"Title": record["caption"], "Description": record["alt"]}
    return {**words, "Identifier": record["id"], "Source": _text(record), "Date": None}


def _text(record: dict) -> str:
    return json.dumps(sealed(record), sort_keys=True)


def read_record(path: Path) -> dict:
    """The record in a figure's .png, .svg or .json, which needs neither of the other two.

    Raises ValueError for another kind of file, one without a record, one that is damaged, and one whose record does not
    hold what a record holds (see check_record); FileNotFoundError.
    """
    if path.suffix not in KINDS:
        raise ValueError(f"a figure is a .png, .svg or .json file, got {path}.")
    if not path.is_file():
        raise FileNotFoundError(f"there is no file {path}.")
    try:
        text = {".png": _in_png, ".svg": _in_svg, ".json": Path.read_text}[path.suffix](path)
        content = json.loads(text) if text else None
        record = opened(content) if content else None
    except NotSealed:
        record = content  # a JSON file of an earlier version
    # A damaged picture makes Pillow raise SyntaxError too.
    except (ValueError, OSError, SyntaxError, RecursionError, Image.DecompressionBombError) as error:
        raise ValueError(f"{path} is damaged ({error}): make the figure again, or take another copy.") from error
    if not isinstance(record, dict) or not NEEDED <= set(record):
        raise ValueError(
            f"{path} holds no record of mmlib: it was made by an earlier version or by another program. "
            "Give the .json that lies beside it, if there is one."
        )
    try:
        check_record(record)
    except ValueError as error:
        raise ValueError(f"{path} holds a record that mmlib did not write: {error}") from error
    return record


def check_record(record: dict) -> None:
    """Raises ValueError if an entry cannot be what save_figure wrote.

    A record may come from anywhere, and its names become paths and words of a command: so they must be names.
    """
    for name in [*TEXTS, *({"alt", "answers"} & set(record))]:
        if not isinstance(record.get(name), str):
            raise ValueError(f"its {name} must be a text, got {record.get(name)!r}.")
    for name in ("parameters", "inputs", "provenance"):
        if not isinstance(record.get(name), dict):
            raise ValueError(f"its {name} must be names and values, got {record.get(name)!r}.")
    if not isinstance(record.get("seeds"), list):
        raise ValueError(f"its seeds must be a list, got {record.get('seeds')!r}.")
    _check_file(record.get("file"))
    check_name("its id", record["id"])
    check_name("its notebook", record["notebook"])
    for name, value in record["inputs"].items():
        if name.startswith(RUN):
            check_name("a run in its inputs", name.removeprefix(RUN))
        check_hash(f"its input {name!r}", value)
    _check_provenance(record["provenance"])


def _check_file(file: object) -> None:
    """That of code other than the suite's, None where it is not known. ``mmlib trace`` names it in a command."""
    if file is None:
        return
    if not isinstance(file, str) or file.startswith(("/", "-")) or ".." in file.split("/"):
        raise ValueError(f"its file must be a path inside the project, or a plain name, got {file!r}.")


def _check_provenance(provenance: dict) -> None:
    if missing := PROVENANCE - set(provenance):
        raise ValueError(f"its provenance lacks {', '.join(sorted(missing))}.")
    commit = provenance["commit"]
    if commit is not None and not (isinstance(commit, str) and re.fullmatch(r"[0-9a-f]{7,64}", commit)):
        raise ValueError(f"its commit must be a hash in hex, got {commit!r}.")
    if not isinstance(provenance["versions"], dict):
        raise ValueError(f"its versions must be names and values, got {provenance['versions']!r}.")


def _in_png(path: Path) -> str | None:
    with Image.open(path) as picture:
        return picture.info.get(PNG_KEY)


def _in_svg(path: Path) -> str | None:
    return ElementTree.parse(path).getroot().findtext(f".//{SVG_TAG}")
