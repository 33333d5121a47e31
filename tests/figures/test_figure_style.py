import matplotlib as mpl
import pytest
from matplotlib.colors import to_rgb

from mmlib.figures import apply_style, look
from mmlib.figures.style import FURTHER_LOOKS, METHOD_LOOKS, POSITION_LOOKS, method_looks
from mmlib.methods import METHODS
from mmlib.runs.comparisons import METHODS_COMPARED


def test_every_method_has_a_look_of_its_own():
    assert set(METHODS) <= set(method_looks())
    for part in ("colour", "marker"):
        for looks in (METHOD_LOOKS.values(), POSITION_LOOKS, FURTHER_LOOKS[:11]):
            assert len({getattr(each, part) for each in looks}) == len(looks)
    every = [*METHOD_LOOKS.values(), *FURTHER_LOOKS]
    assert len({(each.colour, each.marker) for each in every}) == len(every) > 100


def test_a_method_that_is_added_gets_a_look_and_the_others_keep_theirs(monkeypatch):
    before = look(METHODS)
    later = {}
    for name in ("one", "two", "three"):
        monkeypatch.setitem(METHODS, name, METHODS["joint"])
        later[name] = look([name])[name]
    together = look(METHODS)
    assert {name: together[name] for name in before} == before and {name: together[name] for name in later} == later
    assert not {each[:2] for each in later.values()} & {each[:2] for each in before.values()}
    assert len({each.colour for each in later.values()}) == len({each.marker for each in later.values()}) == 3


def test_the_looks_of_the_first_methods():
    """The figures in the repository were drawn with them."""
    assert look(["joint", "agm", "mcr", "aim"]) == {
        "joint": ("#000000", "o", "-"),
        "agm": ("#0072b2", "P", "-"),
        "mcr": ("#009e73", "X", "-"),
        "aim": ("#d55e00", "*", "-"),
    }


def test_colours_are_dark_enough_on_white():
    for each in [*METHOD_LOOKS.values(), *FURTHER_LOOKS, *POSITION_LOOKS]:
        red, green, blue = (c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in to_rgb(each.colour))
        # WCAG's contrast ratio; 2 leaves out the palette's yellow (1.3) and keeps its orange and sky blue.
        assert 1.05 / (0.2126 * red + 0.7152 * green + 0.0722 * blue + 0.05) > 2


def test_a_method_looks_the_same_in_any_company_and_positions_avoid_its_colour():
    assert look(["joint", "agm"])["agm"] == look(["agm"])["agm"]
    mixed = look(["fac", "agm", "kar"])
    assert list(mixed) == ["fac", "agm", "kar"]
    assert len({each.colour for each in mixed.values()}) == 3
    assert len({each.marker for each in look(["joint", "aim", "fac", "kar"]).values()}) == 4


def test_six_modalities_can_be_told_apart_and_too_many_names_are_refused():
    assert len({each.marker for each in look("abcdef").values()}) == 6
    assert len(look(["a alone", "b alone", *METHODS_COMPARED])) == 2 + len(METHODS_COMPARED)
    with pytest.raises(ValueError, match="can tell 10 names apart here, got 11"):
        look("abcdefghijk")


def test_style_is_opaque():
    with mpl.rc_context():
        apply_style()
        assert mpl.rcParams["figure.facecolor"] == "white" and not mpl.rcParams["savefig.transparent"]
