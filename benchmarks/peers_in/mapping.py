"""The messages of the peers, and the causes (in our codes) that each message is counted for.

One generous rule for every message: `checks` has the causes that the peer checks for; `credited` has the
causes that its own text names as a reason, or that its own remedy would mend. A message is right if the cause
is in either. The faults that a peer claims to cover are those in `checks`. `levinthal` has no table: its
codes are the causes, and are counted strictly. Standard library only.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True)
class Line:
    """One message of a peer. `verdict` is False for advice on hardware or style."""

    checks: tuple[str, ...] = ()
    credited: tuple[str, ...] = ()
    verdict: bool = True

    @property
    def right_for(self) -> frozenset[str]:
        """Every cause that it is counted for."""
        return frozenset((*self.checks, *self.credited))


NO_UPDATE = (
    "FROZEN_PARAMS",
    "OPTIMIZER_DETACHED",
    "GRAPH_BROKEN",
    "LR_DECAYED",
    "UPDATE_LOST_TO_ROUNDING",
)
ADVICE = Line(verdict=False)

TORCHMORTEM: Mapping[str, Line] = {
    "Vanishing gradients detected": Line(("VANISHING_GRADIENT",), ("SATURATED_ACTIVATION",)),
    "Exploding gradients detected": Line(("EXPLODING_GRADIENT",), ("LR_TOO_HIGH", "FIRST_LOSS_TOO_LARGE")),
    "Gradient stalling": Line(
        ("VANISHING_GRADIENT",), ("DEAD_RELU", "SATURATED_ACTIVATION", "GRAPH_BROKEN", "SYMMETRIC_INIT")
    ),
    "High gradient noise (low SNR)": Line((), ("BN_TINY_BATCH", "LR_TOO_HIGH")),
    "Training divergence detected": Line(
        ("LR_TOO_HIGH",), ("EXPLODING_GRADIENT", "NON_FINITE_LOSS", "NON_FINITE_INPUT")
    ),
    "Loss plateau detected": Line((), ("UNDERFIT", "LR_TOO_LOW", "LR_DECAYED")),
    "Catapult phase detected": Line((), ("LR_TOO_HIGH",)),
    "Edge of stability regime detected": Line((), ("LR_TOO_HIGH",)),
    "Rank collapse": Line(("RANK_COLLAPSE",), ("EXCESS_WEIGHT_DECAY", "EXCESS_DROPOUT", "LR_TOO_HIGH")),
    "Dead units": Line(("DEAD_RELU",), ("LR_TOO_HIGH", "SYMMETRIC_INIT")),
    "Activation saturation": Line(("SATURATED_ACTIVATION",), ("LR_TOO_HIGH", "VANISHING_GRADIENT")),
    "Update ratio too low": Line(("LR_TOO_LOW",), ("VANISHING_GRADIENT", *NO_UPDATE)),
    "Update ratio too high": Line(("LR_TOO_HIGH",), ("EXPLODING_GRADIENT",)),
    "Weight norm explosion": Line((), ("LR_TOO_HIGH", "EXPLODING_GRADIENT")),
    "Stagnant weight norms": Line((), ("LR_TOO_LOW", "VANISHING_GRADIENT", *NO_UPDATE)),
    "Inter-layer weight norm imbalance": Line((), ("FIRST_LOSS_TOO_LARGE", "INPUT_SCALE")),
    "Gradient starvation causing unit death": Line((), ("VANISHING_GRADIENT", "DEAD_RELU", "SYMMETRIC_INIT")),
    "Instability feedback loop -- gradients and weights exploding": Line(
        (), ("EXPLODING_GRADIENT", "LR_TOO_HIGH")
    ),
    "Representation bottleneck -- rank collapse limiting capacity": Line(
        (), ("RANK_COLLAPSE", "EXCESS_WEIGHT_DECAY", "EXCESS_DROPOUT", "UNDERFIT")
    ),
    "Training trapped by loss landscape curvature": Line((), ("LR_TOO_HIGH",)),
}
"""By the title of the finding, without the layer; the last four are insights."""

TORCH_AUDIT: Mapping[str, Line] = {
    "TA100": Line(("NON_FINITE_LOSS",), ("NON_FINITE_INPUT", "LR_TOO_HIGH", "EXPLODING_GRADIENT")),
    "TA102": Line(("EXPLODING_GRADIENT",), ("LR_TOO_HIGH",)),
    "TA103": Line((), ("DEAD_RELU", "SYMMETRIC_INIT", "GRAPH_BROKEN")),
    "TA104": Line(("GRAPH_BROKEN",), ("FROZEN_PARAMS",)),
    "TA105": Line(("DEAD_RELU",), ("LR_TOO_HIGH", "SYMMETRIC_INIT")),
    "TA200": ADVICE,
    "TA201": ADVICE,
    "TA202": ADVICE,
    "TA203": ADVICE,
    "TA300": ADVICE,
    "TA301": Line(("INPUT_SCALE",)),
    "TA302": Line((), ("INPUT_SCALE",)),
    "TA303": Line(),
    "TA304": Line(("BN_TINY_BATCH",)),
    "TA305": Line(),
    "TA400": ADVICE,
    "TA401": Line((), ("EXCESS_WEIGHT_DECAY",)),
    "TA402": Line((), ("EXCESS_WEIGHT_DECAY",)),
    "TA403": Line((), ("EXCESS_WEIGHT_DECAY",)),
    "TA404": ADVICE,
    "TA405": Line((), ("SYMMETRIC_INIT",)),
    "TA500": Line(("GRAPH_BROKEN",)),
    "TA501": Line(),
}
"""By the rule's number. TA000, an error inside one of its checks, is counted separately."""

TABLES: Mapping[str, Mapping[str, Line]] = {"torchmortem": TORCHMORTEM, "torch-audit": TORCH_AUDIT}


def line_of(package: str, code: str) -> Line:
    """The causes of a package's message; a message that is not in its table has none."""
    if package not in TABLES:
        return Line((code,))
    return TABLES[package].get(code, Line())


def covered(package: str) -> frozenset[str] | None:
    """The causes that a package has a check for; None for all."""
    if package not in TABLES:
        return None
    return frozenset(code for line in TABLES[package].values() for code in line.checks)
