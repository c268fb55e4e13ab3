"""Gradients of micro-batches that are cleared before the step that should use them."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from itertools import pairwise

import torch

from levinthal.clinic.findings.finding import found
from levinthal.clinic.findings.kind import rule
from levinthal.clinic.recording.sample import TENSOR, LossCall, Sample
from levinthal.clinic.rules.adversaries import is_game
from levinthal.clinic.rules.context import Context
from levinthal.clinic.rules.pipeline import GRADIENT_CLEARED, PERSISTENT, persistent
from levinthal.vocabulary import Finding, Severity

SAME = 1e-3
"""Relative difference up to which all gradients have one factor, as clipping and unscaling give them."""
UNLIKE = 0.2
"""Share of the samples in which the batches have unlike targets: a second pass over one batch is no batch."""
ONCE = (
    "call `optimizer.zero_grad()` once for every `optimizer.step()`: after it, and not before each of the "
    "backward passes that it adds up"
)


@rule(GRADIENT_CLEARED)
def cleared_between_batches(context: Context) -> Iterator[Finding]:
    """Several batches to one step, of which all but the last are lost.

    A second pass over one batch (an adversarial one, or one at other weights), and two losses of which one is
    cleared on purpose, look alike in part: the kinds of loss, the targets and the weights tell them apart.
    """
    read = [s for s in context.history if s.tensors is not None and s.cleared is not None]
    every = [s for s in context.history if s.tensors is not None and s.step > 0]
    lost = [s for s in read if _are_lost(s)]
    if not persistent([s in lost for s in every]) or is_game(context.history, context.setup):
        return
    unlike = sum(have_unlike_targets(batches_of(s)) for s in lost)
    chosen = sum(_is_repeated(batches_of(s)) for s in lost)
    if unlike >= max(1, UNLIKE * len(lost)) and chosen < PERSISTENT * len(lost):
        evidence = {"backward passes to a step": lost[0].backwards, "of them used": 1}
        yield found(
            GRADIENT_CLEARED, "optimiser", lost[0].step, evidence, severity=Severity.WARNING, remedy=ONCE
        )


def batches_of(sample: Sample) -> list[list[LossCall]]:
    """The calls of loss functions before each backward pass.

    >>> calls = [LossCall("mse_loss", "mean", (4, 1), (4, 1), None) for _ in range(3)]
    >>> [len(b) for b in batches_of(Sample(0, losses=calls, losses_until=[1, 3]))]
    [1, 2]
    """
    ends = sample.losses_until
    return [sample.losses[a:b] for a, b in zip([0, *ends], ends, strict=False)]


def _are_lost(sample: Sample) -> bool:
    """Whether nothing of one batch was left when the next one came, and the step used the last one."""
    batches = batches_of(sample)
    kinds = {tuple((c.kind, c.reduction, c.input_shape, c.target_shape) for c in calls) for calls in batches}
    is_one_loss = len(batches) > 1 and len(kinds) == 1 and all(batches)
    is_gone = sample.cleared is not None and float(sample.cleared) == 1
    return is_one_loss and is_gone and not sample.needs_gradient and _is_last_alone(sample)


def _is_last_alone(sample: Sample) -> bool:
    """Whether the gradients at the step are those of the last pass, up to one factor of at most 1: gradients
    that the loop has added up elsewhere are not.
    """
    if sample.tensors is None:
        return False
    rows = sample.tensors.cpu().double()
    used, made = rows[:, TENSOR.index("gradient")], rows[:, TENSOR.index("before_clipping")]
    ratio = (used / made)[made > 0]
    known = ratio[torch.isfinite(ratio)]
    return (
        len(known) > 0 and float(known.amax()) <= 1 + SAME and bool(known.amin() >= known.amax() * (1 - SAME))
    )


def have_unlike_targets(batches: Sequence[Sequence[LossCall]]) -> bool:
    """Whether the targets of two successive passes differ, as far as their counts or their mean tell.

    >>> of = lambda *n: [LossCall("nll_loss", "mean", (4, 2), (4,), None, counts=torch.tensor(n))]
    >>> have_unlike_targets([of(1, 3), of(1, 3)]), have_unlike_targets([of(1, 3), of(2, 2)])
    (False, True)
    """
    known = [[_numbers(call) for call in calls] for calls in batches]
    return any(a != b for a, b in pairwise(known))


def _is_repeated(batches: Sequence[Sequence[LossCall]]) -> bool:
    """Whether the last batch is one of those before, as far as its targets tell: it was chosen among them.

    >>> of = lambda *n: [LossCall("nll_loss", "mean", (4, 2), (4,), None, counts=torch.tensor(n))]
    >>> _is_repeated([of(1, 3), of(2, 2), of(1, 3)]), _is_repeated([of(1, 3), of(2, 2)])
    (True, False)
    """
    *earlier, last = [[_numbers(call) for call in calls] for calls in batches]
    return last in earlier


def _numbers(call: LossCall) -> list[float]:
    """Numbers that are the same for the same targets."""
    numbers = call.counts if call.counts is not None else call.target
    return [x for x in numbers.tolist() if not math.isnan(x)] if numbers is not None else []
