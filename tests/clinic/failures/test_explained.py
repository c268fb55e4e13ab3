"""Models and losses that do not fit their data: one line names the layer or argument, and the way out."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional

import levinthal
from levinthal.clinic.failures.explained import explained
from levinthal.errors import InputError

X, Y = torch.randn(64, 8, generator=torch.Generator().manual_seed(0)), torch.arange(64) % 4
IMAGES, TOKENS = X.reshape(16, 1, 32).repeat(1, 3, 1).reshape(16, 3, 4, 8), Y.reshape(16, 4)
YES = (Y > 1).float()[:, None]
cross_entropy, binary = functional.cross_entropy, functional.binary_cross_entropy_with_logits


def mlp() -> nn.Module:
    return nn.Sequential(nn.Linear(8, 16), nn.ReLU(), nn.Linear(16, 4))


def conv() -> nn.Module:
    return nn.Sequential(nn.Conv2d(3, 2, 3, padding=1), nn.Flatten(), nn.Linear(64, 4))


def words() -> nn.Module:
    return nn.Sequential(nn.Embedding(4, 2), nn.Flatten(), nn.Linear(8, 4))


def mean(outputs: Any, _targets: Any) -> Tensor:
    return (outputs[0] if isinstance(outputs, tuple) else outputs).mean()


CASES: dict[str, tuple[Callable[[], nn.Module], Any, Any, Any, str]] = {
    "width": (
        mlp, cross_entropy, X[:, :5], Y,
        r"layer 0 \(Linear\) expects 8 features \(axis -1\), and the batch has 5 \(shape \(64, 5\)\): "
        "set in_features=5, or change the inputs",
    ),
    "channels": (
        conv, cross_entropy, IMAGES[:, :1], Y[:16],
        r"layer 0 \(Conv2d\) expects 3 channels \(axis -3\), and the batch has 1",
    ),
    "axes": (conv, cross_entropy, X, Y, r"layer 0 \(Conv2d\) expects 4 axes .*, and the batch has 2"),
    "image size": (
        conv, cross_entropy, IMAGES[..., :4], Y[:16],
        r"layer 2 \(Linear\) expects 64 features \(axis -1\), and its input has 32",
    ),
    "index range": (
        words, cross_entropy, TOKENS + 3, Y[:16],
        r"layer 0 \(Embedding\) expects indices from 0 to 3, and the batch has 3 to 6: raise num_embeddings",
    ),
    "float indices": (words, cross_entropy, TOKENS.float(), Y[:16], "expects integer indices.*float32"),
    "double inputs": (mlp, cross_entropy, X.double(), Y, r"dtype float32, and the batch has dtype float64"),
    "uneven inputs": (
        mlp, cross_entropy, [[1.0, 2.0], [3.0]], Y[:2],
        r"the batch has rows of different lengths \(row 0 has 2 values, row 1 has 1 value\): give every",
    ),
    "several inputs": (mlp, cross_entropy, [X, X[:, :2]], Y, "the batch is of type list"),
    "uneven targets": (
        mlp, cross_entropy, X[:2], [[0], [1, 2]],
        r"the targets of the batch have rows of different lengths \(row 0 has 1 value, row 1 has 2 values\)",
    ),
    "text inputs": (mlp, cross_entropy, X.numpy().astype(str), Y, "inputs holds text: pass an array"),
    "complex loss": (mlp, lambda o, t: o.mean() * 1j, X, Y, "the loss is a complex number"),
    "sparse inputs": (mlp, cross_entropy, X.to_sparse(), Y, r"layout sparse_coo: pass inputs.to_dense\(\)"),
    "norm channels": (
        lambda: nn.Sequential(nn.Linear(8, 16), nn.BatchNorm1d(12)), cross_entropy, X, Y,
        r"layer 1 \(BatchNorm1d\) expects 12 channels \(axis 1\), and its input has 16",
    ),
    "one row": (
        lambda: nn.Sequential(nn.BatchNorm1d(8), nn.Linear(8, 4)), cross_entropy, X[:1], Y[:1],
        "more than 1 value per channel, and the batch has 1 row: use a larger batch",
    ),
    "recurrent width": (
        lambda: nn.LSTM(8, 4, batch_first=True), mean, X.reshape(16, 8, 4), Y[:16],
        r"the model \(LSTM\) expects 8 features .*, and the batch has 4 .*input_size=4",
    ),
    "attention width": (
        lambda: nn.TransformerEncoderLayer(8, 2, 16, batch_first=True), mean, X.reshape(16, 8, 4), Y[:16],
        r"layer self_attn \(MultiheadAttention\) expects 8 features .*, and the batch has 4",
    ),
    "labels": (
        mlp, cross_entropy, X, Y + 1,
        r"the targets of the batch run from 1 to 4, and the model has 4 outputs \(classes 0 to 3\)",
    ),
    "label dtype": (mlp, cross_entropy, X, Y.float(), r"outputs of shape \(64, 4\).*targets.long\(\)"),
    "label column": (mlp, cross_entropy, X, Y[:, None], r"pass targets.squeeze\(1\)"),
    "label count": (mlp, cross_entropy, X, Y[:60], "64 rows for 60 targets"),
    "binary dtype": (lambda: nn.Linear(8, 1), binary, X, YES.long(), r"pass targets.to\(torch.float32\)"),
    "binary shape": (lambda: nn.Linear(8, 1), binary, X, YES[:, 0], r"pass targets.reshape\(outputs.shape\)"),
    "two outputs": (lambda: nn.LSTM(8, 4), cross_entropy, X, Y, "outputs of type tuple.*pick the tensors"),
    "loss class": (mlp, nn.CrossEntropyLoss, X, Y, r"pass an instance, CrossEntropyLoss\(\)"),
    "no loss": (mlp, None, X, Y, "the loss is None: pass a function"),
    "vector loss": (
        mlp, lambda o, t: cross_entropy(o, t, reduction="none"), X, Y, r"\(64,\).*its mean",
    ),
    "float loss": (mlp, lambda o, t: cross_entropy(o, t).item(), X, Y, r"of type float: .*without .item\(\)"),
    "no gradient": (mlp, lambda o, t: cross_entropy(o, t).detach(), X, Y, "the loss has no gradient"),
    "all frozen": (
        lambda: mlp().requires_grad_(False), cross_entropy, X, Y,
        "no parameter of the model requires a gradient",
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", CASES)
def test_what_does_not_fit_is_one_line_with_the_way_out(name: str) -> None:
    make, loss, inputs, targets, line = CASES[name]
    with pytest.raises(InputError, match=line) as raised:
        levinthal.check(make(), loss, (inputs, targets))
    assert "\n" not in str(raised.value)
    assert ":" in str(raised.value)


def test_a_failure_of_the_users_own_code_names_its_line() -> None:
    class Own(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.layer = nn.Linear(8, 4)

        def forward(self, x: Tensor) -> Tensor:
            return self.layer(x)[99]

    with pytest.raises(
        InputError, match=r"the model \(Own\), .* failed at test_explained.py:\d+: IndexError"
    ):
        levinthal.check(Own(), cross_entropy, (X, Y))


def test_a_model_on_the_meta_device_is_named() -> None:
    model = nn.Linear(8, 4, device="meta")
    with pytest.raises(InputError, match="on the meta device"), explained(model, cross_entropy, X, Y):
        raise RuntimeError


def test_a_failure_that_does_not_come_again_is_left_as_it_is() -> None:
    model = mlp()
    with pytest.raises(ZeroDivisionError), explained(model, cross_entropy, X, Y):
        raise ZeroDivisionError
    assert not model[0]._forward_hooks
    assert not model[0]._forward_pre_hooks
