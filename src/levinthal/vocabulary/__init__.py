"""The nouns of the project, as frozen values. Imports nothing heavy and nothing of ours.

Estimate      a number with its unit, interval and trust
Measurement   an estimate at an address: seed, step, layer, name, condition
Dataset       arrays of a classification task, with their checksum
Snapshot      what the training loop yields
Task          one cell of a study and the seeds to run it with
Study         a question, its source, its presets, its claims and its figures
Claim         a sentence of the source with a test fixed before the run
Evidence      what a claim's test found, seed by seed, positive as claimed
Verdict       the claim, judged
Figure        numbers to be drawn, free of any plotting library
Finding       what the clinic says of a network
Problem       what a user hands to the clinic: model, loss, data, optimiser, budget
"""

from levinthal.vocabulary.claims import Basis, Claim, Evidence, Outcome, Row, Verdict
from levinthal.vocabulary.clinic import Finding, Problem, Severity
from levinthal.vocabulary.estimates import (
    BADGES,
    Cell,
    Estimate,
    Interval,
    Measurement,
    Scalar,
    Trust,
    rounded,
)
from levinthal.vocabulary.figures import Axis, Figure, Panel, Series
from levinthal.vocabulary.studies import Preset, Study, Task
from levinthal.vocabulary.training import Dataset, Probe, Snapshot

__all__ = [
    "BADGES",
    "Axis",
    "Basis",
    "Cell",
    "Claim",
    "Dataset",
    "Estimate",
    "Evidence",
    "Figure",
    "Finding",
    "Interval",
    "Measurement",
    "Outcome",
    "Panel",
    "Preset",
    "Probe",
    "Problem",
    "Row",
    "Scalar",
    "Series",
    "Severity",
    "Snapshot",
    "Study",
    "Task",
    "Trust",
    "Verdict",
    "rounded",
]
