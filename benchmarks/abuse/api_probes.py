"""The probes and the nouns, with every wrong argument."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import torch
from benchmarks.abuse import wrong_values as wrong
from benchmarks.abuse.api_data import (
    COUNT,
    INPUTS,
    INPUTS_ALONE,
    LABELS,
    SAME_INPUTS,
    SAME_LABELS,
    SEED,
    data,
    network,
)
from benchmarks.abuse.api_target import Target
from benchmarks.abuse.wrong_values import as_written
from torch import nn

import levinthal
from levinthal import probes
from levinthal.vocabulary import Interval, Snapshot, Trust, rounded

READINGS = wrong.NAME | as_written("5", "[5]", "['runing']", "None", "'recalibrated'", "[]")
PROBES = as_written(
    "None", "5", "[5]", "'gradient_norms'", "probes.gradient_norms", "[probes.displacement]", "[None]",
    probes=probes,
)  # fmt: skip


def snapshot(model: nn.Module | None = None) -> Snapshot:
    """The state before the first step."""
    x, y = data().values()
    return Snapshot(0, 0.0, model or network(), x, y, torch.zeros(2))


def applied(make: Any) -> Any:
    """A function that makes a probe, and uses it."""
    return lambda **words: [*make(**words)(snapshot())]


def _on_labels() -> Iterator[Target]:
    wrongly = {"inputs": INPUTS, "labels": LABELS, "batchnorm": READINGS}
    called = {"inputs": "", "labels": "", "name": ""}
    for make in (probes.error_rate, probes.validation_loss, probes.ablated_error):
        own = {k: v for k, v in READINGS.items() if k != "[]"}
        yield Target(
            make.__name__,
            applied(make),
            data,
            wrongly | {"batchnorm": own},
            {"inputs": SAME_INPUTS, "labels": SAME_LABELS},
            called=called,
        )
    yield Target(
        "gradient_signal_to_noise",
        applied(probes.gradient_signal_to_noise),
        lambda: {**data(), "batch_size": 5, "batches": 4},
        {"inputs": INPUTS, "labels": LABELS, "batch_size": COUNT, "batches": COUNT, "seed": SEED}
        | {"loss": wrong.FUNCTION | as_written("None", "lambda o, y: None", "lambda o, y: 1 / 0")},
        {"inputs": SAME_INPUTS, "labels": SAME_LABELS, "batches": wrong.SAME_WHOLE},
        {"batch_size": wrong.HUGE, "batches": wrong.HUGE, "seed": wrong.HUGE},
        called | {"loss": ""},
    )


def _on_layers() -> Iterator[Target]:
    estimate = wrong.FUNCTION | as_written(
        "None", "'cka'", "lambda x, y: 0.5", "lambda x, y: None", "lambda x: x"
    )
    right = {"inputs": torch.rand(30, 4), "estimator": levinthal.cka}
    yield Target(
        "first_last_information",
        applied(probes.first_last_information),
        lambda: right,
        {"inputs": INPUTS_ALONE, "estimator": estimate, "batchnorm": READINGS, "readouts": READINGS},
        {"inputs": SAME_INPUTS, "readouts": as_written("'after'", "('after',)")},
        called={"inputs": "", "readouts": "readout"},
    )
    yield Target(
        "between_layers",
        applied(probes.between_layers),
        lambda: {**right, "name": "similarity"},
        {"inputs": INPUTS_ALONE, "estimator": estimate, "against": wrong.NAME, "batchnorm": wrong.NAME},
        called={"inputs": ""},
    )
    pair = as_written(
        "None",
        "5",
        "()",
        "(1,)",
        "(None, None)",
        "'ab'",
        "torch.rand(2, 4)",
        "(torch.rand(3, 4), torch.ones(2).long())",
    )
    both = (torch.rand(30, 4), torch.arange(30) % 3)
    yield Target(
        "linear_probe",
        applied(probes.linear_probe),
        lambda: {"train": both, "test": both},
        {"train": pair, "test": pair, "ridge": wrong.NUMBER | as_written("-1.0"), "batchnorm": wrong.NAME},
        {"ridge": wrong.SAME_NUMBER},
    )


def _of_runs() -> Iterator[Target]:
    run = as_written("None", "5", "[5]", "'ab'", "[None]", "lambda: 1")
    schedule = as_written("5", "'1'", "[0.5]", "[None]", "lambda: 1")
    yield Target(
        "probes.watch",
        probes.watch,
        lambda: {"snapshots": [snapshot()], "probes": [probes.training_loss]},
        {"snapshots": run, "probes": PROBES, "schedule": schedule},
        {"schedule": wrong.NOTHING | as_written("[0]", "np.array([0])", "range(2)")},
    )
    yield Target(
        "only_at",
        lambda **words: [*probes.only_at(**words)(snapshot())],
        lambda: {"steps": [0], "probe": probes.training_loss},
        {"steps": schedule | wrong.NOTHING, "probe": wrong.FUNCTION | wrong.NOTHING},
    )
    for name in ("training_loss", "gradient_norms"):
        yield Target(
            name,
            getattr(probes, name),
            lambda: {"snapshot": snapshot()},
            {"snapshot": wrong.THINGS | wrong.NOTHING},
        )
    yield Target(
        "displacement", applied(probes.displacement), lambda: {"model": network()}, {"model": wrong.MODULE}
    )
    lists = as_written(
        "None",
        "5",
        "'12'",
        "[1, 2, 3]",
        "[]",
        "[0, 0]",
        "['a', 'b']",
        "[None, 1]",
        "{}",
        "np.array([[1, 2]])",
        "[1j, 2]",
    )
    yield Target(
        "displacement_exponent",
        probes.displacement_exponent,
        lambda: {"steps": [1, 4], "distances": [1.0, 2.0]},
        {"steps": lists, "distances": lists | as_written("[float('nan'), 1.0]", "torch.rand(3)")},
        {
            "steps": as_written("np.array([1, 4])", "torch.tensor([1, 4])"),
            "distances": as_written("torch.rand(2) + 0.1"),
        },
    )


def _nouns() -> Iterator[Target]:
    words = as_written("'certain'", "None", "5", "['exact']", "b'exact'", "True")
    yield Target(
        "Estimate",
        lambda **words: f"{levinthal.Estimate(**words)} {float(levinthal.Estimate(**words))}",
        lambda: {"value": 0.5, "trust": Trust.EXACT, "interval": Interval(0.0, 1.0)},
        {"value": {k: v for k, v in wrong.NUMBER.items() if "nan" not in k.lower()}, "trust": words}
        | {
            "interval": as_written("5", "(0, 1)", "'0-1'", "True", "lambda: 1"),
            "reasons": as_written("'few rows'", "5", "None", "[5]"),
        }
        | {
            "unit": as_written("5", "None", "['bits']", "b'bits'"),
            "details": as_written("5", "None", "[1]", "'n'"),
        },
        {
            "value": wrong.SAME_NUMBER | as_written("float('nan')", "10**6", "np.float64(0.5)"),
            "trust": as_written("'exact'"),
        }
        | {"reasons": as_written("['few rows']", "()")},
        {"value": wrong.HUGE},
    )
    ends = {k: v for k, v in wrong.NUMBER.items() if "nan" not in k.lower()}
    yield Target(
        "Interval",
        lambda **words: str(levinthal.Estimate(0.5, "", Interval(**words), trust=Trust.EXACT)),
        lambda: {"low": 0.0, "high": 1.0},
        {"low": ends, "high": ends, "level": wrong.NUMBER | as_written("0", "1.5", "95", "-1")},
    )
    yield Target(
        "rounded", rounded, lambda: {"value": 0.5}, {"value": ends, "digits": wrong.WHOLE | wrong.BELOW}
    )


def targets() -> Iterator[Target]:
    """The probes and the nouns."""
    yield from _on_labels()
    yield from _on_layers()
    yield from _of_runs()
    yield from _nouns()
