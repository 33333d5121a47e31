"""Depth maps: every value where its block and epoch are, the same colours everywhere, grey for what is not there."""

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pytest
from matplotlib.collections import QuadMesh

from mmlib.figures import depth_maps


def table(**constant) -> pd.DataFrame:
    """Two modalities of 2 and 1 blocks, epochs 0 to 2, two seeds: value = block / 10 + epoch / 100, seeds around it."""
    rows = [
        {"block": block, "epoch": epoch, "seed": seed, "value": place / 10 + epoch / 100 + (0.02 * seed - 0.01)}
        for place, block in enumerate(["a/1", "a/2", "b/1"])
        for epoch in range(3)
        for seed in range(2)
    ]
    return pd.DataFrame(rows).assign(**constant)


@pytest.fixture(autouse=True)
def closed():
    yield
    plt.close("all")


def meshes(figure) -> list[QuadMesh]:
    """The maps of a figure, without its colour bars."""
    return [c for axes in figure.axes if axes.get_label() != "<colorbar>" for c in axes.collections]


def test_the_mean_over_seeds_stands_at_its_block_and_epoch():
    figure = depth_maps(table(data="x"), panel="data", label="g", note="more")
    [mesh] = meshes(figure)
    expected = [[0.0, 0.01, 0.02], [0.1, 0.11, 0.12], [0.2, 0.21, 0.22]]
    np.testing.assert_allclose(np.asarray(mesh.get_array()).reshape(3, 3), expected, atol=1e-12)
    axes, bar = figure.axes
    assert [label.get_text() for label in axes.get_yticklabels()] == ["a 1", "a 2", "b 1"]
    assert axes.yaxis_inverted() and axes.get_xlabel() == "epoch"
    assert axes.get_xlim() == (-0.5, 2.5)
    assert bar.get_ylabel() == "g"
    assert figure.get_supxlabel() == "Colours: mean over 2 seeds. more"


def test_a_line_parts_the_modalities():
    [axes, _] = depth_maps(table(data="x"), panel="data", label="g").axes
    assert [list(line.get_ydata()) for line in axes.lines] == [[1.5, 1.5]]


def test_a_grid_shares_its_colours():
    both = [table(data=data, method=m).assign(value=0.5) for m in ("joint", "aim") for data in ("x", "y")]
    figure = depth_maps(pd.concat(both), panel="data", row="method", label="g")
    assert [axes.get_title() for axes in figure.axes[:4]] == ["x, joint", "y, joint", "x, aim", "y, aim"]
    assert {mesh.get_clim() for mesh in meshes(figure)} == {(0, 1)}
    assert len(figure.axes) == 5  # one colour bar for all


@pytest.mark.parametrize(("percent", "text"), [(True, "100%"), (False, "1.0")])
def test_the_colour_bar_is_in_per_cent_if_asked(percent, text):
    figure = depth_maps(table(data="x"), panel="data", label="g", percent=percent)
    figure.canvas.draw()
    assert text in [label.get_text() for label in figure.axes[-1].get_yticklabels()]


def test_what_is_missing_has_no_colour_but_a_place():
    whole = table(data="x")
    lacking = whole[(whole["block"] != "b/1") | (whole["epoch"] > 0)]
    [mesh] = meshes(depth_maps(lacking, panel="data", label="g"))
    missing = np.ma.getmaskarray(mesh.get_array()).reshape(3, 3)
    assert missing.tolist() == [[False] * 3, [False] * 3, [True, False, False]]


def test_all_rows_have_the_epochs_of_their_panel():
    late = table(data="x", method="aim")
    both = pd.concat([table(data="x", method="joint"), late[late["epoch"] == 2]])
    first, second = meshes(depth_maps(both, panel="data", row="method", label="g"))
    assert not np.ma.getmaskarray(first.get_array()).any()
    assert np.ma.getmaskarray(second.get_array()).reshape(3, 3).all(axis=0).tolist() == [True, True, False]


def test_epochs_stand_under_their_own_numbers():
    later = table(data="x").assign(epoch=lambda t: t["epoch"] + 5)
    axes = depth_maps(later, panel="data", label="g").axes[0]
    assert axes.get_xlim() == (4.5, 7.5)


def test_an_empty_table_is_refused():
    with pytest.raises(ValueError, match="draws one row or more, the table is empty"):
        depth_maps(table(problem="one").iloc[:0], panel="problem", label="g")
