"""A closer look: what costs more than a step may, taken at log-spaced steps alone.

How many directions the rows of a layer's output span, and whether anything bends them before the next layer.
Each gives tensors on the device of what it reads, and waits for nothing; so do the looks at attention and at
recurrences, which have files of their own.
"""

from __future__ import annotations

import torch
from torch import Tensor

ROWS, FEWEST_ROWS, FEWEST_UNITS = 32, 8, 4
PLACES, ALIKE = 512, 0.1


def effective_rank(output: Tensor) -> Tensor | None:
    """The participation ratio (sum of l)^2 / sum of l^2 of the second moments l of up to 32 rows; 1 where all
    rows lie on one line through 0, all equal for example. None for too few rows or units.

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
    """(rows, units) of about 512 rows and places; `axis` is that of the units.

    >>> some_units(torch.zeros(4, 3, 8, 8), 1).shape
    torch.Size([256, 3])
    """
    x = x.detach()
    if x.dim() < 2:
        return x.reshape(-1, 1)
    rows = x.movedim(axis, -1).reshape(-1, x.shape[axis])
    return rows[:: max(1, len(rows) // PLACES)]


def affine_residual(given: Tensor, read: Tensor) -> Tensor | None:
    """() the part of `read` (rows, units) that no stretched and shifted copy of `given`, unit by unit, makes
    up, as a share of its variance: 0 for batch norm, dropout, or an activation that bends nothing. What was
    dropped (set to 0 above and below alike) is left out, and units that lie on one side of 0 alone or were
    all set to 0, of which it is not known. None where the two have unlike shapes or few rows; 1 if nothing is
    left.

    >>> x = torch.linspace(-1, 1, 64)[:, None]
    >>> float(bend(x, 3 * x + 1)) < 1e-9, float(bend(x, x.tanh())) > 1e-4, float(bend(x, x.relu())) > 0.1
    (True, True, True)
    """
    if given.shape != read.shape or len(given) < FEWEST_ROWS:
        return None
    a, b = given.float(), read.float()
    kept = (b != 0).float()
    below, above = ((kept * side).sum(0) / side.sum(0).clamp(min=1) for side in (a < 0, a > 0))
    dropped = (below.mean() - above.mean()).abs() < ALIKE  # a ReLU sets to 0 what is below alone
    w = torch.where(dropped, kept, torch.ones_like(kept))
    n = w.sum(0).clamp(min=1)
    a, b = a - (w * a).sum(0) / n, b - (w * b).sum(0) / n
    slope = (w * a * b).sum(0) / (w * a * a).sum(0).clamp(min=1e-30)
    square = (w * b * b).sum(0)
    known = (below > 0) & (above > 0) & (square > 0)
    rest = torch.where(known, (w * (b - slope * a) ** 2).sum(0) / square.clamp(min=1e-30), 0.0)
    return torch.where(known.any(), rest.sum() / known.sum().clamp(min=1), 1.0)
