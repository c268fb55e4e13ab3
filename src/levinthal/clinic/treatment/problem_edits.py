"""Changes to a Problem: its network once built, its optimiser, loss, data, budget.

A change takes a problem and gives the treated one, or None where there is nothing to change.
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

from levinthal.clinic.problem.batches import alike, as_pair, batches, is_pair
from levinthal.vocabulary import Problem

Change = Callable[[Problem], Problem | None]
SMALLEST_DECAY, LARGER_BATCH = 1e-4, 8
SAMPLED_BATCHES = 16


def operated(operation: Callable[[nn.Module], bool]) -> Change:
    """A change to the network once it is built; None where the operation finds nothing."""

    def change(problem: Problem) -> Problem | None:
        def model() -> nn.Module:
            built = problem.model()
            operation(built)
            return built

        with torch.random.fork_rng():
            possible = operation(problem.model())
        return replace(problem, model=model) if possible else None

    return change


def with_optimizers(change: Callable[[nn.Module, Optimizer], object]) -> Change:
    """A change to the optimisers once they are built."""

    def changed(problem: Problem) -> Problem:
        def optimizer(model: nn.Module) -> Any:
            made = problem.optimizer(model)
            for one in (made,) if isinstance(made, Optimizer) else made:
                change(model, one)
            return made

        return replace(problem, optimizer=optimizer)

    return changed


def scaled_rate(factor: float) -> Change:
    """The learning rate times a factor."""

    def scale(_model: nn.Module, optimizer: Optimizer) -> None:
        for group in optimizer.param_groups:
            group["lr"] = group["lr"] * factor

    return with_optimizers(scale)


def adopt(model: nn.Module, optimizer: Optimizer) -> None:
    """Give the optimiser the parameters that it lacks."""
    held = {id(p) for group in optimizer.param_groups for p in group["params"]}
    lost = [p for p in model.parameters() if id(p) not in held]
    strangers = held.isdisjoint(id(p) for p in model.parameters())
    if strangers:
        optimizer.param_groups[0]["params"] = lost
    elif lost:
        optimizer.add_param_group({"params": lost})


def same_rate(_model: nn.Module, optimizer: Optimizer) -> None:
    """The largest rate of the groups for those whose rate is 0."""
    most = max(group["lr"] for group in optimizer.param_groups)
    for group in optimizer.param_groups:
        group["lr"] = group["lr"] or most


def less_decay(_model: nn.Module, optimizer: Optimizer) -> None:
    """Weight decay of at most .0001."""
    for group in optimizer.param_groups:
        group["weight_decay"] = min(group.get("weight_decay", 0.0), SMALLEST_DECAY)


def more_decay(_model: nn.Module, optimizer: Optimizer) -> None:
    """Weight decay of at least .01, where the optimiser has one."""
    for group in optimizer.param_groups:
        if "weight_decay" in group:
            group["weight_decay"] = max(group["weight_decay"], 1e-2)


def adam(problem: Problem) -> Problem:
    """Adam with rate .001, its step the ordinary one."""

    def optimizer(model: nn.Module) -> Optimizer:
        return torch.optim.Adam(model.parameters(), 1e-3)

    return replace(problem, optimizer=optimizer, schedule=None, step=None)


def with_loss(change: Callable[[Callable[[Any, Any], Tensor], Any, Any], Tensor]) -> Change:
    """A change to the loss: (loss, outputs, targets) to a number."""
    return lambda problem: replace(problem, loss=partial(change, problem.loss))


def mean_loss(loss: Callable[[Any, Any], Tensor], outputs: Any, targets: Any) -> Tensor:
    """A summed loss as a mean over rows."""
    return loss(outputs, targets) / len(targets)


def of_same_shape(loss: Callable[[Any, Any], Tensor], outputs: Any, targets: Any) -> Tensor:
    """Targets in the shape of the outputs, where they are as many."""
    return loss(outputs, targets.reshape(outputs.shape) if targets.numel() == outputs.numel() else targets)


def of_logs(loss: Callable[[Any, Any], Tensor], outputs: Any, targets: Any) -> Tensor:
    """The loss of log probabilities, which softmax leaves as they are."""
    return loss(outputs.clamp_min(torch.finfo(outputs.dtype).tiny).log(), targets)


def of_logits(loss: Callable[[Any, Any], Tensor], outputs: Any, targets: Any) -> Tensor:
    """The loss of the logits of probabilities, which the sigmoid takes back."""
    return loss(torch.logit(outputs, eps=torch.finfo(outputs.dtype).eps), targets)


def squared_error(problem: Problem) -> Problem | None:
    """torch's mean square, of outputs and targets as long rows, where there are as many of both."""
    _, y = first_batches(problem)[0]
    if not isinstance(y, Tensor) or not y.is_floating_point():
        return None

    def loss(outputs: Any, targets: Any) -> Tensor:
        return functional.mse_loss(outputs.reshape(-1), targets.reshape(-1).to(outputs.dtype))

    return replace(problem, loss=loss)


def cross_entropy(problem: Problem) -> Problem | None:
    """torch's cross-entropy as the loss, where targets are classes."""
    _, y = first_batches(problem)[0]
    if not isinstance(y, Tensor) or y.is_floating_point():
        return None

    def loss(outputs: Any, targets: Any) -> Tensor:
        return functional.cross_entropy(outputs, targets)

    return replace(problem, loss=loss)


def shuffled(problem: Problem) -> Problem | None:
    """Batches in a new order every epoch."""
    if is_pair(problem.train):
        return None if problem.shuffle else replace(problem, shuffle=True)
    if isinstance(problem.train, DataLoader) and hasattr(problem.train.dataset, "__len__"):
        return replace(problem, train=alike(problem.train, shuffle=True))
    return None


def larger_batch(problem: Problem) -> Problem | None:
    """Batches of eight times the size, for as many steps."""
    if is_pair(problem.train):
        return replace(problem, batch_size=problem.batch_size * LARGER_BATCH)
    if isinstance(problem.train, DataLoader):
        return replace(problem, train=alike(problem.train, shuffle=True, factor=LARGER_BATCH))
    return None


def first_batches(problem: Problem) -> list[tuple[Any, Any]]:
    """Some training batches of seed 0."""
    source = batches(problem, 0)
    return [as_pair(next(source)) for _ in range(SAMPLED_BATCHES)]


def standardised(problem: Problem) -> Problem | None:
    """Inputs less their mean, divided by their spread, feature by feature of the last axis or channel."""
    seen = [x for x, _ in first_batches(problem)]
    if not all(isinstance(x, Tensor) and x.is_floating_point() for x in seen):
        return None
    whole = torch.cat(seen)
    axes = [axis for axis in range(whole.dim()) if axis != (1 if whole.dim() == 4 else whole.dim() - 1)]
    mean, spread = whole.mean(axes, keepdim=True)[0], whole.std(axes, keepdim=True)[0]
    spread = torch.where(spread > 0, spread, 1.0)
    return prepared(problem, lambda x, y: ((x - mean) / spread, y))


def prepared(problem: Problem, change: Callable[[Any, Any], tuple[Any, Any]]) -> Problem:
    """One more thing done to every batch."""
    before = problem.prepare or (lambda x, y: (x, y))
    return replace(problem, prepare=lambda x, y: change(*before(x, y)))


def finite(problem: Problem) -> Problem:
    """0 for every input that is no number."""

    def finite(x: Any, y: Any) -> tuple[Any, Any]:
        number = isinstance(x, Tensor) and x.is_floating_point()
        return (x.nan_to_num(0.0, 0.0, 0.0) if number else x), y

    return prepared(problem, finite)


def zeroed_first(problem: Problem) -> Problem | None:
    """`zero_grad` before each step of the user's own."""
    if problem.step is None:
        return None
    theirs = problem.step

    def step(model: nn.Module, optimizer: Any, x: Any, y: Any) -> object:
        for one in (optimizer,) if isinstance(optimizer, Optimizer) else optimizer:
            one.zero_grad()
        return theirs(model, optimizer, x, y)

    return replace(problem, step=step)


def in_float32(problem: Problem) -> Problem:
    """Weights and inputs in float32."""

    def full(x: Any, y: Any) -> tuple[Any, Any]:
        return (x.float() if isinstance(x, Tensor) and x.is_floating_point() else x), y

    return replace(prepared(problem, full), model=lambda: problem.model().float())


def clipped(norm: float | None) -> Change:
    """The gradient clipped at a norm, or not at all; a step of the user's own is left alone."""

    def change(problem: Problem) -> Problem | None:
        return None if problem.step or problem.clip == norm else replace(problem, clip=norm)

    return change


def unscheduled(problem: Problem) -> Problem | None:
    """The rate as it starts."""
    return replace(problem, schedule=None) if problem.schedule else None


def shorter(problem: Problem) -> Problem:
    """A quarter of the steps: early stopping."""
    return replace(problem, steps=max(1, problem.steps // 4))


def balanced(problem: Problem) -> Problem | None:
    """The cross-entropy with classes weighed by their rarity."""
    targets = [y for _, y in first_batches(problem)]
    if not all(isinstance(y, Tensor) and not y.is_floating_point() and y.dim() == 1 for y in targets):
        return None
    counts = torch.bincount(torch.cat(targets)).float().clamp(min=1)
    weights = counts.sum() / counts / len(counts)

    def loss(outputs: Any, targets: Any) -> Tensor:
        return functional.cross_entropy(outputs, targets, weight=weights[: outputs.shape[1]])

    return replace(problem, loss=loss)


def put_in_training_mode(model: nn.Module) -> bool:
    """`model.train()`."""
    stopped = any(not module.training for module in model.modules())
    model.train()
    return stopped
