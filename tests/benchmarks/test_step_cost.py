"""The benchmark and the GPU check run and say what they should; speed is not tested, a busy machine decides it."""

import dataclasses
import json
import sys
from pathlib import Path

import pytest
import torch

from mmlib.methods import METHODS
from mmlib.models import FUSIONS

HERE = Path(__file__).parent


@pytest.fixture
def step_cost(monkeypatch):
    monkeypatch.syspath_prepend(str(HERE))
    import step_cost

    return step_cost


@pytest.fixture
def gpu_check(step_cost):
    import gpu_check

    return gpu_check


def tiny(step_cost):
    return step_cost.Config({"a": (4,), "v": (6,)}, "mlp", "none", batch=4, classes=3, rounds=3, rows=30)


def test_every_method_is_measured(step_cost):
    costs = step_cost.measure(tiny(step_cost), device="cpu")
    assert set(costs) == set(METHODS)
    assert costs["joint"].ratio == costs["joint"].ratio_low == costs["joint"].ratio_high == 1
    for cost in costs.values():
        assert cost.step_ms > 0 and 0 < cost.ratio_low <= cost.ratio <= cost.ratio_high
        spread = cost.begin_ms / (8 * costs["joint"].step_ms)  # 30 rows are 8 batches of 4
        assert cost.begin_ms >= 0 and cost.epoch_ratio == pytest.approx(cost.ratio + spread)
    assert costs["aim"].begin_ms > costs["joint"].begin_ms
    lines = step_cost.table(costs).splitlines()
    assert [line.split()[0] for line in lines[1:]] == list(METHODS)


def test_named_methods_are_measured_beside_joint(step_cost):
    costs = step_cost.measure(tiny(step_cost), device="cpu", rounds=1, names=["agm", "unimodal"])
    assert list(costs) == ["joint", "unimodal", "agm"]
    assert costs["joint"].extra_parameters == 0 < costs["unimodal"].extra_parameters


def test_aim_has_judged_before_its_steps_are_measured(step_cost, monkeypatch):
    judged = []
    monkeypatch.setattr(
        step_cost, "step_costs", lambda methods, *_: judged.append(bool(methods["aim"].judgement)) or {}
    )
    with pytest.raises(KeyError, match="joint"):  # there are no costs to go on with
        step_cost.measure(tiny(step_cost), device="cpu", names=["aim"])
    assert judged == [True]


def test_rounds_are_the_configurations_unless_given(step_cost, monkeypatch):
    asked = []
    measured = {"joint": step_cost.Cost(1.0, 1.0, 1.0, 1.0, 0, None)}
    monkeypatch.setattr(step_cost, "step_costs", lambda *arguments: asked.append(arguments[-1]) or measured)
    step_cost.measure(tiny(step_cost), device="cpu", names=[])
    step_cost.measure(tiny(step_cost), device="cpu", names=[], rounds=2)
    assert asked == [3, 2]


def test_the_configurations_are_the_ones_of_the_issue(step_cost):
    for name, config in step_cost.CONFIGS.items():
        assert config.encoder == "resnet18" and config.batch == 64 and len(config.shapes) == 2
        assert config.norm == ("batch" if name.endswith("_bn") else "none")
        assert config.fusion == ("linear" if name.endswith("_linear") else "concat")


def test_the_network_has_the_fusion_of_the_configuration(step_cost):
    for fusion, kind in FUSIONS.items():
        config = dataclasses.replace(tiny(step_cost), fusion=fusion)
        assert type(step_cost._method("joint", config, seed=0).model.fusion) is kind


def test_every_method_is_measured_with_the_linear_fusion_too(step_cost):
    config = dataclasses.replace(tiny(step_cost), fusion="linear")
    assert set(step_cost.measure(config, device="cpu", rounds=1)) == set(METHODS)


def test_the_script_prints_a_table(step_cost, monkeypatch, capsys):
    monkeypatch.setitem(step_cost.CONFIGS, "resnet18", tiny(step_cost))
    step_cost.main(["--config", "resnet18", "--rounds", "2", "--device", "cpu"])
    printed = capsys.readouterr().out
    assert "a 4, v 6" in printed and "fusion concat" in printed and "x joint" in printed
    assert all(name in printed for name in METHODS)


def test_the_script_prints_the_methods_asked_for(step_cost, monkeypatch, capsys):
    monkeypatch.setitem(step_cost.CONFIGS, "resnet18_linear", tiny(step_cost))
    step_cost.main(["--config", "resnet18_linear", "--method", "agm", "--rounds", "1", "--device", "cpu"])
    lines = capsys.readouterr().out.splitlines()
    assert [line.split()[0] for line in lines[2:]] == ["joint", "agm"]
    peak = lines[2].split()[-1]
    assert peak.isdigit() or not Path("/proc/self/clear_refs").exists()
    with pytest.raises(SystemExit):
        step_cost.main(["--method", "amg"])


@pytest.mark.skipif(torch.cuda.is_available(), reason="a machine with a GPU runs the real check: make gpu-check")
def test_a_method_over_its_limit_ends_the_script_with_an_error(step_cost, monkeypatch, capsys):
    cost = step_cost.EpochCost(1.0, 1.1, 1.0, 1.2, 0, None, begin_ms=3.0, epoch_ratio=1.2)
    monkeypatch.setattr(step_cost, "measure", lambda *arguments: {"mcr": cost})
    quick = ["--config", "resnet18_linear", "--method", "mcr", "--limit"]
    step_cost.main([*quick, "mcr=1.35"])
    with pytest.raises(SystemExit, match=r"over the limit: mcr 1.20 > 1.1"):
        step_cost.main([*quick, "mcr=1.1"])
    with pytest.raises(SystemExit):
        step_cost.main([*quick, "mcr"])
    assert "expected METHOD=RATIO such as mcr=1.35, got 'mcr'" in capsys.readouterr().err


def test_the_check_writes_one_json(step_cost, gpu_check, monkeypatch, tmp_path):
    monkeypatch.setitem(step_cost.CONFIGS, "resnet18", tiny(step_cost))
    monkeypatch.setattr(gpu_check, "ROOT", _project(tmp_path, "assert 1 + 1 == 2"))
    monkeypatch.setattr(gpu_check, "PLACES", ("tests/models", "tests/methods"))
    out = tmp_path / "deep" / "check.json"
    assert gpu_check.main(["--out", str(out), "--config", "resnet18"]) == 0
    report = json.loads(out.read_text())
    assert report["counts"] == {"passed": 1, "failed": 0, "skipped": 1}
    assert report["device"]["kind"] == "cpu" and report["device"]["torch"] == torch.__version__
    assert [t["why"] for t in report["tests"].values() if t["outcome"] == "skipped"] == ["Skipped: needs a moon"]
    assert set(report["step_cost"]["resnet18"]) == set(METHODS)


@pytest.mark.parametrize("body", ["assert 1 + 1 == 3", "import no_such_module_anywhere", "assert broken_name"])
def test_a_failing_test_fails_the_check(step_cost, gpu_check, monkeypatch, tmp_path, body):
    monkeypatch.setitem(step_cost.CONFIGS, "resnet18", tiny(step_cost))
    monkeypatch.setattr(gpu_check, "ROOT", _project(tmp_path, body))
    monkeypatch.setattr(gpu_check, "PLACES", ("tests/models", "tests/methods"))
    assert gpu_check.main(["--out", str(tmp_path / "check.json"), "--config", "resnet18"]) == 1
    failed = [
        t for t in json.loads((tmp_path / "check.json").read_text())["tests"].values() if t["outcome"] == "failed"
    ]
    assert len(failed) == 1 and failed[0]["why"]


def test_a_file_that_cannot_be_read_fails_the_check(gpu_check, monkeypatch, tmp_path):
    root = _project(tmp_path, "pass")
    (root / "tests" / "models" / "test_unreadable.py").write_text("import no_such_module_anywhere\n")
    monkeypatch.setattr(gpu_check, "ROOT", root)
    monkeypatch.setattr(gpu_check, "PLACES", ("tests/models", "tests/methods"))
    assert any("no_such_module_anywhere" in text for text in gpu_check.run_tests().broken)


def _project(folder: Path, body: str) -> Path:
    """A small project with two tests marked gpu, one of them skipped, and one without the mark."""
    for name in ("models", "methods"):
        (folder / "tests" / name).mkdir(parents=True)
    (folder / "pyproject.toml").write_text(
        '[tool.pytest.ini_options]\naddopts = "--import-mode=importlib"\nmarkers = ["gpu: x"]\n'
    )
    (folder / "tests" / "methods" / f"test_made_{abs(hash(body))}.py").write_text(
        "import pytest\n"
        f"@pytest.mark.gpu\ndef test_one():\n    {body}\n"
        '@pytest.mark.gpu\n@pytest.mark.skipif(True, reason="needs a moon")\ndef test_two():\n    pass\n'
        "def test_unmarked():\n    assert False\n"
    )
    return folder


def test_the_folders_it_looks_in_exist(gpu_check):
    assert all((gpu_check.ROOT / place).exists() for place in gpu_check.PLACES)
    assert sys.modules["step_cost"] is gpu_check.step_cost
