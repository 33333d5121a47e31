"""Names that methods and measures give to logs and groups, and names of modalities: they cannot meet."""

import ast
import re
from pathlib import Path

import pytest
import torch

import mmlib
from mmlib.methods import METHODS, MultiLoss
from mmlib.models import MultimodalModel, SumFusion, build_encoder
from mmlib.records.modality_names import OWN_NAMES

FOLDER = Path(mmlib.__file__).parent
OPTIONS = {"mcr": {"lambda_ceb": 0.1}, "aim": {"warm_up": 0, "proto": "class_mean"}}
ODD = ("left hand", "k", "score")  # modalities named like the first word of a log


def words_beside_modalities(name, modalities):
    """The parts of a log's name behind the first one that are neither modalities nor numbers."""
    parts = re.split(r"[/+]", name)
    return {part for part in parts[1:] if part not in modalities and not part.isdigit()}


def named(names):
    """A problem whose modalities are called ``names``."""
    torch.manual_seed(0)
    encoders = {m: build_encoder("mlp", (4,), width=6, depth=2) for m in names}
    model = MultimodalModel(encoders, SumFusion(dict.fromkeys(names, 6), 3))
    return model, {m: torch.randn(9, 4) for m in names}, torch.arange(9) % 3


@pytest.mark.parametrize("name", METHODS)
def test_whatever_a_log_is_called_no_modality_can_be(method_named, as_data, name):
    model, inputs, labels = named(ODD)
    method = method_named(name, model, **OPTIONS.get(name, {}))
    optimizer = torch.optim.SGD(method.parameters(), lr=0.01)
    logs = {}
    for epoch in range(2):
        method.begin_epoch(epoch, as_data(inputs, labels))
        logs |= method.step(inputs, labels, optimizer)
    words = set().union(*(words_beside_modalities(log, ODD) for log in logs))
    assert words <= set(OWN_NAMES)
    by_modality = [log for log in logs if not words_beside_modalities(log, ODD) and "/" in log]
    assert len(by_modality) % len(ODD) == 0 or name in ("mcr", "unimodal")  # none hides another


def test_the_words_in_the_code_are_kept_free_too():
    """Every text such as "loss/con" in methods and measures, also of options that the test above does not take."""
    found = set()
    for folder in ("methods", "measures"):
        for file in (FOLDER / folder).rglob("*.py"):
            texts = (n.value for n in ast.walk(ast.parse(file.read_text())) if isinstance(n, ast.Constant))
            found |= {m[1] for m in (re.fullmatch(r"\w+/(\w+)", t) for t in texts if isinstance(t, str)) if m}
    assert {"joint", "con", "ceb", "aux"} <= found  # it sees them
    assert found <= set(OWN_NAMES)


def test_every_log_of_multi_loss_counts():
    """With a modality called "joint" the fused loss was lost."""
    model, inputs, labels = named(("joint_", "v", "w"))
    total, logs = MultiLoss(model).loss(inputs, labels)
    assert set(logs) == {"loss/joint", "loss/joint_", "loss/v", "loss/w"}
    torch.testing.assert_close(total, sum(logs.values()))
    with pytest.raises(ValueError, match="cannot be named 'joint': .* stands for the loss of the fused prediction"):
        named(("joint", "v", "w"))
