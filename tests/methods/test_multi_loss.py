"""MultiLoss against its formula."""

import torch
import torch.nn.functional as F

from mmlib.methods import Joint, MultiLoss


def test_loss_is_joint_plus_unimodal(problem):
    model, inputs, labels = problem(3, fusion="attention")
    method = MultiLoss(model)
    loss, logs = method.loss(inputs, labels)
    features = model.encode(inputs)
    expected = {"loss/joint": F.cross_entropy(model(inputs), labels)}
    for m in ("a", "v", "t"):
        head = method.heads[m]
        expected[f"loss/{m}"] = F.cross_entropy(features[m] @ head.weight.T + head.bias, labels)
    assert logs.keys() == expected.keys()
    for name, value in expected.items():
        torch.testing.assert_close(logs[name], value, rtol=0, atol=1e-14)
    torch.testing.assert_close(loss, sum(expected.values()), rtol=0, atol=1e-14)


def test_the_fusion_gets_the_joint_gradient_only_and_the_encoders_get_both(problem, twin, gradients_of):
    model, inputs, labels = problem()
    ours, joint = gradients_of(MultiLoss(twin(model)), inputs, labels), gradients_of(Joint(twin(model)), inputs, labels)
    for name, g in joint.items():
        assert torch.equal(g, ours[name]) == name.startswith("model.fusion."), name


def test_the_fused_logits_decide(problem):
    model, inputs, _ = problem()
    assert torch.equal(MultiLoss(model).predict(inputs), model(inputs).detach())
