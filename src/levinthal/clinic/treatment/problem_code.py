"""Code that changes what is around the network: the optimiser, the loss, the batches and the settings.

Each function takes a Problem and returns the code; empty where there is nothing to change.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor, nn
from torch.utils.data import DataLoader

from levinthal.clinic.problem.batches import first_batch, is_pair
from levinthal.clinic.problem.training import built, built_optimizers
from levinthal.clinic.treatment.module_names import expression
from levinthal.clinic.treatment.remedy_code import Code, Place, first_batches
from levinthal.vocabulary import Problem

Maker = Callable[[Problem], Code]
BATCH_FACTOR = 8
MOST_NAMED = 4
"""Parameters that a line names one by one."""


def of_model(text: Callable[[nn.Module], str]) -> Maker:
    """Code for the network right after it is built."""

    def code(problem: Problem) -> Code:
        with torch.random.fork_rng():
            made = text(built(problem))
        return ((Place.MODEL, made),) if made else ()

    return code


def always(*parts: tuple[Place, str]) -> Maker:
    """Code that applies to every problem."""
    return lambda _: parts


def scaled_learning_rate(factor: float) -> Maker:
    """Multiply the learning rate of every group by a factor."""
    return of_groups(f'group["lr"] = group["lr"] * {factor:g}')


def of_groups(line: str, before: str = "") -> Maker:
    """One line for every group of every optimiser."""
    return always((Place.OPTIMIZER, f"{before}for group in optimizer.param_groups:\n    {line}"))


SAME_LEARNING_RATE = of_groups(
    'group["lr"] = group["lr"] or largest',
    'largest = max(group["lr"] for group in optimizer.param_groups)\n',
)
LESS_DECAY = of_groups('group["weight_decay"] = min(group.get("weight_decay", 0.0), 1e-4)')
MORE_DECAY = of_groups('group["weight_decay"] = max(group["weight_decay"], 1e-2)')
SHORTER = always((Place.SETTING, "steps = max(1, steps // 4)  # early stopping"))
CLIPPED = "nn.utils.clip_grad_norm_(model.parameters(), 1.0)"


def more_decay(problem: Problem) -> Code:
    """Raise the weight decay to at least .01, where the optimiser has the option."""
    made = built_optimizers(problem, _network(problem))
    has_option = all("weight_decay" in group for optimizer in made for group in optimizer.param_groups)
    return MORE_DECAY(problem) if has_option else ()


def added_parameters(problem: Problem) -> Code:
    """Give the one optimiser the parameters that it lacks; all of them where it holds none of this model."""
    model = _network(problem)
    made = built_optimizers(problem, model)
    held = {id(p) for optimizer in made for group in optimizer.param_groups for p in group["params"]}
    missing = [name for name, p in model.named_parameters() if id(p) not in held]
    if not missing or len(made) > 1:
        return ()
    if held.isdisjoint(id(p) for p in model.parameters()):
        return ((Place.OPTIMIZER, 'optimizer.param_groups[0]["params"] = list(model.parameters())'),)
    named = ", ".join(expression(model, name) for name in missing)
    added = f'optimizer.add_param_group({{"params": [{named}]}})' if len(missing) <= MOST_NAMED else ADDED
    return ((Place.OPTIMIZER, added),)


ADDED = """\
held = {id(p) for group in optimizer.param_groups for p in group["params"]}
missing = [p for p in model.parameters() if id(p) not in held]
optimizer.add_param_group({"params": missing})"""


def adam(problem: Problem) -> Code:
    """Adam with learning rate .001, without schedule, in the ordinary training step."""
    new = (Place.NEW_OPTIMIZER, "optimizer = torch.optim.Adam(model.parameters(), 1e-3)")
    removed = [name for name in ("schedule", "step") if getattr(problem, name)]
    return (new, *((Place.SETTING, f"{name} = None") for name in removed))


def without(setting: str, note: str) -> Maker:
    """Remove a part of the training that the problem has, unless its own step does all of it."""

    def code(problem: Problem) -> Code:
        is_own = setting == "clip" and problem.step is not None
        has_it = getattr(problem, setting) is not None and not is_own
        return ((Place.SETTING, f"{setting} = None  # {note}"),) if has_it else ()

    return code


def clipped(problem: Problem) -> Code:
    """Clip the gradient at norm 1; a problem with its own step is not changed."""
    return () if problem.step or problem.clip == 1.0 else ((Place.CLIP, CLIPPED),)


def zeroed_first(problem: Problem) -> Code:
    """Call `zero_grad` before each of the problem's own training steps."""
    return ((Place.STEP, "optimizer.zero_grad()"),) if problem.step else ()


def shuffled(problem: Problem) -> Code:
    """A new order of the rows in every epoch."""
    if is_pair(problem.train):
        return () if problem.shuffle else ((Place.SETTING, "shuffle = True"),)
    if isinstance(problem.train, DataLoader) and hasattr(problem.train.dataset, "__len__"):
        return ((Place.SETTING, _loader(problem.train, 1)),)
    return ()


def larger_batch(problem: Problem) -> Code:
    """Batches of eight times the size, for the same number of steps."""
    if is_pair(problem.train):
        return ((Place.SETTING, f"batch_size = {BATCH_FACTOR} * batch_size"),)
    if isinstance(problem.train, DataLoader):
        return ((Place.SETTING, _loader(problem.train, BATCH_FACTOR)),)
    return ()


def _loader(loader: DataLoader[Any], factor: int) -> str:
    size = loader.batch_size or int(getattr(loader.batch_sampler, "batch_size", 32))
    return (
        f"train = torch.utils.data.DataLoader(train.dataset, batch_size={size * factor}, shuffle=True, "
        "collate_fn=train.collate_fn, drop_last=train.drop_last)"
    )


def standardised(problem: Problem) -> Code:
    """Inputs minus their mean, divided by their standard deviation; by channel (4 axes) or last axis."""
    inputs = [x for x, _ in first_batches(problem)]
    if not all(map(_are_numbers, inputs)) or len({x.shape[1:] for x in inputs}) > 1 or inputs[0].dim() < 2:
        return ()
    axes = inputs[0].dim()
    kept = 1 if axes == 4 else axes - 1
    over = tuple(axis for axis in range(axes) if axis != kept)
    index = "" if axes == 2 else f"[{', '.join('None' if a != kept else ':' for a in range(1, axes))}]"
    once = (
        "rows = torch.cat([inputs for inputs, _ in batches])\n"
        f"input_mean, input_std = rows.mean({over}){index}, rows.std({over}){index}\n"
        "input_std[input_std == 0] = 1.0"
    )
    return ((Place.DATA, once), (Place.BATCH, "inputs = (inputs - input_mean) / input_std"))


def finite(problem: Problem) -> Code:
    """Replace nan and infinity in the inputs by 0."""
    is_number = _are_numbers(first_batch(problem)[0])
    return ((Place.BATCH, "inputs = inputs.nan_to_num(0.0, 0.0, 0.0)"),) if is_number else ()


def in_float32(problem: Problem) -> Code:
    """Weights and inputs in float32."""
    model = (Place.MODEL, "model = model.float()")
    is_number = _are_numbers(first_batch(problem)[0])
    return (model, (Place.BATCH, "inputs = inputs.float()")) if is_number else (model,)


def _are_numbers(inputs: Any) -> bool:
    return isinstance(inputs, Tensor) and inputs.is_floating_point()


def _network(problem: Problem) -> nn.Module:
    with torch.random.fork_rng():
        return built(problem)
