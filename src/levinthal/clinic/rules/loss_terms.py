"""Terms of the loss beside the first loss function: penalties, divergences, losses of other heads."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from levinthal.clinic.findings import symptoms
from levinthal.clinic.findings.finding import found
from levinthal.clinic.findings.kind import Area, FindingKind, rule
from levinthal.clinic.recording.history import History
from levinthal.clinic.rules.adversaries import is_game
from levinthal.clinic.rules.context import Context
from levinthal.clinic.rules.loss_trend import AT_CHANCE, FEWEST, MIN_STEPS, has_unlike_losses, trend_of
from levinthal.vocabulary import Finding, Severity

OUTWEIGHS = 1.0
"""Other terms over the first loss, at the start, above which they outweigh it."""
FALLEN = 0.5
"""Share of their first value below which the other terms have fallen."""
SAME, MOSTLY = 1e-3, 0.9
"""Relative differences below which factors are the same, and the share of the samples that has to show it."""
SHRUNK = 0.5
"""Norm of the weights at the end over that at the start, below which the term is a penalty on them."""

TERM_OUTWEIGHS = FindingKind(
    code="TERM_OUTWEIGHS",
    means="another term of the loss outweighs the first: it falls, and what is to be predicted is not learnt",
    remedy=(
        "lower its factor, or raise it slowly from 0; a mean over the numbers of a row and a sum over them "
        "differ by their count"
    ),
    severity=Severity.WARNING,
    area=Area.LOSS,
    order=255,
    evidence=(
        "at the start the other terms are more than {outweighs} times the first loss function; they fall to "
        "{fallen:.0%} of that, and it ends above {chance:.0%} of its chance level; not where the weights "
        "fall to {shrunk:.0%} (`EXCESS_WEIGHT_DECAY`)"
    ),
    thresholds={"outweighs": OUTWEIGHS, "fallen": FALLEN, "chance": AT_CHANCE, "shrunk": SHRUNK},
    source="Bowman et al., Generating sentences from a continuous space (CoNLL 2016), of a VAE",
    explains=(*symptoms.OF_THE_GRADIENT, *symptoms.NO_LEARNING),
    only_by_hand="the sum of the terms is in the user's own loop",
)


def other_terms(history: History) -> np.ndarray:
    """(samples,) the value that backward was called on less the first loss function; nan where it is unknown.

    It is 0 where that value is the loss function times a factor: of a loss scaler, or for the steps that
    gradients are accumulated over.

    >>> len(other_terms(History()))
    0
    """
    with np.errstate(invalid="ignore"):  # both may be infinite
        rest = np.asarray(history.losses - history.task_losses)
    return np.where(np.isfinite(rest), 0.0, rest) if _is_a_factor(history) else rest


def _is_a_factor(history: History) -> bool:
    """Whether the loss is its first function times one number, or times powers of two (a loss scaler)."""
    with np.errstate(divide="ignore", invalid="ignore"):
        factors = history.losses / history.task_losses
    factors = factors[np.isfinite(factors) & (factors > 0)]
    if len(factors) < FEWEST:
        return False
    is_one = np.abs(factors / np.median(factors) - 1) < SAME
    doublings = np.log2(factors)
    is_power = np.abs(doublings - np.round(doublings)) < SAME
    return max(float(is_one.mean()), float(is_power.mean())) > MOSTLY


def share_of_other_terms(history: History) -> float:
    """The part of the loss, over the last fifth of the samples, that is not of the first loss function; 0
    where it is unknown, or negative.
    """
    rest, whole = other_terms(history), history.losses
    part = max(len(rest) // 5, 1)
    if not len(rest) or not np.isfinite(rest[-part:]).all() or not whole[-part:].mean() > 0:
        return 0.0
    return max(float(rest[-part:].mean() / whole[-part:].mean()), 0.0)


@rule(TERM_OUTWEIGHS)
def term_outweighs(context: Context) -> Iterator[Finding]:
    """The whole loss falls, and its first function stays at chance level."""
    trend, rest = context.trend, other_terms(context.history)
    enough = trend.samples >= 2 * FEWEST and context.history.steps[-1] >= MIN_STEPS
    if not (enough and trend.is_at_chance) or not np.isfinite(rest).all():
        return
    terms = trend_of(rest)
    several = is_game(context.history, context.setup) or has_unlike_losses(context.history)
    if several or _have_shrunk(context.history):
        return  # several losses are no terms of one
    if terms.first > OUTWEIGHS * trend.first and 0 <= terms.end < FALLEN * terms.first:
        evidence = {"other terms at the start": terms.first, "at the end": terms.end}
        evidence |= {"first loss at the start": trend.first, "then": trend.end, "chance level": trend.chance}
        yield found(TERM_OUTWEIGHS, "loss", int(context.history.steps[-1]), evidence)


def _have_shrunk(history: History) -> bool:
    """Whether the weights are much smaller at the end: a penalty on them has a finding of its own."""
    norms = np.sqrt(np.nansum(history.tensors("weight") ** 2, 1)) if len(history) else np.zeros(0)
    return len(norms) > 1 and bool(norms[-1] < SHRUNK * norms[0])
