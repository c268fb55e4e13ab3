"""Targets that are no sign where a sign is due, or that no path of `ctc_loss` can spell."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from levinthal.clinic.findings.finding import found
from levinthal.clinic.findings.kind import rule
from levinthal.clinic.recording.target_fit import SIGNED
from levinthal.clinic.rules.context import Context
from levinthal.clinic.rules.loss_input import heads
from levinthal.clinic.rules.pipeline import persistent
from levinthal.clinic.rules.targets import OUTSIDE, TARGET_OUT_OF_RANGE, fits_of
from levinthal.vocabulary import Finding, Severity

Fits = Sequence[dict[str, float]]
BLANK = (
    "leave the index of `blank` free: labels from 1 on with `blank=0`, or `blank=` a class that is no label"
)
TIES = 0.3
"""Share of zeros below which they may be ties of pairs that are in order."""
TOO_LONG = (
    "longer inputs, fewer strides before the loss, or shorter labels; `zero_infinity=True` leaves them out"
)


@rule(TARGET_OUT_OF_RANGE)
def no_signs(context: Context) -> Iterator[Finding]:
    """Targets without a negative one where -1 and 1 are due.

    Zeros beside -1 and 1, in another call too, are ties, or pairs that are left out. A ranking loss of 0 and
    1 counts every pair with 1 as it should, so that it may learn all the same; few zeros may be ties.
    """
    signed = {head[0][1].kind for head in heads(context.history) if any(f["low"] < 0 for f in fits_of(head))}
    for head in heads(context.history):
        kind, fits = head[0][1].kind, fits_of(head)
        is_unsigned = [
            fit["low"] >= 0 and fit["outside"] > OUTSIDE and _is_sign_due(kind, fit) for fit in fits
        ]
        if kind not in SIGNED or kind in signed or not fits or not persistent(is_unsigned):
            continue
        is_ranking = kind == "margin_ranking_loss"
        has_few = fits[0]["outside"] < TIES
        mild = Severity.INFO if has_few or context.trend.has_learnt else Severity.WARNING
        evidence = {
            "targets that are neither -1 nor 1": fits[0]["outside"],
            "smallest target": fits[0]["low"],
            "largest target": fits[0]["high"],
        }
        yield found(
            TARGET_OUT_OF_RANGE,
            "targets",
            head[0][0].step,
            evidence,
            severity=mild if is_ranking else None,
            remedy=f"`{kind}(..., 2 * targets - 1)`",
        )


def _is_sign_due(kind: str, fit: dict[str, float]) -> bool:
    """Whether targets have to be signs: a soft margin and a ranking take weights for them too."""
    return fit["hard"] == 1 or kind in ("cosine_embedding_loss", "hinge_embedding_loss")


@rule(TARGET_OUT_OF_RANGE)
def no_path(context: Context) -> Iterator[Finding]:
    """Labels that are the blank, and sequences that need more frames than their input has."""
    for head in heads(context.history):
        fits = fits_of(head)
        if head[0][1].kind != "ctc_loss" or not fits:
            continue
        step = head[0][0].step
        if persistent([fit["outside"] > 0 for fit in fits]):
            evidence = {"share of the labels that are the blank": fits[0]["outside"]}
            yield found(
                TARGET_OUT_OF_RANGE, "targets", step, evidence, severity=Severity.WARNING, remedy=BLANK
            )
        elif persistent([fit["unreachable"] > OUTSIDE for fit in fits]):
            evidence = {"share of the sequences longer than their input": fits[0]["unreachable"]}
            yield found(
                TARGET_OUT_OF_RANGE, "targets", step, evidence, severity=Severity.WARNING, remedy=TOO_LONG
            )
