"""A run that takes a second, which several tests begin from."""

from mmlib.runs import RunSpec

SMALL = {
    "data": "synthetic",
    "data_options": {"samples": [120, 60, 60], "classes": 3},
    "model_options": {"width": 8, "depth": 2},
    "training": {"epochs": 2},
    "seeds": (0,),
    "profile": "smoke",
}


def small_spec(method: str = "joint", **changes: object) -> RunSpec:
    """The spec of such a run, with other fields than those of SMALL."""
    return RunSpec(method=method, **(SMALL | changes))
