"""How the outputs of a model depend on its inputs: a few passes of a copy in evaluation mode, compared.

Each pass changes one thing: nothing (again), which rows are together, one of the inputs, or the later part of
a sequence. At most 5 passes of at most 16 rows are made, 2 with weights drawn anew, and 1 for a
gradient.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from levinthal.clinic.recording.output_spread import OutputSpread
from levinthal.clinic.recording.sequences import Shift


@dataclass(frozen=True, slots=True)
class Mixing:
    """What an output depends on beside its own row.

    Attributes:
        share: Share of the rows whose output changes when other rows are left out.
        size: Median change over the spread of the outputs.
        where: The first layer whose output changes; "" where no layer shows it.
        softmax_over_rows: Whether a softmax runs over the first axis.
        is_distribution: Whether only the distribution of the rows matters, as in a norm over the batch, of a
            model without attention.
        is_sequence: Whether the output has the first two axes of the input.
        is_one: Whether the rows may be one sequence or set: vectors that attention or a recurrence reads.
    """

    share: float
    size: float
    where: str = ""
    softmax_over_rows: bool = False
    is_distribution: bool = False
    is_sequence: bool = False
    is_one: bool = False


@dataclass(slots=True)
class Behaviour:
    """How the outputs of a model depend on its inputs, in evaluation mode.

    Attributes:
        step: The step after which it was read.
        rows: The rows that were passed.
        passes: The passes that were made.
        is_random: Whether two passes of the same rows differ.
        random_where: The first layer whose outputs differ then; "" where no layer shows it.
        dropouts: Place -> probability, of dropouts that are active in evaluation mode.
        mixing: How rows depend on each other; None where they do not.
        is_constant: Whether the output is the same for all rows although they differ.
        ignored: Inputs that no output depends on.
        shift: How the targets follow from the inputs, where they are a sequence of inputs; None elsewhere.
        sees_same_place: Whether an output depends on the input at its own place; None where it was not tried.
        is_orderless: Whether the outputs of a model with attention stay, or move with the tokens, when their
            order changes, whatever the weights; None where it was not tried.
        reads_padding: The share of the padded rows at whose padding alone a recurrence is read; None where
            nothing is padded.
        padding: The class that pads the targets, where one does, and its share of them.
        sees_future: Whether an output depends on later inputs; None where it was not tried.
        spread: How far the outputs of the rows are apart; None where they are random.
        narrow: A layer whose few numbers carry all of a row to the output, and how many they are; None
            without one.
        affine_layers: Weighted layers in sequence of a network that is affine as a whole; 0 for any other.
    """

    step: int = 0
    rows: int = 0
    passes: int = 0
    is_random: bool = False
    random_where: str = ""
    dropouts: dict[str, float] = field(default_factory=dict)
    mixing: Mixing | None = None
    is_constant: bool = False
    ignored: tuple[str, ...] = ()
    shift: Shift | None = None
    sees_future: bool | None = None
    narrow: tuple[str, int] | None = None
    affine_layers: int = 0
    spread: OutputSpread | None = None
    sees_same_place: bool | None = None
    padding: tuple[int, float] | None = None
    is_orderless: bool | None = None
    reads_padding: float | None = None
