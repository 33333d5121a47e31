"""Competition strength: how much of what a modality learns alone is missing in the joint network (AGM, section 3.3)."""

import numpy as np
from numpy.typing import ArrayLike
from torch import Tensor

from mmlib import checks
from mmlib.data import Split
from mmlib.measures._predictions import check_alone, collect
from mmlib.measures.registry import Trained, measure
from mmlib.methods import Unimodal
from mmlib.models import MultimodalModel

Rows = Tensor | ArrayLike
LEAST_VARIANCE = 1e-12  # as a share of the largest: in float32 features, a direction with less is rounding noise
# Of runs. The authors' program has 120, for features of 1,024 values and thousands of rows. Here there are about a
# hundred values and some hundred rows: 120 shrinks the regression so far that d is near 1 whatever was learned.
RIDGE_PENALTY = 1.0


def competition_strength(z_dep: Rows, y_dep: Rows, z_eval: Rows, y_eval: Rows, penalty: float = 120.0) -> float:
    """d = trace(pinv(B) R^T R) / D with B = N cov(Y) and R = Yhat - Y on the evaluation rows (Li et al., ICCV 2023).

    Yhat is the ridge regression with intercept of Y on Z, fitted on the "dep" rows. Z [N, K]: fused features of the
    joint network; Y [N, D]: mono-modal concept; N and D are those of y_eval, cov is the unbiased one. penalty: weight
    of the squared coefficients, 120 in the authors' program.
    0: the concept is a linear function of Z (weak competition); near 1: Z predicts no better than the mean; can be
    above 1. d stays the same under an invertible affine map of Y, a rotation or shift of Z, and any order of the rows.
    D counts all columns of Y, but directions in which y_eval does not vary (dead ReLUs; variance
    below 1e-12 of the largest) add nothing to the trace: r varying directions give about r/D where Z is useless.
    Raises ValueError if shapes do not fit, fewer than 2 rows or NaN come in, or no column of y_eval varies.
    """
    from scipy.linalg import pinvh  # here: mmlib.measures imports where only PyTorch is
    from sklearn.linear_model import Ridge

    checks.number("penalty", penalty, low=0)
    z_dep, y_dep = _pair("dep", z_dep, y_dep)
    z_eval, y_eval = _pair("eval", z_eval, y_eval)
    for name, dep, held in (("z", z_dep, z_eval), ("y", y_dep, y_eval)):
        if dep.shape[1] != held.shape[1]:
            raise ValueError(f"{name}_dep has {dep.shape[1]} columns, {name}_eval has {held.shape[1]}: must be equal.")
    if (y_eval == y_eval[0]).all():
        raise ValueError("y_eval is the same in every row, so there is no concept to look for: is its network dead?")
    rows, width = y_eval.shape
    residual = Ridge(alpha=penalty).fit(z_dep, y_dep).predict(z_eval).reshape(rows, width) - y_eval
    spread = rows * np.atleast_2d(np.cov(y_eval, rowvar=False))
    return float(np.trace(pinvh(spread, rtol=LEAST_VARIANCE) @ residual.T @ residual) / width)


def competition_of(model: MultimodalModel, concept: Unimodal, dep: Split, held: Split, penalty: float = 120.0) -> float:
    """competition_strength for ``concept.modality`` in a trained network.

    Z: fused features of ``model``; Y: penultimate features of ``concept``, trained on its modality alone in a network
    of its own. dep: the rows the ridge is fitted on, held aside from training; held: the rows on which d is measured.
    Raises TypeError or ValueError if the two networks and the splits do not fit each other.
    """
    check_alone(model, concept, dep, held)

    def fused(split: Split) -> Tensor:
        return collect(model, lambda inputs: model.fusion.fused(model.encode(inputs)), split)

    def alone(split: Split) -> Tensor:
        return collect(concept, concept.penultimate, split)

    return competition_strength(fused(dep), alone(dep), fused(held), alone(held), penalty)


def _pair(rows: str, z: Rows, y: Rows) -> tuple[np.ndarray, np.ndarray]:
    z, y = _matrix(f"z_{rows}", z), _matrix(f"y_{rows}", y)
    if len(z) != len(y):
        raise ValueError(f"z_{rows} has {len(z)} rows, y_{rows} has {len(y)}: they must be the same samples.")
    return z, y


def _matrix(name: str, values: Rows) -> np.ndarray:
    if isinstance(values, Tensor):
        values = values.detach().cpu().double().numpy()
    matrix = np.asarray(values, dtype=np.float64)
    if matrix.ndim != 2 or matrix.shape[0] < 2 or matrix.shape[1] < 1:
        raise ValueError(f"{name} must be [N, columns] with N >= 2 and at least one column, got shape {matrix.shape}.")
    if not np.isfinite(matrix).all():
        raise ValueError(f"{name} holds NaN or infinite values.")
    return matrix


@measure("competition", needs_fusion=True)
def _competition(t: Trained) -> dict[str, float]:
    dep, held = (t.dep, t.held) if t.dep is not None else _halves(t.held)
    return {m: competition_of(t.method.model, t.concept(m), dep, held, RIDGE_PENALTY) for m in t.data.modalities}


def _halves(split: Split) -> tuple[Split, Split]:
    # Every other row of each class: rows that lie together, such as the windows of one recording, go to both halves.
    order = split.labels.argsort(stable=True)
    return split.subset(order[::2]), split.subset(order[1::2])
