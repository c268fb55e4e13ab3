"""Cases of the own suite's development split: no warning on healthy ones, the cause first on faulty ones.

All cases are in `benchmarks/faults`; `python benchmarks/clinic.py` evaluates all of them.
"""

from __future__ import annotations

import pytest
from benchmarks.faults.case import SPLITS, FaultyCase
from benchmarks.faults.evaluate import evaluate, evaluate_healthy
from benchmarks.faults.registry import find

from levinthal.clinic.rules.catalogue import CATALOGUE

HEALTHY = (
    *("mlp-relu-sgd", "mlp-batch-norm", "mlp-label-smoothing", "mlp-step-schedule", "mlp-accumulation"),
    *("mlp-lbfgs", "mlp-loss-by-hand", "cnn-group-norm", "resnet-rows", "gru", "bag-of-words", "waves-tanh"),
    *("held-fifty-blobs", "held-unequal", "held-switches", "held-one-good-column", "finder-products"),
)
FAULTY = (
    "NON_FINITE_INPUT: a nan in ten rows (mlp-relu-sgd)",
    "OPTIMIZER_DETACHED: of a copy (mlp-tanh-sgd)",
    "OPTIMIZER_DETACHED: body forgotten (rings-relu)",
    "GRAPH_BROKEN: no_grad (mlp-wide)",
    "FROZEN_PARAMS: rate 0 for the body (rings-binary)",
    "MISSING_ZERO_GRAD: never, SGD (mlp-tanh-sgd)",
    "SYMMETRIC_INIT: zeros (mlp-relu-sgd)",
    "DOUBLE_SOFTMAX: in the loss (blobs-relu)",
    "RELU_ON_LOGITS: a function (cnn-tanh-sgd)",
    "LOSS_BROADCAST: targets (n,) (waves-tanh)",
    "LOSS_REDUCTION_SUM: cross-entropy (mlp-tanh-sgd)",
    "BN_EVAL_IN_TRAIN: norms in eval (mlp-batch-norm)",
    "TRAIN_MODE_IN_EVAL: batch norm (mlp-batch-norm)",
    "MISSING_NONLINEARITY: identity (rings-relu)",
    "STUCK_BATCH: the loader anew (blobs-relu)",
    "STUCK_BATCH: words (bag-of-words)",
    "EXPLODING_GRADIENT: recurrence (gru)",
    "VANISHING_GRADIENT: a recurrence without gates (attention-own)",
    "DATA_LEAKAGE: a tenth of it (mlp-relu-sgd)",
    "TRAIN_VAL_SHIFT: other words (bag-of-words)",
    "LABEL_LEAK_FEATURE: spelt out (bag-of-words)",
    "LABELS_UNRELATED: of the row before (gru)",
    "RANK_COLLAPSE: a mean over the batch (mlp-relu-sgd)",
    "ATTENTION_COLLAPSE: one key left (finder-products)",
    "UNSHUFFLED: sorted by label (mlp-tanh-sgd)",
    "CLASS_IMBALANCE: classes (cnn-tanh-sgd)",
    "INPUT_SCALE: an offset (mlp-relu-sgd)",
    "EXCESS_WEIGHT_DECAY: SGD, 1 (mlp-relu-sgd)",
    "LR_TOO_HIGH: SGD x 100 (mlp-relu-sgd)",
    "LR_TOO_LOW: SGD / 1e5 (mlp-relu-sgd)",
    "LR_DECAYED: half every step (mlp-relu-sgd)",
    "UPDATE_LOST_TO_ROUNDING: bfloat16, Adam (mlp-wide)",
    "EXPLODING_GRADIENT: relu, gain 4 (mlp-relu-sgd)",
    "EXCESS_DROPOUT: a function (mlp-relu-sgd)",
    "BN_TINY_BATCH: cut up to accumulate (mlp-batch-norm)",
    "NON_FINITE_LOSS: a root at 0 (blobs-relu)",
    "VANISHING_GRADIENT: sigmoid, 8 layers (mlp-tanh-sgd)",
    "SATURATED_ACTIVATION: tanh, weights x 20 (mlp-tanh-sgd)",
    "DEAD_RELU: biases of -10 (mlp-relu-sgd)",
    "OVER_CLIPPING: norm 1e-5 (mlp-relu-sgd)",
)
# Not here, because the rules do not report the cause first today:
#   LOSS_REDUCTION_SUM: by hand (mlp-tanh-sgd)            a sum without a loss function of torch's
#   EXCESS_WEIGHT_DECAY: in the loss (mlp-elu-adagrad)    the falling penalty looks like progress
#   LR_TOO_HIGH: Adam x 300 (mlp-wide)                    the loss jumps 90-fold at once, then falls again
#   LR_TOO_LOW: Adam / 100 (rings-relu)                   near the threshold: the loss still falls, slowly
#   LR_DECAYED: linear to 0 in 8 steps (waves-tanh)       the loss had halved before the rate was 0
#   FIRST_LOSS_TOO_LARGE: wild biases (gru)               present, but after its own consequences
#   VANISHING_GRADIENT: relu, gain .4 (mlp-tanh-sgd)      present, but after the dead units that it causes
#   RANK_COLLAPSE: loud biases (mlp-tanh-sgd)             present, but after the dead units that it causes
#   LABEL_LEAK_FEATURE: nearly the label (mlp-wide)       near the threshold: one label in a hundred is wrong
#   UNDERFIT: one unit (mlp-tanh-sgd)                     a plateau well below chance level
OWN = find("own")
FAULTY_CASES = {case.problem.name: case for case in OWN.faulty}
HEALTHY_CASES = {case.name: case for case in OWN.healthy}


def test_every_cause_is_in_both_splits_and_in_two_variants() -> None:
    for code in {case.code for case in OWN.faulty}:
        mine = [case for case in OWN.faulty if case.code == code]
        assert code in CATALOGUE
        assert {case.split for case in mine} == set(SPLITS)
        assert len({case.problem.name.partition(" (")[0] for case in mine}) > 1
    assert len(FAULTY_CASES) == len(OWN.faulty) > 80
    assert len(HEALTHY_CASES) == len(OWN.healthy) > 60


@pytest.mark.parametrize("name", HEALTHY)
def test_a_healthy_case_gets_no_warning(name: str) -> None:
    case = HEALTHY_CASES[name]
    assert case.split == OWN.may_be_learnt_from
    answer = evaluate_healthy(case, seed=0)
    assert not answer.trouble
    assert not answer.alarms, answer.reported


@pytest.mark.parametrize("name", FAULTY)
def test_the_cause_of_a_faulty_case_is_reported_first(name: str) -> None:
    case: FaultyCase = FAULTY_CASES[name]
    assert case.split == OWN.may_be_learnt_from
    answer = evaluate(case, seed=0)
    assert answer is not None
    assert not answer.trouble
    assert answer.first, answer.reported
