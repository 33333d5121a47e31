"""A thing is added in one place and found everywhere: tried on a copy of the package, in processes of their own."""

import json
import os
import shutil
import subprocess
import sys

import pytest

from mmlib import paths

DATA_SET = '''\
"""A toy."""

import torch

from mmlib.data.multimodal_data import MultimodalData
from mmlib.data.recipe import SEEDS, SGD, Recipe
from mmlib.data.split import Split

CARD = {
    "origin": "made when asked for",
    "modalities": "p, q",
    "size": "8 rows",
    "licence": "of toys",
    "credit": "a child",
    "split": "all rows everywhere",
}
RECIPE = Recipe(
    encoder="mlp",
    model={"width": 4, "depth": 1, "fusion": "concat"},
    training=SGD,
    epochs={"smoke": 1, "quick": 2, "full": 3},
    seeds=SEEDS,
)


def load(seed: int = 0) -> MultimodalData:
    """Modalities "p" and "q"."""
    x = torch.randn(8, 2, generator=torch.Generator().manual_seed(seed))
    split = Split({"p": x, "q": -x}, (x[:, 0] > 0).long())
    return MultimodalData("toy", split, split, split, classes=("no", "yes"))
'''
METHOD = '''\
"""A toy."""

from mmlib.methods.joint import Joint


class Toy(Joint):
    """As Joint."""
'''
IN_METHODS = '\nfrom mmlib.methods.toy import Toy\nMETHODS["toy"] = Toy\n'
MEASURE = '''\
"""A toy."""

from mmlib.measures.registry import Trained, measure


@measure("toy")
def _toy(t: Trained) -> dict[str, float]:
    return {m: float(len(t.held)) for m in t.data.modalities}
'''
ENCODER = '''\
"""A toy."""

from mmlib.models.mlp import MLP


class Toy(MLP):
    """As MLP."""
'''
IN_KINDS = """
from mmlib.models.toy import Toy
BUILDERS["toy"] = (Toy,)
ENCODERS = tuple(BUILDERS)
"""
ASK = """\
import json
from mmlib.data import DATASETS, load
from mmlib.figures import look
from mmlib.records.catalogue import CATALOGUE
from mmlib.runs import RunSpec, get_or_run
from mmlib.runs.comparisons import METHODS_COMPARED, specs_of
from mmlib.runs.recipes import RECIPES
run = get_or_run(RunSpec("toy", "toy", model={"p": "toy", "q": "mlp"}, measures=("toy",), seeds=(0,), profile="smoke"))
print(json.dumps({
    "sets": [list(DATASETS), list(CATALOGUE), list(RECIPES)],
    "loaded": load("toy", seed=1).modalities,
    "compared": METHODS_COMPARED,
    "specs": list(specs_of("toy", ["p"])),
    "look": look(["toy"])["toy"],
    "joint": look(["joint"])["joint"],
    "epochs": run.spec.training["epochs"],
    "measured": [r["value"] for r in run.metrics["records"] if r["measure"] == "toy"],
}))
"""


@pytest.fixture
def copy(tmp_path):
    root = tmp_path / "project"
    shutil.copytree(paths.ROOT / "mmlib", root / "mmlib", ignore=shutil.ignore_patterns("__pycache__"))
    return root


def python(root, *arguments):
    environment = os.environ | {"PYTHONPATH": str(root), "MMLIB_RESULTS": str(root / "results")}
    command = [sys.executable, *arguments]
    return subprocess.run(command, cwd=root, env=environment, capture_output=True, text=True, timeout=120)


def test_a_data_set_a_method_a_measure_and_an_encoder_are_found_everywhere(copy):
    (copy / "mmlib" / "data" / "toy.py").write_text(DATA_SET)
    (copy / "mmlib" / "methods" / "toy.py").write_text(METHOD)
    with (copy / "mmlib" / "methods" / "__init__.py").open("a") as face:
        face.write(IN_METHODS)
    (copy / "mmlib" / "measures" / "toy.py").write_text(MEASURE)
    (copy / "mmlib" / "models" / "toy.py").write_text(ENCODER)
    with (copy / "mmlib" / "models" / "kinds.py").open("a") as kinds:
        kinds.write(IN_KINDS)
    done = python(copy, "-c", ASK)
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout.splitlines()[-1])
    assert all(names[0] == "synthetic" and names[-1] == "toy" for names in found["sets"])
    assert found["loaded"] == ["p", "q"] and found["epochs"] == 1 and found["measured"] == [8.0, 8.0]
    assert found["compared"][-2:] == ["toy", "ensemble"] and found["specs"] == ["p alone", *found["compared"]]
    assert found["look"][:2] == ["#332288", "p"] and found["joint"][:2] == ["#000000", "o"]
    _, of_toy = python(copy, "-m", "mmlib", "data").stdout.split("\ntoy: made when asked for\n")
    said = ("p, q", "8 rows", "of toys", "a child", "all rows everywhere", 'load("toy")')
    assert all(line.endswith(text) for line, text in zip(of_toy.splitlines(), said, strict=True))


def test_a_wrong_card_is_one_sentence_of_the_command(copy):
    (copy / "mmlib" / "data" / "toy.py").write_text(DATA_SET.replace('    "credit": "a child",\n', ""))
    done = python(copy, "-m", "mmlib", "data", "ave")
    assert done.returncode == 2 and "Traceback" not in done.stderr
    assert "the CARD of 'toy' lacks credit" in done.stderr
