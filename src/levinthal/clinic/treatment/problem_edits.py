"""Edits of a Problem: its network, optimiser, loss, data and budget.

An edit takes a Problem and returns the edited copy, or None where there is nothing to change.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import partial
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional
from torch.optim import Optimizer
from torch.utils.data import DataLoader

from levinthal.clinic.problem.batches import as_pair, batches, is_pair, loader_like
from levinthal.vocabulary import Problem

Edit = Callable[[Problem], Problem | None]
SMALL_DECAY, LARGE_DECAY, BATCH_FACTOR = 1e-4, 1e-2, 8
SAMPLED_BATCHES = 16


def edited_model(edit: Callable[[nn.Module], bool]) -> Edit:
    """Edit the network right after it is built; None where the model edit finds nothing to change."""

    def edited(problem: Problem) -> Problem | None:
        def model() -> nn.Module:
            built = problem.model()
            edit(built)
            return built

        with torch.random.fork_rng():
            possible = edit(problem.model())
        return replace(problem, model=model) if possible else None

    return edited


def edited_optimizers(edit: Callable[[nn.Module, Optimizer], object]) -> Edit:
    """Edit every optimiser right after it is built."""

    def edited(problem: Problem) -> Problem:
        def optimizer(model: nn.Module) -> Any:
            made = problem.optimizer(model)
            for one in (made,) if isinstance(made, Optimizer) else made:
                edit(model, one)
            return made

        return replace(problem, optimizer=optimizer)

    return edited


def scaled_learning_rate(factor: float) -> Edit:
    """Multiply the learning rate of every group by a factor."""

    def scale(_model: nn.Module, optimizer: Optimizer) -> None:
        for group in optimizer.param_groups:
            group["lr"] = group["lr"] * factor

    return edited_optimizers(scale)


def add_parameters(model: nn.Module, optimizer: Optimizer) -> None:
    """Give the optimiser the parameters that it lacks; all of them where it holds none of this model."""
    held = {id(p) for group in optimizer.param_groups for p in group["params"]}
    missing = [p for p in model.parameters() if id(p) not in held]
    is_detached = held.isdisjoint(id(p) for p in model.parameters())
    if is_detached:
        optimizer.param_groups[0]["params"] = missing
    elif missing:
        optimizer.add_param_group({"params": missing})


def same_learning_rate(_model: nn.Module, optimizer: Optimizer) -> None:
    """Groups with learning rate 0 get the largest learning rate of the groups."""
    largest = max(group["lr"] for group in optimizer.param_groups)
    for group in optimizer.param_groups:
        group["lr"] = group["lr"] or largest


def less_decay(_model: nn.Module, optimizer: Optimizer) -> None:
    """Limit the weight decay to at most .0001."""
    for group in optimizer.param_groups:
        group["weight_decay"] = min(group.get("weight_decay", 0.0), SMALL_DECAY)


def more_decay(_model: nn.Module, optimizer: Optimizer) -> None:
    """Raise the weight decay to at least .01, where the optimiser has the option."""
    for group in optimizer.param_groups:
        if "weight_decay" in group:
            group["weight_decay"] = max(group["weight_decay"], LARGE_DECAY)


def adam(problem: Problem) -> Problem:
    """Adam with learning rate .001, without schedule, in the ordinary training step."""

    def optimizer(model: nn.Module) -> Optimizer:
        return torch.optim.Adam(model.parameters(), 1e-3)

    return replace(problem, optimizer=optimizer, schedule=None, step=None)


def edited_loss(edit: Callable[[Callable[[Any, Any], Tensor], Any, Any], Tensor]) -> Edit:
    """Replace the loss by a function of (loss, outputs, targets)."""
    return lambda problem: replace(problem, loss=partial(edit, problem.loss))


def mean_loss(loss: Callable[[Any, Any], Tensor], outputs: Any, targets: Any) -> Tensor:
    """Divide a summed loss by the number of rows."""
    return loss(outputs, targets) / len(targets)


def of_same_shape(loss: Callable[[Any, Any], Tensor], outputs: Any, targets: Any) -> Tensor:
    """Give the targets the shape of the outputs, where both have as many elements."""
    return loss(outputs, targets.reshape(outputs.shape) if targets.numel() == outputs.numel() else targets)


def of_logs(loss: Callable[[Any, Any], Tensor], outputs: Any, targets: Any) -> Tensor:
    """The loss of log-probabilities: softmax maps them back to the probabilities."""
    return loss(outputs.clamp_min(torch.finfo(outputs.dtype).tiny).log(), targets)


def of_logits(loss: Callable[[Any, Any], Tensor], outputs: Any, targets: Any) -> Tensor:
    """The loss of the logits of probabilities: the sigmoid maps them back to the probabilities."""
    return loss(torch.logit(outputs, eps=torch.finfo(outputs.dtype).eps), targets)


def squared_error(problem: Problem) -> Problem | None:
    """torch's mean squared error of flattened outputs and targets, where the targets are real numbers."""
    _, y = first_batches(problem)[0]
    if not isinstance(y, Tensor) or not y.is_floating_point():
        return None

    def loss(outputs: Any, targets: Any) -> Tensor:
        return functional.mse_loss(outputs.reshape(-1), targets.reshape(-1).to(outputs.dtype))

    return replace(problem, loss=loss)


def cross_entropy(problem: Problem) -> Problem | None:
    """torch's cross-entropy as the loss, where the targets are class indices."""
    _, y = first_batches(problem)[0]
    if not isinstance(y, Tensor) or y.is_floating_point():
        return None

    def loss(outputs: Any, targets: Any) -> Tensor:
        return functional.cross_entropy(outputs, targets)

    return replace(problem, loss=loss)


def shuffled(problem: Problem) -> Problem | None:
    """A new order of the rows in every epoch."""
    if is_pair(problem.train):
        return None if problem.shuffle else replace(problem, shuffle=True)
    if isinstance(problem.train, DataLoader) and hasattr(problem.train.dataset, "__len__"):
        return replace(problem, train=loader_like(problem.train, shuffle=True))
    return None


def larger_batch(problem: Problem) -> Problem | None:
    """Batches of eight times the size, for the same number of steps."""
    if is_pair(problem.train):
        return replace(problem, batch_size=problem.batch_size * BATCH_FACTOR)
    if isinstance(problem.train, DataLoader):
        return replace(problem, train=loader_like(problem.train, shuffle=True, factor=BATCH_FACTOR))
    return None


def first_batches(problem: Problem) -> list[tuple[Any, Any]]:
    """The first 16 training batches of seed 0."""
    source = batches(problem, 0)
    return [as_pair(next(source)) for _ in range(SAMPLED_BATCHES)]


def standardised(problem: Problem) -> Problem | None:
    """Inputs minus their mean, divided by their standard deviation; by channel (4 axes) or last axis."""
    inputs = [x for x, _ in first_batches(problem)]
    if not all(isinstance(x, Tensor) and x.is_floating_point() for x in inputs):
        return None
    whole = torch.cat(inputs)
    axes = [axis for axis in range(whole.dim()) if axis != (1 if whole.dim() == 4 else whole.dim() - 1)]
    mean, deviation = whole.mean(axes, keepdim=True)[0], whole.std(axes, keepdim=True)[0]
    deviation = torch.where(deviation > 0, deviation, 1.0)
    return prepared(problem, lambda x, y: ((x - mean) / deviation, y))


def prepared(problem: Problem, edit: Callable[[Any, Any], tuple[Any, Any]]) -> Problem:
    """Apply one more function to every batch, after the problem's own `prepare`."""
    before = problem.prepare or (lambda x, y: (x, y))
    return replace(problem, prepare=lambda x, y: edit(*before(x, y)))


def finite(problem: Problem) -> Problem:
    """Replace nan and infinity in the inputs by 0."""

    def finite(x: Any, y: Any) -> tuple[Any, Any]:
        number = isinstance(x, Tensor) and x.is_floating_point()
        return (x.nan_to_num(0.0, 0.0, 0.0) if number else x), y

    return prepared(problem, finite)


def zeroed_first(problem: Problem) -> Problem | None:
    """Call `zero_grad` before each of the problem's own training steps."""
    if problem.step is None:
        return None
    own_step = problem.step

    def step(model: nn.Module, optimizer: Any, x: Any, y: Any) -> object:
        for one in (optimizer,) if isinstance(optimizer, Optimizer) else optimizer:
            one.zero_grad()
        return own_step(model, optimizer, x, y)

    return replace(problem, step=step)


def in_float32(problem: Problem) -> Problem:
    """Weights and inputs in float32."""

    def full(x: Any, y: Any) -> tuple[Any, Any]:
        return (x.float() if isinstance(x, Tensor) and x.is_floating_point() else x), y

    return replace(prepared(problem, full), model=lambda: problem.model().float())


def clipped(norm: float | None) -> Edit:
    """Clip the gradient at a norm, or not at all (None); a problem with its own step is not changed."""

    def edit(problem: Problem) -> Problem | None:
        return None if problem.step or problem.clip == norm else replace(problem, clip=norm)

    return edit


def unscheduled(problem: Problem) -> Problem | None:
    """Keep the initial learning rate: no schedule."""
    return replace(problem, schedule=None) if problem.schedule else None


def shorter(problem: Problem) -> Problem:
    """A quarter of the steps: early stopping."""
    return replace(problem, steps=max(1, problem.steps // 4))


def balanced(problem: Problem) -> Problem | None:
    """Cross-entropy with each class weighted by the inverse of its frequency."""
    targets = [y for _, y in first_batches(problem)]
    if not all(isinstance(y, Tensor) and not y.is_floating_point() and y.dim() == 1 for y in targets):
        return None
    seen = torch.bincount(torch.cat(targets))

    def loss(outputs: Any, targets: Any) -> Tensor:
        unseen = seen.new_zeros(max(outputs.shape[1] - len(seen), 0))
        counts = torch.cat([seen, unseen]).float().clamp(min=1)
        weights = counts.sum() / counts / len(counts)
        return functional.cross_entropy(outputs, targets, weight=weights[: outputs.shape[1]])

    return replace(problem, loss=loss)


def put_in_training_mode(model: nn.Module) -> bool:
    """Call `model.train()`."""
    stopped = any(not module.training for module in model.modules())
    model.train()
    return stopped
