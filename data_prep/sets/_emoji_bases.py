"""Which emoji are variants of one another, so that a split can keep them together.

Two emoji have one base if their code points are the same after what marks a variant is taken away (skin colour, gender,
direction), or if their names are the same after the words for gender, colour, size and weight are; and so are all that
are linked by a chain of such pairs. The code points find "runner" and "woman running"; the names find the coloured
hearts and circles, which have code points of their own.
"""

import re
from collections.abc import Sequence

import numpy as np

JOINER, AS_PICTURE = "200D", "FE0F"
SIGNS = ("2640", "2642", "27A1")  # female, male, facing right: a variant's mark where they follow a joiner
SKINS = ("1F3FB", "1F3FC", "1F3FD", "1F3FE", "1F3FF")
ADULT, CHILD, FAMILY = "1F9D1", "1F9D2", "1F46A"
# Emoji with a gender and a code point of their own, each with the neutral one it is a variant of.
NEUTRAL = {
    "1F468": ADULT, "1F469": ADULT, "1F466": CHILD, "1F467": CHILD,
    "1F474": "1F9D3", "1F475": "1F9D3",  # old man, old woman: older adult
    "1F934": "1FAC5", "1F478": "1FAC5",  # prince, princess: person with crown
    "1F385": f"{ADULT}-1F384", "1F936": f"{ADULT}-1F384",  # Father and Mother Christmas: Mx Claus
    "1F57A": "1F483",  # man dancing: dancer
    **dict.fromkeys(("1F46B", "1F46C", "1F46D"), f"{ADULT}-1F91D-{ADULT}"),  # couples holding hands
}  # fmt: skip
VARIANT_WORDS = frozenset(
    "man men mans mens woman women womans womens male female person people "
    "white black red orange yellow green blue purple brown pink grey light small medium large heavy".split()
)


def bases_of(codes: Sequence[str], names: Sequence[str]) -> tuple[np.ndarray, np.ndarray]:
    """For N emoji: the number of the base of each, int64 [N], and which one stands for its base, bool [N].

    codes: code points in hex, joined by "-". The one that stands for a base shows no gender where one does not, has
    the fewest code points of those, and is the first of what is left.
    """
    from scipy.sparse import coo_array
    from scipy.sparse.csgraph import connected_components

    keys = [(_neutral_code(code), _neutral_name(name)) for code, name in zip(codes, names, strict=True)]
    numbers = {key: number for number, key in enumerate(dict.fromkeys(key for pair in keys for key in pair))}
    links = np.array([[numbers[code], numbers[name]] for code, name in keys])
    graph = coo_array((np.ones(len(links)), links.T), shape=(len(numbers), len(numbers)))
    _, components = connected_components(graph, directed=False)
    bases = np.unique(components[links[:, 0]], return_inverse=True)[1].astype(np.int64)
    return bases, _plain(codes, bases)


def _plain(codes: Sequence[str], bases: np.ndarray) -> np.ndarray:
    """Which emoji stands for its base, bool [N]."""
    points = [code.split("-") for code in codes]
    order = [(bases[row], sum(p in NEUTRAL for p in own), len(own), row) for row, own in enumerate(points)]
    standing = {base: row for base, _, _, row in sorted(order, reverse=True)}  # the first of each is written last
    return np.isin(np.arange(len(codes)), list(standing.values()))


def _neutral_code(code: str) -> str:
    """The code points without skin, gender and direction; all families are one."""
    points = [point for point in code.split("-") if point not in (AS_PICTURE, *SKINS)]
    pairs = zip(["", *points], points, strict=False)
    kept = [point for before, point in pairs if point != JOINER and not (before == JOINER and point in SIGNS)]
    neutral = [NEUTRAL.get(point, point) for point in kept]
    return FAMILY if len(neutral) > 1 and {*neutral} <= {ADULT, CHILD} else "-".join(neutral)


def _neutral_name(name: str) -> str:
    """The words of the name without those of a variant; the whole name where no other is left ("man")."""
    words = [word for word in re.findall(r"\w+", name.lower()) if word not in VARIANT_WORDS]
    return f"named {' '.join(words) or name.lower()}"
