"""The figures by their numbers: what the axes hold is what the table says."""

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pytest
from matplotlib.collections import LineCollection, PathCollection, PolyCollection
from matplotlib.colors import to_hex
from matplotlib.ticker import PercentFormatter

from mmlib.figures import canvas, curves, finish, look, noted, one_legend, seed_points
from mmlib.measures import mean_interval

METHODS = ("joint", "agm", "ogm_ge")
SETS = ("digits", "watch")
SEEDS = 4
LABELS = {"xlabel": "the x axis", "ylabel": "the y axis"}


@pytest.fixture(autouse=True)
def closed():
    yield
    plt.close("all")


def points_table(seeds=SEEDS):
    """Every value differs from all others, so that a mix-up cannot go unseen."""
    rows = [
        (data, method, seed, 0.3 + 0.2 * i + 0.05 * j + 0.011 * seed**2)
        for i, data in enumerate(SETS)
        for j, method in enumerate(METHODS)
        for seed in range(seeds)
    ]
    return pd.DataFrame(rows, columns=["data", "method", "seed", "value"])


def courses_table(seeds=SEEDS, epochs=(0, 1, 2, 5)):
    rows = [
        (panel, method, seed, epoch, 0.2 + 0.3 * i + 0.1 * j + 0.01 * epoch + 0.011 * seed**2)
        for i, panel in enumerate(SETS)
        for j, method in enumerate(METHODS)
        for seed in range(seeds)
        for epoch in epochs
    ]
    return pd.DataFrame(rows, columns=["data", "method", "seed", "epoch", "value"])


def values_of(table, **where):
    for column, value in where.items():
        table = table[table[column] == value]
    return table["value"].tolist()


def points(**changes):
    return seed_points(**{"table": points_table(), "x": "data", "hue": "method"} | LABELS | changes)


def lines(**changes):
    return curves(**{"table": courses_table(), "x": "epoch", "hue": "method"} | LABELS | changes)


def large_marks(axes):
    """(marker, colour, x, y) of every mean that is drawn."""
    drawn = [line for line in axes.lines if line.get_marker() not in ("None", None, "") and len(line.get_xdata())]
    return [(line.get_marker(), line.get_color(), x, y) for line in drawn for x, y in line.get_xydata() if y == y]


def whiskers(axes):
    """x of each interval -> its (low, high): the vertical part of an error bar is the piece with one x."""
    found = {}
    for line in axes.lines:
        if line.get_marker() in ("None", "") and len(line.get_xdata()) == 8:
            (x, low), (_, high) = line.get_xydata()[3:5]
            found[round(x, 6)] = (low, high)
    return found


def dots(axes):
    """All small dots [n, 2]."""
    paths = [c.get_offsets() for c in axes.collections if isinstance(c, PathCollection)]
    return np.concatenate([np.asarray(offsets) for offsets in paths])


def legend_of(axes):
    return [text.get_text() for text in axes.get_legend().get_texts()] if axes.get_legend() else []


def horizontals(axes):
    """label -> y of the reference lines that go across the panel."""
    return {
        line.get_label(): line.get_ydata()[0]
        for line in axes.lines
        if not line.get_label().startswith("_") and list(line.get_xdata()) == [0, 1]
    }


def test_large_marks_are_the_means_side_by_side_in_the_looks_of_the_methods():
    table = points_table()
    marks = large_marks(points().axes[0])
    assert len(marks) == len(SETS) * len(METHODS)
    for j, method in enumerate(METHODS):
        own = look(METHODS)[method]
        for i, data in enumerate(SETS):
            ((x, y),) = [(x, y) for marker, colour, x, y in marks if marker == own.marker and round(x) == i]
            assert y == pytest.approx(np.mean(values_of(table, data=data, method=method)), abs=1e-12)
            assert x - i == pytest.approx((j - 1) * 0.8 / 3, abs=1e-9)
        assert {colour for marker, colour, *_ in marks if marker == own.marker} == {own.colour}


def test_intervals_are_those_of_mean_interval():
    table = points_table()
    axes = points().axes[0]
    drawn = whiskers(axes)
    assert len(drawn) == len(SETS) * len(METHODS)
    for i, data in enumerate(SETS):
        for j, method in enumerate(METHODS):
            low_high = drawn[round(i + (j - 1) * 0.8 / 3, 6)]
            assert low_high == pytest.approx(mean_interval(values_of(table, data=data, method=method))[1:], abs=1e-12)


def test_every_seed_is_one_small_dot_near_its_mean():
    table = points_table()
    drawn = dots(points().axes[0])
    assert sorted(drawn[:, 1]) == pytest.approx(sorted(table["value"]), abs=1e-12)
    for x, y in drawn:
        row = table[np.isclose(table["value"], y)].iloc[0]
        place = SETS.index(row["data"]) + (METHODS.index(row["method"]) - 1) * 0.8 / 3
        assert abs(x - place) < 0.8 / 3 / 2, "a dot lies nearer to its own mean than to the next method's"


def test_dots_lie_above_the_marks_so_that_none_is_hidden():
    axes = points().axes[0]
    marks = [line.get_zorder() for line in axes.lines if line.get_marker() not in ("None", "")]
    assert max(marks) < min(c.get_zorder() for c in axes.collections if isinstance(c, PathCollection))


def test_the_same_table_gives_the_same_picture_and_the_callers_random_numbers_stay():
    np.random.seed(3)
    expected = np.random.rand()
    np.random.seed(3)
    first = dots(points().axes[0])
    assert np.random.rand() == expected
    np.random.seed(77)
    assert np.array_equal(dots(points().axes[0]), first)


def test_the_legend_names_every_hue_once_with_its_marker_and_is_left_out_where_hue_is_x():
    legend = points().axes[0].get_legend()
    assert [text.get_text() for text in legend.get_texts()] == list(METHODS)
    assert [line.get_marker() for line in legend.get_lines()] == [look(METHODS)[m].marker for m in METHODS]
    assert legend_of(points(x="method", hue="method").axes[0]) == []


@pytest.mark.parametrize("hue", ["data", "method"])
def test_markers_differ_as_well_as_colours(hue):
    marks = large_marks(points(x="data", hue=hue).axes[0])
    looks = {(marker, to_hex(colour)) for marker, colour, *_ in marks}
    assert len(looks) == len({marker for marker, _ in looks}) == len({colour for _, colour in looks}) > 1


def test_a_single_seed_draws_its_value_without_an_interval():
    axes = points(table=points_table(seeds=1)).axes[0]
    assert sorted(y for *_, y in large_marks(axes)) == pytest.approx(sorted(points_table(seeds=1)["value"]), abs=1e-12)
    assert np.isnan(list(whiskers(axes).values())).all()
    axes.figure.canvas.draw()
    course = lines(table=courses_table(seeds=1), panel="data").axes[0]
    course.figure.canvas.draw()
    assert [line.get_ydata()[0] for line in course.lines] == pytest.approx([0.2, 0.3, 0.4], abs=1e-12)


@pytest.mark.parametrize("draw", [points, lines])
@pytest.mark.parametrize("seeds", [1, 4])
def test_the_note_says_what_is_drawn_and_over_how_many_seeds(draw, seeds):
    table = (points_table if draw is points else courses_table)(seeds=seeds)
    note = draw(table=table).get_supxlabel()
    assert f"{seeds} seeds" in note and "95 % t-interval" in note


@pytest.mark.parametrize("draw", [points, lines])
def test_axes_are_labelled_and_shown_in_per_cent_only_where_asked(draw):
    axes = draw().axes[0]
    assert (axes.get_xlabel(), axes.get_ylabel()) == ("the x axis", "the y axis")
    assert isinstance(axes.yaxis.get_major_formatter(), PercentFormatter)
    assert axes.yaxis.get_major_formatter()(0.25).startswith("25")
    plain = draw(percent=False).axes[0].yaxis.get_major_formatter()
    assert not isinstance(plain, PercentFormatter)


@pytest.mark.parametrize("draw", [points, lines])
def test_one_panel_per_value_with_its_own_rows_title_and_a_shared_scale(draw):
    x = "epoch" if draw is lines else "method"
    figure = draw(panel="data", x=x)
    assert [axes.get_title() for axes in figure.axes] == list(SETS)
    assert [axes.get_ylabel() for axes in figure.axes] == ["the y axis", ""]
    assert figure.axes[0].get_ylim() == figure.axes[1].get_ylim()
    table = points_table() if draw is points else courses_table()
    for axes, data in zip(figure.axes, SETS, strict=True):
        lowest = min(y for line in axes.lines for y in line.get_ydata() if len(line.get_xdata()) and y == y)
        low, high = min(values_of(table, data=data)), max(values_of(table, data=data))
        assert low - 0.2 < lowest < high


def test_panels_with_labels_of_their_own_have_scales_of_their_own():
    figure = points(panel="data", x="method", hue="method", ylabel={"digits": "points", "watch": "shares"})
    assert [axes.get_ylabel() for axes in figure.axes] == ["points", "shares"]
    assert figure.axes[0].get_ylim() != figure.axes[1].get_ylim()


@pytest.mark.parametrize("draw", [points, lines])
def test_references_are_lines_with_names_in_all_panels_or_in_the_named_one(draw):
    x = "epoch" if draw is lines else "method"
    figure = draw(panel="data", x=x, references={"chance": 0.1, "limit": {"watch": 0.9}})
    first, second = figure.axes
    assert horizontals(first) == {"chance": 0.1} and horizontals(second) == {"chance": 0.1, "limit": 0.9}
    (legend,) = figure.legends  # one for all panels, each name once
    names = [text.get_text() for text in legend.get_texts()]
    assert names.count("chance") == 1 and names.count("limit") == 1


def test_references_of_single_categories_lie_over_them():
    axes = points(references={"limit": {None: {"watch": 0.95}}}).axes[0]
    (short,) = [c for c in axes.collections if isinstance(c, LineCollection)]
    ((left, y), (right, _)) = short.get_segments()[0]
    assert y == 0.95 and round((left + right) / 2) == SETS.index("watch") and right - left < 1
    assert "limit" in legend_of(axes)


def test_two_references_differ_in_their_dashes():
    axes = lines(references={"chance": 0.1, "limit": 0.9}).axes[0]
    drawn = {line.get_label(): line for line in axes.lines}
    assert drawn["chance"]._dash_pattern != drawn["limit"]._dash_pattern


def test_curves_are_means_with_bands_that_are_intervals():
    table = courses_table()
    axes = lines(panel="data").axes[1]
    bands = [c for c in axes.collections if isinstance(c, PolyCollection)]
    for line, band, method in zip(axes.lines, bands, METHODS, strict=True):
        own = look(METHODS)[method]
        assert line.get_label() == method
        assert (line.get_marker(), line.get_color(), line.get_linestyle()) == (own.marker, own.colour, own.line)
        assert list(line.get_xdata()) == [0, 1, 2, 5]
        corners = band.get_paths()[0].vertices
        for epoch, y in line.get_xydata():
            mean, low, high = mean_interval(values_of(table, data="watch", method=method, epoch=epoch))
            assert y == pytest.approx(mean, abs=1e-12)
            edges = corners[corners[:, 0] == epoch][:, 1]
            assert (edges.min(), edges.max()) == pytest.approx((low, high), abs=1e-12)


def test_long_curves_keep_a_few_marks_only():
    axes = lines(table=courses_table(epochs=range(80))).axes[0]
    assert all(len(line.get_xdata()) == 80 and line.get_markevery() == 10 for line in axes.lines)


def test_a_logarithmic_axis_shows_exactly_the_values_that_were_measured():
    axes = lines(table=courses_table(epochs=(0.1, 0.3, 1, 10)), log_x=True).axes[0]
    assert axes.get_xscale() == "log"
    assert list(axes.get_xticks()) == [0.1, 0.3, 1, 10]
    assert [label.get_text() for label in axes.get_xticklabels()] == ["0.1", "0.3", "1", "10"]
    assert lines().axes[0].get_xscale() == "linear"


def test_the_size_is_the_one_asked_for_and_parts_can_be_used_alone():
    assert points(size=(5.0, 3.0)).get_size_inches().tolist() == [5.0, 3.0]
    figure, (left, right) = canvas((6.0, 3.0), columns=2)
    finish(left, "t", "v", percent=False, title="left")
    assert (left.get_title(), left.get_legend()) == ("left", None)
    right.plot([1, 2], label="course")
    finish(right, "t", "v", percent=True)
    one_legend(figure)
    (legend,) = figure.legends
    assert [text.get_text() for text in legend.get_texts()] == ["course"] and not legend.get_frame_on()
    assert noted(figure, "a note").get_supxlabel() == "a note"


def test_a_legend_that_is_too_wide_takes_a_second_row():
    long = [f"a rather long name, number {k}" for k in range(6)]
    table = pd.DataFrame(
        [("x", name, seed, 0.1 * seed) for name in long for seed in range(3)],
        columns=["data", "method", "seed", "value"],
    )
    for width, columns in ((7.0, 2), (30.0, 6)):
        [legend] = seed_points(table, "data", "method", xlabel="", ylabel="", size=(width, 4.0)).legends
        assert legend._ncols == columns


def test_a_single_panel_with_few_names_has_its_legend_inside():
    figure = seed_points(points_table(), "data", "method", **LABELS)
    assert not figure.legends and figure.axes[0].get_legend() is not None
