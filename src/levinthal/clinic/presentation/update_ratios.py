"""The gradient of every weight matrix over a run, and its steps relative to its norm."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from levinthal.clinic.recording.history import History
from levinthal.clinic.recording.training_setup import TrainingSetup
from levinthal.clinic.rules.context import typical
from levinthal.report.formatting import share_of


@dataclass(frozen=True, slots=True)
class Weights:
    """The trained weight matrices: their columns in the history, their names and their numbers of weights.

    Vectors (biases, scales of a normalisation) are left out where there is a matrix.
    """

    columns: tuple[int, ...]
    names: tuple[str, ...]
    sizes: tuple[int, ...]


def weights(history: History, setup: TrainingSetup | None) -> Weights:
    """The columns of the history that are weight matrices; all, by number, where the setup is unknown."""
    count = history.tensors("weight").shape[1]
    if setup is None or len(setup.parameters) != count:
        return Weights(tuple(range(count)), tuple(f"parameter {i + 1}" for i in range(count)), (1,) * count)
    trained = [i for i, p in enumerate(setup.parameters) if p.requires_grad]
    chosen = [i for i in trained if setup.parameters[i].dim() >= 2] or trained
    names, sizes = setup.names, [p.numel() for p in setup.parameters]
    return Weights(tuple(chosen), tuple(names[i] for i in chosen), tuple(sizes[i] for i in chosen))


def step_sizes(history: History, setup: TrainingSetup | None) -> np.ndarray:
    """(samples, matrices) norm of a step over norm of the weights."""
    chosen = list(weights(history, setup).columns)
    size, update = (history.tensors(column)[:, chosen] for column in ("weight", "update"))
    with np.errstate(all="ignore"):  # a run that has blown up
        return np.asarray(update / np.where(size > 0, size, np.nan))


def gradients(history: History, setup: TrainingSetup | None) -> np.ndarray:
    """(samples, matrices) root mean square of the gradient of each matrix."""
    held = weights(history, setup)
    return np.asarray(history.tensors("gradient")[:, list(held.columns)] / np.sqrt(np.array(held.sizes)))


def steps_in_words(sizes: np.ndarray) -> str:
    """The change of a matrix by a step, at first and at the end; empty where it is unknown.

    >>> steps_in_words(np.array([[0.2], [0.02], [0.02], [0.02]]))
    'a step changes a matrix by 2 % of its norm'
    >>> steps_in_words(np.array([[9.0], [9.0], [0.1], [0.1], [0.1]]))
    'at first a step changes a matrix by 9.00 times its norm, at the end by 10 % of its norm'
    """
    usual = typical(sizes, 1) if sizes.size else np.zeros(0)
    known = usual[np.isfinite(usual)]
    if not len(known):
        return ""
    first, last = (f"{share_of(float(typical(end)))} its norm" for end in (known[:3], known[-3:]))
    if first == last == "none of its norm":
        return "a step leaves most matrices unchanged"
    if first == last:
        return f"a step changes a matrix by {last}"
    return f"at first a step changes a matrix by {first}, at the end by {last}"
