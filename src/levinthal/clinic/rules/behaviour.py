"""Faults that show in how outputs depend on inputs: read exactly, from passes of a copy of the model."""

from __future__ import annotations

from collections.abc import Iterator

from torch import nn

from levinthal.clinic.findings import symptoms
from levinthal.clinic.findings.finding import abbreviated, found
from levinthal.clinic.findings.kind import Area, FindingKind, rule
from levinthal.clinic.findings.sources import EXACT
from levinthal.clinic.recording.behaviour import Behaviour, Mixing
from levinthal.clinic.recording.output_comparison import CLOSE_FLOAT, MOST_DIFFER
from levinthal.clinic.recording.recurrences import RECURRENT
from levinthal.clinic.rules.context import Context
from levinthal.vocabulary import Finding, Severity

ROWS_MIXED = FindingKind(
    code="ROWS_MIXED",
    means="the output for one row depends on the other rows of the batch",
    remedy=(
        "look there for `view` or `reshape` in place of `permute` or `transpose`, and for an operation along "
        "axis 0"
    ),
    severity=Severity.CRITICAL,
    area=Area.MODEL,
    order=52,
    evidence=(
        "in evaluation mode, {share:.0%} of the rows or more change by {close} of the spread of the outputs "
        "when others are left out; info if only the distribution of the rows matters, as in a norm "
        "over the batch, or if the first axis may be time"
    ),
    thresholds={"share": MOST_DIFFER, "close": CLOSE_FLOAT},
    source=EXACT,
    explains=(*symptoms.COLLAPSE, "FIRST_LOSS_TOO_LARGE", "OVERFIT", *symptoms.NO_LEARNING),
)

FUTURE_SEEN = FindingKind(
    code="FUTURE_SEEN",
    means="the model sees what it is to predict: outputs depend on the inputs that are their targets",
    remedy="mask attention to later places (`is_causal=True`), and shift the targets by one place",
    severity=Severity.CRITICAL,
    area=Area.MODEL,
    order=54,
    evidence=(
        "the targets are the next inputs, and outputs change with later inputs; or the targets are the "
        "inputs themselves, and outputs depend on the input at their place and on none later"
    ),
    source=EXACT,
    explains=("OVERFIT",),
    only_by_hand="the score counts what the model sees, so a model without it is no fair comparison",
)

INPUT_IGNORED = FindingKind(
    code="INPUT_IGNORED",
    means="the output does not depend on the input, or on one of the inputs",
    remedy="follow this input through `forward`: it is masked, multiplied by zero, overwritten or not used",
    severity=Severity.WARNING,
    area=Area.MODEL,
    order=56,
    evidence=(
        "to the bit, in evaluation mode, the outputs of all rows are equal whatever the weights, or they "
        "stay when the rows of one input change (info if the loss has fallen far)"
    ),
    source=EXACT,
    explains=(
        "RANK_COLLAPSE",
        "ATTENTION_COLLAPSE",
        "VANISHING_GRADIENT",
        "DEAD_RELU",
        *symptoms.NO_LEARNING,
    ),
    only_by_hand="the cut is in the user's own forward pass",
)

RANDOM_EVALUATION = FindingKind(
    code="RANDOM_EVALUATION",
    means="the model is random in evaluation mode",
    remedy=(
        "`F.dropout(x, p, training=self.training)`, or make an `nn.Dropout` in `__init__`; right if it is "
        "Monte Carlo dropout"
    ),
    severity=Severity.WARNING,
    area=Area.MODEL,
    order=58,
    evidence=(
        "in evaluation mode, passes of the same rows differ, and a dropout is active; info where no dropout "
        "is, as in a model that draws samples; the place is the first layer whose outputs differ"
    ),
    source=EXACT,
    explained_by=("UNREGISTERED_PARAMETERS",),
    only_by_hand="the call is in the user's own forward pass",
)


COMPARED = (
    *(ROWS_MIXED.code, FUTURE_SEEN.code, INPUT_IGNORED.code),
    *("ORDER_IGNORED", "PADDING_READ", "NARROW_LAYER"),
)
"""The codes of checks that compare the outputs of two passes."""


def not_checked(behaviour: Behaviour | None) -> frozenset[str]:
    """The codes of behavioural checks that were not made: all without passes of a copy, and all but one where
    the outputs are random, because nothing can be compared then.

    >>> sorted(not_checked(Behaviour(sees_future=True, is_orderless=False)))
    ['PADDING_READ']
    """
    if behaviour is None:
        return frozenset((*COMPARED, RANDOM_EVALUATION.code))
    if behaviour.is_random:
        return frozenset(COMPARED)
    tried = {
        FUTURE_SEEN.code: behaviour.sees_future,
        "ORDER_IGNORED": behaviour.is_orderless,
        "PADDING_READ": behaviour.reads_padding,
    }
    return frozenset(code for code, found_ in tried.items() if found_ is None)


@rule(ROWS_MIXED)
def rows_mixed(context: Context) -> Iterator[Finding]:
    """Outputs that depend on the other rows of the batch."""
    seen = context.history.behaviour
    if seen is None or seen.mixing is None:
        return
    mixing, along = seen.mixing, _along_the_batch(context.setup.hooked_module)
    evidence = {"share of rows that change": mixing.share, "change over spread": mixing.size}
    is_one = mixing.is_one and not mixing.softmax_over_rows
    is_by_design = mixing.is_distribution or is_one or (mixing.is_sequence and along)
    severity = Severity.INFO if is_by_design else None
    yield found(
        ROWS_MIXED,
        mixing.where or "output",
        seen.step,
        evidence,
        severity=severity,
        remedy=_remedy(mixing, along),
    )


def _along_the_batch(model: nn.Module) -> bool:
    """Whether a recurrent layer or an attention takes the first axis for time."""
    kinds = (*RECURRENT, nn.MultiheadAttention)
    return any(isinstance(m, kinds) and not getattr(m, "batch_first", True) for m in model.modules())


def _remedy(mixing: Mixing, along: bool) -> str:
    """What mixes rows in most cases of this kind; "" for the usual words."""
    if mixing.softmax_over_rows:
        return "a softmax runs over the rows of the batch: `softmax(dim=-1)`"
    if mixing.is_one:
        return "right if the rows are one sequence or set; for a batch, `x.unsqueeze(1)` before the layer"
    if along:
        return (
            "the first axis is taken for time; if it is the batch, `batch_first=True`, or "
            "`x.transpose(0, 1)` before the layer"
        )
    if mixing.is_distribution:
        return "statistics of the batch are used in evaluation mode too: `nn.BatchNorm1d` keeps running ones"
    return ""


@rule(FUTURE_SEEN)
def future_seen(context: Context) -> Iterator[Finding]:
    """A model of sequences that sees its targets among its inputs."""
    seen = context.history.behaviour
    if seen is None or seen.shift is None or seen.sees_future is None:
        return
    evidence = {"share of targets that are inputs": seen.shift.share, "places between": seen.shift.places}
    if seen.shift.places and seen.sees_future:
        yield found(FUTURE_SEEN, "output", seen.step, evidence)
    elif not seen.shift.places and seen.sees_same_place and not seen.sees_future:
        yield found(FUTURE_SEEN, "targets", seen.step, evidence, remedy=SHIFT)


SHIFT = "the target at each place is the input there: train on `x[:, :-1]` with the targets `x[:, 1:]`"


@rule(INPUT_IGNORED)
def input_ignored(context: Context) -> Iterator[Finding]:
    """Outputs that are the same whatever the input is."""
    seen = context.history.behaviour
    if seen is None or any(p.dim() > 1 and not p.any() for p in context.setup.parameters):
        return  # weights of zero, as fresh gates and last layers may have, pass nothing on yet
    if seen.is_constant:
        yield found(
            INPUT_IGNORED,
            "output",
            seen.step,
            {"rows with one output": seen.rows},
            severity=Severity.CRITICAL,
        )
    elif seen.ignored:
        severity = Severity.INFO if context.trend.has_learnt else None  # in training mode alone it may matter
        where, evidence = abbreviated(seen.ignored), {"inputs": len(seen.ignored)}
        yield found(INPUT_IGNORED, where, seen.step, evidence, severity=severity)


@rule(RANDOM_EVALUATION)
def random_evaluation(context: Context) -> Iterator[Finding]:
    """Noise that evaluation mode does not switch off."""
    seen = context.history.behaviour
    if seen is None or not seen.is_random:
        return
    severity = None if seen.dropouts else Severity.INFO
    evidence: dict[str, float | str] = {"dropouts in evaluation mode": len(seen.dropouts)}
    first = next(iter(seen.dropouts), "")
    evidence |= {"the first of them": first, "largest p": max(seen.dropouts.values())} if first else {}
    where, remedy = seen.random_where or first or "output", "" if first else NOISE
    yield found(RANDOM_EVALUATION, where, seen.step, evidence, severity=severity, remedy=remedy)


NOISE = "if it is not meant, draw numbers under `if self.training:` alone, and take the mean in evaluation"
