"""The core needs PyTorch and numpy and nothing else, so that it runs on a bare GPU machine."""

import subprocess
import sys

import pytest

from mmlib.paths import ROOT

HEAVY = [
    "pandas",
    "sklearn",
    "matplotlib",
    "seaborn",
    "tqdm",
    "yaml",
    "scipy",
    "filelock",
    "jinja2",
    "IPython",
    "papermill",
]
CODE = """
import importlib, sys
class Block:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in {heavy!r}:
            raise ImportError(name + " is blocked")
sys.meta_path.insert(0, Block())
importlib.import_module({module!r})
print(sorted(set({heavy!r}) & set(sys.modules)))
"""


def import_alone(module, heavy=HEAVY):
    command = [sys.executable, "-c", CODE.format(heavy=heavy, module=module)]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=120)


@pytest.mark.parametrize("module", ["mmlib.models", "mmlib.methods", "mmlib.training", "mmlib.measures.cost.step"])
def test_imports_with_pytorch_and_numpy_alone(module):
    done = import_alone(module)
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip() == "[]"


def test_the_block_works():
    done = import_alone("mmlib.models", heavy=["torch"])
    assert done.returncode != 0 and "torch is blocked" in done.stderr
