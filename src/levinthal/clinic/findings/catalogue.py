"""Every finding: what it means, what to do, and which others it explains away.

The order is causal: an entry explains only entries that come after it.
"""

from __future__ import annotations

from dataclasses import dataclass

from levinthal.vocabulary import Severity

CRITICAL, WARNING, INFO = Severity.CRITICAL, Severity.WARNING, Severity.INFO
SYMPTOMS_OF_NO_LEARNING = ("UNDERFIT", "LR_TOO_LOW")


@dataclass(frozen=True, slots=True)
class Entry:
    """A line of the catalogue. `explains` lists the findings that are its symptoms."""

    means: str
    remedy: str
    severity: Severity
    explains: tuple[str, ...] = ()


_COLLAPSE = ("RANK_COLLAPSE", "ATTENTION_COLLAPSE")
_GRADIENT_SYMPTOMS = ("DEAD_RELU", "SATURATED_ACTIVATION", "VANISHING_GRADIENT", *_COLLAPSE)
_RATES = ("LR_TOO_HIGH", "OVER_CLIPPING", *SYMPTOMS_OF_NO_LEARNING)
_ALL_DYNAMICS = ("EXPLODING_GRADIENT", *_GRADIENT_SYMPTOMS, *_RATES)

CATALOGUE: dict[str, Entry] = {
    "NON_FINITE_INPUT": Entry(
        "a batch holds nan or infinity",
        "clean the data: `assert torch.isfinite(x).all()` where it is made",
        CRITICAL,
        ("NON_FINITE_LOSS", "INPUT_SCALE", *_ALL_DYNAMICS),
    ),
    "OPTIMIZER_DETACHED": Entry(
        "the optimiser does not hold these parameters",
        "make the optimiser after the model is final: `optimizer = torch.optim.Adam(model.parameters())`",
        CRITICAL,
        ("GRAPH_BROKEN", "MISSING_ZERO_GRAD", *_ALL_DYNAMICS),
    ),
    "FROZEN_PARAMS": Entry(
        "these parameters do not require a gradient, or have rate 0, and were not declared frozen",
        "`parameter.requires_grad_(True)`, or tell `watch(..., frozen=(name,))`",
        WARNING,
        SYMPTOMS_OF_NO_LEARNING,
    ),
    "MISSING_ZERO_GRAD": Entry(
        "gradients of earlier steps are still there when backward adds to them",
        "call `optimizer.zero_grad()` once for every `optimizer.step()`",
        CRITICAL,
        ("NON_FINITE_LOSS", *_ALL_DYNAMICS),
    ),
    "SYMMETRIC_INIT": Entry(
        "all units of a layer start alike, and stay so",
        "draw the weights at random: `torch.nn.init.kaiming_normal_(layer.weight)`",
        CRITICAL,
        ("GRAPH_BROKEN", *_ALL_DYNAMICS),
    ),
    "GRAPH_BROKEN": Entry(
        "no gradient reaches these parameters: the graph is cut, or they are not used",
        "remove `.detach()`, `.item()`, `.data` or `torch.no_grad()` between them and the loss",
        CRITICAL,
        ("VANISHING_GRADIENT", *SYMPTOMS_OF_NO_LEARNING),
    ),
    "DOUBLE_SOFTMAX": Entry(
        "the cross-entropy is given probabilities where it expects logits: softmax is applied twice",
        "remove the softmax at the end of the model; use it only to show probabilities",
        CRITICAL,
        SYMPTOMS_OF_NO_LEARNING,
    ),
    "RELU_ON_LOGITS": Entry(
        "the logits pass through a ReLU: no class can be voted down",
        "remove the activation after the last layer",
        CRITICAL,
        ("DEAD_RELU", *SYMPTOMS_OF_NO_LEARNING),
    ),
    "LOSS_BROADCAST": Entry(
        "output and target have unlike shapes, and broadcasting compares every pair",
        "`target.view_as(output)`",
        CRITICAL,
        SYMPTOMS_OF_NO_LEARNING,
    ),
    "LOSS_REDUCTION_SUM": Entry(
        "the loss is summed over the batch: the rate grows with the batch size",
        "`reduction='mean'`, or divide the rate by the batch size",
        WARNING,
        ("LR_TOO_HIGH", "NON_FINITE_LOSS", *_GRADIENT_SYMPTOMS, "UNDERFIT"),
    ),
    "BN_EVAL_IN_TRAIN": Entry(
        "batch norm does not follow the batches: it is in evaluation mode while training",
        "`model.train()` at the start of every epoch",
        WARNING,
    ),
    "TRAIN_MODE_IN_EVAL": Entry(
        "the model is evaluated in training mode: dropout stays on, batch norm sees the test batch",
        "`model.eval()` before evaluation, `model.train()` after it",
        WARNING,
    ),
    "MISSING_NONLINEARITY": Entry(
        "two linear layers follow each other with nothing between them: together they are one",
        "put an activation between them",
        WARNING,
    ),
    "STUCK_BATCH": Entry(
        "every step sees the same batch",
        "take the batch from the loader inside the loop",
        WARNING,
        ("OVERFIT",),
    ),
    "DATA_LEAKAGE": Entry(
        "rows of validation are among the rows trained on: its score says nothing",
        "split first, then copy, balance and augment; drop equal rows before splitting",
        WARNING,
    ),
    "LABEL_LEAK_FEATURE": Entry(
        "the label can be read off one or few inputs alone",
        "leave these columns out, unless they will be known when the model is used",
        WARNING,
        ("OVERFIT",),
    ),
    "TRAIN_VAL_SHIFT": Entry(
        "validation is not of the distribution trained on, and the model is worse there",
        "prepare both alike, with the statistics of the training set; split at random",
        WARNING,
        ("OVERFIT",),
    ),
    "UNSHUFFLED": Entry(
        "a batch holds far fewer classes than the data: they come sorted",
        "`DataLoader(..., shuffle=True)`",
        WARNING,
        SYMPTOMS_OF_NO_LEARNING,
    ),
    "LABELS_UNRELATED": Entry(
        "the labels have nothing to do with the inputs, as far as neighbours and linear rules can tell",
        "check that rows and labels were sorted, shuffled and joined together",
        WARNING,
        ("DEAD_RELU", "OVERFIT", *SYMPTOMS_OF_NO_LEARNING),
    ),
    "CLASS_IMBALANCE": Entry(
        "one class makes up most of the data",
        "weigh the classes, `cross_entropy(..., weight=...)`, and report recall for each",
        INFO,
        SYMPTOMS_OF_NO_LEARNING,
    ),
    "INPUT_SCALE": Entry(
        "the inputs are far from zero mean and unit variance",
        "subtract the mean and divide by the standard deviation of the training set",
        WARNING,
        _ALL_DYNAMICS,
    ),
    "BN_TINY_BATCH": Entry(
        "batch norm averages over too few values to know a mean",
        "a larger batch, or `nn.GroupNorm`",
        WARNING,
        ("LR_TOO_HIGH", *SYMPTOMS_OF_NO_LEARNING),
    ),
    "EXCESS_DROPOUT": Entry(
        "dropout removes nearly everything",
        "`nn.Dropout(p)` with p at most .5",
        WARNING,
        ("LR_TOO_HIGH", "DEAD_RELU", "RANK_COLLAPSE", *SYMPTOMS_OF_NO_LEARNING),
    ),
    "EXPLODING_GRADIENT": Entry(
        "signal or gradient grows from layer to layer before any step is taken",
        "normalise the layers, or scale the initial weights down",
        WARNING,
        (
            *_COLLAPSE,
            "FIRST_LOSS_TOO_LARGE",
            "LR_TOO_HIGH",
            "NON_FINITE_LOSS",
            "DEAD_RELU",
            "OVER_CLIPPING",
            "UNDERFIT",
        ),
    ),
    "EXCESS_WEIGHT_DECAY": Entry(
        "weight decay takes more from the weights than the gradient gives",
        "lower `weight_decay`",
        WARNING,
        ("LR_TOO_HIGH", *_GRADIENT_SYMPTOMS, "UNDERFIT"),
    ),
    "FIRST_LOSS_TOO_LARGE": Entry(
        "the first loss is far above that of a guess: the outputs are too large before training",
        "scale the weights of the last layer down, or start it at zero",
        WARNING,
        ("LR_TOO_HIGH", "NON_FINITE_LOSS", "DEAD_RELU", "LR_TOO_LOW", "OVER_CLIPPING", "UNDERFIT"),
    ),
    "LR_TOO_HIGH": Entry(
        "a step changes the weights by a large part of themselves, and the loss does not fall",
        "divide the learning rate by 10",
        CRITICAL,
        (*_GRADIENT_SYMPTOMS, "NON_FINITE_LOSS", "UNDERFIT", "OVER_CLIPPING"),
    ),
    "LR_DECAYED": Entry(
        "the schedule has brought the rate to nothing before the loss had come down",
        "let the schedule last as long as the training",
        WARNING,
        ("LR_TOO_LOW", "UPDATE_LOST_TO_ROUNDING", "UNDERFIT"),
    ),
    "UPDATE_LOST_TO_ROUNDING": Entry(
        "the steps are smaller than the weights can tell apart: they change nothing",
        "keep the weights in float32 and compute in half precision (autocast)",
        WARNING,
        ("LR_TOO_LOW", "UNDERFIT"),
    ),
    "NON_FINITE_LOSS": Entry(
        "the loss is nan or infinite",
        "lower the rate; look for log or division of zero in the loss",
        CRITICAL,
        ("DEAD_RELU", "SATURATED_ACTIVATION", "VANISHING_GRADIENT", "UNDERFIT"),
    ),
    "SATURATED_ACTIVATION": Entry(
        "most units of these layers sit on the flat part of their activation",
        "scale the weights (or the inputs) down, or normalise before the activation",
        WARNING,
        ("VANISHING_GRADIENT", *_COLLAPSE, *SYMPTOMS_OF_NO_LEARNING),
    ),
    "DEAD_RELU": Entry(
        "most units of these layers are zero for every input",
        "lower the rate, start biases at 0, or use LeakyReLU",
        WARNING,
        ("VANISHING_GRADIENT", "RANK_COLLAPSE", "LR_TOO_LOW", "UNDERFIT"),
    ),
    "VANISHING_GRADIENT": Entry(
        "the gradient falls from layer to layer towards the input: early layers do not learn",
        "ReLU or tanh with Kaiming or Xavier weights, residual connections, or normalisation",
        WARNING,
        (*_COLLAPSE, "LR_TOO_LOW", "UNDERFIT"),
    ),
    "RANK_COLLAPSE": Entry(
        "a layer gives the same direction for every input: what tells inputs apart is lost there",
        "no mean over the batch or softmax there; smaller biases, normalisation, residual connections",
        WARNING,
        SYMPTOMS_OF_NO_LEARNING,
    ),
    "ATTENTION_COLLAPSE": Entry(
        "attention gives one token all the weight, or every token the same, and stays so",
        "divide scores by the root of the width, normalise before attention, draw query and key weights",
        WARNING,
        SYMPTOMS_OF_NO_LEARNING,
    ),
    "OVER_CLIPPING": Entry(
        "clipping shrinks the gradient a thousandfold or more at every step",
        "raise the clipping norm to that of a typical gradient",
        WARNING,
        ("LR_TOO_LOW", "UNDERFIT"),
    ),
    "LR_TOO_LOW": Entry(
        "a step changes the weights by next to nothing, though there is a gradient",
        "multiply the learning rate by 10 to 100",
        WARNING,
        ("UNDERFIT",),
    ),
    "OVERFIT": Entry(
        "the model fits rows it was trained on far better than others",
        "stop at the least validation loss; more data, augmentation, weight decay or a smaller model",
        WARNING,
    ),
    "UNDERFIT": Entry(
        "the loss stays where it began, and no cause above was found",
        "try to fit a single batch; if that works, train longer or enlarge the model",
        WARNING,
    ),
}
