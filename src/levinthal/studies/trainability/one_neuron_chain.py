"""One neuron a layer: the gradient of the first bias is a product, and products vanish or explode.

The chain a_l = s(w_l a_{l-1} + b_l), s the sigmoid, has dC/db_l = s'(z_l) prod_{k>l} w_k s'(z_k) dC/da_L.
Nothing is trained: seeds draw weights, biases and inputs, and float64 does the rest.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

from levinthal.lab.analysis import (
    RANGE,
    Along,
    By,
    Reading,
    caption,
    each,
    evidence,
    facets,
    mapped,
    mean_by_seed,
    value,
)
from levinthal.lab.analysis.units import DIGITS, LOG10_RATIO
from levinthal.lab.storage.rows import Rows
from levinthal.vocabulary import (
    Axis,
    Claim,
    Estimate,
    Evidence,
    Figure,
    Measurement,
    Outcome,
    Panel,
    Preset,
    Series,
    Study,
    Task,
    Verdict,
)

SOURCE = "Nielsen, Neural Networks and Deep Learning (2015), ch. 5"
CASES = ("gaussian", "balanced", "contrived")
LAYER = Along("layer", Axis("layer"), int)
CHAINS = 200  # a seed's value is the mean over so many chains, or the worst of them
WEIGHTS = np.round(np.arange(1.1, 12.05, 0.1), 1)  # the sizes |w| whose window is scanned
SPACING = 1e-4  # between the inputs of that scan
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


def _digits(ratio: Tensor) -> Estimate:
    """Digits to which the worst ratio is 1, as far as float64 can tell."""
    return Estimate.exact(-math.log10(max(float((ratio - 1).abs().max()), 2**-53)), "digits")


def _beside(name: str, case: str, control: str, sign: int = 1) -> Callable[[Rows], Evidence]:
    """The number in a case, length by length, beside that of the control, averaged over lengths."""

    def signed(read: Reading) -> Reading:
        return mapped(read, lambda number: sign * number)

    def at(length: int) -> Reading:
        return signed(value(name, step=None, case=case, length=length))

    parts = each("length", make=at, label="length {}".format, name=name, case=case)
    return evidence(parts, signed(value(name, step=None, reduce=mean_by_seed, case=control)))


CLAIMS = (
    Claim(
        id="N1",
        says="The gradient of a bias is s'(z) times the term w s'(z) of every later layer.",
        source=SOURCE,
        effect="digits to which the product is autograd's gradient",
        unit="digits",
        smallest_effect=12,
        why_smallest="chosen by us: what float64 leaves of its 16 digits after a product of many factors",
        control="the product with one factor left out",
        evidence=_beside("agreement", "gaussian", "one factor short"),
        deterministic=True,
    ),
    Claim(
        id="N2",
        says="With gaussian weights it falls exponentially towards the input: terms are usually below 1/4.",
        source=SOURCE,
        effect="loss of gradient towards the input",
        unit="log10 ratio per layer",
        smallest_effect=math.log10(4),
        why_smallest="from the source: terms below 1/4 mean a loss by more than a factor of 4 a layer",
        control="weights of +-4 and z = 0: every term has size 1",
        evidence=_beside("growth", "gaussian", "balanced", sign=-1),
    ),
    Claim(
        id="N3",
        says="It can explode: weights of 100 and biases that hold z = 0 make every term 25.",
        source=SOURCE,
        effect="gain of gradient towards the input",
        unit="log10 ratio per layer",
        smallest_effect=math.log10(25) - 1e-12,
        why_smallest="from the source: a factor of 25 a layer, less rounding",
        control="gaussian weights and biases",
        evidence=_beside("growth", "contrived", "gaussian"),
        deterministic=True,
    ),
    Claim(
        id="N4",
        says="A term of size 1 needs |w| >= 4 and an input in a window at most 0.45 wide (at |w| = 6.9).",
        source=SOURCE,
        effect="digits to which the closed form is the width found by a scan, at every |w|",
        unit="digits",
        smallest_effect=3,
        why_smallest="chosen by us: one part in a thousand",
        control="the scan of a tanh neuron",
        evidence=_beside("agreement", "window", "tanh window"),
        deterministic=True,
    ),
)


def figures(rows: Rows) -> Iterator[Figure]:
    """The gradient against the layer in the longest chains, and the window against the weight."""
    if len(gradients := rows.where(name="gradient", case=CASES)):
        length = max(gradients.distinct("length"))
        longest = gradients.where(length=length)
        panels = facets(longest, LAYER, Axis("|dC/db|", log=True), By("case"), spread=RANGE)
        words = caption(rows, RANGE, f"chains of {length}, each number the median of {CHAINS} of them")
        yield Figure("gradients", "Gradients vanish or explode unless every term has size 1", words, panels)
    if len(widest := rows.where(case="window", name="widest")):
        weights = tuple(np.linspace(4, 12, 161).tolist())
        curve = Series("width", weights, tuple(map(escape_width, weights)), "reference")
        words = f"Closed form; the widest in a scan is {widest.values().mean():.4f} ({len(widest)} seeds)."
        panel = Panel(Axis("|w|"), Axis("width of inputs with |w s'(z)| >= 1"), (curve,))
        yield Figure("window", "Few inputs let the term of a sigmoid neuron reach 1", words, (panel,))


def answer(verdicts: Mapping[str, Verdict]) -> str:
    """The factor of the product per layer, or the claims that are open."""
    open_ = [name for name, verdict in verdicts.items() if verdict.outcome is not Outcome.REPLICATES]
    if open_:
        return f"Not settled here: see {', '.join(open_)}."
    less, more = (10 ** float(verdicts[name].effect or 0) for name in ("N2", "N3"))
    return (
        f"It is a product: gaussian terms divide it by {less:.0f} a layer; others multiply it by {more:.0f}."
    )


def _preset(about: str, lengths: tuple[int, ...], seeds: int) -> Preset:
    chains = [(case, length) for case in (*CASES, "one factor short") for length in lengths]
    cells = [*chains, *((case, 1) for case in SLOPES)]
    return Preset(about, None, tuple(Task({"case": c, "length": n}, tuple(range(seeds))) for c, n in cells))


study = Study(
    name="one-neuron-chain",
    chapter="trainability",
    question="Why does the gradient of an early layer vanish or explode?",
    source=SOURCE,
    version=1,
    presets={
        "quick": _preset("chains of 3 and 6, 8 seeds: a second", (3, 6), 8),
        "standard": _preset("chains of 3 to 48, 12 seeds: seconds", (3, 6, 12, 24, 48), 12),
    },
    measure=measure,
    claims=CLAIMS,
    figures=figures,
    answer=answer,
    terms=DIGITS | LOG10_RATIO,
)
