"""Lists of RunSpecs as YAML or JSON files, which say the same after a round trip."""

import json
import re
from collections.abc import Callable, Iterable
from itertools import chain
from pathlib import Path

import yaml

from mmlib.records.files import write_atomically
from mmlib.records.nesting import check_size
from mmlib.runs.spec import RunSpec

# The scalars of YAML 1.2's core schema. PyYAML's own are those of 1.1, where no is False, 1e-3 a text, 1_0 a number and
# 2026-11-21 a date. What looks like a number in one of the two only, such as 010, stays a text and is refused later.
SCALARS = {
    "null": (r"~|null|Null|NULL|", ["~", "n", "N", ""]),
    "bool": (r"true|True|TRUE|false|False|FALSE", list("tTfF")),
    "int": (r"[-+]?(?:0|[1-9][0-9]*)", list("-+0123456789")),
    "float": (r"[-+]?(?:[0-9]*\.[0-9]+|[0-9]+\.|[0-9]+(?=[eE]))(?:[eE][-+]?[0-9]+)?", list("-+.0123456789")),
    "merge": (r"<<", ["<"]),
}


class _Loader(yaml.SafeLoader):
    """YAML 1.2's scalars, and no key twice."""

    yaml_implicit_resolvers = {}

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict:
        _refuse_twice([key.value for key, _ in node.value if isinstance(key, yaml.ScalarNode) and key.value != "<<"])
        return super().construct_mapping(node, deep)


class _Dumper(yaml.SafeDumper):
    """Puts a text in quotes if either version of YAML would read it as anything else."""

    def ignore_aliases(self, data: object) -> bool:
        return True


for _kind, (_pattern, _first) in SCALARS.items():
    for _class in (_Loader, _Dumper):
        _class.add_implicit_resolver(f"tag:yaml.org,2002:{_kind}", re.compile(f"(?:{_pattern})$"), _first)


def read_specs(path: str | Path) -> list[RunSpec]:
    """The specs in a .yaml, .yml or .json file that holds one spec or a list of them.

    Raises FileNotFoundError, and ValueError that names the file and the entry for whatever is not a spec.
    """
    path = Path(path)
    read = _parser(path)
    if not path.is_file():
        raise FileNotFoundError(f"there is no file of specs {path}.")
    try:
        content = read(path.read_text(encoding="utf-8"))
    except (ValueError, yaml.YAMLError, RecursionError) as error:
        why = "it is nested too deeply" if isinstance(error, RecursionError) else " ".join(str(error).split())
        raise ValueError(f"{path} is not a {path.suffix[1:]} file of specs: {why}") from error
    except OSError as error:
        raise ValueError(f"{path} cannot be read ({error.strerror or error}): make it readable.") from error
    entries = content if isinstance(content, list) else [content]
    if not entries or content is None:
        raise ValueError(f"{path} holds no spec: expected a dict with at least data and method, or a list of these.")
    return [_spec(path, number, entry) for number, entry in enumerate(entries, 1)]


def write_specs(path: str | Path, specs: Iterable[RunSpec]) -> None:
    """Writes ``specs`` as a list to a .yaml, .yml or .json file, atomically; ``read_specs`` gives equal ones back."""
    path = Path(path)
    _parser(path)
    entries = [spec.as_dict() for spec in specs]
    if path.suffix == ".json":
        text = json.dumps(entries, indent=1, allow_nan=False) + "\n"
    else:
        # All but ASCII is escaped: PyYAML writes some line ends of Unicode in a way that it reads as blanks.
        text = yaml.dump(entries, Dumper=_Dumper, sort_keys=False, allow_unicode=False, default_flow_style=None)
    write_atomically(path, lambda file: file.write(text.encode()))


def _spec(path: Path, number: int, entry: object) -> RunSpec:
    try:
        return RunSpec.from_dict(entry)
    except (ValueError, TypeError) as error:
        raise ValueError(f"{path}, entry {number}: {error}") from error


def _parser(path: Path) -> Callable[[str], object]:
    if path.suffix == ".json":
        return _read_json
    if path.suffix in (".yaml", ".yml"):
        return _read_yaml
    raise ValueError(f"specs are kept in files that end in .yaml, .yml or .json, got {path}.")


def _read_json(text: str) -> object:
    content = json.loads(text, object_pairs_hook=_once)
    check_size(content, _inner_values)
    return content


def _read_yaml(text: str) -> object:
    """The one document in ``text``. It is looked at before anything is made of it: an alias (*name) can refer to what
    it is in, and lists of aliases of lists unfold to more than any memory holds."""
    loader = _Loader(text)
    try:
        node = loader.get_single_node()
        if node is None:
            return None
        check_size(node, _inner_nodes)
        return loader.construct_document(node)
    finally:
        loader.dispose()


def _inner_values(value: object) -> Iterable[object]:
    if isinstance(value, dict):
        return value.values()
    return value if isinstance(value, list) else ()


def _inner_nodes(node: yaml.Node) -> Iterable[yaml.Node]:
    if isinstance(node, yaml.MappingNode):
        return chain.from_iterable(node.value)
    return node.value if isinstance(node, yaml.SequenceNode) else ()


def _once(pairs: list[tuple[str, object]]) -> dict[str, object]:
    _refuse_twice([key for key, _ in pairs])
    return dict(pairs)


def _refuse_twice(keys: list[str]) -> None:
    seen = set()
    for key in keys:
        if key in seen:
            raise ValueError(f"{key!r} is given twice.")
        seen.add(key)
