"""The record of a figure inside its PNG and its SVG, and reading it back from either or from the JSON beside them."""

import json
from pathlib import Path
from xml.etree import ElementTree

from PIL import Image

from mmlib.sealed import NotSealed, opened, sealed

PNG_KEY = "mmlib"
SVG_TAG = "{http://purl.org/dc/elements/1.1/}source"
KINDS = (".png", ".svg", ".json")
NEEDED = {"id", "caption", "notebook", "data", "parameters", "seeds", "inputs", "provenance"}


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

    Raises ValueError for another kind of file, one without a record, and one that is damaged; FileNotFoundError.
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
    except (ValueError, OSError, SyntaxError) as error:
        raise ValueError(f"{path} is damaged ({error}): make the figure again, or take another copy.") from error
    if not isinstance(record, dict) or not NEEDED <= set(record):
        raise ValueError(
            f"{path} holds no record of mmlib: it was made by an earlier version or by another program. "
            "Give the .json that lies beside it, if there is one."
        )
    return record


def _in_png(path: Path) -> str | None:
    with Image.open(path) as picture:
        return picture.info.get(PNG_KEY)


def _in_svg(path: Path) -> str | None:
    return ElementTree.parse(path).getroot().findtext(f".//{SVG_TAG}")
