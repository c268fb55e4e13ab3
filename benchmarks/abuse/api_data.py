"""A small network, data for it, and inputs and labels that are wrong for it."""

from __future__ import annotations

from typing import Any

import torch
from benchmarks.abuse import wrong_values as wrong
from benchmarks.abuse.wrong_values import Values, as_written

from levinthal import networks

COUNT = wrong.WHOLE | wrong.BELOW | as_written("0")
SEED = wrong.WHOLE | wrong.BELOW


def network() -> Any:
    """Two small networks of the first paper."""
    return networks.first_last(inputs=4, width=3, depth=2, classes=3, seeds=(0, 1), shortcut=True)


def data() -> dict[str, Any]:
    """Inputs and classes."""
    return {"inputs": torch.rand(30, 4), "labels": torch.arange(30) % 3}


INPUTS = as_written(
    "None", "5", "'text'", "{}", "[]", "[[1.0], [2.0, 3.0]]", "np.array(['a'] * 30)", "rng.rand(30, 5)",
    "rng.rand(30)", "rng.rand(4, 30)", "np.zeros((0, 4))", "torch.rand(30, 4, device='meta')",
    "torch.rand(30, 4).to_sparse()", "np.array([None] * 30)", "(i for i in [1.0])", "Odd()", "lambda: 1",
    "torch.rand(30, 4) * 1j", "rng.rand(29, 4)", "np.zeros((30, 4), 'M8[s]')", "quantised()",
    "torch.rand(())", "nn.Linear(4, 3)", "rng.rand(30, 4, 2)", **wrong.KNOWN,
)  # fmt: skip
LABELS = as_written(
    "None", "5", "'text'", "{}", "[]", "[[1], [2, 3]]", "np.array(['a'] * 30)", "np.arange(30)",
    "np.arange(29) % 3", "-np.arange(30)", "np.zeros((30, 2), int)", "torch.zeros(30, device='meta')",
    "np.array([None] * 30)", "Odd()", "torch.zeros(30, dtype=int).to_sparse()",
    "np.array([0.5, np.nan] * 15)", "np.zeros(30) * 1j", "(i for i in [1])", "np.zeros(30, 'M8[s]')",
    "torch.tensor(1)", "np.zeros((30, 3))", "lambda: 1", "np.full(30, 10**12)", **wrong.KNOWN,
)  # fmt: skip
SAME_INPUTS = as_written(
    "rng.rand(30, 4)", "rng.rand(30, 4).tolist()", "torch.rand(30, 4)[::2].repeat(2, 1)",
    "rng.rand(30, 4)[::-1]", "torch.rand(30, 4).double()", "rng.rand(30, 4).astype('f2')",
    "rng.rand(30, 4).astype('>f8')", "torch.rand(30, 4, requires_grad=True)", "rng.rand(30, 8)[:, ::2]",
    "Frame(*rng.rand(4, 30))", **wrong.KNOWN,
)  # fmt: skip
SAME_LABELS = as_written(
    "(np.arange(30) % 3).tolist()", "np.arange(30)[::-1] % 3", "(np.arange(30) % 3).astype('u1')",
    "torch.arange(30, dtype=torch.int32) % 3", "np.arange(30).astype('>i4') % 3",
    "np.arange(30).astype('u2') % 3",
)  # fmt: skip
INPUTS_ALONE = {text: make for text, make in INPUTS.items() if "29" not in text}


def without_none(values: Values) -> Values:
    """The values for an argument that may be left out."""
    return {text: make for text, make in values.items() if text != "None"}
