"""Parameters that cannot change: frozen on purpose, or forgotten, with the values of a fresh start."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence

import torch
from torch import Tensor
from torch.nn import functional

from levinthal.clinic.findings import symptoms
from levinthal.clinic.findings.finding import abbreviated, found
from levinthal.clinic.findings.kind import Area, FindingKind, rule
from levinthal.clinic.findings.sources import EXACT
from levinthal.clinic.recording.apart import is_readable
from levinthal.clinic.recording.parameter_norms import local
from levinthal.clinic.recording.training_setup import TrainingSetup, some_values
from levinthal.clinic.rules.adapters import is_adapter
from levinthal.clinic.rules.context import Context
from levinthal.vocabulary import Finding, Severity

LIKE_NOISE = 1.08
"""Largest singular value over that of independent random numbers, below which weights are fresh."""
FEWEST_UNITS, FEWEST_NUMBERS = 2, 64
"""Rows or columns, and numbers, of a matrix below which that ratio does not tell noise from training."""
MOST_MATRICES, MOST_UNITS, ITERATIONS = 8, 1_024, 30
"""The most matrices that are read for it, the largest ones; of each, the most rows and columns; and the power
iterations. Of noise they find a little less than the largest singular value."""
SINGULAR = "largest singular value, over that of noise"

FROZEN_PARAMS = FindingKind(
    code="FROZEN_PARAMS",
    means="these parameters do not require a gradient, or have learning rate 0, and were not declared frozen",
    remedy="`parameter.requires_grad_(True)`, or declare it: `watch(..., frozen=(name,))`",
    severity=Severity.WARNING,
    area=Area.OPTIMISER,
    order=30,
    evidence=(
        "`requires_grad` is off, or the learning rate is zero at every sample; a warning if all parameters "
        "are frozen, or if training has plateaued and the model has no adapters (LoRA, prompts); not of "
        "parameters that the loop itself changes; fresh weights have no singular value {noise} times "
        "as large as random numbers have"
    ),
    thresholds={"noise": LIKE_NOISE},
    source=EXACT,
    explains=symptoms.NO_LEARNING,
)


@rule(FROZEN_PARAMS)
def frozen_params(context: Context) -> Iterator[Finding]:
    """Parameters that cannot change and were not declared frozen."""
    setup, rates = context.setup, [sample.rates for sample in context.history if sample.rates]
    stopped = [bool(rates) and not any(rate[i] for rate in rates) for i in range(len(setup.names))]
    still = [
        name
        for name, parameter, group, zero in zip(
            setup.names, setup.parameters, setup.groups(), stopped, strict=True
        )
        if not setup.is_declared_frozen(name) and (not parameter.requires_grad or (group and zero))
    ]
    still = [name for name in still if not (was_changed(name, context) or _was_stepped(name, setup))]
    if still:
        share = len(still) / len(context.setup.names)
        adapted = share < 1 and any(map(is_adapter, setup.names))
        is_warning = share == 1 or (context.trend.has_plateaued and not adapted)
        severity = Severity.WARNING if is_warning else Severity.INFO
        evidence = {"share of parameters": share} | _above_noise(still, setup)
        yield found(FROZEN_PARAMS, abbreviated(still), 0, evidence, severity=severity)


def are_fresh(finding: Finding) -> bool:
    """Whether the parameters of a finding have the values of a fresh initialisation, as far as is known."""
    return float(finding.evidence.get(SINGULAR, math.inf)) < LIKE_NOISE


def was_changed(name: str, context: Context) -> bool:
    """Whether the loop has changed a parameter that does not require a gradient, as that of a moving average
    of another network.
    """
    before = context.history.frozen_values.get(name)
    if before is None:
        return False
    now = some_values(dict(zip(context.setup.names, context.setup.parameters, strict=True))[name])
    return not torch.equal(now.nan_to_num(), before.nan_to_num())


def _was_stepped(name: str, setup: TrainingSetup) -> bool:
    """Whether an optimiser holds a gradient or a state of a parameter that requires none now: it is frozen in
    a part of each step alone, as a discriminator while the generator steps.
    """
    p = setup.parameters[setup.names.index(name)]
    held = {id(q) for o in setup.optimizers for group in o.param_groups for q in group["params"]}
    is_stepped = p.grad is not None or any(o.state.get(p) for o in setup.optimizers)
    return id(p) in held and not p.requires_grad and is_stepped


def _above_noise(names: Sequence[str], setup: TrainingSetup) -> dict[str, float]:
    """The largest of `above_noise` over the largest matrices; nothing where no matrix is large enough."""
    held = (p for name, p in zip(setup.names, setup.parameters, strict=True) if name in set(names))
    whole = [p for p in held if is_readable(p) and p.is_floating_point() and p.dim() > 1 and local(p) is p]
    wide = [p for p in whole if _is_large(p)]
    largest = sorted(wide, key=lambda p: p.numel(), reverse=True)[:MOST_MATRICES]
    return {SINGULAR: max(above_noise(p) for p in largest)} if largest else {}


def _is_large(p: Tensor) -> bool:
    """Whether it has enough numbers in enough rows and columns."""
    return p.numel() >= FEWEST_NUMBERS and min(len(p), p[0].numel()) >= FEWEST_UNITS


@torch.no_grad()
def above_noise(matrix: Tensor) -> float:
    """The largest singular value of a matrix over that of independent random numbers of the same size.

    For independent numbers of one variance it tends to 1 (Marchenko & Pastur 1967). Training makes it larger:
    on images of digits, 30 steps make it 1.2 to 2.9 in hidden layers.

    Args:
        matrix: (rows, ...) weights, read as (rows, rest).

    Returns:
        The ratio, without a unit.

    >>> import torch
    >>> generator = torch.Generator().manual_seed(0)
    >>> noise = torch.randn(64, 64, generator=generator)
    >>> above_noise(noise) < LIKE_NOISE < above_noise(noise + 0.5)
    True
    """
    wide = _thinned(matrix.detach().flatten(1), MOST_UNITS).float()
    size = wide.square().mean().sqrt() * (math.sqrt(wide.shape[0]) + math.sqrt(wide.shape[1]))
    x = torch.randn(wide.shape[1], generator=torch.Generator().manual_seed(0)).to(wide.device)
    for _ in range(ITERATIONS):
        x = functional.normalize(wide.T @ (wide @ x), dim=0)
    return float(torch.linalg.vector_norm(wide @ x) / size)


def _thinned(matrix: Tensor, most: int) -> Tensor:
    """At most so many rows and columns, evenly spaced: a part of independent numbers is like the whole."""
    return matrix[:: -(-len(matrix) // most), :: -(-matrix.shape[1] // most)]
