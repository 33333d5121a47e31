"""Rows that stay on the disk: the same numbers as in memory, read row by row, with little memory."""

import multiprocessing
import os
import pickle
import signal
import subprocess
import sys
from collections import namedtuple
from functools import partial
from pathlib import Path

import numpy as np
import pytest
import torch

from mmlib.data import DataDamaged, DataNotPrepared, MultimodalData, Split
from mmlib.data.storage import streaming as streaming_module
from mmlib.data.storage.mapped import MappedRows, View
from mmlib.data.storage.stored import read_stored
from mmlib.measures import MEASURES, Trained, linear_probe, masked_accuracy, shapley_values
from mmlib.methods import AGM, AIM, MCR, Joint
from mmlib.methods.mslr import MSLR
from mmlib.models import build_model
from mmlib.records.files import sha256_of, write_json
from mmlib.records.sealed import sealed
from mmlib.training import evaluate, fit, predict

ROWS, CLASSES = 90, ("x", "y", "z")

needs_fork = pytest.mark.skipif(streaming_module._start_method() != "fork", reason="no worker processes here")


@pytest.fixture
def stored(tmp_path, monkeypatch):
    """A prepared set of pictures in bytes and of sounds in floats."""
    monkeypatch.setenv("MMLIB_DATA", str(tmp_path))
    generator = np.random.default_rng(0)
    labels = np.arange(ROWS) % 3
    arrays = {
        "frames": (generator.integers(0, 200, (ROWS, 3, 2, 4, 4)) + 20 * labels[:, None, None, None, None]),
        "sound": generator.normal(size=(ROWS, 5)) + labels[:, None],
        "labels": labels,
    }
    folder = tmp_path / "crema_d"
    folder.mkdir()
    about = {}
    for name, dtype in {"frames": np.uint8, "sound": np.float32, "labels": np.int64}.items():
        np.save(folder / f"{name}.npy", arrays[name].astype(dtype))
        file = folder / f"{name}.npy"
        about[name] = {"bytes": file.stat().st_size, "sha256": sha256_of(file), "shape": [ROWS], "dtype": "any"}
    write_json(tmp_path / "crema_d.json", sealed({"name": "crema_d", "classes": CLASSES, "arrays": about}))
    return read_stored("crema_d")


VIEWS = {
    "visual": View("frames", factor=[[[0.01]], [[0.02]], [[0.03]]], offset=-1.0, part=(slice(None), 1)),
    "audio": View("sound"),
}
PARTS = {"train": np.arange(0, 50)[::-1].copy(), "valid": np.arange(50, 70), "test": np.arange(70, 90)}


def data(stored, stream):
    return stored.data(PARTS, VIEWS, stored.column("labels"), CLASSES, stream=stream)


def network(seed=0):
    torch.manual_seed(seed)
    return build_model({"visual": (3, 4, 4), "audio": (5,)}, 3, width=8, depth=2, norm="batch")


def test_both_ways_show_the_same_rows(stored):
    memory, disk = data(stored, False), data(stored, True)
    assert not memory.train.streamed and disk.train.streamed
    assert memory.shapes == disk.shapes == {"visual": (3, 4, 4), "audio": (5,)}
    index = torch.tensor([3, 0, 41])
    for split in ("train", "valid", "test"):
        a, b = memory.splits[split], disk.splits[split]
        some = index % len(a)
        assert torch.equal(a.labels, b.labels)
        for m in ("visual", "audio"):
            assert torch.equal(a.rows(some)[0][m], b.rows(some)[0][m])
            assert torch.equal(a.inputs[m][2:7], b.inputs[m][2:7])
            assert torch.equal(a.subset(some).inputs[m], b.subset(some).inputs[m][:])


def test_the_view_shows_what_it_says(stored):
    raw = np.load(stored.folder / "frames.npy")[49, :, 1].astype(np.float32)
    expected = raw * np.array([0.01, 0.02, 0.03], np.float32)[:, None, None] - 1
    np.testing.assert_allclose(data(stored, True).train.inputs["visual"][:1][0], expected, rtol=1e-6)


@pytest.mark.parametrize("method", [Joint, AGM, MCR, partial(AIM, warm_up=1), MSLR])
def test_training_gives_the_same_numbers_to_the_bit(stored, method, monkeypatch):
    monkeypatch.setattr(streaming_module, "FEW_BATCHES", 1)  # so that worker processes read
    histories, weights = [], []
    for stream in (False, True):
        trained = method(network())
        histories.append(fit(trained, data(stored, stream), epochs=2, batch_size=16, device="cpu").epochs)
        weights.append(trained.state_dict())
    assert histories[0] == histories[1]
    assert all(torch.equal(value, weights[1][name]) for name, value in weights[0].items())


def test_measures_give_the_same_numbers(stored):
    results = []
    for stream in (False, True):
        world, method = data(stored, stream), Joint(network())
        with torch.no_grad():
            method.eval()
        found = {
            "evaluate": evaluate(method, world.test),
            "predict": predict(method, world.test, 7).tolist(),
            "probe": linear_probe(method.model, "audio", world.train, world.test),
            "masked": masked_accuracy(method.model, world.test),
            "shapley": shapley_values(method.model, world.test, of="accuracy", majority=world.train.labels),
        }
        trained = Trained(method, world, None, world.test, lambda m: None)
        names = ("depth_probe", "depth_prototype", "depth_performance", "weak_channels", "gradient_share")
        torch.manual_seed(1)
        found |= {name: MEASURES[name](trained) for name in names}
        results.append(found)
    assert results[0] == results[1]


def test_large_sets_are_streamed_and_small_ones_are_not(stored, monkeypatch):
    assert not data(stored, None).train.streamed
    monkeypatch.setattr("mmlib.data.storage.stored.IN_MEMORY", 4 * ROWS * (48 + 5) - 1)
    assert data(stored, None).train.streamed


def test_large_rows_come_few_at_a_time(monkeypatch):
    split = Split({"a": torch.zeros(10, 1000)}, torch.zeros(10, dtype=torch.long))
    monkeypatch.setattr("mmlib.data.split.MOST_BYTES", 12_001)
    assert [len(y) for _, y in split.in_order()] == [3, 3, 3, 1]
    assert [len(y) for _, y in split.in_order(2)] == [2] * 5


def test_the_fingerprint_changes_with_file_rows_and_view(stored):
    rows = dict(PARTS)
    first = data(stored, True).fingerprint()
    assert first == data(stored, True).fingerprint()
    rows["train"] = rows["train"][1:]
    other_rows = stored.data(rows, VIEWS, stored.column("labels"), CLASSES, stream=True)
    other_view = stored.data(PARTS, VIEWS | {"audio": View("sound", 2.0)}, stored.column("labels"), CLASSES, True)
    stored.manifest["arrays"]["sound"]["sha256"] = "0" * 64
    assert len({first, other_rows.fingerprint(), other_view.fingerprint(), data(stored, True).fingerprint()}) == 4


def test_in_memory_the_hash_is_checked(stored):
    stored.manifest["arrays"]["sound"]["sha256"] = "0" * 64
    with pytest.raises(DataDamaged, match="sound.npy is damaged"):
        data(stored, False)


def test_a_modality_may_stay_on_the_disk_beside_one_in_memory(stored):
    disk, memory = data(stored, True), data(stored, False)
    mixed = {s: Split({"visual": disk.splits[s].inputs["visual"], "audio": memory.splits[s].inputs["audio"]},
                      memory.splits[s].labels) for s in PARTS}  # fmt: skip
    fitted = [
        fit(Joint(network()), world, epochs=1, device="cpu").epochs
        for world in (memory, MultimodalData("mixed", **mixed, classes=CLASSES))
    ]
    assert fitted[0] == fitted[1]


def test_wrong_use_is_named(stored):
    with pytest.raises(ValueError, match="unknown array of crema_d 'sounds'.*Did you mean 'sound'"):
        stored.data(PARTS, {"audio": View("sounds")}, stored.column("labels"), CLASSES, True)
    with pytest.raises(TypeError, match="stream must be True or False"):
        stored.data(PARTS, VIEWS, stored.column("labels"), CLASSES, "no")
    with pytest.raises(DataNotPrepared, match="python -m data_prep ave --raw FOLDER"):
        read_stored("ave")
    rows = stored.data(PARTS, VIEWS, stored.column("labels"), CLASSES, True).train.inputs["audio"]
    with pytest.raises(ValueError, match="modality 'a' has 50 rows, the labels have 3"):
        Split({"a": rows}, torch.zeros(3, dtype=torch.long))


def test_the_pages_of_the_file_are_given_back(tmp_path):
    """A process that reads a file of 200 MB through MappedRows never holds it."""
    file = tmp_path / "big.npy"
    np.lib.format.open_memmap(file, mode="w+", dtype=np.uint8, shape=(200, 2**20))[:] = 1
    code = f"""
import torch
from mmlib.data.storage.mapped import MappedRows, View
from pathlib import Path
rows = MappedRows(Path({str(file)!r}), "", View("big"), torch.arange(200))
def resident():
    return int(next(l for l in open("/proc/self/status") if l.startswith("RssFile")).split()[1]) / 1024
rows.raw(torch.arange(1)); first = resident(); most = 0
for i in torch.arange(200).split(8):
    assert int(rows.raw(i).sum()) == len(i) * 2**20
    most = max(most, resident())
print(most - first)
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=Path.cwd())
    assert done.returncode == 0, done.stderr
    assert float(done.stdout) < 60, "MB of the file were mapped at once"


def test_worker_processes_get_files_and_no_arrays(stored):
    rows: MappedRows = data(stored, True).train.inputs["visual"]
    rows.raw(slice(0, 3))
    again = pickle.loads(pickle.dumps(rows))
    assert len(pickle.dumps(rows)) < 3000 and torch.equal(again[:], rows[:])


def test_streaming_draws_no_random_numbers(stored):
    world = data(stored, True)
    torch.manual_seed(0)
    before = torch.get_rng_state()
    list(world.train.batches(torch.arange(50).split(8)))
    assert torch.equal(before, torch.get_rng_state())


PLAIN_SCRIPT = """
import multiprocessing, sys
multiprocessing.set_start_method(sys.argv[1])
print("started")
import numpy as np, torch
from mmlib.data import MultimodalData, Split
from mmlib.data.storage.stored import read_stored
from mmlib.data.storage.mapped import View
from mmlib.methods import Joint
from mmlib.models import build_model
from mmlib.training import fit
stored = read_stored("crema_d")
rows = {"train": np.arange(64), "valid": np.arange(64, 70), "test": np.arange(70, 90)}
views = {"audio": View("sound"), "visual": View("frames", part=(slice(None), 1))}
data = stored.data(rows, views, stored.column("labels"), ("x", "y", "z"), stream=True)
fit(Joint(build_model(data.shapes, 3, width=4, depth=1)), data, epochs=1, batch_size=8, device="cpu")
print("trained")
"""


@pytest.mark.parametrize("method", [m for m in ("spawn", "forkserver") if m in multiprocessing.get_all_start_methods()])
def test_a_plain_script_trains_however_processes_start(stored, tmp_path, method):
    script = tmp_path / "plain.py"
    script.write_text(PLAIN_SCRIPT)
    root = Path(streaming_module.__file__).parents[3]
    environment = {**os.environ, "PYTHONPATH": str(root), "OMP_NUM_THREADS": "1"}
    done = subprocess.run(
        [sys.executable, str(script), method], capture_output=True, text=True, env=environment, timeout=120
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.split() == ["started", "trained"]


def test_asking_how_processes_start_leaves_the_choice_to_the_user():
    code = (
        "import multiprocessing; from mmlib.data.storage.streaming import _start_method; print(_start_method()); "
        "multiprocessing.set_start_method('spawn'); print(_start_method())"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=Path.cwd())
    assert done.returncode == 0, done.stderr
    assert done.stdout.split() == [multiprocessing.get_all_start_methods()[0], "spawn"]


@needs_fork
def test_the_bytes_that_are_on_their_way_are_bounded(stored, monkeypatch):
    monkeypatch.setattr(streaming_module, "FEW_BATCHES", 2)
    inputs = data(stored, True).train.inputs
    assert {m: x.row_bytes for m, x in inputs.items()} == {"visual": 3 * 4 * 4, "audio": 5 * 4}
    mixed = {**inputs, "more": torch.zeros(50, 7)}
    numbers = [torch.arange(3), torch.arange(10), torch.arange(2)]
    largest = 10 * (48 + 20 + 28)
    found = []
    for bound in (1, largest, 2 * largest - 1, 2 * largest, 9 * largest):
        monkeypatch.setattr(streaming_module, "AHEAD", bound)
        found.append(streaming_module._workers(mixed, numbers))
    assert found == [(2, 1)] * 3 + [(2, 2)] * 2
    free = namedtuple("usage", "total used free")
    for batches, workers in ((5, (0, 0)), (6, (2, 2))):  # two for each worker, and two that are in use
        monkeypatch.setattr(streaming_module.shutil, "disk_usage", lambda _, n=batches: free(0, 0, n * largest))
        assert streaming_module._workers(mixed, numbers) == workers


@needs_fork
def test_the_loader_keeps_to_that_bound(stored, monkeypatch):
    taken = []
    loader = streaming_module.DataLoader
    monkeypatch.setattr(streaming_module, "DataLoader", lambda *a, **k: taken.append(k) or loader(*a, **k))
    for bound in (1, 2**30):
        monkeypatch.setattr(streaming_module, "AHEAD", bound)
        list(data(stored, True).train.batches(torch.arange(50).split(8)))
    assert [k["prefetch_factor"] for k in taken] == [1, 2] and {k["num_workers"] for k in taken} == {2}


def no_shared_memory(self):
    raise RuntimeError("unable to allocate shared memory(shm) for file </torch_1>: No space left on device (28)")


def killed(self):
    os.kill(os.getpid(), signal.SIGKILL)


@needs_fork
@pytest.mark.parametrize(("ends", "why"), [(no_shared_memory, "No space left"), (killed, "exited unexpectedly")])
def test_a_worker_that_stops_says_what_to_do(stored, monkeypatch, ends, why):
    monkeypatch.setattr(torch.Tensor, "share_memory_", ends)  # workers are forked, so they have it too
    monkeypatch.setattr("torch.utils.data._utils.MP_STATUS_CHECK_INTERVAL", 0.1)  # how long it waits for the others
    with pytest.raises(RuntimeError, match=rf"stopped \(.*{why}.*--shm-size=1g.*stream=False"):
        list(data(stored, True).train.batches(torch.arange(50).split(8)))


@needs_fork
def test_another_error_in_a_worker_stays_what_it_is(stored, monkeypatch):
    def fails(self, index):
        raise RuntimeError("something else")

    monkeypatch.setattr(MappedRows, "raw", fails)
    with pytest.raises(RuntimeError, match="something else") as caught:
        list(data(stored, True).train.batches(torch.arange(50).split(8)))
    assert "shm-size" not in str(caught.value)


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device")
def test_on_a_gpu_streaming_gives_the_same_numbers(stored, monkeypatch):
    monkeypatch.setattr(streaming_module, "FEW_BATCHES", 1)
    worlds = [data(stored, stream) for stream in (False, True)]
    on_gpu = worlds[1].to("cuda")
    inputs, labels = next(on_gpu.train.in_order())
    assert {x.device.type for x in (*inputs.values(), labels)} == {"cuda"}
    fitted = [fit(Joint(network()), world, epochs=2, batch_size=16, device="cuda").epochs for world in worlds]
    assert fitted[0] == fitted[1]
