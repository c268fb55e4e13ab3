"""Every remedy that can be applied to a Problem: its name, and the code that is printed and run.

A finding that only the user's own code can repair (a detached graph, a forgotten `eval()`) has no remedy
here: the catalogue has the line to write.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial

from torch import nn

from levinthal.clinic.treatment import loss_code, model_code, problem_code
from levinthal.clinic.treatment.problem_code import Maker, of_model, without
from levinthal.clinic.treatment.remedy_code import as_text, edited
from levinthal.vocabulary import Problem

SMALL_DROPOUT = 0.1


@dataclass(frozen=True, slots=True)
class Remedy:
    """An edit of a Problem. `code` makes the text that is printed, for one problem, and `edit` runs it."""

    name: str
    code: Maker

    @property
    def kind(self) -> str:
        """First word of the name: two remedies of one kind are never combined."""
        return self.name.split()[0]

    def edit(self, problem: Problem) -> Problem | None:
        """The problem with the code in its places; None where there is nothing to change."""
        code = self.code(problem)
        return edited(problem, code) if code else None

    def text(self, problem: Problem) -> str:
        """The code for this problem, each part below a comment that names its place."""
        return as_text(self.code(problem))


def scaled_learning_rate(factor: float) -> Remedy:
    """Multiply the learning rate by a factor."""
    name = f"learning rate x {factor:g}" if factor > 1 else f"learning rate / {1 / factor:g}"
    return Remedy(name, problem_code.scaled_learning_rate(factor))


INITIAL = Remedy("He or Xavier initialisation", of_model(model_code.initialised))
ORTHOGONAL = Remedy("orthogonal initialisation", of_model(partial(model_code.initialised, orthogonal=True)))
DEFAULT = Remedy("default initialisation", of_model(model_code.reset))
ZERO_BIASES = Remedy("biases of 0", of_model(model_code.zero_biases))
SMALL_HEAD = Remedy("a small last layer", of_model(model_code.small_head))
NORMALISE = Remedy("layer norm", of_model(model_code.normalised))
RELU = Remedy("ReLU with He initialisation", of_model(model_code.relu))
LEAKY = Remedy("LeakyReLU", of_model(model_code.leaky_relu))
RESIDUAL = Remedy("residual connections", of_model(model_code.residual))
SHORTCUT = Remedy("a first-last shortcut", of_model(model_code.first_last_shortcut))
UNSCHEDULED = Remedy("no schedule", without("schedule", "or let the scheduler last longer"))
CLIP = Remedy("gradient clipped at norm 1", problem_code.clipped)
UNCLIPPED = Remedy("no gradient clipping", without("clip", "remove clip_grad_norm_"))
SLOWER, FASTER = (
    (scaled_learning_rate(0.1), scaled_learning_rate(0.01), scaled_learning_rate(0.001)),
    (scaled_learning_rate(10), scaled_learning_rate(100)),
)
ADAM = Remedy("Adam, learning rate .001", problem_code.adam)
SHUFFLE = Remedy("shuffled batches", problem_code.shuffled)
STANDARDISE = Remedy("standardised inputs", problem_code.standardised)
ZERO_GRAD = Remedy("zero_grad before each step", problem_code.zeroed_first)


def _no_output(name: str, kinds: tuple[type[nn.Module], ...]) -> Remedy:
    return Remedy(name, of_model(partial(model_code.without_output_activation, kinds=kinds)))


REMEDIES: dict[str, tuple[Remedy, ...]] = {
    "NON_FINITE_INPUT": (Remedy("nan and infinity set to 0", problem_code.finite),),
    "OPTIMIZER_DETACHED": (Remedy("all parameters in the optimiser", problem_code.added_parameters),),
    "FROZEN_PARAMS": (
        Remedy("all parameters trainable", of_model(model_code.unfrozen)),
        Remedy("one learning rate for all groups", problem_code.SAME_LEARNING_RATE),
        UNSCHEDULED,
        ADAM,
    ),
    "MISSING_ZERO_GRAD": (ZERO_GRAD,),
    "SYMMETRIC_INIT": (DEFAULT, INITIAL),
    "ROWS_MIXED": (
        Remedy("the first axis as the batch", of_model(model_code.batch_first)),
        Remedy("softmax over the last axis", of_model(model_code.softmax_over_features)),
    ),
    "DOUBLE_SOFTMAX": (
        _no_output("no output softmax or sigmoid", model_code.OUTPUTS),
        Remedy("the loss of logits", loss_code.of_logits),
        Remedy("cross-entropy of logits", loss_code.cross_entropy),
    ),
    "RELU_ON_LOGITS": (_no_output("no output activation", model_code.RECTIFIERS),),
    "LOSS_BROADCAST": (
        Remedy("targets in the shape of the outputs", loss_code.of_same_shape),
        Remedy("squared error of equal shapes", loss_code.squared_error),
    ),
    "LOSS_REDUCTION_SUM": (Remedy("the mean loss", loss_code.mean_loss), *SLOWER[:2]),
    "BN_EVAL_IN_TRAIN": (Remedy("training mode", of_model(model_code.training_mode)),),
    "MISSING_NONLINEARITY": (Remedy("ReLU between layers", of_model(model_code.inserted_relu)),),
    "STUCK_BATCH": (SHUFFLE,),
    "UNSHUFFLED": (SHUFFLE,),
    "CLASS_IMBALANCE": (Remedy("weighted classes", loss_code.balanced),),
    "INPUT_SCALE": (STANDARDISE,),
    "TARGET_SCALE": (Remedy("standardised targets", loss_code.standardised_targets),),
    "BN_TINY_BATCH": (
        Remedy("group norm", of_model(model_code.group_norms)),
        Remedy("batches of 8 times the size", problem_code.larger_batch),
    ),
    "EXCESS_DROPOUT": (
        Remedy("dropout of at most .1", of_model(partial(model_code.limited_dropout, most=SMALL_DROPOUT))),
    ),
    "EXPLODING_GRADIENT": (INITIAL, ORTHOGONAL, NORMALISE, CLIP),
    "EXCESS_WEIGHT_DECAY": (Remedy("weight decay of at most .0001", problem_code.LESS_DECAY),),
    "LR_TOO_HIGH": SLOWER,
    "LR_DECAYED": (UNSCHEDULED,),
    "UPDATE_LOST_TO_ROUNDING": (Remedy("weights in float32", problem_code.in_float32),),
    "NON_FINITE_LOSS": (*SLOWER[:2], CLIP, INITIAL),
    "SATURATED_ACTIVATION": (ZERO_BIASES, INITIAL, NORMALISE, RELU, STANDARDISE),
    "DEAD_RELU": (ZERO_BIASES, INITIAL, LEAKY, NORMALISE, SLOWER[0]),
    "VANISHING_GRADIENT": (INITIAL, RELU, NORMALISE, RESIDUAL, SHORTCUT, ORTHOGONAL),
    "FIRST_LOSS_TOO_LARGE": (SMALL_HEAD, INITIAL, DEFAULT),
    "OVER_CLIPPING": (UNCLIPPED, CLIP),
    "LR_TOO_LOW": (*FASTER, *(scaled_learning_rate(factor) for factor in (1e3, 1e4))),
    "RANK_COLLAPSE": (INITIAL, NORMALISE, RESIDUAL),
    "ATTENTION_COLLAPSE": (DEFAULT, *SLOWER[:1]),
    "UNDERFIT": (*FASTER, SLOWER[0], NORMALISE, INITIAL, ADAM),
    "OVERFIT": (
        Remedy("a quarter of the steps", problem_code.SHORTER),
        Remedy("weight decay of at least .01", problem_code.more_decay),
    ),
}
