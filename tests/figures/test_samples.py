"""Sheets of samples: every kind of modality is drawn as what it is, and a text stands where there are no samples."""

import matplotlib.pyplot as plt
import numpy as np
import pytest
import torch

from mmlib.data.transforms.clips import IMAGENET_MEAN, IMAGENET_STD
from mmlib.figures import Samples, draw_sample, sample_sheet, sentence


@pytest.fixture(autouse=True)
def closed():
    yield
    plt.close("all")


@pytest.fixture
def drawn():
    """drawn(modality, value) -> the picture that stands in the axes."""

    def draw(modality, value):
        _, axes = plt.subplots()
        draw_sample(axes, modality, np.asarray(value, dtype=np.float32))
        [picture] = axes.images
        return picture

    return draw


def normalised(rgb):
    """What a loader gives for pixels of one colour, [3, 4, 5]."""
    value = (np.array(rgb) - np.array(IMAGENET_MEAN)) / np.array(IMAGENET_STD)
    return np.broadcast_to(value[:, None, None], (3, 4, 5))


def test_a_picture_has_its_own_colours_again(drawn):
    np.testing.assert_allclose(drawn("visual", normalised([1, 0.5, 0])).get_array()[2, 3], [1, 0.5, 0], atol=1e-6)


def test_of_a_clip_the_middle_frame_stands(drawn):
    frames = np.stack([normalised([g, g, g]) for g in (0.1, 0.5, 0.9)], axis=1)
    np.testing.assert_allclose(drawn("rgb", frames).get_array(), 0.5, atol=1e-6)


def test_motion_shows_direction_as_hue_and_speed_as_brightness(drawn):
    flow = np.zeros((2, 1, 2, 2))
    flow[0, 0, 0] = [4, 2]  # to the right, one twice as fast
    flow[0, 0, 1, 0] = -4  # to the left
    colours = drawn("flow", flow).get_array()
    np.testing.assert_allclose(colours[0], [[1, 0, 0], [0.5, 0, 0]], atol=1e-6)
    np.testing.assert_allclose(colours[1], [[0, 1, 1], [0, 0, 0]], atol=1e-6)


def test_where_nothing_moves_all_is_black(drawn):
    assert drawn("flow", np.zeros((2, 3, 2, 2))).get_array().max() == 0


def test_low_tones_are_below_and_the_top_of_a_picture_is_above(drawn):
    assert drawn("audio", np.ones((1, 8, 5))).origin == "lower" and drawn("image", np.ones((1, 8, 5))).origin == "upper"


def test_time_runs_to_the_right_in_a_sequence_of_features(drawn):
    picture = drawn("text", np.arange(12).reshape(3, 4))
    assert picture.get_array().shape == (4, 3)


def test_another_shape_is_refused(drawn):
    with pytest.raises(ValueError, match=r"'pulse' has shape \(7,\)"):
        drawn("pulse", np.zeros(7))


def test_a_sheet_has_samples_where_there_are_some_and_else_a_text():
    inputs = {"image": torch.rand(2, 1, 4, 4), "audio": torch.rand(2, 1, 5, 6)}
    figure = sample_sheet({"here": Samples(inputs, ["one", "two"]), "not here": "not prepared\npython -m data_prep x"})
    here, absent, *empty = figure.subfigs
    assert [part.get_suptitle() for part in (here, absent)] == ["here", "not here"] and len(empty) == 1
    assert [axes.get_title() for axes in here.axes] == ["one", "two", "", ""]
    assert [axes.get_ylabel() for axes in here.axes] == ["image", "", "audio", ""]
    assert not absent.axes and absent.texts[-1].get_text() == "not prepared\npython -m data_prep x"


def test_a_sentence_is_all_there():
    [text] = sentence("None of the nine is here. " * 5).texts
    assert text.get_text().replace("\n", " ") == ("None of the nine is here. " * 5).strip()
