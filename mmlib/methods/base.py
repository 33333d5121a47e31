"""What every method is: a network and one training step in four parts."""

from collections.abc import Mapping

import torch
from torch import Tensor
from torch.optim import Optimizer

from mmlib import checks
from mmlib.methods._parts.following import follow
from mmlib.methods._parts.precise_buffers import PreciseBuffers
from mmlib.methods._parts.process_group import refuse_process_group
from mmlib.models import MultimodalModel, eval_mode

Inputs = Mapping[str, Tensor]
Logs = dict[str, Tensor]


class Method(PreciseBuffers):
    """Base of all methods: ``step`` is loss -> backward -> edit_grads -> optimizer.step; override what differs.

    The parts are public, for a loop of one's own, and give the same bits as ``step``:

        loss, logs = method.loss(inputs, labels)
        method.zero_grad()
        loss.backward()
        method.edit_grads(logs)
        optimizer.step()

    model: the network that is trained. Nothing in a step reads a tensor's value on the host, so that a step is one
    stream of device work. State that training needs again lives in buffers, hence in ``state_dict()``, floating ones in
    at least float32 whatever the network is in; ``forget`` drops it. Where a log stands beside those of modalities
    ("loss/joint", "loss/a"), its name is in ``mmlib.records.modality_names.OWN_NAMES``.
    """

    divergence_hint = "Try a smaller lr."
    trains_fusion = True  # False where measures of the fused network would say nothing about the method
    compared = True  # False for a method that a comparison takes only where it is asked for by name
    synchronises = False  # True where ``step`` leaves the ranks of a process group with equal weights
    takes_regression = True  # False where a step looks at the true class, which a real target has not

    def __init__(self, model: MultimodalModel) -> None:
        super().__init__()
        if not isinstance(model, MultimodalModel):
            raise TypeError(f"{type(self).__name__} trains a MultimodalModel, got {type(model).__name__}.")
        self.model = model
        self.epoch = 0

    def step(self, inputs: Inputs, labels: Tensor, optimizer: Optimizer) -> Logs:
        """One training step on inputs {m: [B, ...]} and labels [B]; returns detached logs, "loss" among them.

        labels: class numbers (int64), or real targets (floating) for a network with one output. The step's gradients
        stay in ``.grad`` until the next one. Raises ValueError for a batch that does not fit. NaN is not looked for
        here: Split refuses it in data, and ``fit`` stops at the first loss that is not finite.
        """
        self.check(inputs, labels)
        if not self.synchronises:
            refuse_process_group(type(self).__name__)
        try:
            loss, logs = self.loss(inputs, labels)
        except (IndexError, RuntimeError):
            # Only now, as it has failed, may the labels be read: looking at them in every step would stall a GPU. On a
            # GPU an error comes late, and nothing can be read after it.
            if labels.device.type == "cpu" and not labels.is_floating_point():
                checks.class_numbers("labels", labels, self.model.num_classes)
            raise
        self.backward(loss)
        self.edit_grads(logs)
        optimizer.step()
        return {"loss": loss.detach()} | {name: value.detach() for name, value in logs.items()}

    def loss(self, inputs: Inputs, labels: Tensor) -> tuple[Tensor, Logs]:
        """The scalar to minimise, and what to log with it {name: scalar}; ``edit_grads`` takes these logs.

        Call it once a step: a method may remember what it has seen (AGM's running means).
        """
        raise NotImplementedError(
            f"{type(self).__name__} does not define 'loss', which every step calls. Write  def loss(self, inputs, "
            "labels)  in the class, to return the scalar to minimise and a dict of further scalars to log."
        )

    def backward(self, loss: Tensor) -> None:
        """Puts the gradient of ``loss``, and nothing of earlier steps, into ``.grad``.

        Raises ValueError for a loss that depends on nothing that is trained.
        """
        self.zero_grad()
        if not loss.requires_grad:
            raise ValueError(
                f"the loss of {type(self).__name__} depends on no parameter that is trained: free some of those that "
                "it uses (requires_grad_(True)), and do not take steps inside torch.no_grad()."
            )
        loss.backward()

    def edit_grads(self, logs: Logs) -> None:
        """Changes the gradients in ``.grad`` before the optimiser uses them; logs: of the same step's ``loss``."""

    def check_epochs(self, epochs: int) -> None:
        """Raises ValueError if training for so many epochs makes no sense; called before the first."""

    def begin_epoch(self, epoch: int, data: object) -> None:
        """Called before each epoch with its number, from 0, and the data (a MultimodalData). With epoch 0 a training
        begins, and what an earlier one left is forgotten; one that is resumed begins with a later epoch."""
        self.epoch = epoch
        if epoch == 0:
            self.forget()

    def forget(self) -> None:
        """Makes own state what it was when the method was built; weights stay as they are. For methods with state."""

    def forward(self, inputs: Inputs) -> Tensor:
        """Logits [B, C] from which this method decides, or its estimates [B, 1] of real targets."""
        return self.model(inputs)

    @torch.no_grad()
    def predict(self, inputs: Inputs) -> Tensor:
        """What ``forward`` says, in evaluation mode and without gradients; leaves the training flags as they are.

        Raises ValueError for a batch that does not fit or that holds NaN or infinity.
        """
        self.model.check(inputs)
        for m, x in inputs.items():
            if x.is_floating_point() and not torch.isfinite(x).all():
                raise ValueError(f"modality {m!r} holds NaN or infinite values: clean the inputs before predicting.")
        with eval_mode(self):
            return self(inputs)

    def get_extra_state(self) -> Tensor:
        """The epoch, which windows of epochs need, as a part of ``state_dict()``."""
        return torch.tensor(self.epoch)

    def set_extra_state(self, state: Tensor) -> None:
        """Takes the epoch back from ``state_dict()``."""
        self.epoch = int(state)

    def extra_repr(self) -> str:
        """The method's own settings, as ``print(method)`` shows them and a checkpoint remembers them."""
        settings = {k: v for k, v in vars(self).items() if not k.startswith("_") and k not in ("training", "epoch")}
        return ", ".join(f"{name}={value!r}" for name, value in settings.items())

    def check(self, inputs: Inputs, labels: Tensor) -> None:
        """Raises ValueError if a modality is missing, row counts differ or labels have a wrong type or shape; moves own
        state to the model's device."""
        self.model.check(inputs)
        rows = len(next(iter(inputs.values())))
        if rows == 0:
            raise ValueError("a training step needs at least one row, the batch has none.")
        self.check_kind(labels.dtype)
        if labels.shape != (rows,):
            raise ValueError(f"labels must be [{rows}], one per row of the inputs, got {tuple(labels.shape)}.")
        self._follow_model()

    def check_kind(self, dtype: torch.dtype) -> None:
        """Raises ValueError unless this method can learn labels of ``dtype``: int64, or floating for real targets."""
        outputs = self.model.num_classes
        if dtype == torch.long or (dtype.is_floating_point and self.takes_regression and outputs == 1):
            return
        why = f"real targets are floating and need a network with num_classes=1, this one has {outputs}"
        if not self.takes_regression:
            why = f"{type(self).__name__} looks at the true class; take another method, such as Joint, for real targets"
        raise ValueError(f"labels must be class numbers of type torch.int64, got {dtype}: {why}.")

    def _follow_model(self) -> None:
        # The model may have been moved or cast alone after this method was built around it.
        follow(self, self.model)
