"""A masked language model whose loss counts the tokens that it sees."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from levinthal.clinic.findings import symptoms
from levinthal.clinic.findings.finding import found
from levinthal.clinic.findings.kind import Area, FindingKind, rule
from levinthal.clinic.findings.sources import EXACT
from levinthal.clinic.recording.hidden_tokens import HIDDEN
from levinthal.clinic.recording.sample import Sample
from levinthal.clinic.recording.token_targets import AHEAD
from levinthal.clinic.rules.context import Context, typical
from levinthal.clinic.rules.pipeline import PERSISTENT, persistent
from levinthal.vocabulary import Finding, Severity

MOST, ONE_ID, ENOUGH = 0.5, 0.7, 20
"""Share of the targets that are visible; share of the hidden places with one id; hidden places."""
APART, COPIED = 0.1, 0.98
"""Difference of the shares of visible and of hidden tokens that are predicted; share of the visible ones
from which on they are copied.
"""

UNEVEN = 0.2
"""Variance of the rows' shares of hidden tokens beyond chance, over their squared mean, above which each row
has a share of its own.
"""

VISIBLE_TOKENS_IN_LOSS = FindingKind(
    code="VISIBLE_TOKENS_IN_LOSS",
    means="most of the loss of a masked language model is of tokens that it sees and copies",
    remedy=(
        "`labels[input_ids != mask_id] = -100`: the loss counts hidden tokens alone; right if the whole text "
        "is to be rebuilt, as by a denoising autoencoder"
    ),
    severity=Severity.WARNING,
    area=Area.LOSS_FUNCTION,
    order=65,
    evidence=(
        "in {share:.0%} of the detailed samples, more than {most:.0%} of the targets are the tokens at their "
        "own place, and {one:.0%} of the others ({enough} or more) hold one id that is no target; and in "
        "the last sample {copied:.0%} of the visible tokens are predicted rightly (info: fewer, or "
        "shares of hidden tokens that differ from row to row by {uneven} of their squared mean), "
        "{apart:.0%} of them more than of the hidden ones; not of encoders with a decoder"
    ),
    thresholds={
        "share": PERSISTENT,
        "most": MOST,
        "one": ONE_ID,
        "enough": ENOUGH,
        "copied": COPIED,
        "apart": APART,
        "uneven": UNEVEN,
    },
    source=EXACT,
    explains=(*symptoms.NO_LEARNING, "CLASS_IMBALANCE"),
    only_by_hand="the targets are made in the user's own data",
)


@rule(VISIBLE_TOKENS_IN_LOSS)
def visible_tokens_in_loss(context: Context) -> Iterator[Finding]:
    """Tokens that the model only has to copy. A text that is rebuilt from a summary, as by a denoising
    autoencoder, has to be predicted in full: there they are not copied without a mistake. A diffusion model
    hides another share of each row.
    """
    config = getattr(context.setup.evaluated_module, "config", None)
    known = [sample for sample in context.history if sample.hidden]
    if getattr(config, "is_encoder_decoder", False) or not persistent([_is_masked(s) for s in known]):
        return
    last, uneven = _numbers(known[-1]), [_numbers(sample)["uneven"] for sample in known]
    if last["right_visible"] - last["right_hidden"] >= APART:
        evidence = {
            "share of targets that are visible": last["visible"],
            "hidden ones predicted": last["right_hidden"],
            "visible ones": last["right_visible"],
        }
        is_whole = last["right_visible"] < COPIED or typical(np.array(uneven)) > UNEVEN
        severity = Severity.INFO if is_whole else None
        yield found(VISIBLE_TOKENS_IN_LOSS, "targets", known[-1].step, evidence, severity=severity)


def _numbers(sample: Sample) -> dict[str, float]:
    """The numbers of HIDDEN of the first loss."""
    return dict(zip(HIDDEN, sample.hidden[0].tolist(), strict=True))


def _is_masked(sample: Sample) -> bool:
    """Whether most targets are visible, and one id stands for the others, which a mask does not leave out."""
    seen, following = _numbers(sample), AHEAD.index("next")
    is_next = any(float(numbers[following]) > MOST for numbers in sample.ahead)  # of a decoder
    is_partial = any(call.is_partial for call in sample.losses)
    is_one = seen["one_id"] >= ONE_ID and not seen["is_target"] and seen["hidden"] >= ENOUGH
    return is_one and seen["visible"] > MOST and not (is_next or is_partial)
