"""The measurement: chains with their gradient and its terms, and the window of inputs, found by a scan."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

from levinthal.studies.trainability.one_neuron_chain.design import CHAINS
from levinthal.vocabulary import Estimate, Measurement, Task

WEIGHTS = np.round(np.arange(1.1, 12.05, 0.1), 1)  # the sizes |w| whose window is scanned
SPACING = 1e-4  # between the inputs of that scan
QUARTER = 0.25  # the most that the slope of a sigmoid can be
SLOPES: Mapping[str, Callable[[np.ndarray], np.ndarray]] = {
    "window": lambda z: 0.25 / np.cosh(z / 2) ** 2,  # s'(z)
    "tanh window": lambda z: 1 / np.cosh(z) ** 2,
}
Chains = Float[Tensor, "chain layer"]


def chain_gradient(weights: Chains, biases: Chains, start: Float[Tensor, " chain"]) -> tuple[Chains, Chains]:
    """Weighted inputs z and dC/db of every chain, by autograd, for C = a_L (unit output gradient)."""
    biases = biases.clone().requires_grad_()
    a, weighted = start, []
    for w, b in zip(weights.T, biases.T, strict=True):
        weighted.append(w * a + b)
        a = torch.sigmoid(weighted[-1])
    (gradient,) = torch.autograd.grad(a.sum(), biases)
    return torch.stack(weighted, dim=1).detach(), gradient


def chain_product(weights: Chains, slopes: Chains) -> Chains:
    """The same dC/db by the book: the slope s'(z_l) times the term w_k s'(z_k) of every later layer k."""
    terms = (weights * slopes)[:, 1:]
    later = terms.flip(1).cumprod(1).flip(1)
    return slopes * torch.cat([later, torch.ones_like(slopes[:, :1])], dim=1)


def escape_width(weight: float) -> float:
    """Width of the inputs a with |w s'(wa + b)| >= 1: (2/|w|) ln(|w| (1 + sqrt(1 - 4/|w|)) / 2 - 1).

    Zero up to |w| = 4, for s' <= 1/4; the maximum over w is 0.44774, at |w| = 6.8942.

    >>> round(escape_width(6.8942), 5), escape_width(-4.0), escape_width(3.9)
    (0.44774, 0.0, 0.0)
    """
    w = abs(weight)
    return 2 / w * math.log(w * (1 + math.sqrt(1 - 4 / w)) / 2 - 1) if w > 4 else 0.0


def measure(task: Task, *, data: object, device: object) -> Iterator[Measurement]:
    """Measure one case. It needs no data, and runs on the CPU whatever the device: float64 and seconds."""
    del data, device
    case, length = str(task.cell["case"]), int(task.cell["length"])
    for seed in task.seeds:
        yield from _scan(case, seed) if case in SLOPES else _chains(case, length, seed)


def _chains(case: str, length: int, seed: int) -> Iterator[Measurement]:
    weights, biases, start = _draw(case, length, seed)
    z, gradient = chain_gradient(weights, biases, start)
    slopes = 1 / (4 * torch.cosh(z / 2) ** 2)  # not autograd's a (1 - a), which cancels near a = 1
    product = chain_product(weights, slopes)
    growth = (gradient[:, 0] / gradient[:, -1]).abs().log10().mean() / (length - 1)
    if case == "one factor short":
        product = product / slopes
    yield Measurement("agreement", _digits(product / gradient), seed)
    yield Measurement("growth", Estimate.exact(float(growth), "log10 ratio per layer"), seed)
    small = ((weights * slopes)[:, 1:].abs() < QUARTER).double().mean()
    yield Measurement("small_terms", Estimate.exact(float(small)), seed)
    for layer, typical in enumerate(gradient.abs().median(dim=0).values.tolist(), start=1):
        yield Measurement("gradient", Estimate.exact(typical), seed, layer=f"{layer}")


def _draw(case: str, length: int, seed: int) -> tuple[Chains, Chains, Float[Tensor, " chain"]]:
    """Weights, biases and inputs: standard gaussian, or weights with biases that hold every z at 0."""
    rng = torch.Generator().manual_seed(seed)
    normal, other = torch.randn(2, CHAINS, length, generator=rng, dtype=torch.float64)
    start = torch.rand(CHAINS, generator=rng, dtype=torch.float64)
    if case in ("gaussian", "one factor short"):
        return normal, other, start
    weights = 4 * normal.sign() if case == "balanced" else torch.full_like(normal, 100)
    before = torch.full_like(normal, 0.5)  # s(0), the activation of a neuron held at z = 0
    before[:, 0] = start
    return weights, -weights * before, start


def _scan(case: str, seed: int) -> Iterator[Measurement]:
    """For each |w|, count the inputs with |w s'(wa + b)| >= 1 on a fine grid that begins at random."""
    offset = np.random.default_rng(seed).uniform(0, SPACING)
    z = np.outer(WEIGHTS, np.arange(-1, 1, SPACING) + offset)  # w (a + b/w): a bias only moves the window
    widths = SPACING * np.sum(WEIGHTS[:, None] * SLOPES[case](z) >= 1, axis=1)
    formula = np.array([escape_width(w) for w in WEIGHTS])
    yield Measurement("agreement", _digits(1 + torch.tensor((widths - formula) / formula.max())), seed)
    yield Measurement("widest", Estimate.exact(float(widths.max())), seed)
    widest = WEIGHTS[widths >= widths.max() - SPACING / 2]  # several, where the grid does not tell them apart
    yield Measurement("widest_at", Estimate.exact(float(widest.mean())), seed)


def _digits(ratio: Tensor) -> Estimate:
    """Digits to which the worst ratio is 1, as far as float64 can tell."""
    return Estimate.exact(-math.log10(max(float((ratio - 1).abs().max()), 2**-53)), "digits")
