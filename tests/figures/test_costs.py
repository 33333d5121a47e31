"""Cost lines: marks and whiskers where the table says, from top to bottom, on an axis that starts at 0."""

import matplotlib.pyplot as plt
import pandas as pd
import pytest

from mmlib.figures import cost_lines

TABLE = pd.DataFrame({"method": ["joint", "mcr"], "ratio": [1.0, 3.0], "low": [1.0, 2.5], "high": [1.0, 4.5]})


@pytest.fixture(autouse=True)
def closed():
    yield
    plt.close("all")


def test_marks_whiskers_and_names():
    figure = cost_lines(TABLE, xlabel="time", note="what the whiskers are")
    [axes] = figure.axes
    [container] = axes.containers
    marks, _, [whiskers] = container.lines
    assert list(marks.get_xdata()) == [1.0, 3.0]
    assert [sorted(segment[:, 0]) for segment in whiskers.get_segments()] == [[1.0, 1.0], [2.5, 4.5]]
    assert [label.get_text() for label in axes.get_yticklabels()] == ["joint", "mcr"]
    assert axes.yaxis_inverted() and axes.get_xlim()[0] == 0
    assert axes.get_xlabel() == "time" and figure.get_supxlabel() == "what the whiskers are"


def test_the_joint_step_is_marked():
    [axes] = cost_lines(TABLE, xlabel="time", note="").axes
    assert any(list(line.get_xdata()) == [1, 1] and line.get_linestyle() == "--" for line in axes.lines)
