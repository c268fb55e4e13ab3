"""The torch functions whose calls are recorded, and the name of each."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor
from torch.nn import functional

from levinthal.clinic.recording.attention import ATTENTION
from levinthal.clinic.recording.layers import ACTIVATIONS

BACKWARD, DIFFERENCE, LOG_SOFTMAX, DROPOUT = "backward", "difference", "log_softmax", "dropout"
DRAWN = "drawn"
"""Numbers of classes drawn from their probabilities."""
SQRT, NORM, LOG = "sqrt", "norm", "log"
ROOTS = (SQRT, NORM, LOG)
"""Operations whose value or slope is infinite at zero."""
LOSSES = {
    getattr(functional, name): name
    for name in (
        *("cross_entropy", "nll_loss", "binary_cross_entropy", "binary_cross_entropy_with_logits"),
        *("mse_loss", "l1_loss", "smooth_l1_loss", "huber_loss", "kl_div", "poisson_nll_loss", "ctc_loss"),
        *("multi_margin_loss", "soft_margin_loss", "hinge_embedding_loss"),
        *("cosine_embedding_loss", "margin_ranking_loss"),
    )
}
LOGITS = "binary_cross_entropy_with_logits"
OF_PAIRS = ("cosine_embedding_loss", "margin_ranking_loss")
"""Losses of two inputs: their targets are no labels of one."""
ARGUMENTS = {
    **dict.fromkeys(OF_PAIRS, ("input", "other", "target")),
    LOGITS: ("input", "target", "weight"),
    "ctc_loss": (
        *("input", "target", "input_lengths", "target_lengths", "blank"),
        *("reduction", "zero_infinity"),
    ),
}
"""Loss -> its first arguments, where they are not the input and the target."""
RENAMED = {"input1": "input", "input2": "other", "log_probs": "input", "targets": "target"}
"""Argument of a loss -> what it is."""
DROPOUTS = ("dropout", "dropout1d", "dropout2d", "dropout3d", "alpha_dropout", "feature_alpha_dropout")
RECORDED: dict[Any, str] = {
    Tensor.backward: BACKWARD,
    **{getattr(functional, name): DROPOUT for name in DROPOUTS},
    **dict.fromkeys((torch.sub, torch.subtract, Tensor.sub, Tensor.subtract, Tensor.__sub__), DIFFERENCE),
    **dict.fromkeys((torch.mul, torch.multiply, Tensor.mul, Tensor.multiply, Tensor.__mul__), DIFFERENCE),
    **dict.fromkeys((functional.log_softmax, torch.log_softmax, Tensor.log_softmax), LOG_SOFTMAX),
    **dict.fromkeys((torch.logsumexp, Tensor.logsumexp), LOG_SOFTMAX),
    **dict.fromkeys((torch.sqrt, Tensor.sqrt), SQRT),
    **dict.fromkeys((torch.norm, Tensor.norm, torch.linalg.norm, torch.linalg.vector_norm), NORM),
    **dict.fromkeys((torch.log, Tensor.log), LOG),
    **dict.fromkeys((torch.multinomial, Tensor.multinomial), DRAWN),
    **LOSSES,
    **ATTENTION,
    **{function: name for name, function in ACTIVATIONS.items()},
    **{getattr(torch, name): name for name in ("relu", "selu", "tanh", "sigmoid")},
    **{getattr(Tensor, name): name for name in ("relu", "tanh", "sigmoid")},
    **{getattr(torch, f"{name}_"): name for name in ("relu", "selu", "tanh", "sigmoid")},
    **{getattr(Tensor, f"{name}_"): name for name in ("relu", "tanh", "sigmoid")},
    **{getattr(functional, f"{name}_"): name for name in ("relu", "elu", "selu", "leaky_relu")},
}
"""Function -> name: a loss, an activation or an attention by its own name, the others by the names above."""
SOFTMAXES = frozenset((*ATTENTION, functional.log_softmax, torch.log_softmax, Tensor.log_softmax))
"""Softmaxes, log-softmaxes and attentions."""
