"""How an estimate of information is to be made and checked, validated once."""

from __future__ import annotations

import math
from dataclasses import dataclass

from levinthal.errors import InputError, require_one_of

UNITS = {"nats": 1.0, "bits": 1.0 / math.log(2)}
CHECKS = ("none", "null", "full")
COMPATIBLE = ("npeet",)
MEANT = {"all": "full"}  # no letters tell that these mean the same


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
        if self.checks in MEANT:
            raise InputError(
                f"unknown checks '{self.checks}': did you mean '{MEANT[self.checks]}'? ({', '.join(CHECKS)})"
            )
        require_one_of("checks", self.checks, CHECKS)
        if self.compat is not None:
            require_one_of("compat", self.compat, COMPATIBLE)
        for name in ("k", "components", "threads"):
            if getattr(self, name) < 1:
                raise InputError(f"{name}={getattr(self, name)} is less than 1: pass 1 or more")

    @property
    def per_nat(self) -> float:
        """What a value in nats is multiplied by."""
        return UNITS[self.units]

    @property
    def rows_needed(self) -> int:
        """The least number of rows in which k neighbours can be found."""
        return self.k + 1
