"""Branches of a model of which a batch may use some: the experts of a mixture."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from torch import nn

from levinthal.clinic.rules.context import Context


def spared(cut: Sequence[str], context: Context) -> tuple[list[str], list[str]]:
    """Parameters without a gradient that are in branches, beside others of the same list that have one.

    Args:
        cut: Names of parameters that never had a gradient.
        context: The model and the sampled steps.

    Returns:
        Those in lists whose members take turns, in which a branch may not have been chosen yet; and those of
        other branches that were never called.
    """
    taking_turns, idle = list[str](), list[str]()
    for members in _branches(context):
        resting = [
            frozenset(m for m, names in members.items() if names <= set(sample.without_gradient))
            for sample in context.history
        ]
        never = frozenset.intersection(*resting) if resting else frozenset()
        if len(never) == len(members):
            continue
        names = [name for name in cut if any(name in members[m] for m in never)]
        called = any(name.rpartition(".")[0] in s.names for name in names for s in context.history)
        if len(set(resting)) > 1:
            taking_turns += names
        elif not called:
            idle += names
    return taking_turns, idle


def _branches(context: Context) -> Iterator[dict[str, set[str]]]:
    """Of each list of modules: member -> the names of its parameters."""
    own = set(context.setup.names)
    for place, module in context.setup.hooked_module.named_modules():
        if isinstance(module, nn.ModuleList | nn.ModuleDict) and len(module) > 1:
            prefix = f"{place}." if place else ""
            held = {
                name: {f"{prefix}{name}.{inner}" for inner, _ in child.named_parameters()} & own
                for name, child in module.named_children()
            }
            yield {name: names for name, names in held.items() if names}
