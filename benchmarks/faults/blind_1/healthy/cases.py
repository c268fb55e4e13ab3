"""The healthy cases of the first blind suite, written by someone who did not know the rules.

Each trains well with the settings given, by its score on rows not trained on. None was tuned to what the clinic
reports.
"""

from __future__ import annotations

from dataclasses import replace

from benchmarks.faults.blind_1.healthy.loops import UNUSUAL, as_list, in_batches
from benchmarks.faults.blind_1.healthy.structured import STREAMS
from benchmarks.faults.blind_1.healthy.vectors import VECTORS
from benchmarks.faults.case import TrainingCase

PLAIN: tuple[TrainingCase, ...] = (*VECTORS, *STREAMS, *UNUSUAL)
_KNOWN = {problem.name: problem for problem in PLAIN}
_VALIDATED = {
    "digits-validated": "digits-contrasted-focal",
    "friedman-validated": "friedman-relu",
    "outliers-validated": "outliers-huber",
    "clouds-validated": "clouds-mish",
    "moons-validated": "moons-small",
    "spirals-validated": "spirals-relu",
    "drifting-validated": "drifting-mish",
    "keyword-validated": "keyword-order-encoder",
    "copied-validated": "copied-lstm",
    "cancer-validated": "cancer-logistic",
    "dropped-validated": "shapes-channels-dropped",
    "normed-validated": "clouds-norm-relu6",
    "noisy-validated": "clouds-noisy-labels",
    "sets-validated": "sets",
    "discs-validated": "discs-unet",
    "topics-validated": "topics-bag",
    "chain-validated": "chain-gru",
}
VALIDATED = tuple(
    replace(_KNOWN[of], name=name, validation=(in_batches, as_list)[k % 2], evaluates="right")
    for k, (name, of) in enumerate(_VALIDATED.items())
)
HEALTHY: tuple[TrainingCase, ...] = (*PLAIN, *VALIDATED)
