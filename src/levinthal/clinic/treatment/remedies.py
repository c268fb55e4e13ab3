"""Every remedy that can be applied to a Problem: a name, the line a user would write, and the change.

What can only be mended in the user's own lines (a cut graph, a forgotten eval) has no entry here: its entry
in the catalogue says the line.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial

from torch import nn

from levinthal.clinic.treatment import model_edits, problem_edits
from levinthal.clinic.treatment.problem_edits import Change, operated, with_loss, with_optimizers

SMALL_DROPOUT = 0.1


@dataclass(frozen=True, slots=True)
class Remedy:
    """What to change. `line` is the change as code."""

    name: str
    line: str
    change: Change


def scaled_rate(factor: float) -> Remedy:
    """The learning rate times a factor."""
    name = f"rate x {factor:g}" if factor > 1 else f"rate / {1 / factor:g}"
    return Remedy(name, f"lr = lr * {factor:g}", problem_edits.scaled_rate(factor))


INITIAL = Remedy(
    "He or Xavier weights",
    "nn.init.kaiming_normal_(layer.weight)  # xavier_normal_ for tanh and sigmoid",
    operated(model_edits.initialise),
)
ORTHOGONAL = Remedy(
    "orthogonal weights",
    "nn.init.orthogonal_(layer.weight, gain)",
    operated(partial(model_edits.initialise, orthogonal=True)),
)
DEFAULT = Remedy("default weights", "layer.reset_parameters()", operated(model_edits.reset))
QUIET_HEAD = Remedy("a quiet last layer", "head.weight.data.mul_(0.01)", operated(model_edits.quiet_head))
NORMALISE = Remedy(
    "layer norm", "nn.LayerNorm(width)  # before each activation", operated(model_edits.normalise)
)
RELU = Remedy(
    "ReLU with He weights",
    "nn.ReLU()  # in place of sigmoid or tanh",
    operated(
        lambda m: (
            model_edits.replace_activations(m, nn.ReLU, model_edits.SQUASHING) and model_edits.initialise(m)
        )
    ),
)
LEAKY = Remedy(
    "LeakyReLU",
    "nn.LeakyReLU()",
    operated(model_edits.leaky),
)
RESIDUAL = Remedy("residual connections", "h = h + act(layer(h))", operated(model_edits.residual))
SHORTCUT = Remedy(
    "a first-last shortcut", "h_last = h_last + h_first", operated(model_edits.first_last_shortcut)
)
UNSCHEDULED = Remedy(
    "no schedule", "# remove the scheduler, or let it last longer", problem_edits.unscheduled
)
CLIP = Remedy(
    "clip at norm 1", "nn.utils.clip_grad_norm_(model.parameters(), 1.0)", problem_edits.clipped(1.0)
)
UNCLIPPED = Remedy("no clipping", "# remove clip_grad_norm_", problem_edits.clipped(None))
SLOWER, FASTER = (
    (scaled_rate(0.1), scaled_rate(0.01), scaled_rate(0.001)),
    (scaled_rate(10), scaled_rate(100)),
)
ADAM = Remedy("Adam, rate .001", "torch.optim.Adam(model.parameters(), 1e-3)", problem_edits.adam)
SHUFFLE = Remedy("shuffled batches", "DataLoader(..., shuffle=True)", problem_edits.shuffled)
STANDARDISE = Remedy("standardised inputs", "x = (x - mean) / std", problem_edits.standardised)
ZERO_GRAD = Remedy("zero_grad before each step", "optimizer.zero_grad()", problem_edits.zeroed_first)

REMEDIES: dict[str, tuple[Remedy, ...]] = {
    "NON_FINITE_INPUT": (
        Remedy("numbers for nan", "x = torch.nan_to_num(x, 0, 0, 0)", problem_edits.finite),
    ),
    "OPTIMIZER_DETACHED": (
        Remedy(
            "all parameters to the optimiser",
            "optimizer = Optim(model.parameters())",
            with_optimizers(problem_edits.adopt),
        ),
    ),
    "FROZEN_PARAMS": (
        Remedy("all parameters thawed", "parameter.requires_grad_(True)", operated(model_edits.thaw)),
        Remedy("one rate for all", "lr = the same in every group", with_optimizers(problem_edits.same_rate)),
        UNSCHEDULED,
        ADAM,
    ),
    "MISSING_ZERO_GRAD": (ZERO_GRAD,),
    "SYMMETRIC_INIT": (DEFAULT, INITIAL),
    "DOUBLE_SOFTMAX": (
        Remedy(
            "no softmax at the end",
            "# remove nn.Softmax (or nn.Sigmoid) at the end of the model",
            operated(lambda m: model_edits.without_last(m, model_edits.OUTPUTS)),
        ),
        Remedy(
            "the loss of log probabilities",
            "loss = functional.nll_loss(probabilities.log(), y)",
            with_loss(problem_edits.of_logs),
        ),
        Remedy(
            "cross-entropy of logits",
            "loss = functional.cross_entropy(logits, y)",
            problem_edits.cross_entropy,
        ),
    ),
    "RELU_ON_LOGITS": (
        Remedy(
            "no activation at the end",
            "# remove the activation after the last layer",
            operated(lambda m: model_edits.without_last(m, model_edits.RECTIFIERS)),
        ),
    ),
    "LOSS_BROADCAST": (
        Remedy(
            "targets shaped as outputs", "loss(out, y.view_as(out))", with_loss(problem_edits.of_same_shape)
        ),
        Remedy(
            "squares of equal shapes",
            "functional.mse_loss(out.reshape(-1), y.reshape(-1))",
            problem_edits.squared_error,
        ),
    ),
    "LOSS_REDUCTION_SUM": (
        Remedy("the mean loss", "loss / len(y)", with_loss(problem_edits.mean_loss)),
        *SLOWER[:2],
    ),
    "BN_EVAL_IN_TRAIN": (
        Remedy("training mode", "model.train()", operated(problem_edits.put_in_training_mode)),
    ),
    "MISSING_NONLINEARITY": (
        Remedy("ReLU between layers", "nn.ReLU()  # between them", operated(model_edits.rectify)),
    ),
    "STUCK_BATCH": (SHUFFLE,),
    "UNSHUFFLED": (SHUFFLE,),
    "CLASS_IMBALANCE": (
        Remedy("weighed classes", "cross_entropy(out, y, weight=1 / counts)", problem_edits.balanced),
    ),
    "INPUT_SCALE": (STANDARDISE,),
    "BN_TINY_BATCH": (
        Remedy("group norm", "nn.GroupNorm(8, channels)", operated(model_edits.group_norms)),
        Remedy(
            "batches of 8 times the size",
            "DataLoader(..., batch_size=8 * batch_size)",
            problem_edits.larger_batch,
        ),
    ),
    "EXCESS_DROPOUT": (
        Remedy(
            "dropout of at most .1",
            "nn.Dropout(0.1)",
            operated(partial(model_edits.less_dropout, most=SMALL_DROPOUT)),
        ),
    ),
    "EXPLODING_GRADIENT": (INITIAL, ORTHOGONAL, NORMALISE, CLIP),
    "EXCESS_WEIGHT_DECAY": (
        Remedy(
            "weight decay of at most .0001", "weight_decay=1e-4", with_optimizers(problem_edits.less_decay)
        ),
    ),
    "LR_TOO_HIGH": SLOWER,
    "LR_DECAYED": (UNSCHEDULED,),
    "UPDATE_LOST_TO_ROUNDING": (
        Remedy("weights in float32", "model.float()  # and autocast for speed", problem_edits.in_float32),
    ),
    "NON_FINITE_LOSS": (*SLOWER[:2], CLIP, INITIAL),
    "SATURATED_ACTIVATION": (INITIAL, NORMALISE, RELU, STANDARDISE),
    "DEAD_RELU": (INITIAL, LEAKY, NORMALISE, SLOWER[0]),
    "VANISHING_GRADIENT": (INITIAL, RELU, NORMALISE, RESIDUAL, SHORTCUT, ORTHOGONAL),
    "FIRST_LOSS_TOO_LARGE": (QUIET_HEAD, INITIAL, DEFAULT),
    "OVER_CLIPPING": (UNCLIPPED, CLIP),
    "LR_TOO_LOW": (*FASTER, *(scaled_rate(factor) for factor in (1e3, 1e4))),
    "RANK_COLLAPSE": (INITIAL, NORMALISE, RESIDUAL),
    "ATTENTION_COLLAPSE": (DEFAULT, *SLOWER[:1]),
    "UNDERFIT": (*FASTER, SLOWER[0], NORMALISE, INITIAL, ADAM),
    "OVERFIT": (
        Remedy("a quarter of the steps", "steps = steps // 4  # early stopping", problem_edits.shorter),
        Remedy("weight decay of .01", "weight_decay=1e-2", with_optimizers(problem_edits.more_decay)),
    ),
}
