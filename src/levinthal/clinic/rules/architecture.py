"""What is wrong with the model as it is built: equal units, normalisation, missing nonlinearities."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import pairwise

from torch import nn

from levinthal.clinic.findings import symptoms
from levinthal.clinic.findings.finding import found, shown
from levinthal.clinic.findings.kind import Area, FindingKind, rule
from levinthal.clinic.findings.sources import EXACT
from levinthal.clinic.recording.history import History, Sample
from levinthal.clinic.recording.training_setup import EQUAL_AT_FIRST
from levinthal.clinic.rules.context import Chart
from levinthal.vocabulary import Finding, Severity

FEW_VALUES = 4
"""Values to a mean, up to which batch norm knows none."""
FIRST_SAMPLES = 2
"""Samples at the start in which a batch norm in evaluation mode counts."""
STRAIGHT = 1e-10
"""What rounding makes of an affine map, as a share of the variance."""
MADE_OF_SUMS = ("Linear", "Conv1d", "Conv2d", "Conv3d")
ALIKE = 0.2
"""Of a matrix's norm, by which rounding may have driven its rows apart; Adam makes whole steps of that."""

SYMMETRIC_INIT = FindingKind(
    code="SYMMETRIC_INIT",
    means="all units of a layer start alike, and stay so",
    remedy="draw the weights at random: `torch.nn.init.kaiming_normal_(layer.weight)`",
    severity=Severity.CRITICAL,
    area=Area.MODEL,
    order=50,
    evidence=(
        "rows of a matrix (of each gate's) equal to {equal} of its norm at the start, and to "
        "{apart:.0%} at the second sample"
    ),
    thresholds={"equal": EQUAL_AT_FIRST, "apart": ALIKE},
    source=EXACT,
    explains=("GRAPH_BROKEN", *symptoms.OF_ALL_DYNAMICS),
)

BN_EVAL_IN_TRAIN = FindingKind(
    code="BN_EVAL_IN_TRAIN",
    means="batch norm does not follow the batches: it is in evaluation mode while training",
    remedy="`model.train()` at the start of every epoch",
    severity=Severity.WARNING,
    area=Area.MODEL,
    order=110,
    evidence=(
        "a batch norm in evaluation mode while its network trains, in the first {samples} samples or "
        "most of the later part"
    ),
    thresholds={"samples": FIRST_SAMPLES},
    source=EXACT,
)

TRAIN_MODE_IN_EVAL = FindingKind(
    code="TRAIN_MODE_IN_EVAL",
    means="the model is evaluated in training mode: dropout stays on, batch norm sees the test batch",
    remedy="`model.eval()` before evaluation, `model.train()` after it",
    severity=Severity.WARNING,
    area=Area.MODEL,
    order=120,
    evidence="a forward pass without gradients in training mode, of a network with dropout or batch norm",
    source=EXACT,
    only_by_hand="the evaluation is in the user's own loop",
)

MISSING_NONLINEARITY = FindingKind(
    code="MISSING_NONLINEARITY",
    means="two linear layers follow each other with nothing between them: together they are one",
    remedy="put an activation between them",
    severity=Severity.WARNING,
    area=Area.MODEL,
    order=130,
    evidence=(
        "a weighted layer reads the very output of the last one, or a copy scaled unit by unit to "
        "{within} of its variance"
    ),
    thresholds={"within": STRAIGHT},
    source=EXACT,
)

BN_TINY_BATCH = FindingKind(
    code="BN_TINY_BATCH",
    means="batch norm averages over too few values to know a mean",
    remedy="a larger batch, or `nn.GroupNorm`",
    severity=Severity.WARNING,
    area=Area.MODEL,
    order=220,
    evidence="{values} values or fewer to a mean",
    thresholds={"values": FEW_VALUES},
    source="Wu & He, Group normalization (ECCV 2018), Fig. 1",
    explains=("LR_TOO_HIGH", *symptoms.NO_LEARNING),
)


@rule(SYMMETRIC_INIT)
def symmetric_init(chart: Chart) -> Iterator[Finding]:
    """Weight matrices whose rows are all equal, and still were when steps had been taken."""
    history = chart.history
    if len(history) < 2:
        return
    now = history.apart or chart.patient.rows_apart(history.alike)
    alike = [name for name, apart in now.items() if name in history.alike and float(apart) <= ALIKE]
    if alike:
        evidence = {"layers of equal rows": len(alike), "still at step": history.samples[1].step}
        yield found(SYMMETRIC_INIT, shown(alike), 0, evidence)


@rule(BN_EVAL_IN_TRAIN, BN_TINY_BATCH, TRAIN_MODE_IN_EVAL)
def normalisation(chart: Chart) -> Iterator[Finding]:
    """Batch norm in the wrong mode, or over too few values; evaluation in training mode."""
    if not len(chart.history):
        return
    first, count = chart.history.samples[0].step, len(chart.history)
    stopped = {n for s in chart.history for n in s.norms_in_eval if not chart.patient.is_meant_to_stay(n)}
    parts = (chart.history.samples[:FIRST_SAMPLES], chart.history.samples[count // 2 :])
    lasting = [n for n in sorted(stopped) if any(_mostly_in_eval(n, part) for part in parts)]
    if lasting:
        yield found(BN_EVAL_IN_TRAIN, shown(lasting), first, {"batch norms": len(lasting)})
    tiny = {n: v for s in chart.history for n, v in s.norm_sizes.items() if v <= FEW_VALUES}
    if tiny:
        yield found(BN_TINY_BATCH, shown(list(tiny)), first, {"values a mean": min(tiny.values())})
    if chart.history.evaluated_in_train and any(_differs(m) for m in chart.patient.model.modules()):
        evidence = {"forward passes without gradients in training mode": chart.history.evaluated_in_train}
        yield found(TRAIN_MODE_IN_EVAL, "model", first, evidence)


def _mostly_in_eval(name: str, samples: Sequence[Sample]) -> bool:
    return sum(name in sample.norms_in_eval for sample in samples) > len(samples) / 2


def _differs(module: nn.Module) -> bool:
    """Whether a module does something else in training mode."""
    dropping = isinstance(module, nn.modules.dropout._DropoutNd) and module.p > 0
    return dropping or isinstance(module, nn.modules.batchnorm._BatchNorm)


@rule(MISSING_NONLINEARITY)
def missing_nonlinearity(chart: Chart) -> Iterator[Finding]:
    """Weighted layers in a row, or with nothing between them that bends; where all layers are such a row a
    warning, else a remark.
    """
    pairs = [set(sample.straight) for sample in chart.history if sample.names]
    lasting = (set.intersection(*pairs) if pairs else set()) | _never_bent(chart.history)
    if lasting:
        layers = [n for n, kind in chart.history.layer_names.items() if kind in MADE_OF_SUMS]
        severity = Severity.WARNING if lasting >= set(pairwise(layers)) else Severity.INFO
        where = shown([f"{a} to {b}" for a, b in sorted(lasting)])
        yield found(MISSING_NONLINEARITY, where, 0, {"pairs": len(lasting)}, severity=severity)


def _never_bent(history: History) -> set[tuple[str, str]]:
    """Pairs of weighted layers between which nothing but stretching was seen, at every closer look."""
    seen = [sample.bent for sample in history if sample.bent]
    names = set.intersection(*(set(bent) for bent in seen)) if len(seen) >= 2 else set()
    return {pair for pair in names if all(float(bent[pair]) < STRAIGHT for bent in seen)}
