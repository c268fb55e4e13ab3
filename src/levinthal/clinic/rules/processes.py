"""Processes of a data-parallel training that read the same batches, or train networks of their own."""

from __future__ import annotations

from collections.abc import Iterator

from levinthal.clinic.findings.finding import found
from levinthal.clinic.findings.kind import Area, FindingKind, rule
from levinthal.clinic.findings.sources import EXACT
from levinthal.clinic.rules.context import Context
from levinthal.vocabulary import Finding, Severity

MOST_EQUAL, ENOUGH = 0.9, 3
"""Share of the compared batches that are equal; batches that have to be compared."""

SAME_BATCHES = FindingKind(
    code="SAME_BATCHES",
    means="the processes of a distributed training read the same batches: all but one do nothing new",
    remedy=(
        "`DataLoader(data, sampler=DistributedSampler(data))`, and `sampler.set_epoch(epoch)` before each "
        "epoch; with Accelerate, `accelerator.prepare(loader)`"
    ),
    severity=Severity.WARNING,
    area=Area.DATA,
    order=168,
    evidence=(
        "several processes have a watch; of the batches of their detailed samples, {enough} or more, "
        "{equal:.0%} are equal to the bit at the same step; info where the weights differ at the end"
    ),
    thresholds={"enough": ENOUGH, "equal": MOST_EQUAL},
    source=EXACT,
    only_by_hand="the loader is the user's own",
)

WEIGHTS_APART = FindingKind(
    code="WEIGHTS_APART",
    means="each process trains a network of its own: their weights differ at the end",
    remedy=(
        "call the wrapper, `model(inputs)` and not `model.module(inputs)`, where `model = "
        "DistributedDataParallel(model)`: its forward pass makes backward average the gradients"
    ),
    severity=Severity.WARNING,
    area=Area.OPTIMISER,
    order=22,
    evidence=(
        "several processes have a watch, and their weights differ at its end, although the model is "
        "`DistributedDataParallel` (info: without the wrapper); not of sharded weights, nor of stages whose "
        "inputs need a gradient"
    ),
    source=EXACT,
    only_by_hand="the loop is the user's own",
)

OF_PROCESSES = frozenset({SAME_BATCHES.code, WEIGHTS_APART.code})
"""The codes of what can be checked only where several processes watch."""
WRAP = (
    "`model = DistributedDataParallel(model)` before the optimiser is made, or average the gradients; right "
    "if each process is to train a network of its own"
)


@rule(SAME_BATCHES)
def same_batches(context: Context) -> Iterator[Finding]:
    """Batches that are equal in several processes. Those whose weights differ may compare rates on the same
    rows, or hold parts of one layer.
    """
    seen = context.history.processes
    if seen is not None and seen.batches >= ENOUGH and seen.equal >= MOST_EQUAL * seen.batches:
        evidence = {"batches compared": seen.batches, "equal": seen.equal, "other processes": seen.others}
        severity = Severity.INFO if seen.is_averaged is False else None
        yield found(SAME_BATCHES, "input", 0, evidence, severity=severity)


@rule(WEIGHTS_APART)
def weights_apart(context: Context) -> Iterator[Finding]:
    """Weights that no process group keeps equal. Without the wrapper that may be meant: folds of a
    cross-validation, members of an ensemble, stages of a pipeline.
    """
    seen = context.history.processes
    is_stage = any(sample.needs_gradient for sample in context.history)
    if seen is not None and seen.is_averaged is False and not is_stage:
        evidence = {"other processes": seen.others}
        severity, remedy = (None, "") if seen.is_wrapped else (Severity.INFO, WRAP)
        yield found(WEIGHTS_APART, "optimiser", 0, evidence, severity=severity, remedy=remedy)
