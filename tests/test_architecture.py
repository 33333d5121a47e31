"""Arrows point one way (ARCHITECTURE.md): imports of mmlib and data_prep, read from their source."""

import ast
import sys
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

import pytest

from mmlib.paths import ROOT

# What a folder of mmlib may import, besides itself and the three modules at the root that import nothing of mmlib.
ROOT_MODULES = {"checks", "device", "paths"}
LIBRARY = {
    "records": set(),
    "models": {"records"},
    "coalitions": {"models"},
    "data": {"records", "coalitions"},
    "methods": {"models", "coalitions"},
    "training": {"records", "data", "models", "methods"},
    "measures": {"records", "data", "models", "coalitions", "methods", "training"},
}
SUITE = {
    "runs": {*LIBRARY},
    "figures": {*LIBRARY, "runs"},
    "notebooks": {*LIBRARY, "runs", "figures"},
    "batch": {*LIBRARY, "runs", "figures", "notebooks"},
    "audit": {*LIBRARY, "runs", "figures", "notebooks", "batch"},
    "site": {*LIBRARY, "runs", "figures", "notebooks", "batch", "audit"},
    "cli": {*LIBRARY, "runs", "figures", "notebooks", "batch", "audit", "site"},
}
DATA_PREP = {
    "unpack": set(),
    "decode": {"release"},
    "release": {"unpack"},
    "sets": {"decode", "release", "unpack"},
}
OF_MMLIB_FOR_DATA_PREP = {"records", "data", "cli"}


def modules(package: str) -> dict[str, Path]:
    """Dotted name -> file of every module of ``package``; a package goes by its own name."""
    files = (ROOT / package).rglob("*.py")
    return {".".join(f.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__"): f for f in files}


MODULES = modules("mmlib") | modules("data_prep")


def imports(file: Path) -> set[str]:
    """The modules of this project that ``file`` imports anywhere, also in a function; for type checkers alone is left
    out, as it is never carried out."""
    tree = ast.parse(file.read_text())
    for node in ast.walk(tree):
        if isinstance(node, ast.If) and isinstance(node.test, ast.Name) and node.test.id == "TYPE_CHECKING":
            node.body = [ast.Pass()]
    found = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{file}: imports say the whole name"
            both = ((node.module, f"{node.module}.{alias.name}") for alias in node.names)
            found |= {inner if inner in MODULES else outer for outer, inner in both}
    return {name for name in found if name.partition(".")[0] in ("mmlib", "data_prep")}


IMPORTS = {name: imports(file) for name, file in MODULES.items()}


def folder_of(module: str) -> str:
    """The part of its package that a module belongs to: "methods" for mmlib.methods.agm."""
    return module.split(".")[1] if "." in module else ""


def test_the_test_sees_the_imports():
    assert "mmlib.coalitions.subsets" in IMPORTS["mmlib.coalitions.mixing"]
    assert {folder_of(name) for name in MODULES if name.startswith("mmlib")} == {
        "", "__main__", *ROOT_MODULES, *LIBRARY, *SUITE
    }  # fmt: skip


@pytest.mark.parametrize("folder", [*LIBRARY, *SUITE])
def test_a_folder_of_mmlib_imports_only_what_lies_below_it(folder):
    allowed = {folder, *ROOT_MODULES, *(LIBRARY | SUITE)[folder]}
    for name, found in IMPORTS.items():
        if name.startswith(f"mmlib.{folder}.") or name == f"mmlib.{folder}":
            wrong = {other for other in found if folder_of(other) not in allowed or other.startswith("data_prep")}
            assert not wrong, f"{name} imports {', '.join(sorted(wrong))}: the arrow points upward"


def test_the_library_does_not_import_the_suite():
    assert not {other for folder in LIBRARY for other in LIBRARY[folder]} & SUITE.keys()


def test_what_lies_at_the_root_of_mmlib():
    files = {file.name for file in (ROOT / "mmlib").glob("*.py")}
    assert files == {"__init__.py", "__main__.py", *(f"{name}.py" for name in ROOT_MODULES)}
    for name in ROOT_MODULES:
        assert {folder_of(other) for other in IMPORTS[f"mmlib.{name}"]} <= ROOT_MODULES


@pytest.mark.parametrize("folder", DATA_PREP)
def test_a_folder_of_data_prep_imports_only_what_lies_below_it(folder):
    at_root = {file.stem for file in (ROOT / "data_prep").glob("*.py")}
    for name, found in IMPORTS.items():
        if name.startswith(f"data_prep.{folder}"):
            own = {folder_of(other) for other in found if other.startswith("data_prep")}
            assert own <= {folder, *DATA_PREP[folder], *at_root} - {"__main__"}, name
    for name, found in IMPORTS.items():
        if name.startswith("data_prep"):
            of_mmlib = {folder_of(other) for other in found if other.startswith("mmlib")}
            assert of_mmlib <= OF_MMLIB_FOR_DATA_PREP | ROOT_MODULES, name


def test_no_module_imports_itself_through_others():
    # A package's face imports its modules, and to import a module is to import its packages' faces first: only the
    # module itself is an arrow here, as Python carries out a face before whatever lies in it.
    try:
        list(TopologicalSorter(IMPORTS).static_order())
    except CycleError as error:
        pytest.fail(f"a circle: {' -> '.join(error.args[1])}")


def test_private_modules_are_used_only_in_their_own_package():
    for name, found in IMPORTS.items():
        for other in found:
            parts = other.split(".")
            private = [i for i, part in enumerate(parts) if part.startswith("_") and part != "__main__"]
            if private:
                home = ".".join(parts[: private[0]])
                assert name == home or name.startswith(f"{home}."), f"{name} imports the private {other}"


def test_each_package_can_be_the_first_that_is_imported():
    """Circles through faces show only so. A face is carried out before what lies in it, so faces are all the firsts."""
    kept = {name: module for name, module in sys.modules.items() if name.partition(".")[0] in ("mmlib", "data_prep")}
    try:
        for name in sorted(name for name, file in MODULES.items() if file.stem == "__init__"):
            _drop_modules()
            __import__(name)
    finally:
        _drop_modules()
        sys.modules.update(kept)


def _drop_modules() -> None:
    for name in [name for name in sys.modules if name.partition(".")[0] in ("mmlib", "data_prep")]:
        del sys.modules[name]
