"""What a few samples look like, whatever their modalities: pictures, clips, spectrograms, motion, feature sequences."""

import textwrap
from collections.abc import Mapping, Sequence
from typing import NamedTuple

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import hsv_to_rgb
from matplotlib.figure import Figure, SubFigure
from torch import Tensor

from mmlib.data.transforms.clips import IMAGENET_MEAN, IMAGENET_STD
from mmlib.figures.style import apply_style

SOUNDS = ("audio", "sound")  # names of modalities whose [1, H, W] is a spectrogram, low tones first
LETTERS = 54  # in a line of text that stands in a panel
WIDTH, HEIGHT, HEIGHT_OF_TEXT = 4.4, 3.1, 1.5  # inches: of a panel, and of a row of panels that has only texts


class Samples(NamedTuple):
    """inputs: {modality: [n, ...]}, on the CPU; names: what each of the n samples shows."""

    inputs: Mapping[str, Tensor]
    names: Sequence[str]


def sample_sheet(panels: Mapping[str, Samples | str], columns: int = 3) -> Figure:
    """A panel for each title: its samples beside each other, with the modalities below each other, or a text."""
    apply_style()
    contents = list(panels.values())
    rows = [contents[i : i + columns] for i in range(0, len(contents), columns)]
    heights = [HEIGHT if any(isinstance(c, Samples) for c in row) else HEIGHT_OF_TEXT for row in rows]
    figure = plt.figure(figsize=(WIDTH * columns, sum(heights)), layout="constrained")
    parts = figure.subfigures(len(rows), columns, squeeze=False, wspace=0.03, hspace=0.03, height_ratios=heights)
    for part, (title, content) in zip(parts.flat, panels.items(), strict=False):
        part.suptitle(title, fontweight="bold")
        if isinstance(content, str):
            _write(part, content)
        else:
            _draw_all(part, content)
    return figure


def sentence(text: str) -> Figure:
    """A picture of a sentence, for a figure that has nothing to draw and says so."""
    apply_style()
    figure = plt.figure(figsize=(7.0, 1.6), layout="constrained")
    figure.text(0.5, 0.5, textwrap.fill(text, 80), ha="center", va="center")
    return figure


def _write(part: SubFigure, text: str) -> None:
    lines = [textwrap.fill(line, LETTERS, break_on_hyphens=False) for line in text.splitlines()]
    part.set_facecolor("0.96")
    part.text(0.5, 0.42, "\n".join(lines), ha="center", va="center", color="0.25", fontsize="small")


def _draw_all(part: SubFigure, samples: Samples) -> None:
    grid = part.subplots(len(samples.inputs), len(samples.names), squeeze=False)
    for line, (modality, values) in zip(grid, samples.inputs.items(), strict=True):
        for axes, value in zip(line, values, strict=True):
            draw_sample(axes, modality, value.numpy())
        line[0].set_ylabel(modality, fontsize="small")
    for axes, name in zip(grid[0], samples.names, strict=True):
        axes.set_title(textwrap.shorten(name, 16, placeholder="..."), fontsize="x-small")


def draw_sample(axes: Axes, modality: str, value: np.ndarray) -> None:
    """One modality of one sample, by its shape: [1, H, W] grey or, for a sound, a spectrogram; [3, H, W] and
    [3, T, H, W] a picture or middle frame normalised as for ImageNet; [2, T, H, W] motion; [T, F] features over time.

    Raises ValueError for another shape.
    """
    axes.set(xticks=[], yticks=[])
    axes.grid(False)
    match value.shape:
        case (1, _, _) if modality in SOUNDS:
            axes.imshow(value[0], origin="lower", aspect="auto", cmap="magma")
        case (1, _, _):
            axes.imshow(value[0], cmap="gray")
        case (3, _, _):
            axes.imshow(_picture(value))
        case (3, frames, _, _):
            axes.imshow(_picture(value[:, frames // 2]))
        case (2, frames, _, _):
            axes.imshow(_motion(value[:, frames // 2]))
        case (_, _):
            low, high = np.percentile(value, [2, 98])
            axes.imshow(value.T, aspect="auto", interpolation="nearest", vmin=low, vmax=high)
        case shape:
            raise ValueError(f"a sample of {modality!r} has shape {shape}, and there is no way to draw it.")


def _picture(value: np.ndarray) -> np.ndarray:
    """[3, H, W], normalised as for ImageNet, as red, green and blue [H, W, 3] from 0 to 1."""
    return np.clip(value.transpose(1, 2, 0) * np.array(IMAGENET_STD) + np.array(IMAGENET_MEAN), 0, 1)


def _motion(flow: np.ndarray) -> np.ndarray:
    """Flow [2, H, W] in pixels as colours [H, W, 3]: hue is its direction, brightness its share of the largest."""
    right, down = flow
    speed = np.hypot(right, down)
    direction = (np.arctan2(down, right) / (2 * np.pi)) % 1
    return hsv_to_rgb(np.stack([direction, np.ones_like(speed), speed / max(float(speed.max()), 1e-12)], axis=-1))
