"""Two numbers of a network at frozen weights that do not depend on how its layers are scaled.

GSC, the gradient scale coefficient (Philipp, Song & Carbonell 2017, arXiv 1712.05577), of an upper layer
with respect to a lower one: ||d out / d in||_qm x ||in|| / ||out||, where the quadratic mean of the singular
values is the Frobenius norm over the root of the input's width. It is 1 for the identity and, on average,
for random matrices. Where it grows exponentially with depth, gradients explode whatever the scale.

NLC, the non-linearity coefficient (Philipp & Carbonell 2018, arXiv 1806.00179): the variance that the local
linear maps would give the output over its real one, sqrt(E ||J S^(1/2)||_F^2 / Tr Cov f), S = Cov x. It is
exactly 1 for an affine map.

Both treat the batch as one input, so that batch norm, which couples the rows, is included.
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
    """Measure the GSC of one layer with respect to the input and to every layer below it.

    Args:
        model: any module. Nothing in it changes.
        inputs: a batch (n, ...), a tuple of arguments, or a mapping of keyword arguments.
        upper: name of the upper layer, or "output".
        products: backward passes with random signs (Hutchinson 1990) that serve all layers at once. By
            default one per output entry, which is exact, or 10 where the output is wider than 32.
        layers: whether to measure a module, as a function of it (blocks, for example).
        seed: of the random signs.

    Returns:
        Layer name (or "input") -> GSC, without unit. Intervals are over the inputs and include the noise of
        the products.

    Raises:
        InputError: no layer has that name, or there is fewer than one product.

    >>> net = nn.Sequential(nn.Linear(1, 1, bias=False))
    >>> round(float(gradient_scale(net, torch.randn(20, 1))["input"]), 4)  # one linear unit
    1.0
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
    """Measure the NLC over the inputs of a batch. Their covariance stands for that of the data.

    The double mean over pairs (where the Jacobian is taken, which input it is applied to) is a U-statistic.
    The interval follows from its influence, and has width 0 for an affine map.

    Args:
        model: any module. Nothing in it changes.
        inputs: a batch (n, ...) of floats, a tuple of arguments, or a mapping of keyword arguments.
        products: as in `gradient_scale`.
        seed: of the random signs.

    Returns:
        The NLC, without unit: exactly 1 for an affine map.

    >>> net = nn.Sequential(nn.Linear(5, 9), nn.Linear(9, 3))
    >>> print(nonlinearity(net, torch.randn(50, 5)).interval)
    Interval(low=1.0, high=1.0, level=0.95, method='delta method over inputs')

    Raises:
        InputError: the inputs are not floats, or fewer than two.
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
    """Backward passes v^T J, each with its weight in the sum ||J||_F^2.

    With one entry of the output at a time the sum is exact if rows are independent. One random sign per row
    makes it unbiased if they are not.
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
