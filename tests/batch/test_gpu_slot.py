"""One job, one GPU: which device a job of the engine sees."""

import os
import subprocess
import sys

import pytest

from mmlib.batch.gpu_slots import require_gpu, take_gpus

HOLD = """
import os, sys
from mmlib.batch.gpu_slots import take_gpus
take_gpus()
print(os.environ["CUDA_VISIBLE_DEVICES"], flush=True)
sys.stdin.readline()
"""


@pytest.fixture(autouse=True)
def no_slurm(monkeypatch, tmp_path):
    monkeypatch.delenv("SLURM_JOB_ID", raising=False)
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))


def _job(gpus: str = "3,5") -> subprocess.Popen:
    environment = os.environ | {"MMLIB_GPUS": "1", "CUDA_VISIBLE_DEVICES": gpus}
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "text": True}
    return subprocess.Popen([sys.executable, "-c", HOLD], env=environment, **pipes)


def test_two_jobs_get_one_gpu_each_and_a_third_waits_until_one_is_free():
    first = _job()
    seen = [first.stdout.readline().strip()]
    second = _job()
    seen.append(second.stdout.readline().strip())
    assert sorted(seen) == ["3", "5"]
    third = _job()
    with pytest.raises(subprocess.TimeoutExpired):
        third.wait(2)
    first.kill()  # a killed job gives its GPU back
    first.wait()
    assert third.stdout.readline().strip() == seen[0]
    for job in (second, third):
        job.communicate("\n", timeout=30)


def test_a_job_that_asks_for_none_sees_none(monkeypatch):
    monkeypatch.setenv("MMLIB_GPUS", "0")
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "0,1")
    take_gpus()
    assert os.environ["CUDA_VISIBLE_DEVICES"] == ""


def test_outside_the_engine_nothing_changes(monkeypatch):
    monkeypatch.delenv("MMLIB_GPUS", raising=False)
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "0,1")
    take_gpus()
    assert os.environ["CUDA_VISIBLE_DEVICES"] == "0,1"


def test_in_a_slurm_job_slurm_has_chosen(monkeypatch):
    monkeypatch.setenv("MMLIB_GPUS", "1")
    monkeypatch.setenv("SLURM_JOB_ID", "7")
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "2")
    take_gpus()
    assert os.environ["CUDA_VISIBLE_DEVICES"] == "2"


@pytest.mark.parametrize(("asked", "visible", "message"), [("1", "", "shows none.*GPUS=0"), ("2", "0", "0 GPUs or 1")])
def test_what_cannot_be_had_is_said(monkeypatch, asked, visible, message):
    monkeypatch.setenv("MMLIB_GPUS", asked)
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", visible)
    with pytest.raises(ValueError, match=message):
        take_gpus()


def test_in_an_allocation_with_several_gpus_a_job_still_takes_one(monkeypatch):
    monkeypatch.setenv("MMLIB_GPUS", "1")
    monkeypatch.setenv("SLURM_JOB_ID", "7")
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "0,1")
    take_gpus()
    assert os.environ["CUDA_VISIBLE_DEVICES"] in ("0", "1")


def test_a_gpu_that_pytorch_does_not_find_is_an_error(monkeypatch):
    monkeypatch.setattr("torch.cuda.is_available", lambda: False)
    monkeypatch.setenv("MMLIB_GPUS", "0")
    require_gpu()
    monkeypatch.setenv("MMLIB_GPUS", "1")
    with pytest.raises(ValueError, match="was to use a GPU, and this PyTorch finds none"):
        require_gpu()
