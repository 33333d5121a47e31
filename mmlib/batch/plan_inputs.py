"""What a plan is made from, by content: times of files say little after rsync, tar or git."""

import hashlib

from mmlib import paths
from mmlib.records.catalogue import PREPARED
from mmlib.records.code.imported import PACKAGE, meaning, modules_in
from mmlib.records.files import sha256_of
from mmlib.records.origin.suite import suite_notebooks
from mmlib.records.profiles import default_profile

# These shape plans, pages and checks but no figure, so a change in them runs no notebook again.
APART = {"audit", "batch", "cli", "site", "__main__.py", "foreign.py", "lab_copies.py", "refresh.py"}


def plan_inputs(runs_per_job: int) -> dict[str, object]:
    """Everything that a plan follows from: another one needs another plan. Needs no PyTorch."""
    manifests = {name: paths.data_dir() / f"{name}.json" for name in sorted(PREPARED)}
    return {
        "code": code_of(apart=set()),
        "notebooks": {name: sha256_of(paths.NOTEBOOKS / f"{name}.ipynb") for name in suite_notebooks()},
        "figures": sha256_of(paths.NOTEBOOKS / "figures.yaml"),
        "data": {name: sha256_of(file) for name, file in manifests.items() if file.is_file()},
        "profile": default_profile(),
        "runs_per_job": runs_per_job,
    }


def figure_code() -> str:
    """Hex SHA-256 of the code that results of notebooks come from, without comments and docstrings."""
    return code_of(APART)


def code_of(apart: set[str]) -> str:
    """Hex SHA-256 of what mmlib's modules say, those in ``apart`` (names of folders and files) left out."""
    digest = hashlib.sha256()
    for file in modules_in(PACKAGE):
        name = file.relative_to(PACKAGE)
        if not apart & set(name.parts):
            digest.update(f"{name.as_posix()}\0{meaning(file.read_bytes())}\0".encode())
    return digest.hexdigest()
