"""One training of a problem, as anybody would write it, under watch or not."""

from __future__ import annotations

import itertools
import traceback
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn
from torch.optim import Optimizer

from levinthal.clinic.problem.batches import batches, held_out
from levinthal.clinic.problem.scores import Loss, score
from levinthal.clinic.watching import Watch, watch
from levinthal.errors import InputError, LevinthalError
from levinthal.vocabulary import Problem

OWN = Path(__file__).parents[1]


@dataclass(frozen=True, slots=True)
class Trial:
    """A training that is over: its score on the rows held out, and the watch if there was one."""

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
) -> Trial:
    """Train from scratch; for one seed, arms share the data's order and the noise, whatever builds the model.

    With `every`, under watch, which sees the validation data where `validation` says so. `loss` is the
    yardstick of a score that is one. Raises InputError,
    in one line, for what the problem's own code raises.
    """
    with told_in_a_line(), torch.random.fork_rng(), warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of the user's own loop; they are not what is asked here
        torch.manual_seed(seed)
        model = problem.model()
        optimizers = _optimizers(problem, model)
        looking = _looking(problem, model, optimizers, every, validation)
        torch.manual_seed(seed + 1)
        with looking as w:
            for batch in _steps(problem, optimizers, seed):
                problem_step(problem, model, optimizers, *batch)
                on_step()
        return Trial(model, score(problem, model, score_name, loss), w)


def _looking(
    problem: Problem, model: nn.Module, optimizers: tuple[Optimizer, ...], every: int | None, validation: bool
) -> Any:
    if every is None:
        return nullcontext()
    held = held_out(problem) if validation and problem.validation is not None else None
    return watch(
        model,
        optimizers,
        loss_fn=None if held is None else problem.loss,
        every=every,
        validation=held,
        frozen=problem.frozen,
    )


def _optimizers(problem: Problem, model: nn.Module) -> tuple[Optimizer, ...]:
    made = problem.optimizer(model)
    optimizers = (made,) if isinstance(made, Optimizer) else tuple(made)
    if not optimizers or not all(isinstance(optimizer, Optimizer) for optimizer in optimizers):
        raise InputError(f"optimizer(model) gives {type(made).__name__}: return a torch.optim.Optimizer")
    return optimizers


def _steps(problem: Problem, optimizers: tuple[Optimizer, ...], seed: int) -> Iterator[tuple[Any, Any]]:
    """The batches of the budget; a scheduler steps after each."""
    schedules = [problem.schedule(optimizer) for optimizer in optimizers] if problem.schedule else []
    for batch in itertools.islice(batches(problem, seed), problem.steps):
        yield batch
        for schedule in schedules:
            schedule.step()


def problem_step(
    problem: Problem, model: nn.Module, optimizers: tuple[Optimizer, ...], inputs: Any, targets: Any
) -> None:
    """The user's own step, or the ordinary one."""
    if problem.step:
        problem.step(model, optimizers[0] if len(optimizers) == 1 else optimizers, inputs, targets)
        return
    for optimizer in optimizers:
        optimizer.zero_grad()
    loss = problem.loss(model(inputs), targets)
    if not isinstance(loss, Tensor) or loss.numel() != 1:
        what = f"shape {tuple(loss.shape)}" if isinstance(loss, Tensor) else type(loss).__name__
        raise InputError(f"the loss is to be one number; got {what}: take its mean")
    loss.backward()  # type: ignore[no-untyped-call]
    if callable(problem.clip):
        problem.clip(model)
    elif problem.clip is not None:
        nn.utils.clip_grad_norm_(model.parameters(), problem.clip)
    for optimizer in optimizers:
        optimizer.step()


@contextmanager
def told_in_a_line() -> Iterator[None]:
    """Turn what a user's code raises into an InputError that names file and line."""
    try:
        yield
    except LevinthalError:
        raise
    except Exception as error:
        frames = traceback.extract_tb(error.__traceback__)
        theirs = [f for f in frames if not _is_ours_or_torch(f.filename)]
        place = f" at {Path(theirs[-1].filename).name}:{theirs[-1].lineno}" if theirs else ""
        said = (str(error).splitlines() or ["no message"])[0]
        raise InputError(f"the problem failed{place}: {type(error).__name__}: {said}") from error


def _is_ours_or_torch(filename: str) -> bool:
    path = Path(filename)
    return path.is_relative_to(OWN) or "site-packages" in path.parts or filename.startswith("<")
