"""Every remedy that can be applied to a Problem: a name, the line a user would write, and the change.

What can only be mended in the user's own lines (a cut graph, a forgotten eval) has no entry here: its entry
in the catalogue says the line.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial

from torch import nn

from levinthal.clinic import changes, surgery
from levinthal.clinic.changes import Change, operated, with_loss, with_optimizers

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
    return Remedy(name, f"lr = lr * {factor:g}", changes.scaled_rate(factor))


INITIAL = Remedy(
    "He or Xavier weights",
    "nn.init.kaiming_normal_(layer.weight)  # xavier_normal_ for tanh and sigmoid",
    operated(surgery.initialise),
)
ORTHOGONAL = Remedy(
    "orthogonal weights",
    "nn.init.orthogonal_(layer.weight, gain)",
    operated(partial(surgery.initialise, orthogonal=True)),
)
DEFAULT = Remedy("default weights", "layer.reset_parameters()", operated(surgery.reset))
QUIET_HEAD = Remedy("a quiet last layer", "head.weight.data.mul_(0.01)", operated(surgery.quiet_head))
NORMALISE = Remedy("layer norm", "nn.LayerNorm(width)  # before each activation", operated(surgery.normalise))
RELU = Remedy(
    "ReLU with He weights",
    "nn.ReLU()  # in place of sigmoid or tanh",
    operated(lambda m: surgery.replace_activations(m, nn.ReLU, surgery.SQUASHING) and surgery.initialise(m)),
)
LEAKY = Remedy(
    "LeakyReLU",
    "nn.LeakyReLU()",
    operated(surgery.leaky),
)
RESIDUAL = Remedy("residual connections", "h = h + act(layer(h))", operated(surgery.residual))
SHORTCUT = Remedy("a first-last shortcut", "h_last = h_last + h_first", operated(surgery.first_last_shortcut))
UNSCHEDULED = Remedy("no schedule", "# remove the scheduler, or let it last longer", changes.unscheduled)
CLIP = Remedy("clip at norm 1", "nn.utils.clip_grad_norm_(model.parameters(), 1.0)", changes.clipped(1.0))
UNCLIPPED = Remedy("no clipping", "# remove clip_grad_norm_", changes.clipped(None))
SLOWER, FASTER = (
    (scaled_rate(0.1), scaled_rate(0.01), scaled_rate(0.001)),
    (scaled_rate(10), scaled_rate(100)),
)
ADAM = Remedy("Adam, rate .001", "torch.optim.Adam(model.parameters(), 1e-3)", changes.adam)
SHUFFLE = Remedy("shuffled batches", "DataLoader(..., shuffle=True)", changes.shuffled)
STANDARDISE = Remedy("standardised inputs", "x = (x - mean) / std", changes.standardised)
ZERO_GRAD = Remedy("zero_grad before each step", "optimizer.zero_grad()", changes.zeroed_first)

REMEDIES: dict[str, tuple[Remedy, ...]] = {
    "NON_FINITE_INPUT": (Remedy("numbers for nan", "x = torch.nan_to_num(x, 0, 0, 0)", changes.finite),),
    "OPTIMIZER_DETACHED": (
        Remedy(
            "all parameters to the optimiser",
            "optimizer = Optim(model.parameters())",
            with_optimizers(changes.adopt),
        ),
    ),
    "FROZEN_PARAMS": (
        Remedy("all parameters thawed", "parameter.requires_grad_(True)", operated(surgery.thaw)),
        Remedy("one rate for all", "lr = the same in every group", with_optimizers(changes.same_rate)),
        UNSCHEDULED,
        ADAM,
    ),
    "MISSING_ZERO_GRAD": (ZERO_GRAD,),
    "SYMMETRIC_INIT": (DEFAULT, INITIAL),
    "DOUBLE_SOFTMAX": (
        Remedy(
            "no softmax at the end",
            "# remove nn.Softmax (or nn.Sigmoid) at the end of the model",
            operated(lambda m: surgery.without_last(m, surgery.OUTPUTS)),
        ),
        Remedy(
            "the loss of log probabilities",
            "loss = functional.nll_loss(probabilities.log(), y)",
            with_loss(changes.of_logs),
        ),
        Remedy(
            "cross-entropy of logits",
            "loss = functional.cross_entropy(logits, y)",
            changes.cross_entropy,
        ),
    ),
    "RELU_ON_LOGITS": (
        Remedy(
            "no activation at the end",
            "# remove the activation after the last layer",
            operated(lambda m: surgery.without_last(m, surgery.RECTIFIERS)),
        ),
    ),
    "LOSS_BROADCAST": (
        Remedy("targets shaped as outputs", "loss(out, y.view_as(out))", with_loss(changes.of_same_shape)),
        Remedy(
            "squares of equal shapes",
            "functional.mse_loss(out.reshape(-1), y.reshape(-1))",
            changes.squared_error,
        ),
    ),
    "LOSS_REDUCTION_SUM": (
        Remedy("the mean loss", "loss / len(y)", with_loss(changes.mean_loss)),
        *SLOWER[:2],
    ),
    "BN_EVAL_IN_TRAIN": (Remedy("training mode", "model.train()", operated(changes.put_in_training_mode)),),
    "MISSING_NONLINEARITY": (
        Remedy("ReLU between layers", "nn.ReLU()  # between them", operated(surgery.rectify)),
    ),
    "STUCK_BATCH": (SHUFFLE,),
    "UNSHUFFLED": (SHUFFLE,),
    "CLASS_IMBALANCE": (
        Remedy("weighed classes", "cross_entropy(out, y, weight=1 / counts)", changes.balanced),
    ),
    "INPUT_SCALE": (STANDARDISE,),
    "BN_TINY_BATCH": (
        Remedy("group norm", "nn.GroupNorm(8, channels)", operated(surgery.group_norms)),
        Remedy(
            "batches of 8 times the size", "DataLoader(..., batch_size=8 * batch_size)", changes.larger_batch
        ),
    ),
    "EXCESS_DROPOUT": (
        Remedy(
            "dropout of at most .1",
            "nn.Dropout(0.1)",
            operated(partial(surgery.less_dropout, most=SMALL_DROPOUT)),
        ),
    ),
    "EXPLODING_GRADIENT": (INITIAL, ORTHOGONAL, NORMALISE, CLIP),
    "EXCESS_WEIGHT_DECAY": (
        Remedy("weight decay of at most .0001", "weight_decay=1e-4", with_optimizers(changes.less_decay)),
    ),
    "LR_TOO_HIGH": SLOWER,
    "LR_DECAYED": (UNSCHEDULED,),
    "UPDATE_LOST_TO_ROUNDING": (
        Remedy("weights in float32", "model.float()  # and autocast for speed", changes.in_float32),
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
        Remedy("a quarter of the steps", "steps = steps // 4  # early stopping", changes.shorter),
        Remedy("weight decay of .01", "weight_decay=1e-2", with_optimizers(changes.more_decay)),
    ),
}
