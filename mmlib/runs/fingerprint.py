"""The name of a run: its spec, the prepared data, the code of mmlib, and the user's own code that it names."""

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from mmlib import paths
from mmlib.data import DATASETS, load
from mmlib.measures import MEASURES
from mmlib.methods import METHODS
from mmlib.models import FUSIONS
from mmlib.models.kinds import BUILDERS
from mmlib.records.code.imported import CodeChanged, all_modules, code_version, require_unchanged
from mmlib.records.code.own import own_code
from mmlib.records.code.owner import replaced_parts
from mmlib.runs import options as run_options
from mmlib.training import OPTIMIZERS

if TYPE_CHECKING:
    from mmlib.runs.spec import RunSpec

Content = dict[str, object]
ARRAYS = ("arrays", "npz_sha256", "classes")  # what a manifest says of the arrays themselves
COMPUTE = "mmlib.runs.compute"  # it trains and measures every run


class DataChanged(RuntimeError):
    """The prepared data are not those that the run was named after."""


def canonical(fields: Mapping[str, object]) -> Content:
    """The fields of a completed RunSpec with one way of writing each.

    An option that has its default is left out, one encoder for every modality is its name, and names have no order.
    """
    declared = run_options.declared(fields)
    short = {part: run_options.without_defaults(fields[part], options) for part, options in declared.items()}
    names = {part: sorted(fields[part]) for part in ("measures", "track")}
    return json.loads(json.dumps({**fields, **short, **names, "model": run_options.encoder_named(fields["model"])}))


def made_from(fields: Mapping[str, object]) -> Content:
    """What besides the spec a run's numbers follow from: {"code", "prepared", and, where there is any, "own_code"}.

    Raises CodeChanged.
    """
    used = _used(fields)
    own = own_code([*used, *replaced_parts()])
    starts = {COMPUTE, *(thing.__module__ for thing in used if _is_of_mmlib(thing))} if own is None else all_modules()
    require_unchanged(starts)
    content = {"code": code_version(starts), "prepared": prepared(fields)}
    return content if own is None else {**content, "own_code": own}


def _used(fields: Mapping[str, object]) -> list[object]:
    """What the spec names, as it is registered now."""
    encoders = fields["model"].values() if isinstance(fields["model"], Mapping) else [fields["model"]]
    names = sorted({*fields["measures"], *fields["track"]})
    return [
        DATASETS[fields["data"]],
        METHODS[fields["method"]],
        *(builder for kind in sorted(set(encoders)) for builder in BUILDERS[kind]),
        FUSIONS.get(fields["model_options"]["fusion"]),
        OPTIMIZERS[fields["training"]["optimizer"]],
        *(MEASURES[name] for name in names),
    ]


def _is_of_mmlib(thing: object) -> bool:
    return getattr(thing, "__module__", "").partition(".")[0] == "mmlib"


def name_of(fields: Mapping[str, object], made_from: Mapping[str, object]) -> str:
    """16 hex digits that change with the completed ``fields`` of a spec and with what it is ``made_from``."""
    text = json.dumps({**canonical(fields), **made_from}, sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def prepared(fields: Mapping[str, object]) -> str | list[str] | None:
    """SHA-256 of what the manifest of a prepared data set says of its arrays, None for data that are made and not read.

    Of a data set of the user's own, which may read anything: the hash of what it gives, for each seed.
    """
    load, manifest = DATASETS[fields["data"]], paths.data_dir() / f"{fields['data']}.json"
    if own_code([load]) is not None:
        return [load(seed=seed, **fields["data_options"]).fingerprint() for seed in fields["seeds"]]
    return _arrays(manifest) if manifest.exists() else None


def _arrays(manifest: Path) -> str:
    """Of the hashes of the arrays and the names of the classes: the words and code beside them change no number."""
    content = manifest.read_bytes()
    try:
        said = json.loads(content)
        content = json.dumps({key: said[key] for key in ARRAYS if key in said}, sort_keys=True).encode()
    except (ValueError, TypeError):
        pass  # it is damaged: loading says so
    return hashlib.sha256(content).hexdigest()


def require_unmodified(spec: "RunSpec") -> None:
    """Raises ValueError if an option in ``spec`` was changed after it was named."""
    if name_of(spec.as_dict(), spec.made_from) != spec.hash:
        raise ValueError(
            f"the RunSpec that was named {spec.hash} has other options now: a spec "
            "cannot be changed, make another one, as with dataclasses.replace(spec, ...)."
        )


def require_its_modalities(spec: "RunSpec") -> None:
    """Raises ValueError if the model of a finished run names encoders for other modalities than the data have.

    Computing would refuse it; but the run may have been computed from a spec that names the encoder once for all.
    """
    if run_options.encoder_named(spec.model) == spec.model:
        return
    modalities = load(spec.data, seed=spec.seeds[0], **spec.data_options).modalities
    if set(spec.model) != set(modalities):
        raise ValueError(
            f"model names encoders for {', '.join(spec.model)}, and {spec.data!r} has {', '.join(modalities)}: name "
            "one for each of these, or one encoder for all."
        )


def require_same_data(spec: "RunSpec") -> None:
    """Raises DataChanged if the data were prepared again after ``spec`` was named."""
    if prepared(spec.as_dict()) != spec.made_from["prepared"]:
        raise DataChanged(
            f"the data set {spec.data!r} was prepared again after the run {spec.hash} was named: make the RunSpec "
            "again, and ask for that."
        )


def require_current(spec: "RunSpec") -> None:
    """Raises CodeChanged or DataChanged unless a run that is computed now belongs under the name of ``spec``."""
    require_same_data(spec)
    if made_from(spec.as_dict()) != spec.made_from:
        raise CodeChanged(
            f"your own code that the run {spec.label} uses has changed since it was "
            "named: make the RunSpec again, and ask for that."
        )
