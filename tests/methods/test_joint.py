"""Joint training against the same thing written in plain PyTorch."""

import torch
import torch.nn.functional as F

from mmlib.methods import Joint


def test_training_equals_plain_pytorch(problem, twin, assert_same_state):
    model, inputs, labels = problem(3, norm="batch", dropout=0.3)
    method, plain = Joint(twin(model)), twin(model)
    ours = torch.optim.SGD(method.parameters(), lr=0.1, momentum=0.9, weight_decay=1e-2)
    theirs = torch.optim.SGD(plain.parameters(), lr=0.1, momentum=0.9, weight_decay=1e-2)
    for i in range(4):
        torch.manual_seed(i)
        logs = method.step(inputs, labels, ours)
        torch.manual_seed(i)
        features = [plain.encoders[m](inputs[m]) for m in ("a", "v", "t")]
        loss = F.cross_entropy(plain.fusion.head(torch.cat(features, 1)), labels)
        theirs.zero_grad()
        loss.backward()
        theirs.step()
        assert logs.keys() == {"loss"} and torch.equal(logs["loss"], loss.detach())
    assert_same_state(method.model, plain)


def test_it_learns(problem, trained):
    model, inputs, labels = problem()
    assert trained(Joint(model), inputs, labels, steps=80)["loss"] < 0.1
