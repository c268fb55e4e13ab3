"""Faults of data, batches and modes, for the first blind suite."""

from __future__ import annotations

from typing import Any

import torch
from benchmarks.faults.blind_1.data.vectors import raw
from benchmarks.faults.blind_1.faulty.batch_operators import (
    by_folders,
    first_batch,
    from_file,
    rare,
    reseeded,
)
from benchmarks.faults.blind_1.faulty.operators import (
    Operator,
    after,
    before,
    both,
    ended,
    fields,
    inputs,
    net,
    rows,
)  # fmt: skip
from benchmarks.faults.case import Run, TrainingCase
from benchmarks.faults.own.data import Rows
from torch import Generator, Tensor, nn

Row = tuple[str, str, Operator, str, dict[str, Any]]
"""Code, variant, operator, names of healthy cases, fields of the FaultyCase."""
SILENT = {"silent": True}


def put(value: float, one_in: int) -> Operator:
    """A value in one cell of every so many rows."""

    def change(x: Tensor, y: Tensor, dice: Generator) -> Rows:
        flat = x.reshape(len(x), -1)
        at = torch.arange(3, len(x), one_in)
        flat[at, torch.randint(0, flat.shape[1], at.shape, generator=dice)] = value
        return flat.reshape(x.shape), y

    return rows(change)


def logarithm(x: Tensor) -> Tensor:
    return torch.log((x + 1) / 2)


def column_by_column(x: Tensor) -> Tensor:
    """Standardised without a thought for columns that are constant."""
    return (x - x.mean(0)) / x.std(0)


def last_frame_missing(x: Tensor) -> Tensor:
    x[::40, -1] = float("nan")
    return x


def other_units(x: Tensor) -> Tensor:
    """The fourth column a million times as large."""
    x[:, 3] *= 1e6
    return x


def looked_at(way: str) -> Operator:
    """Validation in inference mode but in training mode too: `whole` or in `pieces`."""

    def look(run: Run) -> None:
        if run.step % 15 != 7:
            return
        x, _ = run.problem.data(0)
        with torch.inference_mode():
            for some in x[:64].split(8 if way == "pieces" else 64):
                run.model(some)

    def done(p: TrainingCase) -> TrainingCase:
        return both(fields(evaluates=""), after(look))(p)

    return done


def pooled_norm() -> nn.Module:
    """Pictures to one number a channel, and the norm of these over the batch."""
    body = (nn.Conv2d(1, 16, 3, padding=1), nn.ReLU(), nn.AdaptiveAvgPool2d(1), nn.Flatten())
    return nn.Sequential(*body, nn.BatchNorm1d(16), nn.Linear(16, 4))


def norm_before_end(width: int, outputs: int) -> Operator:
    return ended(lambda: nn.Sequential(nn.BatchNorm1d(width), nn.Linear(width, outputs)))


def deepest_norm_still(run: Run) -> None:
    [m for m in run.model.modules() if isinstance(m, nn.BatchNorm1d | nn.BatchNorm2d)][-1].eval()


DATA: tuple[Row, ...] = (
    ("NON_FINITE_INPUT", "infinity in a cell", put(float("inf"), 60), "clouds-mish friedman-relu", {}),
    ("NON_FINITE_INPUT", "logarithm of nought", inputs(logarithm), "digits-signed-lion zeroed-after", {}),
    ("NON_FINITE_INPUT", "constant columns standardised", inputs(column_by_column),
     "digits-poly-half-precision", {}),
    ("NON_FINITE_INPUT", "last frame missing", inputs(last_frame_missing),
     "lines-both-ways lines-mixer seasons-gelu", {}),
    ("STUCK_BATCH", "reseeded loader", fields(order=reseeded), "clouds-mish seasons-gelu grey-next-blocks",
     {}),
    ("STUCK_BATCH", "kept in memory", first_batch(), "shapes-squeezed friedman-relu", {}),
    ("STUCK_BATCH", "kept, new noise each time", first_batch(0.02), "digits-contrasted-focal spirals-relu",
     {}),
    ("UNSHUFFLED", "as in the file", fields(order=from_file),
     "digits-batch-six digits-restarts digits-deeper-slower", {}),
    ("UNSHUFFLED", "one folder a batch", fields(order=by_folders(1)),
     "digits-narrow shapes-squeezed grey-cut-out", {}),
    ("UNSHUFFLED", "two folders a batch", fields(order=by_folders(2)), "digits-cycle told-the-loss", {}),
    ("UNSHUFFLED", "first all yes, then all no", fields(order=from_file), "parity-hinge-slow", {}),
    ("CLASS_IMBALANCE", "of two", rare(4), "moons-small cancer-gated two-digits-twins", {}),
    ("CLASS_IMBALANCE", "of several", rare(2), "spirals-relu shapes-squeezed clouds-slow", {}),
    ("CLASS_IMBALANCE", "of two, as numbers", rare(6), "moons-binary-adadelta", {}),
    ("INPUT_SCALE", "units of the table", fields(data=raw("wine")), "wine-silu wine-softmax", {}),
    ("INPUT_SCALE", "units of the table", fields(data=raw("breast_cancer")), "cancer-gated cancer-hinge", {}),
    ("INPUT_SCALE", "grey from 0 to 25500", inputs(lambda x: (x + 1) * 12750), "digits-signed-lion", {}),
    ("INPUT_SCALE", "kelvin", inputs(lambda x: x + 290), "seasons-gelu field-sine moons-small", {}),
    ("INPUT_SCALE", "a ten-thousandth", inputs(lambda x: x * 1e-4),
     "spirals-relu shapes-squeezed clouds-slow", {}),
    ("INPUT_SCALE", "one column in other units", inputs(other_units),
     "clouds-mish clouds-highway friedman-relu", {}),
    ("BN_EVAL_IN_TRAIN", "after the first look", fields(evaluates="stays"), "clouds-norm-relu6 drifting-norm",
     SILENT),
    ("BN_EVAL_IN_TRAIN", "from the start", net(lambda m: m.eval()), "clouds-norm-relu6 drifting-norm",
     SILENT),
    ("BN_EVAL_IN_TRAIN", "only the deepest", before(deepest_norm_still), "drifting-norm", SILENT),
    ("TRAIN_MODE_IN_EVAL", "never told", fields(evaluates="in train"),
     "clouds-norm-relu6 shapes-channels-dropped drifting-norm", SILENT),
    ("TRAIN_MODE_IN_EVAL", "inference mode instead", looked_at("whole"),
     "clouds-norm-relu6 shapes-channels-dropped", SILENT),
    ("TRAIN_MODE_IN_EVAL", "in small pieces", looked_at("pieces"), "drifting-norm", SILENT),
    ("BN_TINY_BATCH", "two rows", fields(batch=2), "clouds-norm-relu6", {}),
    ("BN_TINY_BATCH", "two rows at a time, gathered", fields(accumulate=32), "clouds-norm-relu6", {}),
    ("BN_TINY_BATCH", "three pooled pictures", both(fields(batch=3), net(lambda _: pooled_norm())),
     "shapes-squeezed", {}),
    ("BN_TINY_BATCH", "two rows, the norm last", both(fields(batch=2), norm_before_end(10, 10)),
     "digits-rate-third", {}),
)  # fmt: skip
