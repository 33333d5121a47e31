"""A grid of pictures: each beside its own text, and whose they are."""

import numpy as np
import pytest

from mmlib.figures import picture_grid

CREDIT = "Drawn by somebody, CC BY 4.0"
RED = np.stack([np.full((4, 4), 255, dtype=np.uint8), *np.zeros((2, 4, 4), dtype=np.uint8)])


def test_every_picture_has_its_text_and_the_figure_its_credit():
    figure = picture_grid([RED, RED[[2, 1, 0]], RED[0]], ["red", "blue", "grey"], CREDIT, columns=2)
    drawn = [axes for axes in figure.axes if axes.images]
    assert [axes.get_title() for axes in drawn] == ["red", "blue", "grey"]
    assert drawn[0].images[0].get_array()[0, 0].tolist() == [255, 0, 0]
    assert drawn[1].images[0].get_array()[0, 0].tolist() == [0, 0, 255]
    assert drawn[2].images[0].get_array().shape == (4, 4)
    assert figure.get_supxlabel() == CREDIT
    assert len(figure.axes) == 4 and not any(axes.axison for axes in figure.axes)


@pytest.mark.parametrize(
    ("pictures", "texts", "credit", "words"),
    [
        ([RED], ["a", "b"], CREDIT, "1 pictures and 2 texts"),
        ([], [], CREDIT, "0 pictures"),
        ([RED], ["a"], " ", "credit"),
    ],
)
def test_no_picture_without_text_and_no_figure_without_credit(pictures, texts, credit, words):
    with pytest.raises(ValueError, match=words):
        picture_grid(pictures, texts, credit, columns=2)
