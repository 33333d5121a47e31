"""The options in a RunSpec: which there are, and one way to write each, so that two ways of saying it are one run."""

import json
import sys
from collections.abc import Mapping
from inspect import Parameter, signature

from mmlib import checks
from mmlib.data import DATASETS
from mmlib.methods import METHODS
from mmlib.models.build import build_model, encoder_parameters
from mmlib.records.jsonable import to_json
from mmlib.training import fit

TRAINING = ("epochs", "batch_size", "lr", "optimizer", "weight_decay")
Declared = dict[str, Parameter]


def declared(spec: Mapping[str, object]) -> dict[str, Declared]:
    """Part of a spec (its fields as a dict) -> option -> how data set, method, encoders and ``fit`` declare it."""
    _model, *of_method = signature(METHODS[spec["method"]]).parameters.values()
    return {
        "data_options": dict(signature(DATASETS[spec["data"]]).parameters),
        "method_options": {option.name: option for option in of_method},
        "model_options": _of_encoders(spec["model"]),
        "training": {name: signature(fit).parameters[name] for name in TRAINING},
    }


def check(spec: Mapping[str, object]) -> None:
    """Raises ValueError for an option that data set, method, encoders or ``fit`` do not have, and for a missing one."""
    known = declared(spec)
    checks.options(spec["data"], spec["data_options"], known["data_options"])
    checks.options("training", spec["training"], TRAINING)
    method, given = spec["method"], spec["method_options"]
    checks.options(f"method {method!r}", given, known["method_options"])
    for name, option in known["method_options"].items():
        if option.default is option.empty and name not in given:
            raise ValueError(f"method {method!r} needs the option {name!r} in method_options.")
    for name, value in spec["model_options"].items():
        for kind in _kinds_that_get(value, spec["model"]) if name != "fusion" else ():
            checks.options(f"encoder {kind!r}", [name], encoder_parameters(kind))


def as_declared(options: Mapping[str, object], declared: Declared) -> dict[str, object]:
    """``options`` with floats for whole numbers where the default is a float."""
    return {name: _as_declared(value, declared[name]) for name, value in options.items()}


def without_defaults(options: Mapping[str, object], declared: Declared) -> dict[str, object]:
    """``options`` without those that have the value of their default."""
    return {name: value for name, value in options.items() if not _is_default(value, declared[name])}


def encoder_named(model: str | Mapping[str, str]) -> str | Mapping[str, str]:
    """``model``, or the one encoder that it names for every modality."""
    kinds = _kinds(model)
    return kinds[0] if len(kinds) == 1 else model


def _of_encoders(model: str | Mapping[str, str]) -> Declared:
    """Without a default where the encoders of several modalities have different ones."""
    options: Declared = {"fusion": signature(build_model).parameters["fusion"]}
    for kind in _kinds(model):
        for name, option in encoder_parameters(kind).items():
            same = options.get(name, option).default == option.default
            options[name] = option if same else option.replace(default=Parameter.empty)
    return options


def _kinds(model: str | Mapping[str, str]) -> list[str]:
    return sorted(set(model.values())) if isinstance(model, Mapping) else [model]


def _kinds_that_get(value: object, model: str | Mapping[str, str]) -> list[str]:
    """The encoders that an option goes to: all, or those of the modalities that it names."""
    if isinstance(value, Mapping) and isinstance(model, Mapping):
        return sorted({model[m] for m in value if m in model})
    return _kinds(model)


def _as_declared(value: object, option: Parameter) -> object:
    if isinstance(value, Mapping):
        return {name: _as_declared(inner, option) for name, inner in value.items()}
    is_float = isinstance(option.default, float) and type(value) is int and abs(value) <= sys.float_info.max
    return float(value) if is_float else value


def _is_default(value: object, option: Parameter) -> bool:
    try:
        default = to_json(option.name, option.default)
    except (TypeError, ValueError):  # none, or infinity: no file of specs can say it
        return False
    return json.dumps(value, sort_keys=True) == json.dumps(default, sort_keys=True)
