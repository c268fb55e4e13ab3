"""A recurrent network that is read behind the end of the sequence."""

from __future__ import annotations

from collections.abc import Iterator

from levinthal.clinic.findings import symptoms
from levinthal.clinic.findings.finding import found
from levinthal.clinic.findings.kind import Area, FindingKind, rule
from levinthal.clinic.findings.sources import EXACT
from levinthal.clinic.rules.context import Context
from levinthal.clinic.rules.positions import AT_CHANCE
from levinthal.vocabulary import Finding, Severity

NEARLY_ALL = 0.9
"""Share of the padded rows of which padding alone is read."""

PADDING_READ = FindingKind(
    code="PADDING_READ",
    means="the output of the recurrent network is read at padding, behind the end of the sequence",
    remedy=(
        "read it at the last token, `out[torch.arange(len(out)), lengths - 1]`, or pass "
        "`pack_padded_sequence(x, lengths, enforce_sorted=False)`; or pad in front"
    ),
    severity=Severity.WARNING,
    area=Area.MODEL,
    order=59,
    evidence=(
        "of token ids that are padded behind, in evaluation mode, the outputs of {nearly:.0%} of the padded "
        "rows have a gradient at no place of the recurrence that is a token; info unless "
        "the loss ends above {near:.0%} of the chance level"
    ),
    thresholds={"nearly": NEARLY_ALL, "near": AT_CHANCE},
    source=EXACT,
    explains=("LABELS_UNRELATED", *symptoms.OF_THE_GRADIENT, *symptoms.NO_LEARNING),
    only_by_hand="where a sequence ends stands in the user's own data",
)


@rule(PADDING_READ)
def padding_read(context: Context) -> Iterator[Finding]:
    """A last output, or a last state, that has gone on through the padding. A short one does little harm."""
    seen, trend = context.history.behaviour, context.trend
    if seen is None or seen.reads_padding is None or seen.reads_padding < NEARLY_ALL:
        return
    is_poor = trend.known and trend.end > AT_CHANCE * trend.chance
    evidence = {"share of padded rows": seen.reads_padding}
    yield found(PADDING_READ, "output", seen.step, evidence, severity=None if is_poor else Severity.INFO)
