"""The training loop and its optimisers, with every wrong argument."""

from __future__ import annotations

from collections.abc import Iterator

import torch
from benchmarks.abuse import wrong_values as wrong
from benchmarks.abuse.api_data import (
    COUNT,
    INPUTS,
    LABELS,
    SAME_INPUTS,
    SAME_LABELS,
    data,
    network,
    without_none,
)
from benchmarks.abuse.api_target import Target
from benchmarks.abuse.wrong_values import as_written
from torch import nn

import levinthal
from levinthal import training

ORDERS = {text: make for text, make in wrong.WHOLE.items() if text not in ("[3]", "{3}", "np.array([1, 2])")}
ORDERS |= wrong.BELOW | as_written("[0, 1, 2]", "[0.5, 1]", "[]", "[None, 0]", "{0: 1, 1: 2}", "'01'")
OPTIMIZERS = wrong.FUNCTION | as_written(
    "None", "'sdg'", "torch.optim.SGD([nn.Parameter(torch.ones(1))])", "lambda parameters: None", "nn.ReLU()",
    "lambda: 1", "''", "b'sgd'", "lambda p: torch.optim.SGD(p, lr=-1)",
)  # fmt: skip
LOSSES = wrong.FUNCTION | as_written(
    "None", "'mse'", "nn.MSELoss", "lambda o, y: None", "lambda o, y: 0.5", "lambda o, y: o.sum(-1)",
    "lambda o: o", "lambda o, y: o.sum().item()", "lambda o, y: 1 / 0",
    "lambda o, y: o.detach().mean((-2, -1))", "b'cross_entropy'",
)  # fmt: skip


def targets() -> Iterator[Target]:
    """The functions of `levinthal.training`."""
    steps = wrong.WHOLE | wrong.BELOW
    for name, model in (("an ensemble", network), ("a module", lambda: nn.Linear(4, 3))):
        yield Target(
            f"train {name}",
            levinthal.train,
            lambda model=model: {"model": model(), **data(), "steps": 2, "batch_size": 10},  # type: ignore[misc]
            {"model": wrong.MODULE, "inputs": INPUTS, "labels": LABELS, "steps": steps, "loss": LOSSES}
            | {"batch_size": without_none(COUNT)}
            | {"optimizer": OPTIMIZERS, "order_seeds": ORDERS, "device": wrong.NAME | wrong.NOTHING}
            | {
                "snapshots": as_written("5", "'5'", "[2.5]", "[None]", "[-1]", "['1']", "[True]", "lambda: 1")
            },
            {
                "inputs": SAME_INPUTS,
                "labels": SAME_LABELS,
                "steps": as_written("np.int64(2)", "torch.tensor(2)"),
            }
            | {"batch_size": wrong.SAME_WHOLE | wrong.NOTHING, "order_seeds": wrong.SAME_WHOLE}
            | {"snapshots": as_written("np.array([0, 1])", "[]", "range(3)", "{np.int64(1)}", "iter([0])")},
            {"order_seeds": wrong.HUGE, "batch_size": wrong.HUGE},
            dict.fromkeys(("model", "inputs", "labels", "loss", "optimizer"), "") | {"order_seeds": "seed"},
        )
    yield Target(
        "log_spaced",
        training.log_spaced,
        lambda: {"steps": 9, "count": 4},
        {"steps": steps, "count": COUNT},
        dict.fromkeys(("steps", "count"), wrong.SAME_WHOLE),
        {"steps": wrong.HUGE, "count": wrong.HUGE},
    )
    yield Target("choose_device", training.choose_device, lambda: {"device": "cpu"}, {"device": wrong.NAME})
    rate = wrong.NUMBER | as_written("-1.0", "-1e-9")
    shares = rate | as_written("1.0", "5")
    weights = [nn.Parameter(torch.ones(2))]
    for rule in (training.SGD, training.RMSprop, training.Adam):
        own = {
            "SGD": {"momentum": shares, "nesterov": wrong.FLAG},
            "RMSprop": {"eps": rate},
            "Adam": {"eps": rate},
        }
        named = {} if rule is training.SGD else {"constants": wrong.NAME | wrong.NOTHING}
        pairs = as_written(
            "0.9", "(0.9,)", "(0.9, 1.5)", "('a', 'b')", "None", "(0.9, 0.99, 0.999)", "(True, 0.9)"
        )
        yield Target(
            rule.__name__,
            lambda rule=rule, **words: rule(**words)(weights),
            lambda: {"lr": 0.1},
            {"lr": rate, **own[rule.__name__], **named}
            | ({"rho": without_none(shares)} if rule is training.RMSprop else {})
            | ({"betas": pairs} if rule is training.Adam else {}),
            {"lr": wrong.SAME_NUMBER},
        )
