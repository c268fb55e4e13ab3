"""The one place where an answer is decided: the first decision that applies gives it.

The order is that of certainty: a cause that was named, then a run that was not seen, then a loss that cannot
be right, then losses whose fall means nothing, then the loss against its chance level and a reference
learner.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace

from levinthal.clinic.answer import judged, unjudged
from levinthal.clinic.answer.seen import NAMES_NO_CAUSE, Seen, causes
from levinthal.clinic.answer.states import Answer, Reason, State
from levinthal.clinic.answer.wording import loss_in_words
from levinthal.clinic.recording.history import History
from levinthal.clinic.recording.training_setup import TrainingSetup
from levinthal.clinic.rules.catalogue import CATALOGUE
from levinthal.errors import said_by
from levinthal.report.formatting import listed, sentence, share
from levinthal.vocabulary import Estimate, Finding


def answer_of_run(
    findings: Sequence[Finding],
    history: History,
    setup: TrainingSetup | None = None,
    *,
    trouble: str = "",
    unseen: Sequence[str] = (),
) -> Answer:
    """The answer of a run that was watched.

    Args:
        findings: Its findings, causes before symptoms.
        history: The sampled steps.
        setup: The model and its optimisers.
        trouble: The failure that ended the watch early; empty without one.
        unseen: What was not seen of the training, that failure included, as `Watch.unseen` has it.

    Returns:
        The answer, with the numbers that it rests on.

    >>> answer_of_run([], History()).state
    <State.NOT_JUDGED: 'not judged'>
    """
    seen = Seen(findings, history, setup, trouble)
    answer = _decided(seen)
    return replace(answer, not_seen=tuple(map(sentence, unseen)))


def answer_of_checkup(findings: Sequence[Finding], numbers: Mapping[str, Estimate]) -> Answer:
    """The answer of a network that was checked before training: a cause, or that no fault was found.

    Args:
        findings: The findings of the checkup.
        numbers: Its numbers of the whole network.

    Returns:
        The answer; it is never HEALTHY, because nothing was trained.
    """
    roots = causes(findings)
    loss = numbers.get("first loss / ln K")
    first = f"The first loss is {share(loss.value)} of the chance level ln K." if loss is not None else ""
    if roots:
        return Answer(State.CAUSE, Reason.NAMED, _meaning(roots[0]), _with_others(roots, first))
    fits = "Model, loss and batch fit together. Signal and gradient pass through every layer."
    head = "No fault was found before training."
    return Answer(State.NOT_JUDGED, Reason.BEFORE_TRAINING, head, f"{fits} {first}".strip())


def _decided(seen: Seen) -> Answer:
    """The first decision that applies. An error in one is reported and not raised: this is no training's."""
    try:
        return next(given for decide in DECISIONS if (given := decide(seen)) is not None)
    except Exception as error:
        head = "Not judged: the answer failed, please report it."
        return Answer(State.NOT_JUDGED, Reason.FAILED, head, said_by(error))


def _named(seen: Seen) -> Answer | None:
    """A finding names a cause."""
    roots = [root for root in causes(seen.findings) if root.code not in NAMES_NO_CAUSE]
    if not roots:
        return None
    loss = f"{sentence(loss_in_words(seen.history))}."
    return Answer(State.CAUSE, Reason.NAMED, _meaning(roots[0]), _with_others(roots, loss))


def _meaning(first: Finding) -> str:
    """The meaning of a cause as a sentence."""
    return f"{sentence(CATALOGUE[first.code].means)}."


def _with_others(roots: Sequence[Finding], loss: str) -> str:
    """The other causes, and the loss."""
    codes = [root.code for root in roots[1:]]
    more = f"{'Another cause' if len(codes) == 1 else 'Other causes'}: {listed(codes)}." if codes else ""
    return f"{more} {loss}".strip()


DECISIONS: tuple[Callable[[Seen], Answer | None], ...] = (
    _named,
    unjudged.ended_early,
    unjudged.nothing_seen,
    unjudged.nothing_moved,
    judged.not_finite,
    judged.below_floor,
    unjudged.few,
    unjudged.game,
    unjudged.moving,
    unjudged.unknown,
    judged.at_chance,
    judged.rises,
    judged.validation_at_chance,
    unjudged.doubted,
    unjudged.one_term,
    judged.against_reference,
    judged.against_chance,
)
