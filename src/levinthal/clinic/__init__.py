"""The clinic: the laboratory's measurements pointed at a network of your own.

checking    `check`: a network, its loss and one batch, before training
watching    `watch`: an ordinary training loop under observation
listening   one step, read by hooks and a function mode
sample      what is written down of a step, and the history of steps
rules/      one rule a cause
catalogue   every finding: meaning, remedy, what it explains away
diagnosis   rules applied, causes before symptoms
"""

from __future__ import annotations

from levinthal.clinic.checking import Checkup, check
from levinthal.clinic.watching import FindingError, Watch, watch

__all__ = ["Checkup", "FindingError", "Watch", "check", "watch"]
