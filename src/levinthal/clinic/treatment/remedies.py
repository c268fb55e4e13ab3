"""Every remedy that can be applied to a Problem: its name, the line of code for people, and the edit.

A finding that only the user's own code can repair (a detached graph, a forgotten `eval()`) has no remedy
here: the catalogue has the line to write.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial

from levinthal.clinic.treatment import model_edits, problem_edits, target_edits
from levinthal.clinic.treatment.problem_edits import Edit, edited_loss, edited_model, edited_optimizers

SMALL_DROPOUT = 0.1


@dataclass(frozen=True, slots=True)
class Remedy:
    """An edit of a Problem. `line` is the edit as code, for people; `edit` applies it."""

    name: str
    line: str
    edit: Edit

    @property
    def kind(self) -> str:
        """First word of the name: two remedies of one kind are never combined."""
        return self.name.split()[0]


def scaled_learning_rate(factor: float) -> Remedy:
    """Multiply the learning rate by a factor."""
    name = f"learning rate x {factor:g}" if factor > 1 else f"learning rate / {1 / factor:g}"
    return Remedy(name, f"lr = lr * {factor:g}", problem_edits.scaled_learning_rate(factor))


INITIAL = Remedy(
    "He or Xavier initialisation",
    "nn.init.kaiming_normal_(layer.weight)  # xavier_normal_ for tanh and sigmoid",
    edited_model(model_edits.initialise),
)
ORTHOGONAL = Remedy(
    "orthogonal initialisation",
    "nn.init.orthogonal_(layer.weight, gain)",
    edited_model(partial(model_edits.initialise, orthogonal=True)),
)
DEFAULT = Remedy("default initialisation", "layer.reset_parameters()", edited_model(model_edits.reset))
SMALL_HEAD = Remedy("a small last layer", "head.weight.data.mul_(0.01)", edited_model(model_edits.small_head))
NORMALISE = Remedy(
    "layer norm", "nn.LayerNorm(width)  # before each activation", edited_model(model_edits.normalise)
)
RELU = Remedy(
    "ReLU with He initialisation",
    "nn.ReLU()  # in place of sigmoid or tanh",
    edited_model(model_edits.relu),
)
LEAKY = Remedy(
    "LeakyReLU",
    "nn.LeakyReLU()",
    edited_model(model_edits.leaky_relu),
)
RESIDUAL = Remedy("residual connections", "h = h + act(layer(h))", edited_model(model_edits.residual))
SHORTCUT = Remedy(
    "a first-last shortcut", "h_last = h_last + h_first", edited_model(model_edits.first_last_shortcut)
)
UNSCHEDULED = Remedy(
    "no schedule", "# remove the scheduler, or let it last longer", problem_edits.unscheduled
)
CLIP = Remedy(
    "gradient clipped at norm 1",
    "nn.utils.clip_grad_norm_(model.parameters(), 1.0)",
    problem_edits.clipped(1.0),
)
UNCLIPPED = Remedy("no gradient clipping", "# remove clip_grad_norm_", problem_edits.clipped(None))
SLOWER, FASTER = (
    (scaled_learning_rate(0.1), scaled_learning_rate(0.01), scaled_learning_rate(0.001)),
    (scaled_learning_rate(10), scaled_learning_rate(100)),
)
ADAM = Remedy("Adam, learning rate .001", "torch.optim.Adam(model.parameters(), 1e-3)", problem_edits.adam)
SHUFFLE = Remedy("shuffled batches", "DataLoader(..., shuffle=True)", problem_edits.shuffled)
STANDARDISE = Remedy("standardised inputs", "x = (x - mean) / std", problem_edits.standardised)
ZERO_GRAD = Remedy("zero_grad before each step", "optimizer.zero_grad()", problem_edits.zeroed_first)

REMEDIES: dict[str, tuple[Remedy, ...]] = {
    "NON_FINITE_INPUT": (
        Remedy("nan and infinity set to 0", "x = torch.nan_to_num(x, 0, 0, 0)", problem_edits.finite),
    ),
    "OPTIMIZER_DETACHED": (
        Remedy(
            "all parameters in the optimiser",
            "optimizer = Optim(model.parameters())",
            edited_optimizers(problem_edits.add_parameters),
        ),
    ),
    "FROZEN_PARAMS": (
        Remedy(
            "all parameters trainable", "parameter.requires_grad_(True)", edited_model(model_edits.unfreeze)
        ),
        Remedy(
            "one learning rate for all groups",
            "group['lr'] = lr  # the same in every group",
            edited_optimizers(problem_edits.same_learning_rate),
        ),
        UNSCHEDULED,
        ADAM,
    ),
    "MISSING_ZERO_GRAD": (ZERO_GRAD,),
    "SYMMETRIC_INIT": (DEFAULT, INITIAL),
    "DOUBLE_SOFTMAX": (
        Remedy(
            "no output softmax or sigmoid",
            "# remove nn.Softmax (or nn.Sigmoid) at the end of the model",
            edited_model(lambda m: model_edits.remove_output_activation(m, model_edits.OUTPUTS)),
        ),
        Remedy(
            "the loss of log-probabilities",
            "loss = functional.nll_loss(probabilities.log(), y)",
            edited_loss(problem_edits.of_logs),
        ),
        Remedy(
            "cross-entropy of logits",
            "loss = functional.cross_entropy(logits, y)",
            problem_edits.cross_entropy,
        ),
    ),
    "RELU_ON_LOGITS": (
        Remedy(
            "no output activation",
            "# remove the activation after the last layer",
            edited_model(lambda m: model_edits.remove_output_activation(m, model_edits.RECTIFIERS)),
        ),
    ),
    "LOSS_BROADCAST": (
        Remedy(
            "targets in the shape of the outputs",
            "loss(out, y.view_as(out))",
            edited_loss(problem_edits.of_same_shape),
        ),
        Remedy(
            "squared error of equal shapes",
            "functional.mse_loss(out.reshape(-1), y.reshape(-1))",
            problem_edits.squared_error,
        ),
    ),
    "LOSS_REDUCTION_SUM": (
        Remedy("the mean loss", "loss / len(y)", edited_loss(problem_edits.mean_loss)),
        *SLOWER[:2],
    ),
    "BN_EVAL_IN_TRAIN": (
        Remedy("training mode", "model.train()", edited_model(problem_edits.put_in_training_mode)),
    ),
    "MISSING_NONLINEARITY": (
        Remedy("ReLU between layers", "nn.ReLU()  # between them", edited_model(model_edits.insert_relu)),
    ),
    "STUCK_BATCH": (SHUFFLE,),
    "UNSHUFFLED": (SHUFFLE,),
    "CLASS_IMBALANCE": (
        Remedy("weighted classes", "cross_entropy(out, y, weight=1 / counts)", problem_edits.balanced),
    ),
    "INPUT_SCALE": (STANDARDISE,),
    "TARGET_SCALE": (
        Remedy(
            "standardised targets",
            "y = (y - mean) / std  # and output * std + mean to predict",
            target_edits.standardised_targets,
        ),
    ),
    "BN_TINY_BATCH": (
        Remedy("group norm", "nn.GroupNorm(8, channels)", edited_model(model_edits.group_norms)),
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
            edited_model(partial(model_edits.limit_dropout, most=SMALL_DROPOUT)),
        ),
    ),
    "EXPLODING_GRADIENT": (INITIAL, ORTHOGONAL, NORMALISE, CLIP),
    "EXCESS_WEIGHT_DECAY": (
        Remedy(
            "weight decay of at most .0001", "weight_decay=1e-4", edited_optimizers(problem_edits.less_decay)
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
    "FIRST_LOSS_TOO_LARGE": (SMALL_HEAD, INITIAL, DEFAULT),
    "OVER_CLIPPING": (UNCLIPPED, CLIP),
    "LR_TOO_LOW": (*FASTER, *(scaled_learning_rate(factor) for factor in (1e3, 1e4))),
    "RANK_COLLAPSE": (INITIAL, NORMALISE, RESIDUAL),
    "ATTENTION_COLLAPSE": (DEFAULT, *SLOWER[:1]),
    "UNDERFIT": (*FASTER, SLOWER[0], NORMALISE, INITIAL, ADAM),
    "OVERFIT": (
        Remedy("a quarter of the steps", "steps = steps // 4  # early stopping", problem_edits.shorter),
        Remedy(
            "weight decay of at least .01", "weight_decay=1e-2", edited_optimizers(problem_edits.more_decay)
        ),
    ),
}
