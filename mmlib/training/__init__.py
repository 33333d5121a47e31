"""Training: the loop, its state and checkpoints, and what is asked of settings before it begins."""

from mmlib.training._checks import OPTIMIZERS, check_settings
from mmlib.training.loop import TrainingDiverged, evaluate, fit, predict
from mmlib.training.state import History, TrainingState

__all__ = ["OPTIMIZERS", "History", "TrainingDiverged", "TrainingState", "check_settings", "evaluate", "fit", "predict"]
