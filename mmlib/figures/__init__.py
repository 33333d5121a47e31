"""Figures: one style, one way to save, one list."""

from mmlib.figures.listed import figures_listed
from mmlib.figures.save import save_figure
from mmlib.figures.style import apply_style, look

__all__ = ["apply_style", "figures_listed", "look", "save_figure"]
