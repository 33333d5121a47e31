"""Optical flow: known motion is found, and its bytes come back as pixels."""

import numpy as np
import pytest
import torch

from data_prep.decode.flow import flow
from mmlib.data.transforms.clips import motion


@pytest.fixture(scope="module")
def scene():
    """A smooth random picture, uint8 [160, 160, 3]."""
    noise = torch.rand(1, 1, 20, 20, generator=torch.Generator().manual_seed(0))
    smooth = torch.nn.functional.interpolate(noise, size=160, mode="bicubic")[0, 0].clamp(0, 1)
    return (255 * smooth).byte().numpy()[..., None].repeat(3, axis=2)


def moved(scene, right, down):
    """The window of 112 pixels before and after everything in it has moved, each [1, 112, 112, 3]."""
    return scene[None, 24:136, 24:136], scene[None, 24 - down : 136 - down, 24 - right : 136 - right]


def pixels(found):
    return motion("flow").applied(torch.from_numpy(found))


@pytest.mark.parametrize(("right", "down"), [(3, 0), (0, -2), (-4, 1)])
def test_known_motion_is_found(scene, right, down):
    found = flow(*moved(scene, right, down))
    assert found.shape == (1, 2, 112, 112) and found.dtype == np.uint8
    middle = pixels(found)[0, :, 20:-20, 20:-20].mean((1, 2))
    assert middle.tolist() == pytest.approx([right, down], abs=0.3)


def test_no_motion_comes_back_as_exactly_zero(scene):
    found = flow(scene[None, :112, :112], scene[None, :112, :112])[..., 20:-20, 20:-20]
    assert (found == 128).all() and (pixels(found) == 0).all()


def test_bytes_are_the_motion_cut_to_twenty_pixels(scene, monkeypatch):
    moves = np.zeros((112, 112, 2), np.float32)
    moves[0, :5, 0] = [-50, -20, 1.5, 20, 50]
    monkeypatch.setattr("data_prep.decode.flow._farneback", lambda *_: moves)
    found = flow(scene[None], scene[None])
    assert found[0, 0, 0, :5].tolist() == [1, 1, 138, 255, 255]
    assert pixels(found)[0, 0, 0, :5].tolist() == pytest.approx([-20, -20, 1.5, 20, 20], abs=20 / 127 / 2)
