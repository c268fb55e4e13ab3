"""What a user gives of held-out rows, as one loss for each independent unit: a row, or a cluster of rows."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from levinthal.arguments import in_short
from levinthal.bounds.names import names_of
from levinthal.certificates.checked import counted, losses_of
from levinthal.errors import InputError

NONE_GIVEN = "write a word such as none where the model gave no answer, which counts as wrong"
WEIGHTED = (
    "weights make rows that are no draws of what the model will meet, so no certificate here holds for them: "
    "draw rows with chances in proportion to their weights, and count these"
)


@dataclass(frozen=True, slots=True)
class Outcomes:
    """The losses of independent units, or the errors among them.

    Attributes:
        units: How many there are.
        mean: Their mean loss.
        losses: (units,) their losses; None where each is 0 or 1.
        rows: How many rows they hold.
        largest: The most rows of one unit.
    """

    units: int
    mean: float
    losses: np.ndarray | None
    rows: int
    largest: int = 1

    @property
    def errors(self) -> int:
        """How many units are wrong, where each loss is 0 or 1."""
        return round(self.mean * self.units)

    @property
    def is_clustered(self) -> bool:
        """Whether a unit is a cluster of rows."""
        return self.largest > 1


def outcomes_of(
    losses: Any = None,
    *,
    errors: Any = None,
    samples: Any = None,
    predictions: Any = None,
    labels: Any = None,
    clusters: Any = None,
) -> Outcomes:
    """The outcomes that are given in one of three ways.

    Args:
        losses: One loss in [0, 1] for each row.
        errors: How many rows are wrong...
        samples: ...of how many.
        predictions: One class for each row...
        labels: ...and the true one.
        clusters: What each row belongs to, where rows are not independent: the image of a crop, the document
            of a question.

    Returns:
        The outcomes.

    Raises:
        InputError: Nothing is given, or too much, or values that do not fit.

    >>> outcomes_of(predictions=[0, 1, 2, 1], labels=[0, 1, 1, 1]).errors
    1
    >>> outcomes_of([0, 1, 1, 1], clusters=["a", "a", "b", "b"]).mean
    0.75
    """
    ways = {
        "losses": losses is not None,
        "errors and samples": errors is not None or samples is not None,
        "predictions and labels": predictions is not None or labels is not None,
    }
    given = [name for name, is_given in ways.items() if is_given]
    if len(given) != 1:
        what = "nothing is given" if not given else f"{' beside '.join(given)} were given"
        raise InputError(f"{what}: pass losses, or errors and samples, or predictions and labels")
    if ways["errors and samples"]:
        return _of_counts(errors, samples, clusters)
    values = losses_of(losses) if losses is not None else _wrong(predictions, labels)
    return _of_losses(values, clusters)


def _of_counts(errors: Any, samples: Any, clusters: Any) -> Outcomes:
    if errors is None or samples is None:
        given, missing = ("samples", "errors") if errors is None else ("errors", "samples")
        raise InputError(f"{given} was given without {missing}: pass both")
    if clusters is not None:
        raise InputError("clusters were given beside errors and samples: pass losses, one for each row")
    errors, samples = counted(errors, samples)
    return Outcomes(samples, errors / samples, None, samples)


def _wrong(predictions: Any, labels: Any) -> np.ndarray:
    """(n,) 1.0 where a prediction is not the label."""
    if predictions is None or labels is None:
        given, missing = ("labels", "predictions") if predictions is None else ("predictions", "labels")
        raise InputError(f"{given} were given without {missing}: pass both")
    said = names_of(predictions, "predictions", "class", NONE_GIVEN)
    true = names_of(labels, "labels", "class")
    if len(said) != len(true):
        raise InputError(f"{len(said)} predictions and {len(true)} labels: pass one of each for each row")
    kinds = {side.dtype.kind == "U" for side in (said, true)}
    if len(kinds) > 1:
        raise InputError(
            "predictions and labels are text on one side and numbers on the other, so that no row would be "
            "right: name the classes in one way"
        )
    if (true == true[0]).all():
        raise InputError(
            f"all {len(true)} labels are {in_short(true[0].item())}: a certificate of one class is no error "
            "rate of a classifier; pass losses (0 right, 1 wrong) if it is meant"
        )
    if not np.isin(said, true).any():
        shown = f"{in_short(said[0].item())}, say, where a label is {in_short(true[0].item())}"
        raise InputError(
            f"no predicted class occurs among the labels ({shown}): name the classes in one way, or "
            "pass losses (0 right, 1 wrong) if every row is wrong"
        )
    return np.asarray(said != true, np.float64)


def _of_losses(values: np.ndarray, clusters: Any) -> Outcomes:
    rows, largest = len(values), 1
    if clusters is not None:
        values, largest = _of_clusters(values, clusters)
    is_count = bool(((values == 0) | (values == 1)).all())
    return Outcomes(len(values), float(values.mean()), None if is_count else values, rows, largest)


def _of_clusters(values: np.ndarray, clusters: Any) -> tuple[np.ndarray, int]:
    """The mean loss of each cluster, in the order in which they begin; the most rows of one."""
    names = names_of(clusters, "clusters", "cluster")
    if len(names) != len(values):
        raise InputError(f"{len(values)} rows and {len(names)} clusters: name the cluster of each row")
    _, first, inverse = np.unique(names, return_index=True, return_inverse=True)
    sizes = np.bincount(inverse)
    means = np.bincount(inverse, weights=values) / sizes
    return means[np.argsort(first)], int(sizes.max())
