"""Forward signal and backward gradient of any module at frozen weights.

`signal(model, inputs, targets, loss)` measures every layer in one forward and one backward pass and changes
nothing in the module. The growth rate is that of the squared gradient: the slope of log2 ||dL/d out||^2
against the number of weight layers from there to the output. So +1 means that the squared gradient doubles
per layer towards the input. A chain of sigmoids at their steepest point has -4 (Nielsen 2015, ch. 5).
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from jaxtyping import Float
from scipy import special
from torch import Tensor, nn

from levinthal.errors import InputError
from levinthal.networks.initial import generator
from levinthal.probes.intervals import estimate, ratio, relative, root_mean
from levinthal.probes.recording import Call, Inputs, Loss, Pass, recorded, rows_of, tensor_of
from levinthal.probes.saturation import Tails, dead_share, saturated_share, saturated_tails
from levinthal.vocabulary import Estimate, Interval, Trust

Squares = Float[Tensor, " _"]
PER_LAYER = "log2 ratio per layer"
NO_GRADIENT = "no gradient reaches it"


@dataclass(frozen=True, slots=True)
class Layer:
    """One call of one layer. Scales are root mean squares. Gains compare the layer with the one before it."""

    name: str
    kind: str
    weighted: bool
    forward_scale: Estimate
    forward_gain: Estimate
    """rms of its output over the rms of its input."""
    backward_scale: Estimate
    """rms of the gradient of the loss with respect to its output."""
    backward_gain: Estimate | None
    """Norm of that gradient at the layer before it (in order of execution) over the norm here."""
    parameter_gradient: Estimate | None
    """Norm of the gradient of its own parameters, summed over all its calls."""
    saturated: Estimate | None
    """Share of units in the saturated region of this activation."""
    dead: Estimate | None
    """Share of units in the same saturated tail for every input."""
    tails: Tails | None


@dataclass(frozen=True, slots=True)
class Signal:
    """The layers in order of execution, and the growth of the signal per weight layer."""

    layers: tuple[Layer, ...]
    growth: Estimate
    """log2 ratio of the squared gradient per weight layer, towards the input."""
    forward_growth: Estimate
    """log2 ratio of the mean square per weight layer, towards the output."""
    depth: int
    loss: float

    def __getitem__(self, name: str) -> Layer:
        """The call of that name."""
        return {layer.name: layer for layer in self.layers}[name]


def signal(model: nn.Module, inputs: Inputs, targets: Any = None, loss: Loss | None = None) -> Signal:
    """Measure scales, gains, gradients and saturation of every layer, and growth rates over the layers.

    The module runs once in its present mode. Nothing in it changes. Intervals are over the inputs of the
    batch.

    Args:
        model: any module with layers that PyTorch calls.
        inputs: a batch (n, ...), a tuple of arguments, or a mapping of keyword arguments.
        targets: the second argument of `loss`.
        loss: a function (output, targets) -> scalar. Without it the output is projected on a fixed random
            direction, which measures the Jacobian alone.

    Returns:
        A Signal: one Layer per call, growth rates in log2 ratios per weight layer, and the loss.

    >>> net = nn.Sequential(nn.Linear(4, 4), nn.Linear(4, 4), nn.Linear(4, 4))
    >>> for layer in net:
    ...     _ = nn.init.orthogonal_(layer.weight, gain=2.0), nn.init.zeros_(layer.bias)
    >>> found = signal(net, torch.eye(4))
    >>> [round(float(layer.forward_gain), 4) for layer in found.layers], round(float(found.growth), 4)
    ([2.0, 2.0, 2.0], 2.0)

    Raises:
        InputError: no tensor among the inputs, no layer called, or a loss that is not a scalar.
    """
    with recorded(model, inputs) as taken:
        value = _objective(taken, targets, loss)
        gradients = _gradients(value, taken)
        return Signal(
            _layers(taken, gradients),
            _growth(taken, [_energy(g, taken.batch) for g in gradients.outputs], towards="input"),
            _growth(taken, [_power(call.output, taken.batch) for call in taken.calls], towards="output"),
            sum(call.is_weighted for call in taken.calls),
            float(value.detach()),
        )


def growth_over_draws(
    factory: Callable[[], nn.Module],
    inputs: Inputs,
    targets: Any = None,
    loss: Loss | None = None,
    *,
    draws: int = 8,
    seed: int = 0,
) -> Estimate:
    """The mean growth rate of the squared gradient over draws of the initial weights.

    Args:
        factory: builds the module from torch's random state, which is seeded with seed, seed + 1... and
            restored.
        inputs: as in `signal`.
        targets: as in `signal`.
        loss: as in `signal`.
        draws: number of modules, at least 2.
        seed: of the first draw.

    Returns:
        The mean in log2 ratios per weight layer, with Student's interval over draws. The rate of each draw is
        in `details["rates"]`.

    Raises:
        InputError: fewer than 2 draws.
    """
    if draws < 2:
        raise InputError(f"draws={draws}, and an interval over draws needs 2: ask for 5 or more")
    rates = np.array(
        [float(signal(_drawn(factory, seed + k), inputs, targets, loss).growth) for k in range(draws)]
    )
    mean, error = float(rates.mean()), float(rates.std(ddof=1)) / math.sqrt(draws)
    if not math.isfinite(mean):
        why = f"{np.sum(~np.isfinite(rates))} of {draws} draws have no finite rate"
        return Estimate(mean, PER_LAYER, trust=Trust.UNRELIABLE, reasons=(why,), details={"draws": draws})
    reach = float(special.stdtrit(draws - 1, 0.975)) * error
    span = Interval(mean - reach, mean + reach, 0.95, "Student over draws of the weights")
    return Estimate(
        mean, PER_LAYER, span, trust=Trust.CALIBRATED, details={"draws": draws, "rates": rates.tolist()}
    )


def _drawn(factory: Callable[[], nn.Module], seed: int) -> nn.Module:
    with torch.random.fork_rng([]):
        torch.manual_seed(seed)
        return factory()


def _objective(taken: Pass, targets: Any, loss: Loss | None) -> Tensor:
    if loss is None:
        out = tensor_of(taken.output)
        draw = generator(0, "direction of the loss")
        direction = torch.randn(out.shape, generator=draw).to(out)
        return (out * direction).sum() / taken.batch
    value = loss(taken.output, targets)
    if not isinstance(value, Tensor) or value.numel() != 1:
        shape = tuple(value.shape) if isinstance(value, Tensor) else type(value).__name__
        raise InputError(f"a loss must be a scalar tensor; got {shape}: take its mean over the batch")
    return value.reshape(())


@dataclass(frozen=True, slots=True)
class _Gradients:
    """Of the loss: with respect to the output of every call, to every parameter, and to the input."""

    outputs: list[Tensor]
    parameters: Mapping[nn.Parameter, Tensor]
    inputs: Tensor | None


def _gradients(loss: Tensor, taken: Pass) -> _Gradients:
    parameters = list(dict.fromkeys(p for call in taken.calls for p in call.parameters if p.requires_grad))
    outputs = [call.output for call in taken.calls]
    wanted = [*outputs, *parameters, *([taken.inputs] if taken.inputs.requires_grad else [])]
    found: tuple[Tensor | None, ...] = (None,) * len(wanted)
    if loss.requires_grad:
        found = torch.autograd.grad(loss, wanted, allow_unused=True)
    full = [torch.zeros_like(w) if g is None else _dense(g) for g, w in zip(found, wanted, strict=True)]
    n, last = len(outputs), len(outputs) + len(parameters)
    of_inputs = full[last] if taken.inputs.requires_grad else None
    return _Gradients(full[:n], dict(zip(parameters, full[n:last], strict=True)), of_inputs)


def _dense(gradient: Tensor) -> Tensor:
    return gradient.coalesce().values() if gradient.is_sparse else gradient.detach()


def _layers(taken: Pass, gradients: _Gradients) -> tuple[Layer, ...]:
    before = gradients.inputs
    layers, tails = [], dict[Any, Tails | None]()
    for call, gradient in zip(taken.calls, gradients.outputs, strict=True):
        same = call.settings or call.module or call
        if same not in tails:
            tails[same] = _tails_of(call)
        layers.append(_layer(taken, call, gradient, before, gradients, tails[same]))
        before = gradient
    return tuple(layers)


def _tails_of(call: Call) -> Tails | None:
    """The tails of an activation; None where the function differs between units (a wide PReLU)."""
    try:
        return saturated_tails(call.function) if call.function is not None else None
    except (RuntimeError, TypeError):
        return None


def _layer(
    taken: Pass,
    call: Call,
    gradient: Tensor,
    before: Tensor | None,
    gradients: _Gradients,
    tails: Tails | None,
) -> Layer:
    batch, coupled = taken.batch, taken.coupled
    slopes = _energy(gradient, batch)
    own = [gradients.parameters[p] for p in call.parameters if p in gradients.parameters]
    norms = [float(gradient.double().norm()) for gradient in own]
    return Layer(
        call.name,
        call.kind,
        call.is_weighted,
        root_mean(_power(call.output, batch), coupled=coupled),
        _gain(_power(call.before, batch), _power(call.output, batch), coupled),
        root_mean(slopes / (gradient.numel() / len(slopes)), coupled=coupled),
        None if before is None else _gain(slopes, _energy(before, batch), coupled),
        Estimate.exact(math.hypot(*norms)) if norms else None,
        saturated_share(call, batch, tails) if tails else None,
        dead_share(call, batch, tails) if tails else None,
        tails,
    )


def _power(values: Tensor, batch: int) -> Squares:
    """Mean square of every row."""
    return rows_of(values.detach().double(), batch).square().mean(1)


def _energy(values: Tensor, batch: int) -> Squares:
    """Squared norm of every row."""
    return rows_of(values.detach().double(), batch).square().sum(1)


def _gain(below: Squares, above: Squares, coupled: bool) -> Estimate:
    """The root of a ratio of means over rows."""
    if below.numel() == 0 or float(below.mean()) == 0 or float(above.mean()) == 0:
        return Estimate(0.0, trust=Trust.UNRELIABLE, reasons=("one of the two is zero",))
    log = 0.5 * math.log(float(above.mean()) / float(below.mean()))
    if len(below) != len(above):
        below, above = below.mean().reshape(1), above.mean().reshape(1)
    return ratio(log, (relative(above) - relative(below)) / 2, coupled=coupled)


def _growth(taken: Pass, squares: list[Squares], *, towards: str) -> Estimate:
    """The slope of log2 of the squares over weight layers, without the last one if three others remain.

    The last layer is a readout. Its width and its weights often differ in kind from the others'.
    """
    held = [s for s, call in zip(squares, taken.calls, strict=True) if call.is_weighted]
    held = held[:-1] if len(held) > 3 else held
    sizes = [float(s.mean()) for s in held]
    sign = -1.0 if towards == "input" else 1.0
    places = [sign * k for k, size in enumerate(sizes) if size > 0]
    if len(places) < 2:
        why = f"{len(places)} of {len(held)} weight layers have a signal, and a slope needs 2"
        return Estimate(math.nan, PER_LAYER, trust=Trust.UNRELIABLE, reasons=(why,))
    if not all(map(math.isfinite, sizes)):
        return Estimate(math.inf, PER_LAYER, trust=Trust.UNRELIABLE, reasons=("the signal is not finite",))
    x = np.array(places) - np.mean(places)
    slopes = x / (x @ x)
    positive = [s for s in held if float(s.mean()) > 0]
    value = float(slopes @ np.log2([float(s.mean()) for s in positive]))
    rows = positive if len({len(s) for s in positive}) == 1 else [s.mean().reshape(1) for s in positive]
    influence = sum((relative(s) * c for s, c in zip(rows, slopes.tolist(), strict=True)), torch.zeros(()))
    found = estimate(value, influence / math.log(2), PER_LAYER, coupled=taken.coupled)
    if len(positive) == len(held):
        return found
    silent = f"{len(held) - len(positive)} of {len(held)} weight layers have no signal at all"
    reasons = (*found.reasons, silent)
    return Estimate(
        value, PER_LAYER, found.interval, trust=Trust.UNRELIABLE, reasons=reasons, details=found.details
    )
