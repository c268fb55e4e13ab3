"""The clinic: the laboratory's measurements on your own network.

failures/      what does not fit where a model, a loss or a setting fails: one line with the way out
recording/     a training step, read by hooks: samples and their history
findings/      what a kind of finding is, and its measured confidence
answer/        the answer of a run in one of four states, and its grounds
rules/         one family of rules a module; the catalogue that is made from them
presentation/  findings in the terminal, in a notebook, and on a page with figures
checking       `check`: a network, its loss and one batch, before training
watching       `watch`: observe an ordinary training loop
problem/       a user's Problem: its validity, batches, scores, and one training
examination    `examine`: a Problem, checked and then watched through one training
treatment/     `treat`: remedies, the edits they make, paired comparisons, the journal
export         findings as JSON and SARIF
observing/     what a program trains, without a line in it
changes/       two runs side by side
"""

from __future__ import annotations

from levinthal.clinic.answer.states import Answer, State
from levinthal.clinic.checking import check
from levinthal.clinic.checkup import Checkup
from levinthal.clinic.examination import Examination, examine
from levinthal.clinic.treatment.treatment import Treatment, treat
from levinthal.clinic.watching import FindingError, Watch, watch

__all__ = [
    "Answer",
    "Checkup",
    "Examination",
    "FindingError",
    "State",
    "Treatment",
    "Watch",
    "check",
    "examine",
    "treat",
    "watch",
]
