"""Faults of the model as it is built: equal units, normalisation, missing nonlinearities."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import pairwise

import torch
from torch import nn

from levinthal.clinic.findings import symptoms
from levinthal.clinic.findings.finding import abbreviated, found
from levinthal.clinic.findings.kind import Area, FindingKind, rule
from levinthal.clinic.findings.sources import EXACT
from levinthal.clinic.recording.history import History
from levinthal.clinic.recording.sample import Sample
from levinthal.clinic.recording.training_setup import EQUAL_AT_INIT
from levinthal.clinic.rules.adapters import is_adapter
from levinthal.clinic.rules.context import Context
from levinthal.vocabulary import Finding, Severity

FEW_VALUES = 4
"""Values per mean up to which batch norm has too few."""
FIRST_SAMPLES = 2
"""First samples in which a batch norm in evaluation mode counts."""
AFFINE = 1e-10
"""Share of the variance that an affine map leaves unexplained by rounding."""
LINEAR_KINDS = ("Linear", "Conv1d", "Conv2d", "Conv3d")
PARTED = 0.3
"""Part of a movement of equal rows that differs between them, over the whole, above which units differ."""
NEARLY_EQUAL = 0.2
"""Distance of rows over the norm of the matrix that rounding may cause; Adam turns it into full steps."""

SYMMETRIC_INIT = FindingKind(
    code="SYMMETRIC_INIT",
    means="all units of a layer are equal at initialisation and stay equal",
    remedy="initialise the weights at random: `torch.nn.init.kaiming_normal_(layer.weight)`",
    severity=Severity.CRITICAL,
    area=Area.MODEL,
    order=50,
    evidence=(
        "rows of a matrix (of each gate) equal to {equal} of its norm at initialisation, and to "
        "{later:.0%} at the second sample, after a movement of which {parted:.0%} at most is not "
        "common to them; not of adapters, which start equal on purpose"
    ),
    thresholds={"equal": EQUAL_AT_INIT, "later": NEARLY_EQUAL, "parted": PARTED},
    source=EXACT,
    explains=("GRAPH_BROKEN", *symptoms.OF_ALL_DYNAMICS),
)

BN_EVAL_IN_TRAIN = FindingKind(
    code="BN_EVAL_IN_TRAIN",
    means="batch norm is in evaluation mode during training: its statistics do not follow the batches",
    remedy="`model.train()` at the start of every epoch",
    severity=Severity.WARNING,
    area=Area.MODEL,
    order=110,
    evidence=(
        "a batch norm in evaluation mode while its network trains, in the first {samples} samples or "
        "most of the later part: with the whole network, or with statistics of no batch; not a frozen one"
    ),
    thresholds={"samples": FIRST_SAMPLES},
    source=EXACT,
    explains=("INPUT_SCALE",),
)

TRAIN_MODE_IN_EVAL = FindingKind(
    code="TRAIN_MODE_IN_EVAL",
    means="the model is evaluated in training mode: dropout is active, batch norm reads the test batch",
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
    means="two linear layers follow each other without a nonlinearity: together they are one linear layer",
    remedy="put an activation between them",
    severity=Severity.WARNING,
    area=Area.MODEL,
    order=130,
    evidence=(
        "a weighted layer reads the output of the previous one, or an affine function of it unit by unit, "
        "to {within} of its variance; or a network of several layers in sequence, whose outputs lie on a "
        "line wherever its inputs do"
    ),
    thresholds={"within": AFFINE},
    source=EXACT,
)

BN_TINY_BATCH = FindingKind(
    code="BN_TINY_BATCH",
    means="batch norm averages over too few values to estimate a mean",
    remedy="a larger batch, or `nn.GroupNorm`",
    severity=Severity.WARNING,
    area=Area.MODEL,
    order=220,
    evidence="{values} values per mean or fewer",
    thresholds={"values": FEW_VALUES},
    source="Wu & He, Group normalization (ECCV 2018), Fig. 1",
    explains=("LR_TOO_HIGH", *symptoms.NO_LEARNING),
)


@rule(SYMMETRIC_INIT)
def symmetric_init(context: Context) -> Iterator[Finding]:
    """Weight matrices whose rows are equal at initialisation and still equal after some steps."""
    history = context.history
    if len(history) < 2:
        return
    equal = history.equal_row_matrices
    now = history.row_distances or context.setup.row_distances(equal)
    still = [name for name, distance in now.items() if name in equal and float(distance) <= NEARLY_EQUAL]
    still = [name for name in still if not is_adapter(name) and not _has_parted(name, context)]
    if still:
        evidence = {"layers of equal rows": len(still), "still at step": history.samples[1].step}
        yield found(SYMMETRIC_INIT, abbreviated(still), 0, evidence)


def _has_parted(name: str, context: Context) -> bool:
    """Whether equal rows move apart, so that their units differ elsewhere, as in a state-space
    layer; or whether they had no step to move by, in a warm-up from a learning rate of zero."""
    moved, apart = context.history.row_movements.get(name, torch.zeros(2)).tolist()
    place, rates = context.setup.names.index(name), [s.rates for s in context.history.samples[:2] if s.rates]
    waits = bool(rates) and not any(rate[place] for rate in rates) and moved == 0
    return bool(waits or apart > PARTED * moved)


@rule(BN_EVAL_IN_TRAIN, BN_TINY_BATCH, TRAIN_MODE_IN_EVAL)
def normalisation(context: Context) -> Iterator[Finding]:
    """Batch norm in the wrong mode, or over too few values; evaluation in training mode."""
    if not len(context.history):
        return
    first, count = context.history.samples[0].step, len(context.history)
    seen = {n for s in context.history for n in s.norms_in_eval if not context.setup.is_declared_frozen(n)}
    stopped = {name for name in seen if not _is_frozen_on_purpose(name, context)}
    parts = (context.history.samples[:FIRST_SAMPLES], context.history.samples[count // 2 :])
    lasting = [n for n in sorted(stopped) if any(_mostly_in_eval(n, part) for part in parts)]
    if lasting:
        yield found(BN_EVAL_IN_TRAIN, abbreviated(lasting), first, {"batch norms": len(lasting)})
    tiny = _tiny_norms(context.history)
    if tiny:
        yield found(BN_TINY_BATCH, abbreviated(list(tiny)), first, {"values per mean": min(tiny.values())})
    if context.history.evaluated_in_train and any(_differs(m) for m in context.setup.model.modules()):
        evidence = {"forward passes without gradients in training mode": context.history.evaluated_in_train}
        yield found(TRAIN_MODE_IN_EVAL, "model", first, evidence)


def _tiny_norms(history: History) -> dict[str, int]:
    """Batch norm -> the values that it usually averages over, where these are too few: the last batch of an
    epoch may be smaller than the others.
    """
    names = {name for sample in history for name in sample.norm_sizes}
    sizes = {n: sorted(s.norm_sizes[n] for s in history if n in s.norm_sizes) for n in names}
    return {name: seen[len(seen) // 2] for name, seen in sizes.items() if seen[len(seen) // 2] <= FEW_VALUES}


def _is_frozen_on_purpose(name: str, context: Context) -> bool:
    """Whether a batch norm in evaluation mode belongs to a frozen backbone: its weights do not train, or it
    has the statistics of earlier batches while the rest of the network is in training mode.
    """
    module = dict(context.setup.hooked_module.named_modules()).get(name)
    if not isinstance(module, nn.modules.batchnorm._BatchNorm):
        return False
    if module.affine and not any(p.requires_grad for p in module.parameters()):
        return True
    partly = all(sample.training for sample in context.history if name in sample.norms_in_eval)
    return partly and module.num_batches_tracked is not None and int(module.num_batches_tracked) > 0


def _mostly_in_eval(name: str, samples: Sequence[Sample]) -> bool:
    """Whether a batch norm is in evaluation mode in most of the samples."""
    return sum(name in sample.norms_in_eval for sample in samples) > len(samples) / 2


def _differs(module: nn.Module) -> bool:
    """Whether a module behaves differently in training mode."""
    dropping = isinstance(module, nn.modules.dropout._DropoutNd) and module.p > 0
    return dropping or isinstance(module, nn.modules.batchnorm._BatchNorm)


@rule(MISSING_NONLINEARITY)
def missing_nonlinearity(context: Context) -> Iterator[Finding]:
    """Weighted layers with no nonlinearity between them: a warning if this holds for the whole network, else
    info.
    """
    pairs = [set(sample.direct_pairs) for sample in context.history if sample.names]
    lasting = (set.intersection(*pairs) if pairs else set()) | _always_affine(context.history)
    lasting = {pair for pair in lasting if not _are_of_two_networks(*pair, context)}
    if lasting:
        layers = [n for n, kind in context.history.layer_names.items() if kind in LINEAR_KINDS]
        all_pairs = {pair for pair in pairwise(layers) if not _are_of_two_networks(*pair, context)}
        is_whole = lasting >= all_pairs and not _is_narrow_inside(context)
        severity = Severity.WARNING if is_whole else Severity.INFO
        where = abbreviated([f"{a} to {b}" for a, b in sorted(lasting)])
        yield found(MISSING_NONLINEARITY, where, 0, {"pairs": len(lasting)}, severity=severity)
    elif (seen := context.history.behaviour) is not None and seen.affine_layers > 1:
        evidence = {"layers in sequence": seen.affine_layers}
        is_meant = context.trend.has_learnt or _is_narrow_inside(context)
        severity = Severity.INFO if is_meant else Severity.WARNING
        yield found(MISSING_NONLINEARITY, "model", seen.step, evidence, severity=severity)


def _is_narrow_inside(context: Context) -> bool:
    """Whether a layer is narrower than both ends of the network: it limits the rank, as of an autoencoder."""
    layers = [m for m in context.setup.hooked_module.modules() if isinstance(m, nn.Linear)]
    inside = [layer.out_features for layer in layers[:-1]]
    return bool(inside) and min(inside) < min(layers[0].in_features, layers[-1].out_features)


def _are_of_two_networks(first: str, second: str, context: Context) -> bool:
    """Whether two layers belong to different networks of a list, as those of a generator and its critic."""
    apart = first.partition(".")[0] != second.partition(".")[0]
    return apart and isinstance(context.setup.model, nn.ModuleList)


def _always_affine(history: History) -> set[tuple[str, str]]:
    """Pairs of weighted layers with an affine map between them, unit by unit, at every detailed sample."""
    seen = [sample.affine_residuals for sample in history if sample.affine_residuals]
    pairs = set.intersection(*(set(residuals) for residuals in seen)) if len(seen) >= 2 else set()
    return {pair for pair in pairs if all(float(residuals[pair]) < AFFINE for residuals in seen)}
