"""Two numbers of a network at frozen weights that do not depend on how its layers are scaled.

GSC, the gradient scale coefficient (Philipp, Song & Carbonell 2017, arXiv 1712.05577), of an upper layer
with respect to a lower one: ||d out / d in||_qm x ||in|| / ||out||, where the quadratic mean of the singular
values is the Frobenius norm over the root of the input's width. It is 1 for the identity and, in the mean,
for random matrices; where it grows exponentially with depth, gradients explode whatever the scale.

NLC, the non-linearity coefficient (Philipp & Carbonell 2018, arXiv 1806.00179): the variance that the local
linear maps would give the output over the one it has, sqrt(E ||J S^(1/2)||_F^2 / Tr Cov f), S = Cov x. It is
exactly 1 for an affine map.

Both on a batch taken as a whole, so that batch norm, which lets rows see each other, is taken with it.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator

import torch
from jaxtyping import Float
from torch import Tensor, nn

from levinthal.errors import InputError, require_one_of
from levinthal.networks.initial import generator
from levinthal.probes.intervals import ratio, relative
from levinthal.probes.recording import Inputs, Pass, recorded, rows_of, tensor_of
from levinthal.vocabulary import Estimate, Interval, Trust

WIDEST_EXACT = 32
PRODUCTS = 10


def gradient_scale(
    model: nn.Module,
    inputs: Inputs,
    *,
    upper: str = "output",
    products: int | None = None,
    layers: Callable[[nn.Module], bool] | None = None,
    seed: int = 0,
) -> dict[str, Estimate]:
    """GSC of `upper` (a layer's name, or the output) with respect to the input and every layer below it.

    `products` backward passes with random signs (Hutchinson 1990) serve all layers at once; by default as
    many as the output is wide, one an entry and exact, or 10 where it is wider than 32. Intervals are over
    the inputs, and hold the noise of the products. `layers` says which modules to measure (blocks, say).

    Raises InputError for a name that is no layer's, or fewer than one product.
    """
    with recorded(model, inputs, layers=layers) as taken:
        named = {"input": taken.inputs} if taken.inputs.requires_grad else {}
        named |= {call.name: call.output for call in taken.calls}
        if upper != "output":
            names = list(named)
            below = names[: names.index(require_one_of("layer", upper, names))]
            top, named = named[upper], {name: named[name] for name in below}
        else:
            top = tensor_of(taken.output)
        found = _squared_jacobians(taken, top, list(named.values()), products, seed)
        pairs = zip(named.items(), found, strict=True)
        return {name: _coefficient(taken, top, below, squares) for (name, below), squares in pairs}


def nonlinearity(model: nn.Module, inputs: Inputs, *, products: int | None = None, seed: int = 0) -> Estimate:
    """NLC over the inputs of a batch, whose own covariance stands for that of the data.

    The double mean over pairs (where the Jacobian is taken, which input it is applied to) is a U-statistic;
    the interval follows its influence, and closes on 1 for an affine map.

    >>> net = nn.Sequential(nn.Linear(5, 9), nn.Linear(9, 3))
    >>> print(nonlinearity(net, torch.randn(50, 5)).interval)
    Interval(low=1.0, high=1.0, level=0.95, method='delta method over inputs')

    Raises InputError for inputs that are not of floats, or fewer than two of them.
    """
    with recorded(model, inputs) as taken:
        if not taken.inputs.requires_grad or taken.batch < 2:
            kind = f"{taken.batch} inputs of {taken.inputs.dtype}"
            raise InputError(f"NLC needs 2 inputs of floats or more; got {kind}: pass embeddings of tokens")
        top = tensor_of(taken.output)
        x = rows_of(taken.inputs.detach().double(), taken.batch)
        centred, pairs = x - x.mean(0), torch.zeros(taken.batch, taken.batch, dtype=torch.float64).to(x)
        for weight, (gradient,) in _products(taken, top, [taken.inputs], products, seed):
            pairs += weight * (rows_of(gradient, taken.batch) @ centred.T) ** 2
        out = rows_of(top.detach().double(), taken.batch)
        spread = (out - out.mean(0)).square().sum(1)
        return _coefficient_of_pairs(pairs, spread, taken.coupled)


def _coefficient_of_pairs(
    pairs: Float[Tensor, "n n"], spread: Float[Tensor, " n"], coupled: bool
) -> Estimate:
    linear, real = float(pairs.mean()), float(spread.mean())
    if not (linear > 0 and real > 0) or not math.isfinite(linear * real):
        why = "the output does not vary over the batch, or not finitely"
        return Estimate(math.nan, trust=Trust.UNRELIABLE, reasons=(why,))
    influence = (relative(pairs.mean(0)) + relative(pairs.mean(1)) - relative(spread)) / 2
    found = ratio(0.5 * math.log(linear / real), _settled(influence), coupled=coupled)
    span = found.interval  # float32 leaves an affine map within 1e-7 of 1
    span = span and Interval(round(span.low, 6), round(span.high, 6), span.level, span.method)
    return Estimate(
        round(found.value, 6), "", span, trust=found.trust, reasons=found.reasons, details=found.details
    )


def _settled(influence: Float[Tensor, " n"]) -> Float[Tensor, " n"]:
    return torch.where(influence.abs() < 1e-6, 0.0, influence)


def _coefficient(taken: Pass, top: Tensor, below: Tensor, squares: Float[Tensor, " rows"]) -> Estimate:
    """sqrt(mean ||J||^2 / width x mean ||in||^2 / mean ||out||^2), the means over the rows of the batch."""
    read = rows_of(below.detach().double(), taken.batch)
    given = rows_of(top.detach().double(), taken.batch)
    sizes = squares, read.square().mean(1), given.square().sum(1)  # the width divides the middle one
    j, a, b = (float(s.mean()) for s in sizes)
    if not (j * a > 0 and b > 0) or not math.isfinite(j * a / b):
        why = "no gradient passes" if j == 0 else "a layer is zero, or not finite"
        return Estimate(0.0 if j == 0 else math.nan, trust=Trust.UNRELIABLE, reasons=(why,))
    if len({len(s) for s in sizes}) > 1:
        squares, read, given = (s.mean().reshape(1) for s in sizes)
        sizes = squares, read, given
    influence = (relative(sizes[0]) + relative(sizes[1]) - relative(sizes[2])) / 2
    return ratio(0.5 * (math.log(j) + math.log(a) - math.log(b)), influence, coupled=taken.coupled)


def _squared_jacobians(
    taken: Pass, top: Tensor, lowers: list[Tensor], products: int | None, seed: int
) -> list[Float[Tensor, " rows"]]:
    """||J||_F^2 of each lower tensor, split over the rows of the batch in which the gradient arrives."""
    totals: list[Tensor] = []
    for weight, gradients in _products(taken, top, lowers, products, seed):
        parts = [weight * rows_of(g, taken.batch).square().sum(1) for g in gradients]
        totals = [t + p for t, p in zip(totals, parts, strict=True)] if totals else parts
    return totals


def _products(
    taken: Pass, top: Tensor, lowers: list[Tensor], products: int | None, seed: int
) -> Iterator[tuple[float, list[Tensor]]]:
    """Backward passes v^T J, each with its weight in the sum that is ||J||_F^2.

    With one entry of the output at a time the sum is exact where rows are independent; the random sign a row
    makes it unbiased where they are not.
    """
    shape = rows_of(top, taken.batch).shape
    width = shape[1]
    count = (width if width <= WIDEST_EXACT else PRODUCTS) if products is None else products
    if count < 1 or not top.requires_grad:
        why = f"products={count}" if count < 1 else "the output has no gradient"
        raise InputError(f"{why}: at least one backward pass is needed")
    draw = generator(seed, "products")
    for k in range(count):
        signs = torch.randint(0, 2, shape, generator=draw).mul(2).sub(1).to(top)
        exact = count == width
        v = signs * (torch.arange(width, device=top.device) == k) if exact else signs
        found = torch.autograd.grad(top, lowers, v.reshape(top.shape), retain_graph=True, allow_unused=True)
        full = [torch.zeros_like(t) if g is None else g for g, t in zip(found, lowers, strict=True)]
        yield 1.0 if exact else 1 / count, [g.double() for g in full]
