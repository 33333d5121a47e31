"""Real targets: the L1 loss against hand-made gradients, and what each method does with them or says of them."""

import pytest
import torch
import torch.nn.functional as F

from mmlib.methods import METHODS, Ensemble, Joint, MultiLoss, Unimodal
from mmlib.methods.losses import task_loss

TAKE = [name for name, method in METHODS.items() if method.takes_regression]


@pytest.fixture
def real(problem):
    """(model with one output, inputs, real targets [B])."""

    def make(modalities=2, rows=5, dtype=torch.float64, **options):
        model, inputs, _ = problem(modalities, rows=rows, classes=1, dtype=dtype, **options)
        return model, inputs, torch.randn(rows, dtype=dtype, generator=torch.Generator().manual_seed(7))

    return make


def test_the_loss_of_real_targets_is_the_mean_absolute_error():
    outputs, targets = torch.tensor([[1.0], [0.5], [-2.0]]), torch.tensor([0.0, 2.5, -2.0])
    assert task_loss(outputs, targets).item() == pytest.approx((1 + 2 + 0) / 3)


def test_the_loss_of_class_numbers_is_the_cross_entropy():
    logits, labels = torch.randn(6, 3, dtype=torch.float64), torch.tensor([0, 1, 2, 2, 1, 0])
    assert torch.equal(task_loss(logits, labels), F.cross_entropy(logits, labels))


@pytest.mark.parametrize("outputs", [torch.zeros(3), torch.zeros(3, 3), torch.zeros(1, 1)])
def test_outputs_of_another_shape_are_refused_and_not_broadcast(outputs):
    with pytest.raises(ValueError, match=r"3 real targets need outputs \[3, 1\], got"):
        task_loss(outputs, torch.zeros(3))


@pytest.mark.parametrize("one", [torch.float32, torch.float64])
def test_the_loss_has_the_type_of_the_outputs(one):
    other = torch.float64 if one == torch.float32 else torch.float32
    assert task_loss(torch.ones(2, 1, dtype=one), torch.zeros(2, dtype=other)).dtype == one


def test_joint_gradients_by_hand(real, gradients_of):
    """dL/df = sign(f - y) / B, so the head's weight gets that times the features, and its bias the sum."""
    model, inputs, targets = real(3)
    with torch.no_grad():
        features = torch.cat(list(model.encode(inputs).values()), 1)
        signs = torch.sign(model(inputs) - targets[:, None])
    assert len(signs.unique()) == 2, "targets on both sides, else the signs say nothing"
    found = gradients_of(Joint(model), inputs, targets)
    torch.testing.assert_close(found["model.fusion.head.weight"], (signs / 5).T @ features, rtol=0, atol=1e-14)
    torch.testing.assert_close(found["model.fusion.head.bias"], (signs / 5).sum(0), rtol=0, atol=1e-14)


def test_multi_loss_adds_the_errors_of_the_fused_and_the_unimodal_outputs(real):
    model, inputs, targets = real(3, fusion="attention")
    method = MultiLoss(model)
    torch.testing.assert_close(method.predict(inputs), model(inputs), rtol=0, atol=1e-14)
    loss, logs = method.loss(inputs, targets)
    features = model.encode(inputs)
    expected = {"loss/joint": (model(inputs)[:, 0] - targets).abs().mean()}
    expected |= {f"loss/{m}": (method.heads[m](features[m])[:, 0] - targets).abs().mean() for m in ("a", "v", "t")}
    torch.testing.assert_close(logs, expected, rtol=0, atol=1e-14)
    torch.testing.assert_close(loss, sum(expected.values()), rtol=0, atol=1e-14)


def test_an_ensemble_is_separate_training_and_estimates_the_mean(real, twin, trained):
    model, inputs, targets = real(3)
    ensemble = Ensemble(twin(model))
    singles = {m: Unimodal(twin(model), m) for m in model.modalities}
    for m, single in singles.items():
        single.head.load_state_dict(ensemble.heads[m].state_dict())
    for method in (ensemble, *singles.values()):
        trained(method, inputs, targets, steps=5)
    alone = torch.stack([single.predict(inputs) for single in singles.values()])
    torch.testing.assert_close(ensemble.predict(inputs), alone.mean(0), rtol=0, atol=1e-14)


@pytest.mark.parametrize("name", TAKE)
def test_every_method_that_takes_targets_learns_them(real, method_named, name):
    model, inputs, targets = real(rows=6)
    method = method_named(name, model)
    optimizer = torch.optim.Adam(method.parameters(), lr=0.01)
    before = (method.predict(inputs)[:, 0] - targets).abs().mean()
    for _ in range(100):
        method.step(inputs, targets, optimizer)
    after = method.predict(inputs)
    assert after.shape == (6, 1)
    assert (after[:, 0] - targets).abs().mean() < 0.5 * before


@pytest.mark.parametrize("name", TAKE)
def test_a_step_on_targets_reads_no_value(real, method_named, name):
    """Meta tensors have none: choosing the loss must not look at the labels."""
    model, inputs, targets = real(dtype=torch.float32)
    method = method_named(name, model).to("meta")
    logs = method.step(
        {m: x.to("meta") for m, x in inputs.items()}, targets.to("meta"), torch.optim.SGD(method.parameters(), 0.1)
    )
    assert logs["loss"].device.type == "meta"


@pytest.mark.parametrize("name", TAKE)
def test_targets_follow_the_type_of_the_model(real, method_named, name):
    model, inputs, targets = real(dtype=torch.float32)
    logs = method_named(name, model).step(inputs, targets.double(), torch.optim.SGD(model.parameters(), lr=0.1))
    assert logs["loss"].dtype == torch.float32


@pytest.mark.parametrize("name", ["agm", "ogm_ge", "mslr", "mses"])
@pytest.mark.parametrize("classes", [1, 3])
def test_methods_that_look_at_the_true_class_refuse_targets(problem, method_named, name, classes):
    model, inputs, labels = problem(classes=classes)
    method = method_named(name, model)
    before = {k: v.clone() for k, v in method.state_dict().items()}
    message = f"torch.int64, got torch.float64: {type(method).__name__} looks at the true class; take another method"
    with pytest.raises(ValueError, match=message):
        method.step(inputs, labels.double(), torch.optim.SGD(method.parameters(), lr=0.1))
    assert all(torch.equal(v, before[k]) for k, v in method.state_dict().items())


def test_only_those_refuse_them():
    refusing = {name for name, method in METHODS.items() if not method.takes_regression}
    assert refusing == {"agm", "aim", "ogm_ge", "mslr", "mses"}


@pytest.mark.parametrize("name", TAKE)
def test_targets_need_a_network_with_one_output(problem, method_named, name):
    model, inputs, labels = problem(classes=3)
    method = method_named(name, model)
    with pytest.raises(ValueError, match="need a network with num_classes=1, this one has 3"):
        method.step(inputs, labels.double(), torch.optim.SGD(method.parameters(), lr=0.1))


@pytest.mark.parametrize("dtype", [torch.int32, torch.bool, torch.complex64])
def test_other_types_are_no_targets(real, dtype):
    model, inputs, targets = real()
    with pytest.raises(ValueError, match=f"labels must be class numbers of type torch.int64, got {dtype}"):
        Joint(model).step(inputs, targets.to(dtype), torch.optim.SGD(model.parameters(), lr=0.1))


def test_class_numbers_of_a_network_with_one_output_stay_classes(real):
    model, inputs, _ = real()
    logs = Joint(model).step(inputs, torch.zeros(5, dtype=torch.long), torch.optim.SGD(model.parameters(), lr=0.1))
    assert logs["loss"] == 0
    with pytest.raises(ValueError, match="labels run from 1 to 1; with 1 classes"):
        Joint(model).step(inputs, torch.ones(5, dtype=torch.long), torch.optim.SGD(model.parameters(), lr=0.1))


def test_an_error_in_a_network_is_not_put_down_to_the_targets(real):
    model, inputs, targets = real()
    optimizer = torch.optim.SGD(model.parameters(), 0.1)
    with pytest.raises(TypeError, match="^inputs of 'a' are torch.float32, its encoder computes in torch.float64"):
        Joint(model).step({m: x.float() for m, x in inputs.items()}, targets, optimizer)
    model.fusion.head = torch.nn.Linear(3, 1, dtype=torch.float64)  # of another width than the features
    with pytest.raises(RuntimeError, match="mat1 and mat2 shapes cannot be multiplied"):
        Joint(model).step(inputs, targets, optimizer)
