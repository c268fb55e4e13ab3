"""Faults between the model's parts and its optimisers: parameters that nobody holds, or that two hold."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from itertools import combinations

import torch
from torch import Tensor

from levinthal.clinic.findings import symptoms
from levinthal.clinic.findings.finding import abbreviated, found
from levinthal.clinic.findings.kind import Area, FindingKind, rule
from levinthal.clinic.findings.sources import EXACT
from levinthal.clinic.recording.history import History
from levinthal.clinic.recording.outside_leaves import OutsideLeaf
from levinthal.clinic.recording.training_setup import some_values
from levinthal.clinic.rules.context import Context
from levinthal.clinic.rules.frozen import FEWEST_NUMBERS, FEWEST_UNITS, LIKE_NOISE, above_noise
from levinthal.vocabulary import Finding, Severity

TURNS = 4
"""Times that another optimiser steps than before, from which on optimisers are no phases of a training."""
MADE_ANEW = "made in forward"
"""Where a parameter is that lives for one forward pass."""
MAKE_ONCE = "make the layers in `__init__`, as attributes of the module, and only call them in `forward`"
BY_HAND = "make it `nn.Parameter(...)`, an attribute of the module, before the optimiser is made"

UNREGISTERED_PARAMETERS = FindingKind(
    code="UNREGISTERED_PARAMETERS",
    means="parameters take part in the output that neither the model nor an optimiser holds: none is trained",
    remedy=(
        "hold the layers in `nn.ModuleList` or `nn.ModuleDict` (parameters in `nn.ParameterList`) instead of "
        "a list, tuple or dict, and make the optimiser afterwards"
    ),
    severity=Severity.CRITICAL,
    area=Area.OPTIMISER,
    order=25,
    evidence=(
        "the graph of the output has a parameter that is neither registered nor in a watched optimiser, that "
        "is an attribute of the model or is made anew in each forward pass, and that never changes; where it "
        "may be meant, a warning with degraded training, else info: matrices that were trained before "
        "(largest singular value {noise} times that of noise), and any plain leaf that needs a gradient"
    ),
    thresholds={"noise": LIKE_NOISE},
    source=EXACT,
    explains=("FROZEN_PARAMS", "GRAPH_BROKEN", "NON_FINITE_LOSS", *symptoms.OF_ALL_DYNAMICS),
    only_by_hand="the attribute is in the user's own module",
)

SHARED_PARAMETERS = FindingKind(
    code="SHARED_PARAMETERS",
    means="two optimisers that take turns step the same parameters, or one holds a parameter twice",
    remedy="give each optimiser the parameters of its own network: `Adam(generator.parameters())`",
    severity=Severity.WARNING,
    area=Area.OPTIMISER,
    order=35,
    evidence=(
        "watched optimisers hold common parameters, not all of them in common, and took turns {turns} "
        "times or more: a warning where one holds a whole network, and the other that network and one that "
        "it alone holds, and no loss has targets that vary, as between adversaries; else info; or one "
        "optimiser holds a parameter more than once"
    ),
    thresholds={"turns": TURNS},
    source=EXACT,
    explains=("MISSING_ZERO_GRAD", "NON_FINITE_LOSS", *symptoms.OF_ALL_DYNAMICS),
    only_by_hand="the optimisers are made in the user's own program",
)


@rule(UNREGISTERED_PARAMETERS)
def unregistered_parameters(context: Context) -> Iterator[Finding]:
    """Parameters that take part in the output and that nobody holds."""
    seen = context.history.outside_leaves or []
    if any(_is_changed(leaf) for leaf in seen):
        return  # another part of the program trains them
    parameters = [leaf for leaf in seen if leaf.is_parameter and _is_nobodys(leaf)]
    by_hand = [leaf for leaf in seen if not leaf.is_parameter and _is_nobodys(leaf)]
    if parameters:
        anew = all(leaf.is_gone for leaf in parameters)
        remedy = MAKE_ONCE if anew else ""
        severity = _mild(context) if _are_trained_before(parameters) else None
        yield _unregistered(parameters, severity, remedy)
    elif by_hand:
        yield _unregistered(by_hand, _mild(context), BY_HAND)


def _mild(context: Context) -> Severity:
    """The severity where it may be meant."""
    return Severity.WARNING if context.trend.is_degraded else Severity.INFO


def _unregistered(leaves: Sequence[OutsideLeaf], severity: Severity | None, remedy: str) -> Finding:
    """The finding, with the first places and shapes."""
    places = [leaf.place or f"{MADE_ANEW}: {' x '.join(map(str, leaf.shape))}" for leaf in leaves]
    numbers = sum(torch.Size(leaf.shape).numel() for leaf in leaves)
    evidence = {"tensors that nobody holds": len(leaves), "numbers in them": numbers}
    where = abbreviated(list(dict.fromkeys(places)))
    return found(UNREGISTERED_PARAMETERS, where, 0, evidence, severity=severity, remedy=remedy)


def _is_nobodys(leaf: OutsideLeaf) -> bool:
    """Whether it is an attribute of the model, or lives for one pass. An initial state, which has the rows of
    the batch and one value, may be made for one pass.
    """
    if leaf.place:
        return leaf.tensor() is not None
    is_state = leaf.has_rows and bool((leaf.values == leaf.values[:1]).all())
    return leaf.is_gone and leaf.is_parameter and not is_state


def _is_changed(leaf: OutsideLeaf) -> bool:
    """Whether an attribute has other values than at first."""
    tensor = leaf.tensor() if leaf.place else None
    if tensor is None:
        return False
    now = some_values(tensor)
    return now.shape != leaf.values.shape or not torch.equal(now.nan_to_num(), leaf.values.nan_to_num())


def _are_trained_before(leaves: Sequence[OutsideLeaf]) -> bool:
    """Whether the largest matrix is no random noise, as of a pretrained network that is hidden on purpose."""
    held = (leaf.tensor() for leaf in leaves)
    wide = [p for p in held if p is not None and p.dim() > 1 and p.is_floating_point()]
    large = [p for p in wide if p.numel() >= FEWEST_NUMBERS and min(len(p), p[0].numel()) >= FEWEST_UNITS]
    return bool(large) and above_noise(max(large, key=Tensor.numel)) >= LIKE_NOISE


@rule(SHARED_PARAMETERS)
def shared_parameters(context: Context) -> Iterator[Finding]:
    """Parameters that two optimisers hold, or one of them more than once."""
    held = [[id(p) for g in o.param_groups for p in g["params"]] for o in context.setup.optimizers]
    twice = [i for ids in held for i, times in Counter(ids).items() if times > 1]
    if twice:
        often = {"parameters held more than once": len(set(twice))}
        remedy = "remove it from one of the lists"
        yield found(SHARED_PARAMETERS, _names(context, set(twice)), 0, often, remedy=remedy)
    sets = [set(ids) for ids in held]
    pairs = [(a, b) for a, b in combinations(sorted(sets, key=len), 2) if a & b and a != b]
    if pairs and context.history.turns >= TURNS:
        harmful = [(a, b) for a, b in pairs if _holds_another_network(a, b, sets, context)]
        small, large = (harmful or pairs)[0]
        evidence: dict[str, int | str] = {"parameters in both": len(small & large)}
        evidence["of"] = f"{len(small)} and {len(large)}"
        severity = None if harmful else Severity.INFO
        where = _names(context, small & large)
        yield found(SHARED_PARAMETERS, where, 0, evidence, severity=severity)


def _names(context: Context, ids: set[int]) -> str:
    """The names of some parameters."""
    named = zip(context.setup.names, context.setup.parameters, strict=True)
    return abbreviated([name for name, p in named if id(p) in ids]) or "optimiser"


def _holds_another_network(small: set[int], large: set[int], sets: list[set[int]], context: Context) -> bool:
    """Whether one optimiser holds networks whole, the other these and one that it alone holds, and no loss
    has targets that vary. A step of a generator then also trains its discriminator to be deceived.
    """
    if not small < large or _has_targets(context.history):
        return False
    children = [{id(p) for p in m.parameters()} for m in context.setup.hooked_module.children()]
    whole = [ids for ids in children if ids and ids <= small]
    own = large - small
    is_whole = set[int]().union(*whole) == small and any(ids and ids <= own for ids in children)
    return is_whole and not any(other & own for other in sets if other is not large)


def _has_targets(history: History) -> bool:
    """Whether a loss has targets that vary, as none of adversaries has."""
    known = [call.target for call in history.calls()]
    varied = any(target is None or float(target[1]) > 0 for target in known)
    return varied or any(sample.difference is not None for sample in history)
