"""Statistics of detailed samples: they cost more than others, and are taken at log-spaced steps alone.

How many directions the rows of a layer's output span, and whether there is a nonlinearity before the next
layer. Each function gives tensors on the device of its input and does not wait for it. Attention and
recurrences have modules of their own.
"""

from __future__ import annotations

import torch
from torch import Tensor

ROWS, FEWEST_ROWS, FEWEST_UNITS = 32, 8, 4
PLACES, MOST_DIFFERENCE = 512, 0.1


def effective_rank(output: Tensor) -> Tensor | None:
    """The participation ratio of up to 32 rows: (sum of l)^2 / sum of l^2, of the eigenvalues l of their Gram
    matrix. It is 1 where all rows are multiples of one vector, and None for too few rows or units.

    >>> round(float(effective_rank(torch.eye(8))))
    8
    """
    if output.dim() < 2 or len(output) < FEWEST_ROWS:
        return None
    some = output.detach()[:: max(1, len(output) // ROWS)][:ROWS]
    rows = some.reshape(len(some), -1)
    if rows.shape[1] < FEWEST_UNITS:
        return None
    x = rows.float()
    gram = x @ x.T
    return gram.diagonal().sum() ** 2 / gram.square().sum()


def some_units(x: Tensor, axis: int) -> Tensor:
    """(rows, units) about 512 rows; each place of an image or a text is a row. `axis` is that of the units.

    >>> some_units(torch.zeros(4, 3, 8, 8), 1).shape
    torch.Size([256, 3])
    """
    x = x.detach()
    if x.dim() < 2:
        return x.reshape(-1, 1)
    rows = x.movedim(axis, -1).reshape(-1, x.shape[axis])
    return rows[:: max(1, len(rows) // PLACES)]


def affine_residual(given: Tensor, read: Tensor) -> Tensor | None:
    """The share of the variance of `read` that no affine function of `given`, unit by unit, explains.

    It is 0 for batch norm, for dropout and for an activation that is linear. Numbers set to 0 by dropout (as
    often above as below 0) are left out. Units that have one sign alone, or that are all 0, are left out too.

    Args:
        given: (rows, units) the output of one layer.
        read: (rows, units) the input of the next layer.

    Returns:
        (), 1 where no unit is left; None where the shapes differ or there are few rows.

    >>> x = torch.linspace(-1, 1, 64)[:, None]
    >>> float(affine_residual(x, 3 * x + 1)) < 1e-9, float(affine_residual(x, x.tanh())) > 1e-4
    (True, True)
    >>> float(affine_residual(x, x.relu())) > 0.1
    True
    """
    if given.shape != read.shape or len(given) < FEWEST_ROWS:
        return None
    a, b = given.float(), read.float()
    present = (b != 0).float()
    below, above = ((present * side).sum(0) / side.sum(0).clamp(min=1) for side in (a < 0, a > 0))
    dropped = (below.mean() - above.mean()).abs() < MOST_DIFFERENCE  # a ReLU sets to 0 what is below alone
    w = torch.where(dropped, present, torch.ones_like(present))
    n = w.sum(0).clamp(min=1)
    a, b = a - (w * a).sum(0) / n, b - (w * b).sum(0) / n
    slope = (w * a * b).sum(0) / (w * a * a).sum(0).clamp(min=1e-30)
    square = (w * b * b).sum(0)
    known = (below > 0) & (above > 0) & (square > 0)
    rest = torch.where(known, (w * (b - slope * a) ** 2).sum(0) / square.clamp(min=1e-30), 0.0)
    return torch.where(known.any(), rest.sum() / known.sum().clamp(min=1), 1.0)
