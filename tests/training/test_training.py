"""The loop: deterministic, resumable to the bit, honest about its splits, and loud when something is wrong."""

import signal
import subprocess
import sys

import pytest
import torch
from torch import nn

from mmlib.data import MultimodalData, Split, load
from mmlib.methods import AGM, MCR, OGMGE, Ensemble, Joint
from mmlib.models import MLP, ConcatFusion, MultimodalModel, build_model
from mmlib.training import TrainingDiverged, evaluate, fit, predict
from mmlib.training.checkpoint import CheckpointDamaged, load_checkpoint
from mmlib.training.loop import _batches
from mmlib.training.state import History

WIDTHS = {"a": 8, "v": 8}


def make_split(rows: int, seed: int) -> Split:
    generator = torch.Generator().manual_seed(seed)
    labels = torch.randint(0, 3, (rows,), generator=generator)
    signal_of = torch.eye(3)[labels]
    return Split(
        {
            "a": torch.cat([2 * signal_of, torch.zeros(rows, 2)], 1) + torch.randn(rows, 5, generator=generator),
            "v": torch.cat([signal_of, torch.zeros(rows, 1)], 1) + torch.randn(rows, 4, generator=generator),
        },
        labels,
    )


def make_data(**rows: int) -> MultimodalData:
    sizes = {"train": 97, "valid": 50, "test": 50} | rows
    return MultimodalData(
        "toy", **{s: make_split(n, i) for i, (s, n) in enumerate(sizes.items())}, classes=("x", "y", "z")
    )


def make_model(dropout: float = 0.0, outputs: int = 3) -> MultimodalModel:
    torch.manual_seed(0)
    return MultimodalModel(
        {"a": MLP(5, 8, 2, norm="batch", dropout=dropout), "v": MLP(4, 8, 2)}, ConcatFusion(WIDTHS, outputs)
    )


def with_targets(data: MultimodalData) -> MultimodalData:
    """The same inputs with a real target that both modalities show a part of."""
    real = {n: Split(s.inputs, s.inputs["a"][:, 0] - s.inputs["v"][:, 1]) for n, s in data.splits.items()}
    return MultimodalData("real", **real, classes=())


def weights(method) -> torch.Tensor:
    return torch.cat([v.double().flatten() for v in method.state_dict().values()])


def test_training_learns_and_keeps_the_best_epoch():
    data, method = make_data(), Joint(make_model())
    before = evaluate(method, data.valid)["accuracy"]
    history = fit(method, data, epochs=30, lr=0.05, device="cpu")
    courses = [row["valid/accuracy"] for row in history.epochs]
    assert history.best_epoch == courses.index(max(courses))
    assert evaluate(method, data.valid)["accuracy"] == max(courses) > before + 0.15


@pytest.mark.parametrize("method", [Joint, AGM, OGMGE])
def test_equal_seeds_give_equal_weights_and_other_seeds_others(method):
    def train(seed: int) -> torch.Tensor:
        trained = method(make_model(dropout=0.3))
        fit(trained, make_data(), epochs=3, seed=seed, device="cpu")
        return weights(trained)

    assert torch.equal(train(1), train(1))
    assert not torch.equal(train(1), train(2))


def test_the_callers_random_state_is_left_alone():
    torch.manual_seed(5)
    expected = torch.rand(3)
    torch.manual_seed(5)
    fit(OGMGE(make_model_keeping_random_state()), make_data(), epochs=1, device="cpu")
    assert torch.equal(torch.rand(3), expected)


def make_model_keeping_random_state() -> MultimodalModel:
    with torch.random.fork_rng():
        return make_model(dropout=0.3)


def test_the_test_split_is_never_read_by_fit():
    data = make_data()
    poisoned = MultimodalData("toy", data.train, data.valid, make_split(50, 99), data.classes)
    first, second = Joint(make_model()), Joint(make_model())
    assert fit(first, data, epochs=4, device="cpu") == fit(second, poisoned, epochs=4, device="cpu")
    assert torch.equal(weights(first), weights(second))


@pytest.mark.parametrize("method", [Joint, AGM, OGMGE])
@pytest.mark.parametrize("optimizer", ["sgd", "adamw"])
def test_a_resumed_run_ends_with_the_same_bits(method, optimizer, tmp_path):
    arguments = {"epochs": 6, "seed": 3, "device": "cpu", "optimizer": optimizer, "lr": 0.01}
    unbroken, broken = method(make_model(dropout=0.3)), method(make_model(dropout=0.3))
    expected = fit(unbroken, make_data(), **arguments)

    def stop(epoch, _):
        if epoch == 3:
            raise KeyboardInterrupt
        return {}

    with pytest.raises(KeyboardInterrupt):
        fit(broken, make_data(), checkpoint=tmp_path / "c.pt", checkpoint_every=0.0, on_epoch=stop, **arguments)
    assert len(load_checkpoint(tmp_path / "c.pt")["history"]) == 3
    resumed = method(make_model(dropout=0.3))
    assert fit(resumed, make_data(), checkpoint=tmp_path / "c.pt", **arguments) == expected
    assert torch.equal(weights(resumed), weights(unbroken))


KILLED = """
import os, signal, sys
sys.path[:0] = [{tests!r}]
from pathlib import Path
from test_training import AGM, fit, make_data, make_model
def kill(epoch, _):
    if epoch == 4:
        os.kill(os.getpid(), signal.SIGKILL)
    return {{}}
fit(AGM(make_model(.3)), make_data(), epochs=8, device="cpu", checkpoint=Path({file!r}), checkpoint_every=0.0,
    on_epoch=kill)
"""


def test_a_killed_process_can_be_resumed_to_the_same_bits(tmp_path, request):
    file = tmp_path / "c.pt"
    code = KILLED.format(tests=str(request.path.parent), file=str(file))
    assert subprocess.run([sys.executable, "-c", code], timeout=120).returncode == -signal.SIGKILL
    assert [f.name for f in tmp_path.iterdir()] == ["c.pt"]
    resumed, unbroken = AGM(make_model(0.3)), AGM(make_model(0.3))
    fit(resumed, make_data(), epochs=8, device="cpu", checkpoint=file)
    fit(unbroken, make_data(), epochs=8, device="cpu")
    assert torch.equal(weights(resumed), weights(unbroken))


def test_a_checkpoint_of_another_run_is_refused(tmp_path):
    fit(Joint(make_model()), make_data(), epochs=1, device="cpu", checkpoint=tmp_path / "c.pt")
    with pytest.raises(ValueError, match="epochs 1 is not 2; lr 0.02 is not 0.5"):
        fit(Joint(make_model()), make_data(), epochs=2, lr=0.5, device="cpu", checkpoint=tmp_path / "c.pt")


def test_a_checkpoint_of_another_strength_is_refused(tmp_path):
    fit(AGM(make_model(), alpha=0.5), make_data(), epochs=1, device="cpu", checkpoint=tmp_path / "c.pt")
    with pytest.raises(ValueError, match="method: alpha 0.5 is not 1"):
        fit(AGM(make_model(), alpha=1.0), make_data(), epochs=1, device="cpu", checkpoint=tmp_path / "c.pt")


@pytest.mark.parametrize("change", ["flip", "truncate"])
def test_a_damaged_checkpoint_is_named_and_not_used(tmp_path, change):
    path = tmp_path / "c.pt"
    fit(Joint(make_model()), make_data(), epochs=1, device="cpu", checkpoint=path)
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content if change == "flip" else content[: len(content) // 2])
    with pytest.raises(CheckpointDamaged, match=str(path)):
        fit(Joint(make_model()), make_data(), epochs=1, device="cpu", checkpoint=path)


def test_every_row_is_trained_on_once_an_epoch():
    for total, size in [(97, 32), (65, 32), (10, 64), (64, 32), (1, 8)]:
        batches = _batches(total, size, seed=0, epoch=0)
        assert sorted(torch.cat(batches).tolist()) == list(range(total))
        assert total == 1 or min(map(len, batches)) > 1
    assert _batches(97, 32, 0, 0)[0].tolist() != _batches(97, 32, 0, 1)[0].tolist()


def test_accuracy_counts_rows_and_not_batches():
    data, method = make_data(test=53), Joint(make_model())
    whole = predict(method, data.test)
    right = (whole.argmax(1) == data.test.labels).double().mean().item()
    for batch_size in (1, 10, 50, 53):
        assert torch.allclose(predict(method, data.test, batch_size), whole, atol=1e-6)
        assert evaluate(method, data.test, batch_size)["accuracy"] == right


def test_evaluation_leaves_flags_and_statistics_as_they_were():
    method = Joint(make_model(dropout=0.5)).train()
    before = weights(method)
    evaluate(method, make_data().test)
    assert method.training and method.model.encoders["a"].training
    assert torch.equal(weights(method), before)


def test_history_means_are_means_over_rows():
    method = Joint(make_model())
    losses, sizes = [], []
    step = method.step

    def recorded(inputs, labels, optimizer):
        logs = step(inputs, labels, optimizer)
        losses.append(logs["loss"].item())
        sizes.append(len(labels))
        return logs

    method.step = recorded
    history = fit(method, make_data(), epochs=1, batch_size=32, device="cpu")
    expected = sum(loss * n for loss, n in zip(losses, sizes)) / sum(sizes)
    assert sizes == [32, 32, 33]
    assert history.epochs[0]["loss"] == pytest.approx(expected, rel=1e-12)


def test_a_loss_that_is_not_finite_stops_the_run_with_epoch_logs_and_hint():
    with pytest.raises(
        TrainingDiverged, match=r"AGM is no longer finite in epoch 0: .*kappa/a = .*smaller lr or alpha"
    ):
        fit(AGM(make_model(), alpha=1e4), make_data(), epochs=3, device="cpu")


class Broken(Joint):
    def loss(self, inputs, labels):
        loss, logs = super().loss(inputs, labels)
        return loss * (float("nan") if self.epoch == 2 else 1.0), logs


def test_the_epoch_in_which_it_broke_is_named_and_the_checkpoint_before_it_stays(tmp_path):
    path = tmp_path / "c.pt"
    with pytest.raises(TrainingDiverged, match="epoch 2"):
        fit(Broken(make_model()), make_data(), epochs=5, device="cpu", checkpoint=path, checkpoint_every=0.0)
    assert [f.name for f in tmp_path.iterdir()] == ["c.pt"]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"epochs": 0}, "epochs must be at least 1, got 0"),
        ({"epochs": 2.5}, "epochs must be a whole number"),
        ({"batch_size": 0}, "batch_size must be at least 1"),
        ({"lr": -0.1}, "lr must be a finite number >= 0, got -0.1"),
        ({"lr": float("nan")}, "lr must be a finite number >= 0, got nan"),
        ({"weight_decay": -1.0}, "weight_decay"),
        ({"lr": 1e39}, "lr must be at most 3.4028e.38, the largest float32 number, got 1e.39"),
        ({"weight_decay": 1e308}, "weight_decay must be at most 3.4028e.38"),
        ({"optimizer": "sdg"}, "unknown optimizer 'sdg'.*Did you mean 'sgd'"),
        ({"seed": -1}, "seed must be at least 0"),
        ({"device": "gpu"}, "unknown device 'gpu'"),
        ({"device": "cuda:7"}, "PyTorch sees .* GPUs"),
    ],
)
def test_bad_arguments_are_named(arguments, message):
    with pytest.raises((ValueError, TypeError), match=message):
        fit(Joint(make_model()), make_data(), **({"epochs": 1} | arguments))


def test_model_and_data_must_fit_each_other():
    other = MultimodalModel({"a": MLP(5, 8), "t": MLP(4, 8)}, ConcatFusion({"a": 8, "t": 8}, 3))
    with pytest.raises(ValueError, match=r"the model reads \['a', 't'\]"):
        fit(Joint(other), make_data(), epochs=1)
    more = MultimodalModel({"a": MLP(5, 8), "v": MLP(4, 8)}, ConcatFusion(WIDTHS, 4))
    with pytest.raises(ValueError, match="tells 4 classes apart"):
        fit(Joint(more), make_data(), epochs=1)
    with pytest.raises(TypeError, match="fit trains a Method"):
        fit(nn.Linear(1, 1), make_data(), epochs=1)


def test_a_quiet_run_prints_nothing_when_nobody_watches(capfd):
    fit(Joint(make_model()), make_data(), epochs=2, device="cpu")
    assert capfd.readouterr() == ("", "")


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device, PyTorch sees none here")
@pytest.mark.parametrize("method", [Joint, AGM])
def test_training_on_a_gpu_follows_the_cpu(method, tmp_path):
    """The same batches in the same order; float64 model and data, so that rounding does not grow over the epochs."""

    def train(device: str, **extra) -> tuple[torch.Tensor, list]:
        data = make_data()
        double = {n: Split({m: x.double() for m, x in s.inputs.items()}, s.labels) for n, s in data.splits.items()}
        trained = method(make_model().double())
        history = fit(trained, MultimodalData("toy", **double, classes=data.classes), epochs=4, device=device, **extra)
        return weights(trained).cpu(), history.epochs

    cpu, gpu = train("cpu"), train("cuda", checkpoint=tmp_path / "c.pt")
    torch.testing.assert_close(gpu[0], cpu[0], rtol=1e-6, atol=1e-8)
    assert [row["valid/accuracy"] for row in gpu[1]] == [row["valid/accuracy"] for row in cpu[1]]
    assert torch.equal(train("cuda", checkpoint=tmp_path / "c.pt")[0], gpu[0])  # read back, nothing trained again


def test_cudnn_stays_on_while_training():
    seen = []
    fit(
        Joint(make_model()),
        make_data(),
        epochs=1,
        device="cpu",
        on_epoch=lambda *_: seen.append(torch.backends.cudnn.enabled) or {},
    )
    assert seen == [True]


def test_weights_that_break_in_the_last_update_are_noticed():
    with pytest.raises(TrainingDiverged, match="valid/loss = nan"):
        fit(Joint(make_model()), make_data(train=32), epochs=1, lr=1e30, device="cpu")


def test_a_rate_that_is_a_large_whole_number_diverges_in_words():
    with pytest.raises(TrainingDiverged):
        fit(Joint(make_model()), make_data(train=32), epochs=1, lr=10**30, device="cpu")


def test_a_batch_size_without_end_is_all_rows_at_once():
    whole, endless = ({"epochs": 3, "batch_size": size, "device": "cpu"} for size in (32, 10**30))
    same = [fit(Joint(make_model()), make_data(train=32), **options).epochs for options in (whole, endless)]
    assert same[0] == same[1]


def test_batches_of_one_row_stay_so():
    assert [len(b) for b in _batches(5, 1, 0, 0)] == [1] * 5


def test_the_epoch_is_part_of_the_state():
    method = AGM(make_model(), modulation_end=3)
    method.begin_epoch(5, None)
    other = AGM(make_model(), modulation_end=3)
    other.load_state_dict(method.state_dict())
    assert other.epoch == 5


def test_predict_refuses_nan():
    inputs = dict(make_data().test.inputs)
    inputs["a"] = inputs["a"].clone()
    inputs["a"][0, 0] = float("nan")
    with pytest.raises(ValueError, match="modality 'a' holds NaN"):
        Joint(make_model()).predict(inputs)


def test_a_regression_learns_down_to_its_limit_and_no_further():
    """The limit has a standard error of 0.01 on 500 rows."""
    data = load("synthetic_regression", samples=(1000, 500, 500), signal=6.0)
    torch.manual_seed(0)
    method = Joint(build_model(data.shapes, data.num_classes, width=32, depth=2))
    history = fit(method, data, epochs=15, device="cpu")
    found, limit = evaluate(method, data.test), data.bayes_error["a", "b"]
    assert found.keys() == {"mae", "loss"} and found["mae"] == found["loss"]
    constant = (data.test.labels - data.train.labels.median()).abs().mean().item()
    assert limit - 0.03 < found["mae"] < 0.3 * constant
    courses = [row["valid/mae"] for row in history.epochs]
    assert history.best_epoch == courses.index(min(courses)) and courses[history.best_epoch] < courses[0] / 2
    assert evaluate(method, data.valid)["mae"] == min(courses)


def test_the_best_epoch_of_a_regression_is_the_first_with_the_lowest_error():
    assert History([{"epoch": i, "valid/mae": v} for i, v in enumerate((0.9, 0.2, 0.5, 0.2))]).best_epoch == 1
    assert History([{"epoch": i, "valid/accuracy": v} for i, v in enumerate((0.2, 0.9, 0.5, 0.9))]).best_epoch == 1
    assert History().best_epoch == -1


@pytest.mark.parametrize("batch_size", [1, 20, 50])
def test_the_error_counts_rows_and_not_batches(batch_size):
    data, method = with_targets(make_data()), Joint(make_model(outputs=1))
    estimates = predict(method, data.test, batch_size)
    assert estimates.shape == (50, 1)
    expected = (estimates[:, 0] - data.test.labels).abs().double().mean().item()
    assert evaluate(method, data.test, batch_size)["mae"] == pytest.approx(expected, rel=1e-6)


@pytest.mark.parametrize("method", [Joint, Ensemble])
def test_a_resumed_regression_ends_with_the_same_bits(method, tmp_path):
    data, arguments = with_targets(make_data()), {"epochs": 6, "seed": 3, "device": "cpu"}
    unbroken, broken, resumed = (method(make_model(0.3, outputs=1)) for _ in range(3))
    expected = fit(unbroken, data, **arguments)

    def stop(epoch, _):
        if epoch == 3:
            raise KeyboardInterrupt
        return {}

    with pytest.raises(KeyboardInterrupt):
        fit(broken, data, checkpoint=tmp_path / "c.pt", checkpoint_every=0.0, on_epoch=stop, **arguments)
    assert len(load_checkpoint(tmp_path / "c.pt")["history"]) == 3
    assert fit(resumed, data, checkpoint=tmp_path / "c.pt", **arguments) == expected
    assert torch.equal(weights(resumed), weights(unbroken)) and len(expected.epochs) == 6


def test_a_task_that_model_or_method_cannot_take_is_refused_before_the_first_epoch():
    classes, real = make_data(), with_targets(make_data())
    for method in (AGM, OGMGE):
        with pytest.raises(ValueError, match=f"{method.__name__} looks at the true class; take another method"):
            fit(method(make_model(outputs=1)), real, epochs=1, device="cpu")
    with pytest.raises(ValueError, match="real targets are floating and need a network with num_classes=1, this one"):
        fit(Joint(make_model()), real, epochs=1, device="cpu")
    with pytest.raises(ValueError, match="the model tells 1 classes apart, data 'toy' has 3"):
        fit(Joint(make_model(outputs=1)), classes, epochs=1, device="cpu")
    with pytest.raises(ValueError, match="need a network with num_classes=1"):
        evaluate(Joint(make_model()), real.test)


def test_pretraining_that_leaves_no_epoch_is_refused():
    method = MCR(make_model(), pretrain_epochs=3)
    with pytest.raises(ValueError, match="pretrain_epochs = 3 leaves none of 3 epochs for the fusion"):
        fit(method, make_data(), epochs=3, device="cpu")
    fit(method, make_data(), epochs=4, device="cpu")


def test_training_learns_inside_no_grad():
    with torch.no_grad():
        history = fit(Joint(make_model()), make_data(), epochs=1, device="cpu")
    assert len(history.epochs) == 1
