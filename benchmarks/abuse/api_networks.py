"""The networks of the laboratory, with every wrong argument."""

from __future__ import annotations

from collections.abc import Iterator

import torch
from benchmarks.abuse import wrong_values as wrong
from benchmarks.abuse.api_data import (
    COUNT,
    INPUTS,
    INPUTS_ALONE,
    LABELS,
    SAME_INPUTS,
    data,
    network,
)
from benchmarks.abuse.api_target import Target
from benchmarks.abuse.wrong_values import as_written

from levinthal import networks


def targets() -> Iterator[Target]:
    """The functions of `levinthal.networks`."""
    size, either = COUNT, wrong.HUGE
    shape = {"inputs": 4, "width": 3, "depth": 2, "classes": 3}
    sizes = dict.fromkeys(shape, size)
    flags = {"shortcut": wrong.FLAG, "residual": wrong.FLAG}
    yield Target(
        "Architecture",
        networks.Architecture,
        lambda: shape,
        sizes | flags,
        dict.fromkeys(("inputs", "width", "classes"), wrong.SAME_WHOLE),
        dict.fromkeys(shape, either),
    )
    seeds = as_written(
        "5", "None", "[]", "[0.5]", "['a']", "[-1]", "[True]", "'01'", "[None]", "{}", "lambda: 0"
    )
    yield Target(
        "first_last",
        networks.first_last,
        lambda: shape,
        sizes
        | flags
        | {"seeds": seeds, "init": wrong.NAME, "gain": wrong.NUMBER, "slope": wrong.NUMBER}
        | {
            "dtype": as_written(
                "'float32'", "int", "None", "torch.int64", "np.float32", "torch.complex64", "5"
            )
        },
        {"width": wrong.SAME_WHOLE, "seeds": as_written("range(2)", "np.arange(2)", "(np.int64(3),)")}
        | {"gain": wrong.SAME_NUMBER},
        dict.fromkeys(shape, either),
    )
    for name, function in (("activations", networks.activations), ("statistics", networks.statistics)):
        more = {"batchnorm": wrong.NAME, "layers": as_written("5", "[3]", "[0.5]", "['1']", "'1'", "[0]")}
        yield Target(
            name,
            function,
            lambda: {"model": network(), "inputs": torch.rand(30, 4)},
            {"model": wrong.MODULE | as_written("nn.Linear(4, 3)"), "inputs": INPUTS_ALONE}
            | (more if name == "activations" else {}),
            {"inputs": SAME_INPUTS},
        )
    yield Target(
        "logits_without",
        networks.logits_without,
        lambda: {"model": network(), "inputs": torch.rand(30, 4), "path": "deep"},
        {
            "model": wrong.MODULE,
            "inputs": INPUTS_ALONE,
            "path": wrong.NAME | wrong.NOTHING,
            "batchnorm": wrong.NAME,
        }
        | {"batchnorm": wrong.NAME | as_written("'recalibrated'")},
    )
    yield Target("debiased", networks.debiased, lambda: {"model": network()}, {"model": wrong.MODULE})
    yield Target(
        "loss_and_gradients",
        networks.loss_and_gradients,
        lambda: {"model": network(), **data()},
        {"model": wrong.MODULE, "inputs": INPUTS, "labels": LABELS},
        called={"inputs": "", "labels": ""},
    )
    for name, loss in networks.LOSSES.items():
        yield Target(
            name,
            loss,
            lambda: {"outputs": torch.rand(30, 3), "labels": torch.arange(30) % 3},
            {
                "outputs": as_written("None", "5", "rng.rand(30, 3)", "torch.rand(3)", **wrong.KNOWN),
                "labels": LABELS,
            },
            called={"labels": ""},
        )
    for argument in ("width", "batch", "seeds"):
        yield Target(
            "prefers_ensemble",
            networks.prefers_ensemble,
            lambda: {"width": 3, "batch": 4, "seeds": 5},
            {argument: COUNT},
            {argument: wrong.SAME_WHOLE},
            {argument: wrong.HUGE},
        )
