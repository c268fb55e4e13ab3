"""Tokens whose order a model with attention does not see."""

from __future__ import annotations

from collections.abc import Iterator

from levinthal.clinic.findings import symptoms
from levinthal.clinic.findings.finding import found
from levinthal.clinic.findings.kind import Area, FindingKind, rule
from levinthal.clinic.findings.sources import EXACT
from levinthal.clinic.recording.order_passes import CLOSE
from levinthal.clinic.rules.context import Context
from levinthal.clinic.rules.loss_trend import LEARNT
from levinthal.vocabulary import Finding, Severity

AT_CHANCE = 0.98
"""Loss over the chance level above which nothing is learnt; of sets with noisy labels it ends near .9."""

ORDER_IGNORED = FindingKind(
    code="ORDER_IGNORED",
    means="the order of the tokens does not matter to the model: it reads them as a set",
    remedy="add positions to the embeddings: `x = tokens(ids) + positions(torch.arange(ids.shape[1]))`",
    severity=Severity.WARNING,
    area=Area.MODEL,
    order=57,
    evidence=(
        "in evaluation mode, whatever the weights, the outputs of a model with attention stay (or move with "
        "the tokens), to {close} of their spread, when the tokens of each row are turned round; and the loss "
        "ends above {near:.0%} of the chance level (info: above {learnt:.0%})"
    ),
    thresholds={"close": CLOSE, "near": AT_CHANCE, "learnt": LEARNT},
    source=EXACT,
    explains=("LABELS_UNRELATED", *symptoms.COLLAPSE, *symptoms.NO_LEARNING),
    only_by_hand="what is order in the data, and what is a set, the user alone knows",
)


@rule(ORDER_IGNORED)
def order_ignored(context: Context) -> Iterator[Finding]:
    """A model of sequences without positions that does not learn; of sets it would."""
    seen, trend = context.history.behaviour, context.trend
    if seen is None or not seen.is_orderless or trend.has_learnt or not trend.known:
        return
    is_poor = trend.end > AT_CHANCE * trend.chance
    evidence = {"rows": seen.rows, "loss over chance level": trend.end / trend.chance}
    yield found(ORDER_IGNORED, "output", seen.step, evidence, severity=None if is_poor else Severity.INFO)
