"""Which steps of a loop are sampled."""

from __future__ import annotations

GOLDEN = (5**0.5 - 1) / 2


def sampled_step(block: int, every: int) -> int:
    """The step that is sampled in a block of `every` steps. Its place in the block follows the golden ratio,
    so that periodic events of the loop (epochs, accumulated batches) are not aliased.

    >>> [sampled_step(block, 10) for block in range(5)]
    [0, 16, 22, 38, 44]
    """
    return block * every + int(every * (block * GOLDEN % 1))


class Sampling:
    """Counts the steps of a loop and says which are sampled: one in each block of `every` steps.

    Attributes:
        every: The length of a block.
        step: The number of the present step, from 0.
        due: The step that is sampled next.
        missed: How many steps were due and went by without a sample.
    """

    __slots__ = ("_block", "due", "every", "missed", "step")

    def __init__(self, every: int) -> None:
        self.every, self.step, self.due, self.missed, self._block = every, 0, 0, 0, 0

    @property
    def is_due(self) -> bool:
        """Whether the present step is sampled."""
        return self.step == self.due

    def plan_next(self) -> None:
        """Choose the next step to sample, where the last one is over."""
        if self.step > self.due:
            self._block += 1
            self.due = sampled_step(self._block, self.every)
