"""What of a training was not seen, each as a sentence without its full stop."""

from __future__ import annotations

from collections.abc import Iterator, Set

from torch import nn

from levinthal.clinic.recording.history import History
from levinthal.clinic.recording.sampling import Sampling
from levinthal.clinic.recording.training_setup import TrainingSetup
from levinthal.clinic.recording.validation import Validation

COMPILED = "the layers were not recorded, because the model is compiled"
NOT_CALLED = "the inputs and the layers were not recorded: the model was called compiled, or by torch.func"
SHARDED = "the weights were read in part: they are sharded, and other processes hold the rest"
INPUTS = "the inputs were not read: they are sparse, nested or distributed tensors"


def unseen_of(
    setup: TrainingSetup, history: History, steps: Sampling, called: Set[nn.Module], *, by_parts: bool
) -> tuple[str, ...]:
    """What of a training was not seen: of the validation data, of what had to be skipped, of steps and parts.

    Args:
        setup: The model and its optimisers.
        history: The sampled steps.
        steps: How many steps there were, and how many were due and not sampled.
        called: The parts of the model that were called.
        by_parts: Whether the loop calls parts of the model.
    """
    return (
        *unseen_validation(history.validation, len(history)),
        *history.unseen,
        *unseen_steps(history, steps.step, steps.missed),
        *unseen_parts(setup, called, by_parts=by_parts),
    )


def unseen_validation(validation: Validation | None, samples: int) -> Iterator[str]:
    """Validation data that were given and not used."""
    if validation is None:
        return
    if validation.trouble:
        yield f"the validation data were not evaluated: {validation.trouble}"
    elif samples and not validation.evaluations:
        yield "the validation data were not evaluated: no loss function of torch was seen; pass loss_fn="


def unseen_steps(history: History, steps: int, missed: int) -> Iterator[str]:
    """Steps that were to be sampled although no forward or no backward pass of them was seen."""
    if steps and not len(history):
        yield (
            f"none of the {steps:,} steps was recorded: neither the model nor a part of it was called in "
            "training mode and outside torch.func"
        )
    elif missed and NOT_CALLED not in history.unseen:
        yield f"{missed:,} of {missed + len(history):,} steps were not recorded: the model was not called"
    if len(history) and all(sample.loss is None for sample in history):
        what = "of the loss its functions alone were" if history.has_losses else "the loss was not"
        yield f"{what} seen: no `loss.backward()` was called in the sampled steps"


def unseen_parts(setup: TrainingSetup, called: Set[nn.Module], *, by_parts: bool) -> Iterator[str]:
    """Of a model that is called by its parts: the parts that were never called in a sampled step."""
    if not by_parts or not called:
        return
    for name, part in setup.hooked_module.named_children():
        is_trained = any(parameter.requires_grad for parameter in part.parameters())
        if is_trained and called.isdisjoint(part.modules()):
            yield f"the part {name!r} was not recorded: it was not called in the sampled steps"
