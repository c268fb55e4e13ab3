"""The clinic: the laboratory's measurements pointed at a network of your own.

checking    `check`: a network, its loss and one batch, before training
watching    `watch`: an ordinary training loop under observation
listening   one step, read by hooks and a function mode
readings    numbers read off a batch, a layer and a call of a loss
tensors     norms of gradient, weight and step of every parameter
sample      what is written down of a step, and the history of steps (closer: at log-spaced steps)
validation  rows held out, and the looks at them (rows, tables, probing: training rows)
rules/      one rule a cause
catalogue   every finding: meaning, remedy, what it explains away
diagnosis   rules applied, causes before symptoms
examination `examine`: a Problem, checked and then watched through one training
remedies    every change that can be made to a Problem (changes; surgery: to its network)
treatment   `treat`: paired arms (trials, arms), and what each remedy was seen to do
page        all of it on one page: answer, cards, vitals (what was looked at), figures, profiles, gains
notebook    the same answer for a notebook
"""

from __future__ import annotations

from levinthal.clinic.checking import Checkup, check
from levinthal.clinic.examination import Examination, examine
from levinthal.clinic.treatment.treatment import Treatment, treat
from levinthal.clinic.watching import FindingError, Watch, watch

__all__ = [
    "Checkup",
    "Examination",
    "FindingError",
    "Treatment",
    "Watch",
    "check",
    "examine",
    "treat",
    "watch",
]
