"""Decisions where a run is not judged: too little was seen, or its loss has nothing to be held against."""

from __future__ import annotations

import math

import numpy as np

from levinthal.clinic.answer.comparisons import is_well_below_chance
from levinthal.clinic.answer.moving_targets import targets_move
from levinthal.clinic.answer.seen import (
    NAMES_NO_CAUSE,
    NONE_FOUND,
    NOT_MEASURED,
    Seen,
    causes,
    course,
    did_badly,
    not_judged,
)
from levinthal.clinic.answer.states import Answer, Reason, State
from levinthal.clinic.answer.wording import loss_in_words
from levinthal.clinic.rules.adversaries import is_game
from levinthal.clinic.rules.first_loss import FIRST_LOSS_TOO_LARGE
from levinthal.clinic.rules.frozen import FROZEN_PARAMS, are_fresh
from levinthal.clinic.rules.loss_terms import share_of_other_terms
from levinthal.clinic.rules.loss_trend import FEWEST, has_unlike_losses
from levinthal.report.formatting import counted, listed, number, share
from levinthal.vocabulary import Finding

NOTHING_SEEN = (
    "Nothing was seen: no training step of this model with this optimiser was sampled. Is the loop inside "
    "the `with` block, and does it call the model in training mode and then `optimizer.step()`?"
)
ON_THE_DATA = (
    "STUCK_BATCH",
    "CLASS_IMBALANCE",
    "LABELS_UNRELATED",
    "LABEL_LEAK_FEATURE",
    "DATA_LEAKAGE",
    "TRAIN_VAL_SHIFT",
    "OVERFIT",
)
"""Findings after which a low training loss does not say that the model does well, even as info."""
MOSTLY_THE_CAUSE = 0.5
"""Measured precision of an info finding, above which it puts a low loss in doubt."""
LARGE_PART = 0.2
"""Share of the loss from which on its other terms count in the answer."""
LONGER = "Train for longer, or sample more often: watch(..., every=1)."


def ended_early(seen: Seen) -> Answer | None:
    """The watch failed, or an error ended the loop."""
    if not seen.trouble and seen.history.ended_by:
        why = f"the loop was ended by {seen.history.ended_by}"
        return not_judged(seen, Reason.ENDED_EARLY, why, course(seen))
    if not seen.trouble:
        return None
    because = f"{counted(len(seen.history), 'step')} sampled until then; no cause was found in them."
    return not_judged(seen, Reason.ENDED_EARLY, "the watch ended early", because)


def nothing_seen(seen: Seen) -> Answer | None:
    """No step was sampled."""
    if len(seen.history):
        return None
    head, _, because = NOTHING_SEEN.partition(". ")
    return Answer(State.NOT_JUDGED, Reason.NOTHING_SEEN, f"{head}.", because)


def nothing_moved(seen: Seen) -> Answer | None:
    """Steps were sampled, and none changed a weight."""
    updates = seen.history.tensors("update")
    if len(updates) < 2 or np.nanmax(np.nan_to_num(updates, nan=1.0), initial=0.0) > 0:
        return None
    why = f"none of {counted(len(updates), 'sampled step')} changed a weight"
    return not_judged(seen, Reason.NOTHING_MOVED, why, NONE_FOUND)


def few(seen: Seen) -> Answer | None:
    """Too few losses were seen."""
    trend = seen.standing.trend
    if trend.known:
        return None
    if len(seen.history) >= FEWEST and not trend.samples:
        return not_judged(seen, Reason.NO_LOSS, "no loss was seen", NONE_FOUND)
    why = f"{counted(len(seen.history), 'step')} sampled; the trend of a loss needs {2 * FEWEST}"
    return not_judged(seen, Reason.FEW_SAMPLES, f"only {why}", LONGER)


def doubted(seen: Seen) -> Answer | None:
    """The loss is low, and a finding says that this proves little."""
    codes = [finding.code for finding in seen.findings if not finding.follows and _is_doubt(finding)]
    if not codes:
        return None
    why = f"the loss is low, but {listed(codes)} put{'s' * (len(codes) == 1)} it in doubt"
    return not_judged(seen, Reason.DOUBTED, why, course(seen))


def _is_doubt(finding: Finding) -> bool:
    """Whether a finding says that the data are not what they should be, or whether findings of its code were
    mostly the cause in the runs that were examined. Frozen weights that were trained before put nothing in
    doubt.
    """
    if finding.code in ON_THE_DATA:
        return True
    if finding.code == FIRST_LOSS_TOO_LARGE.code:
        return False  # it says nothing about the last loss
    if finding.code == FROZEN_PARAMS.code and not are_fresh(finding):
        return False
    return (finding.confidence or 0.0) > MOSTLY_THE_CAUSE


def game(seen: Seen) -> Answer | None:
    """Networks train against each other."""
    if not is_game(seen.history, seen.setup):
        return None
    why = "the networks train against each other, so neither loss has to fall"
    if seen.setup is not None and len(seen.setup.optimizers) < 2:
        why = "losses with one target each, and different ones, hold each other in place: neither has to fall"
    return not_judged(seen, Reason.GAME, why, f"{course(seen)} {NONE_FOUND} {NOT_MEASURED}")


def moving(seen: Seen) -> Answer | None:
    """The targets move with the training."""
    if not targets_move(seen.history):
        return None
    why = "the targets move with the training, so the loss has no fixed chance level"
    return not_judged(seen, Reason.MOVING_TARGETS, why, f"{course(seen)} {NONE_FOUND} {NOT_MEASURED}")


def one_term(seen: Seen) -> Answer | None:
    """What is judged is the first of several terms of the loss, and the others are a large part of it."""
    rest = share_of_other_terms(seen.history)
    if rest < LARGE_PART or seen.standing.call is None or has_unlike_losses(seen.history):
        return None
    first, kind = number(seen.standing.trend.end), seen.standing.call.kind
    why = f"{kind}, {first}, is one term of the loss; the others are {share(rest)} of it at the end"
    return not_judged(seen, Reason.ONE_TERM, why, f"{course(seen)} {NONE_FOUND} {NOT_MEASURED}")


def unknown(seen: Seen) -> Answer | None:
    """Nothing is known to hold the loss against."""
    standing, trend = seen.standing, seen.standing.trend
    if math.isfinite(standing.chance) and not (seen.has_no_floor and not is_well_below_chance(standing)):
        return None
    warned = any(f.code in NAMES_NO_CAUSE for f in causes(seen.findings))
    if (warned or trend.is_worse) and not seen.has_no_floor:
        reason = Reason.RISES if trend.is_worse else Reason.DOES_NOT_FALL
        return did_badly(seen, reason, f"Does not train: {loss_in_words(seen.history)}.")
    why = f"{loss_in_words(seen.history)}, and nothing to hold it against is known"
    return not_judged(seen, Reason.NO_REFERENCE, why, f"{NONE_FOUND} {NOT_MEASURED}")
