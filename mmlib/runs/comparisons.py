"""One data set, all methods: the specs of a fair comparison, and what they measured as tidy tables."""

from collections.abc import Iterable, Mapping, Sequence

import pandas as pd

from mmlib import checks
from mmlib.data import is_regression
from mmlib.measures import paired_comparison
from mmlib.methods import METHODS
from mmlib.runs.spec import RunSpec
from mmlib.runs.store import table

_COMPARED = [name for name, method in METHODS.items() if method.compared]
METHODS_COMPARED = tuple(sorted(_COMPARED, key=lambda name: not METHODS[name].trains_fusion))  # fused networks first


def specs_of(
    data: str, modalities: Sequence[str], *, methods: Iterable[str] = METHODS_COMPARED, **common: object
) -> dict[str, RunSpec]:
    """Label -> spec: "m alone" for each modality, then each method under its own name, with the probe of every encoder
    (which needs classes: where the labels are real targets, without).

    common: further fields of RunSpec, the same for all (data_options, profile, seeds, ...).
    """
    alone = {
        f"{m} alone": RunSpec(data=data, method="unimodal", method_options={"modality": m}, **common)
        for m in modalities
    }
    measures = () if is_regression(data, common.get("data_options", {})) else ("probe",)
    return alone | {name: RunSpec(data=data, method=name, measures=measures, **common) for name in methods}


def measured(specs: Mapping[str, RunSpec], measure: str = "accuracy", device: str = "auto") -> pd.DataFrame:
    """Columns method (the label), seed, modality, value: one measure of every spec that has it, on the test split.

    measure: "accuracy", "mae" (of real targets), or another one in the column measure of ``runs.table``.
    Raises ValueError for a measure that none of them has.
    """
    frames = [table([spec], device).assign(method=label) for label, spec in specs.items()]
    whole = pd.concat(frames, ignore_index=True)
    checks.one_of("measure", measure, whole["measure"].unique())
    rows = whole[whole["measure"] == measure]
    return rows[["method", "seed", "modality", "value"]].reset_index(drop=True)


def against(baseline: str, accuracy: pd.DataFrame, labels: Sequence[str]) -> pd.DataFrame:
    """Each label against ``baseline``: paired differences in percentage points, rounded for reading.

    Of a mean absolute error, a point is 0.01 of the target's unit, and less is better.
    Raises ValueError for a label that is not in the table ``accuracy``, and what ``paired_comparison`` raises.
    """
    for label in labels:
        checks.one_of("method", label, accuracy["method"].unique())
    kept = accuracy[accuracy["method"].isin([baseline, *labels])]
    compared = paired_comparison(kept[["method", "seed", "value"]], baseline)
    in_points = compared[["difference", "low", "high"]].mul(100).round(2)
    return pd.concat([compared[["method", "seeds"]], in_points, compared[["p_holm"]].round(4)], axis=1)
