"""Faults between the model's parts and its optimisers: parameters that nobody holds, or that two hold."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import torch
from torch import Tensor

from levinthal.clinic.findings import symptoms
from levinthal.clinic.findings.finding import abbreviated, found
from levinthal.clinic.findings.kind import Area, FindingKind, rule
from levinthal.clinic.findings.sources import EXACT
from levinthal.clinic.recording.outside_leaves import OutsideLeaf
from levinthal.clinic.recording.training_setup import some_values
from levinthal.clinic.rules.context import Context
from levinthal.clinic.rules.frozen import FEWEST_NUMBERS, FEWEST_UNITS, LIKE_NOISE, above_noise
from levinthal.vocabulary import Finding, Severity

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
        "is an attribute of the model or is made anew in each forward pass, and that never changes; of "
        "matrices that were trained before (largest singular value {noise} times that of noise), and of plain "
        "tensors that need a gradient, a warning with degraded training, else info"
    ),
    thresholds={"noise": LIKE_NOISE},
    source=EXACT,
    explains=("FROZEN_PARAMS", "GRAPH_BROKEN", "NON_FINITE_LOSS", *symptoms.OF_ALL_DYNAMICS),
    only_by_hand="the attribute is in the user's own module",
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
