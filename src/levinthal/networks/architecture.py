"""The shape of a first-last network: widths, and which layer adds which earlier one."""

from __future__ import annotations

from dataclasses import dataclass

from levinthal.errors import InputError


def require_at_least(name: str, value: int, least: int, because: str) -> None:
    """Raise an InputError where a whole number is smaller than it can be."""
    if value < least:
        raise InputError(f"{name}={value} {because}: use {name}={least} or more")


@dataclass(frozen=True, slots=True)
class Architecture:
    """`inputs -> 2W -> W x (D - 2) -> 2W -> classes` with D hidden layers and two switches.

    `shortcut`: the softmax layer reads first + last hidden activation (Hodas & Stinis 2018, Fig. 2).
    `residual`: the hidden layers 4, 6, 8... (1-based; inner ones, all W wide) add the stream two layers
    earlier (Fig. 3). Below D = 5 there is no such layer: the residual network is the MLP.

    >>> Architecture(784, 50, 7, residual=True).widths
    (100, 50, 50, 50, 50, 50, 100)
    >>> [Architecture(784, 50, 7, shortcut=True, residual=True).source(layer) for layer in range(1, 8)]
    [None, None, None, 2, None, 4, 1]
    """

    inputs: int
    width: int
    depth: int
    classes: int = 10
    shortcut: bool = False
    residual: bool = False

    def __post_init__(self) -> None:
        require_at_least("inputs", self.inputs, 1, "gives the network nothing to read")
        require_at_least("width", self.width, 1, "leaves a layer without a unit")
        require_at_least("depth", self.depth, 2, "has no first and last hidden layer to tell apart")
        require_at_least("classes", self.classes, 2, "leaves nothing to tell apart")

    @property
    def widths(self) -> tuple[int, ...]:
        """Width of each hidden layer, first to last."""
        return (2 * self.width, *[self.width] * (self.depth - 2), 2 * self.width)

    @property
    def shapes(self) -> tuple[tuple[int, int], ...]:
        """(outputs, inputs) of each weight matrix, the softmax layer's last."""
        ins = (self.inputs, *self.widths)
        return tuple(zip((*self.widths, self.classes), ins, strict=True))

    @property
    def spans(self) -> tuple[slice, ...]:
        """Where each hidden layer's units lie when all layers' units stand in one row."""
        ends = [sum(self.widths[: layer + 1]) for layer in range(self.depth)]
        return tuple(slice(end - width, end) for end, width in zip(ends, self.widths, strict=True))

    @property
    def name(self) -> str:
        """`mlp`, `shortcut`, `residual` or `shortcut residual`."""
        words = [word for word, on in (("shortcut", self.shortcut), ("residual", self.residual)) if on]
        return " ".join(words) or "mlp"

    def source(self, layer: int) -> int | None:
        """The earlier layer (1-based) whose stream is added to hidden layer `layer`, if any."""
        if layer == self.depth:
            return 1 if self.shortcut else None
        return layer - 2 if self.residual and layer >= 4 and layer % 2 == 0 else None
