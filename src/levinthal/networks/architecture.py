"""The architecture of a first-last network: widths, and which layer adds which earlier one."""

from __future__ import annotations

from dataclasses import dataclass

from levinthal.arguments import flag, whole

MOST, DEEPEST = 10**9, 10**4
"""Units of a layer, and hidden layers, at most."""
SIZES = {
    "inputs": (1, MOST, "gives the network nothing to read"),
    "width": (1, MOST, "leaves a layer without a unit"),
    "depth": (2, DEEPEST, "has no first and last hidden layer to tell apart"),
    "classes": (2, MOST, "leaves nothing to tell apart"),
}
"""Name of a size -> the least and the most of it, and what less of it does."""


@dataclass(frozen=True, slots=True)
class Architecture:
    """`inputs -> 2W -> W x (D - 2) -> 2W -> classes` with D hidden layers and two switches.

    Source: Hodas & Stinis (2018), Figs. 1 to 3. The stream of a layer is its activation plus the earlier
    stream that is added to it, if any.

    Args:
        inputs: number of input features.
        width: W, the width of the inner hidden layers. The first and the last are 2W wide.
        depth: D, the number of hidden layers, at least 2.
        classes: number of outputs, at least 2.
        shortcut: whether the softmax layer reads the sum of first and last hidden activation (Fig. 2).
        residual: whether the inner layers 4, 6, 8... (1-based) add the stream two layers earlier (Fig. 3).
            Below D = 5 there is no such layer, and the residual network is the MLP.

    Raises:
        InputError: a number is no whole number, or too small or too large to make a network; a switch is
            neither True nor False.

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
        for name, (least, most, because) in SIZES.items():
            size = whole(name, getattr(self, name), least=least, most=most, because=because)
            object.__setattr__(self, name, size)
        for name in ("shortcut", "residual"):
            object.__setattr__(self, name, flag(name, getattr(self, name)))

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
        """The position of each hidden layer's units in one row of all hidden units."""
        ends = [sum(self.widths[: layer + 1]) for layer in range(self.depth)]
        return tuple(slice(end - width, end) for end, width in zip(ends, self.widths, strict=True))

    @property
    def name(self) -> str:
        """`mlp`, `shortcut`, `residual` or `shortcut residual`."""
        words = [word for word, on in (("shortcut", self.shortcut), ("residual", self.residual)) if on]
        return " ".join(words) or "mlp"

    def source(self, layer: int) -> int | None:
        """The earlier layer whose stream is added to a hidden layer.

        Args:
            layer: the hidden layer, 1-based: 1 to `depth`.

        Returns:
            The earlier layer, 1-based; None where nothing is added.

        >>> Architecture(784, 50, 3, shortcut=True).source(3)
        1
        """
        if layer == self.depth:
            return 1 if self.shortcut else None
        return layer - 2 if self.residual and layer >= 4 and layer % 2 == 0 else None
