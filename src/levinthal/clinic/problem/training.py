"""One ordinary training of a problem, watched or not."""

from __future__ import annotations

import inspect
import itertools
import warnings
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass
from typing import Any

import torch
from torch import nn
from torch.optim import Optimizer

from levinthal.clinic.failures.explained import explained
from levinthal.clinic.failures.losses import scalar_loss
from levinthal.clinic.failures.wording import failure, shown
from levinthal.clinic.problem.batches import batches, held_out
from levinthal.clinic.problem.places import in_one_line
from levinthal.clinic.problem.scores import Loss, score
from levinthal.clinic.watching import Watch, watch
from levinthal.errors import InputError, LevinthalError
from levinthal.vocabulary import Problem


@dataclass(frozen=True, slots=True)
class TrainedRun:
    """A finished training: the network, its score on the validation rows, and the watch if there was one."""

    model: nn.Module
    score: float
    watch: Watch | None = None


def trained(
    problem: Problem,
    seed: int,
    score_name: str,
    *,
    every: int | None = None,
    validation: bool = False,
    loss: Loss | None = None,
    on_step: Callable[[], None] = lambda: None,
) -> TrainedRun:
    """Train from scratch. For one seed, order of the data and noise are the same whatever builds the model.

    With `every` the training is watched, and with `validation` the watch evaluates the validation data.
    `loss` computes a score that is minus the loss. Raises InputError, in one line, for anything that the
    problem's own code raises.
    """
    with in_one_line(problem), torch.random.fork_rng(), warnings.catch_warnings():
        warnings.simplefilter("ignore")  # the user's own; the clinic reports findings instead
        torch.manual_seed(seed)
        model = built(problem)
        optimizers = built_optimizers(problem, model)
        watching = _watching(problem, model, optimizers, every, validation)
        torch.manual_seed(seed + 1)
        with watching as w:
            for batch in _steps(problem, optimizers, seed):
                problem_step(problem, model, optimizers, *batch)
                on_step()
        return TrainedRun(model, score(problem, model, score_name, loss), w)


def built(problem: Problem) -> nn.Module:
    """The network of a problem. Raises InputError where `model()` returns something else."""
    with _calling("model()"):
        model = problem.model()
    if isinstance(model, type):
        raise InputError(
            f"model() returns the class {model.__name__}: return an instance, with its arguments"
        )
    if not isinstance(model, nn.Module):
        raise InputError(f"model() returns a value {shown(model)}: return a torch.nn.Module")
    return model


@contextmanager
def _calling(what: str) -> Iterator[None]:
    """An exception of a function of the problem names the function, the line and the message."""
    try:
        yield
    except LevinthalError:
        raise
    except Exception as error:
        said = failure(error, what)
        way_out = ": pass model.parameters()" if "empty parameter list" in said else ""
        raise InputError(f"{said}{way_out}") from error


def _watching(
    problem: Problem, model: nn.Module, optimizers: tuple[Optimizer, ...], every: int | None, validation: bool
) -> Any:
    if every is None:
        return nullcontext()
    validation_data = held_out(problem) if validation and problem.validation is not None else None
    return watch(
        model,
        optimizers,
        loss_fn=None if validation_data is None else problem.loss,
        every=every,
        validation=validation_data,
        frozen=problem.frozen,
    )


def built_optimizers(problem: Problem, model: nn.Module) -> tuple[Optimizer, ...]:
    """The optimisers of a problem, one or several. Raises InputError where there is none."""
    with _calling("optimizer(model)"):
        made = problem.optimizer(model)
    several = tuple(made) if isinstance(made, Iterable) else ()
    optimizers = (made,) if isinstance(made, Optimizer) else several
    kind = f"the class {made.__name__}" if isinstance(made, type) else type(made).__name__
    what = "0 optimisers" if isinstance(made, tuple | list) and not made else kind
    if not optimizers or not all(isinstance(optimizer, Optimizer) for optimizer in optimizers):
        raise InputError(f"optimizer(model) returns {what}: return a torch.optim.Optimizer")
    if problem.step is None and (waiting := [one for one in optimizers if _needs_closure(one)]):
        way_out = "give step=, a function (model, optimizer, inputs, targets) that calls it"
        name = type(waiting[0]).__name__
        raise InputError(f"optimizer(model) returns {name}, whose step takes a closure: {way_out}")
    return optimizers


def _needs_closure(optimizer: Optimizer) -> bool:
    """Whether the step of an optimiser evaluates the loss itself, as that of LBFGS."""
    closure = inspect.signature(type(optimizer).step).parameters.get("closure")
    return closure is not None and closure.default is inspect.Parameter.empty


def _steps(problem: Problem, optimizers: tuple[Optimizer, ...], seed: int) -> Iterator[tuple[Any, Any]]:
    """The batches of one training; schedulers step after each."""
    with _calling("schedule(optimizer)"):
        schedules = [problem.schedule(optimizer) for optimizer in optimizers] if problem.schedule else []
    if wrong := [one for one in schedules if isinstance(one, type) or not hasattr(one, "step")]:
        raise InputError(f"schedule(optimizer) returns a value {shown(wrong[0])}: return a scheduler")
    for batch in itertools.islice(batches(problem, seed), problem.steps):
        yield batch
        for schedule in schedules:
            schedule.step()


def problem_step(
    problem: Problem, model: nn.Module, optimizers: tuple[Optimizer, ...], inputs: Any, targets: Any
) -> None:
    """The problem's own training step, or the ordinary one."""
    if problem.step:
        problem.step(model, optimizers[0] if len(optimizers) == 1 else optimizers, inputs, targets)
        return
    for optimizer in optimizers:
        optimizer.zero_grad()
    with explained(model, problem.loss, inputs, targets, "a training batch"):
        loss = scalar_loss(problem.loss(model(inputs), targets))
        loss.backward()  # type: ignore[no-untyped-call]
    if callable(problem.clip):
        problem.clip(model)
    elif problem.clip is not None:
        nn.utils.clip_grad_norm_(model.parameters(), problem.clip)
    for optimizer in optimizers:
        optimizer.step()
