"""The catalogue: read from the cards in the sources, in order, and a wrong card named in words."""

import subprocess
import sys

import pytest

from mmlib.records.catalogue import CATALOGUE, LAST, MADE, OF_THE_OWNERS, OWN_COPY, Entry, read_catalogue

GOOD = {
    "origin": "fetched",
    "modalities": "a, b",
    "size": "8 rows",
    "licence": "MIT",
    "credit": "nobody",
    "split": "by the seed",
}
LOAD = "def load(seed=0):\n    pass\n"


@pytest.fixture
def folder(tmp_path):
    """A folder like mmlib/data, whose modules cannot be imported."""

    def with_set(name="toy", code="raise ImportError('not to be imported')\n" + LOAD, **changes):
        card = {key: value for key, value in (GOOD | changes).items() if value != "left out"}
        file = tmp_path / f"{name}.py"
        file.parent.mkdir(exist_ok=True)
        file.write_text(f"CARD = {card}\n{code}")
        return tmp_path

    return with_set


def test_an_entry_is_what_the_card_says(folder):
    assert read_catalogue(folder()) == {"toy": Entry("fetched", "a, b", "8 rows", "MIT", "nobody", "by the seed")}
    [entry] = read_catalogue(folder(origin=OWN_COPY, licence=None, task="regression", position=3)).values()
    assert (entry.licence, entry.task, entry.position) == (OF_THE_OWNERS, "regression", 3)


def test_sets_stand_by_position_and_those_without_one_last_by_name(folder):
    for name, changes in {"z": {}, "y": {}, "b": {"position": 2}, "a": {"position": 10}}.items():
        read = read_catalogue(folder(name, **changes))
    assert list(read) == ["b", "a", "y", "z"]
    assert all(entry.position < LAST for entry in CATALOGUE.values())


def test_a_package_is_a_set_and_other_files_are_none(folder):
    place = folder("whole/__init__", "from x import load\n")
    folder("whole/inner")
    for name in ("_private", ".#locked", "a-checkpoint"):
        folder(name)
    (place / "helper.py").write_text("def read():\n    pass\n")
    (place / "__init__.py").write_text("from x import load\n")
    assert list(read_catalogue(place)) == ["whole"]


@pytest.mark.parametrize(
    ("changes", "error"),
    [
        ({"size": "left out", "split": "left out"}, "the CARD of 'toy' lacks size, split: "),
        ({"origin": "left out"}, "the CARD of 'toy' lacks origin"),
        ({"license": "MIT"}, "unknown entry in the CARD of 'toy' 'license': .* Did you mean 'licence'?"),
        ({"origin": "from a shop"}, "unknown origin in the CARD of 'toy' 'from a shop': expected one of made when"),
        ({"size": 8}, "size in the CARD of 'toy' must be a text, got 8"),
        ({"licence": None}, "licence in the CARD of 'toy' must be a text, got None"),
        ({"licence": None, "origin": MADE}, "licence in the CARD of 'toy' must be a text, got None"),
        ({"task": "real"}, "unknown task in the CARD of 'toy' 'real': expected one of classification, regression"),
        ({"position": 0}, "position in the CARD of 'toy' must be at least 1, got 0"),
        ({"position": "first"}, "position in the CARD of 'toy' must be a whole number, got 'first'"),
    ],
)
def test_a_wrong_card_is_named_in_words(folder, changes, error):
    with pytest.raises((TypeError, ValueError), match=error):
        read_catalogue(folder(**changes))


@pytest.mark.parametrize(
    ("source", "error"),
    [
        (LOAD, "has load and no CARD; a data set needs both: write it, or begin the file's name with an"),
        ("load = print\n", "toy.py has load and no CARD"),
        ("CARD: dict = {}\n", "toy.py has CARD and no load"),
        (f"CARD = ['a']\n{LOAD}", r"the CARD of 'toy' must be a dict, got \['a'\]"),
        (f"CARD = dict(size='8')\n{LOAD}", r"CARD in .*toy.py must be .*got dict\(size='8'\): write"),
        (f"CARD = {{'size': f'{{1}}'}}\n{LOAD}", "toy.py must be a dict written out with plain values"),
        (f"from x import CARD\n{LOAD}", "plain values, .* got from x import CARD"),
    ],
)
def test_a_module_without_one_of_both_and_a_card_that_is_computed_are_named(tmp_path, source, error):
    (tmp_path / "toy.py").write_text(source)
    with pytest.raises((TypeError, ValueError), match=error):
        read_catalogue(tmp_path)


def test_the_catalogue_loads_no_pytorch():
    code = "import sys, mmlib.records.catalogue; print(sorted({'torch', 'numpy', 'mmlib.data'} & set(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60)
    assert done.stdout.strip() == "[]", done.stderr
