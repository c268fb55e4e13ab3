"""How an estimate of information is to be made and checked, validated once."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

from levinthal.arguments import flag, in_short, whole
from levinthal.errors import InputError, require_one_of

UNITS = {"nats": 1.0, "bits": 1.0 / math.log(2)}
CHECKS = ("none", "null", "full")
COMPATIBLE = ("npeet",)
MEANT = {"all": "full"}  # no letters tell that these mean the same

MOST_THREADS = 1024
NUMPY_SEEDS = 1 << 32
WHOLE = {"k": (1, None), "components": (1, None), "threads": (1, MOST_THREADS), "seed": (0, None)}
"""Name of a whole number -> the least and the most of it."""


def whole_number(name: str, value: Any) -> int:
    """One of the whole numbers, in its range."""
    least, most = WHOLE[name]
    return whole(name, value, least=least, most=most)


@dataclass(frozen=True, slots=True)
class Settings:
    """The keyword arguments of `mutual_information` that its estimators share.

    >>> Settings(units="bits").per_nat
    1.4426950408889634
    """

    k: int = 3
    units: str = "nats"
    compat: str | None = None
    checks: str = "full"
    calibrate: bool = False
    components: int = 10
    threads: int = 1
    seed: int = 0

    def __post_init__(self) -> None:
        require_one_of("unit", self.units, UNITS)
        if isinstance(self.checks, str) and self.checks in MEANT:
            raise InputError(
                f"unknown checks '{self.checks}': did you mean '{MEANT[self.checks]}'? ({', '.join(CHECKS)})"
            )
        require_one_of("checks", self.checks, CHECKS)
        if self.compat is not None:
            require_one_of("compat", self.compat, COMPATIBLE)
        for name in WHOLE:
            object.__setattr__(self, name, whole_number(name, getattr(self, name)))
        object.__setattr__(self, "calibrate", flag("calibrate", self.calibrate))
        if self.compat is not None and self.seed >= NUMPY_SEEDS:
            raise InputError(
                f"seed={in_short(self.seed)} is too large for compat: numpy.random.seed takes 0 to 2**32 - 1"
            )

    @property
    def per_nat(self) -> float:
        """What a value in nats is multiplied by."""
        return UNITS[self.units]

    @property
    def rows_needed(self) -> int:
        """The least number of rows in which k neighbours can be found."""
        return self.k + 1
