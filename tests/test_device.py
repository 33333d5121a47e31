"""Device names: what each means, and what is refused."""

import pytest
import torch

from mmlib.device import resolve_device


@pytest.fixture
def gpus(monkeypatch):
    """gpus(n) pretends that PyTorch sees n GPUs."""

    def pretend(count):
        monkeypatch.setattr(torch.cuda, "is_available", lambda: count > 0)
        monkeypatch.setattr(torch.cuda, "device_count", lambda: count)

    return pretend


@pytest.mark.parametrize(("count", "expected"), [(0, "cpu"), (1, "cuda"), (2, "cuda")])
def test_auto_takes_a_gpu_where_there_is_one(gpus, count, expected):
    gpus(count)
    assert resolve_device("auto") == resolve_device() == torch.device(expected)


@pytest.mark.parametrize("name", ["cpu", "cuda", "cuda:1", torch.device("cpu"), torch.device("cuda", 1)])
def test_a_named_device_is_taken_at_its_word(gpus, name):
    gpus(2)
    assert resolve_device(name) == torch.device(name)


@pytest.mark.parametrize("name", ["gpu", "", "CPU", "cuda:-1", "cuda:x", "mps", None, 3, torch.device("meta")])
def test_another_name_is_refused(gpus, name):
    gpus(8)
    with pytest.raises(ValueError, match="unknown device .*: expected auto, cpu, cuda or cuda:N"):
        resolve_device(name)


@pytest.mark.parametrize(("name", "count"), [("cuda", 0), ("cuda:0", 0), ("cuda:1", 1), ("cuda:7", 2)])
def test_a_gpu_that_is_not_there_is_refused_and_never_replaced_by_the_cpu(gpus, name, count):
    gpus(count)
    with pytest.raises(ValueError, match=f"device '{name}' asked for, but PyTorch sees {count} GPUs here"):
        resolve_device(name)
