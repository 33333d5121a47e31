"""Figures: one style, one function per kind of figure, one way to save, one list."""

from mmlib.figures.costs import cost_lines
from mmlib.figures.maps import depth_maps
from mmlib.figures.pictures import picture_grid
from mmlib.figures.plots import canvas, curves, finish, noted, one_legend, seed_points
from mmlib.figures.samples import Samples, draw_sample, sample_sheet, sentence
from mmlib.figures.save import save_figure
from mmlib.figures.style import apply_style, look
from mmlib.records.figure_list import figures_listed

__all__ = [
    "Samples",
    "apply_style",
    "canvas",
    "cost_lines",
    "curves",
    "depth_maps",
    "draw_sample",
    "figures_listed",
    "finish",
    "look",
    "noted",
    "one_legend",
    "picture_grid",
    "sample_sheet",
    "save_figure",
    "seed_points",
    "sentence",
]
