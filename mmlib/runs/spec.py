"""RunSpec: what to train and measure, completed from the recipes, and named by its content."""

import json
from collections.abc import Hashable, Iterable, Mapping
from dataclasses import asdict, dataclass, field, fields
from functools import cached_property
from pathlib import Path
from typing import Self

from mmlib import checks, paths
from mmlib.data import DATASETS, is_regression
from mmlib.measures import MEASURES, NEED_FUSION
from mmlib.methods import METHODS
from mmlib.models import ENCODERS, FUSIONS
from mmlib.models.maxout import EARLY
from mmlib.records.jsonable import to_json
from mmlib.records.profiles import PROFILES, default_profile
from mmlib.runs import options as run_options
from mmlib.runs.fingerprint import canonical, made_from, name_of
from mmlib.runs.recipes import METHOD_OPTIONS, RECIPES
from mmlib.training import check_settings


@dataclass(frozen=True, eq=False)
class RunSpec:
    """What to train and measure. Everything left out comes from the recipe of the data set and the profile.

    data, data_options: as for mmlib.data.load; method, method_options: a name in METHODS and its arguments;
    model, model_options: an encoder's name, or {modality: name}, and the further options of build_model; training:
    epochs, batch_size, lr, optimizer, weight_decay; seeds: each fixes split, initialisation and data order; measures:
    names in mmlib.measures.MEASURES, taken once on the test split; track: the same, each epoch on the validation
    split.
    Two specs are equal if their completed contents are; an option that has its default counts as left out, and one
    encoder for every modality as its name. Seeds are sorted, and measures put into the order of MEASURES.
    mmlib.runs.spec_files reads and writes them as YAML and JSON.
    Raises ValueError for anything unknown, and for a method or measure that needs classes where the data have none.
    """

    data: str
    method: str
    model: str | Mapping[str, str] | None = None
    seeds: tuple[int, ...] | None = None
    profile: str = field(default_factory=default_profile)
    data_options: Mapping[str, object] = field(default_factory=dict)
    method_options: Mapping[str, object] = field(default_factory=dict)
    model_options: Mapping[str, object] = field(default_factory=dict)
    training: Mapping[str, object] = field(default_factory=dict)
    measures: tuple[str, ...] = ()
    track: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        checks.one_of("data set", self.data, DATASETS)
        checks.one_of("method", self.method, METHODS)
        checks.one_of("profile", self.profile, PROFILES)
        for name in ("data_options", "method_options", "model_options", "training"):
            checks.of_type(name, getattr(self, name), Mapping, "a dict of options")
        recipe = RECIPES[self.data]
        model = recipe.encoder if self.model is None else self.model
        self._set("model", dict(model) if isinstance(model, Mapping) else model)
        self._set("seeds", _listed("seeds", range(recipe.seeds[self.profile]) if self.seeds is None else self.seeds))
        self._set("data_options", dict(self.data_options))
        self._set("method_options", {**METHOD_OPTIONS.get(self.method, {}), **self.method_options})
        self._set("model_options", {**recipe.model, **self.model_options})
        self._set("training", {**recipe.training, "epochs": recipe.epochs[self.profile], **self.training})
        self._set("measures", _listed("measures", self.measures))
        self._set("track", _listed("track", self.track))
        self._check()
        for name, declared in run_options.declared(self.as_dict()).items():
            self._set(name, to_json(name, run_options.as_declared(getattr(self, name), declared)))
        # One order of each, so that equal specs give equal tables, row by row.
        self._set("seeds", tuple(sorted(map(int, self.seeds))))  # NumPy's whole numbers are no JSON
        for name in ("measures", "track"):
            self._set(name, tuple(sorted(getattr(self, name), key=list(MEASURES).index)))

    @classmethod
    def from_dict(cls, mapping: Mapping[str, object]) -> Self:
        """The spec whose fields are ``mapping``, as ``as_dict`` gives them; what is left out is completed.

        Raises TypeError or ValueError, naming the field, for anything unknown, missing or of the wrong type.
        """
        checks.of_type("a RunSpec", mapping, Mapping, "a dict of its fields")
        known = [f.name for f in fields(cls)]
        for name in mapping:
            checks.one_of("field of a RunSpec", name, known)
        for name in ("data", "method"):
            if name not in mapping:
                raise ValueError(f"a RunSpec needs the field {name!r}, got {', '.join(mapping) or 'no field'}.")
        return cls(**mapping)

    def __eq__(self, other: object) -> bool:
        return self._text == other._text if isinstance(other, RunSpec) else NotImplemented

    def __hash__(self) -> int:
        return hash(self._text)

    @cached_property
    def _text(self) -> str:
        # As text, since 1, 1.0 and True are equal in a dict and may be three runs.
        return json.dumps(canonical(self.as_dict()), sort_keys=True)

    def _set(self, name: str, value: object) -> None:
        object.__setattr__(self, name, value)

    def _check(self) -> None:
        if self.model == {}:
            raise ValueError("model must name an encoder, or one for each modality, got {}.")
        for encoder in self.model.values() if isinstance(self.model, Mapping) else [self.model]:
            checks.one_of("model", encoder, ENCODERS)
        if "seed" in self.data_options:
            raise ValueError("data_options must not hold 'seed': name the seeds in the field seeds of RunSpec.")
        checks.one_of("fusion", self.model_options["fusion"], [*FUSIONS, EARLY])
        run_options.check(self.as_dict())
        check_settings(**self.training)
        for name in ("measures", "track"):
            checks.distinct(name, getattr(self, name), least=0)
        for name in (*self.measures, *self.track):
            checks.one_of("measure", name, MEASURES)
            if name in NEED_FUSION and not METHODS[self.method].trains_fusion:
                raise ValueError(
                    f"measure {name!r} looks at the fused network, which method {self.method!r} does not train."
                )
        self._check_task()
        if not self.seeds or len(set(self.seeds)) != len(self.seeds):
            raise ValueError(f"seeds must be different whole numbers, at least one, got {list(self.seeds)}.")
        for seed in self.seeds:
            checks.seed(seed)

    def _check_task(self) -> None:
        if not is_regression(self.data, self.data_options):
            return
        if not METHODS[self.method].takes_regression:
            raise ValueError(
                f"method {self.method!r} looks at the true class, and the labels of {self.data!r} are real targets: "
                "take another method, such as 'joint'."
            )
        asked = [*self.measures, *self.track]
        if asked:
            raise ValueError(
                f"measure {asked[0]!r} is for class labels, and those of {self.data!r} are real targets: leave it out."
            )

    @cached_property
    def made_from(self) -> dict[str, object]:
        """What its numbers follow from besides the spec, as of the first time that it is asked for: see run_identity.

        Raises CodeChanged where the disk holds other code than was imported.
        """
        return made_from(self.as_dict())

    @cached_property
    def hash(self) -> str:
        """16 hex digits that change with the spec, the prepared data and the code that computes it."""
        return name_of(self.as_dict(), self.made_from)

    @property
    def label(self) -> str:
        """What messages call the run, such as "0123456789abcdef (agm, alpha=0.5 on synthetic, 2 seeds, smoke)"."""
        options = "".join(f", {name}={value}" for name, value in self.method_options.items())
        seeds = "1 seed" if len(self.seeds) == 1 else f"{len(self.seeds)} seeds"
        return f"{self.hash} ({self.method}{options} on {self.data}, {seeds}, {self.profile})"

    def __getstate__(self) -> dict[str, object]:
        """Without the name: another process works out its own."""
        return {f.name: getattr(self, f.name) for f in fields(self)}

    def as_dict(self) -> dict[str, object]:
        """The completed spec as plain values."""
        return asdict(self)

    @property
    def folder(self) -> Path:
        """Where the run lives: results/runs/<hash>."""
        return paths.results_dir() / "runs" / self.hash


def _listed(name: str, value: Iterable) -> tuple:
    # A text is a sequence of letters, which nobody means.
    checks.of_type(name, value, (list, tuple, range), "a list")
    for entry in value:
        checks.of_type(f"each of {name}", entry, Hashable, "a name or a number")
    return tuple(value)
