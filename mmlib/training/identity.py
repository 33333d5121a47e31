"""What makes one training another: network, method, criterion, data and settings, each as a text under its name."""

import hashlib
from collections.abc import Iterator, Mapping
from functools import cached_property
from itertools import chain

from torch import Tensor, nn
from torch.nn.parameter import is_lazy

from mmlib.data import MultimodalData
from mmlib.methods import Method
from mmlib.records.code.text import code_text, is_known
from mmlib.training._described import described, tensor_bytes

NETWORK_WEIGHTS, METHOD_WEIGHTS = "initial weights of the network", "initial weights of the method's own parts"
HOOKS = ("_forward_hooks", "_forward_pre_hooks", "_backward_hooks", "_backward_pre_hooks")
SHOWN = 4  # differences that a message names
CRITERIA = {"classification": "cross-entropy", "regression": "mean absolute error"}


def training_identity(method: Method, data: MultimodalData, settings: Mapping[str, object]) -> dict[str, str]:
    """Name -> text of everything that decides what a training ends with; two that agree in it end with the same bits.

    To be called before the training: the weights as they are go in as their SHA-256. Of an attribute that is an object
    only the class is seen, and of those whose names begin with an underscore only the hooks.
    """
    own = [(name, t) for name, t in _tensors(method) if not name.startswith("model.")]
    return {
        **{name: described(value) for name, value in settings.items()},
        "data": data.fingerprint(),
        "criterion": f"{CRITERIA[data.task]} of {data.train.labels.dtype} labels",
        **{_place(name): text for name, text in _settings(method)},
        NETWORK_WEIGHTS: _digest(_tensors(method.model)),
        METHOD_WEIGHTS: _digest(own),
    }


def differences(before: Mapping[str, str], now: Mapping[str, str]) -> list[str]:
    """What differs, as "name: text before is not text now", or of hashes the name alone; the weights last."""
    found = []
    for name in [*now, *(name for name in before if name not in now)]:
        there, here = before.get(name, "absent"), now.get(name, "absent")
        if there != here:
            hashed = name in ("data", NETWORK_WEIGHTS, METHOD_WEIGHTS)
            found.append(f"other {name}" if hashed else f"{name} {there} is not {here}")
    return found


def refusal(before: Mapping[str, str], now: Mapping[str, str]) -> str | None:
    """Why a state of the training ``before`` is of no use to the training ``now``, and what to do; None if it is."""
    found = differences(before, now)
    if not found:
        return None
    weights = [text for text in found if text in (f"other {NETWORK_WEIGHTS}", f"other {METHOD_WEIGHTS}")]
    named = [text for text in found if text not in weights]
    more = f"; and {len(named) - SHOWN} more" if len(named) > SHOWN else ""
    why = f"{'; '.join(named[:SHOWN] or weights)}{more}"
    again = (
        "To continue that training, build network and method again as they were before it (same seed, not trained in "
        "between). To train these instead, delete the file or name another."
    )
    order = " (the file's value stands first)" if named else ""
    return f"it is of another training: {why}{order}. {again if weights else 'Delete the file or name another.'}"


def _settings(method: Method) -> Iterator[tuple[str, str]]:
    """Name and text of every module, public attribute, parameter and buffer."""
    seen: dict[int, str] = {}
    for name, module in method.named_modules(remove_duplicate=False):
        if id(module) in seen:
            yield name, f"the same as {seen[id(module)]}"
            continue
        seen[id(module)] = name.removeprefix("model.")
        yield name, code_text(type(module))
        for hooks in HOOKS:
            if vars(module).get(hooks):
                yield f"{name}.{hooks}".removeprefix("."), described(list(vars(module)[hooks].values()))
        for attribute, value in _attributes(module).items():
            yield f"{name}.{attribute}".removeprefix("."), described(value)
    for name, tensor in _tensors(method):
        kind = "trained" if tensor.requires_grad else "frozen" if isinstance(tensor, nn.Parameter) else "buffer"
        shape = "of unknown shape" if is_lazy(tensor) else list(tensor.shape)
        own = name.removeprefix("model.")
        first = seen.setdefault(id(tensor), own)
        yield name, f"{tensor.dtype} {shape} {kind}" if first == own else f"the same as {first}"


def _attributes(module: nn.Module) -> dict[str, object]:
    """Public attributes of a module and of classes from outside PyTorch and mmlib that it is of."""
    classes = [vars(kind) for kind in reversed(type(module).__mro__) if not is_known(kind)]
    found = {name: value for values in classes for name, value in values.items() if not _works(value)}
    found |= {name: value for name, value in vars(module).items() if not _is_cached(module, name)}
    runtime = ("training", "epoch") if isinstance(module, Method) else ("training",)
    return {name: value for name, value in found.items() if not name.startswith("_") and name not in runtime}


def _works(value: object) -> bool:
    """Whether a part of a class is a method or property, whose code the class's text stands for."""
    return callable(value) or hasattr(value, "__get__")


def _is_cached(module: nn.Module, name: str) -> bool:
    return isinstance(getattr(type(module), name, None), cached_property)


def _tensors(module: nn.Module) -> Iterator[tuple[str, Tensor]]:
    return chain(module.named_parameters(remove_duplicate=False), module.named_buffers(remove_duplicate=False))


def _digest(tensors: Iterator[tuple[str, Tensor]] | list[tuple[str, Tensor]]) -> str:
    digest = hashlib.sha256()
    for _, tensor in tensors:
        digest.update(tensor_bytes(tensor))
    return digest.hexdigest()


def _place(name: str) -> str:
    """Where a module or attribute of a method is, in words: "network: encoders.a.p", "method: alpha"."""
    if name == "model" or name.startswith("model."):
        return f"network: {name[6:]}".removesuffix(": ")
    return f"method: {name}".removesuffix(": ")
