"""A bottleneck that is narrower than the task: fewer numbers than the targets have dimensions.

Such a layer may suffice, as a compressor's does. So the rule notes it as info; `answer/narrow.py` makes it a
warning where the run ends worse than a reference learner and nothing else explains that.
"""

from __future__ import annotations

from collections.abc import Iterator

import torch
from torch import Tensor

from levinthal.clinic.findings.finding import found
from levinthal.clinic.findings.kind import Area, FindingKind, rule
from levinthal.clinic.recording.history import History
from levinthal.clinic.rules.context import Context
from levinthal.vocabulary import Finding, Severity

NEARLY_ALL = 0.99
"""Share of the variance of targets that are numbers, in which their dimensions are counted."""
FEWEST_ROWS = 16
"""Rows of targets from which on their dimensions are counted."""

NARROW_LAYER = FindingKind(
    code="NARROW_LAYER",
    means="a layer on the only path to the output is narrower than the task: the network cannot fit it",
    remedy="widen the layer (or the pooling before it) to more numbers than the targets have dimensions",
    severity=Severity.WARNING,
    area=Area.MODEL,
    order=385,
    evidence=(
        "if the few inputs of a linear layer are the same for all rows, so are all outputs; they are fewer "
        "than the inputs of the model, and than the dimensions of the targets (classes seen, less one; "
        "principal components with {nearly:.0%} of the variance, of {rows} rows or more); info unless the "
        "loss ends, no longer falling or far too slowly, worse than that of a reference learner, and no "
        "other cause was found; "
        "not where the targets have the shape of the inputs"
    ),
    thresholds={"nearly": NEARLY_ALL, "rows": FEWEST_ROWS},
    source="data processing inequality: Cover & Thomas, Elements of information theory, section 2.8",
    explains=("UNDERFIT",),
    only_by_hand="which layer is to be wider, and what then has to fit it, stands in the user's own model",
)


@rule(NARROW_LAYER)
def narrow_layer(context: Context) -> Iterator[Finding]:
    """A layer that carries all of a row in fewer numbers than the targets have dimensions."""
    seen = context.history.behaviour
    if seen is None or seen.narrow is None:
        return
    where, width = seen.narrow
    needed = target_dimensions(context.history)
    if width < needed:
        evidence = {"numbers per row": width, "dimensions of the targets": needed}
        yield found(NARROW_LAYER, where, seen.step, evidence, severity=Severity.INFO)


def target_dimensions(history: History) -> int:
    """The dimensions of the targets: classes seen, less one; of numbers, the principal components. 0 where
    they are unknown, or where a row may be its own target.
    """
    first = next(iter(history.calls()), None)
    counts = [c.counts for c in history.calls() if c.counts is not None and first is not None]
    if first is not None and first.counts is not None:
        same = [c for c in counts if c.shape == first.counts.shape]
        return int((torch.stack(same).sum(0) > 0).sum()) - 1
    pairs = [(x, y) for x, y in history.rows.pairs() if y.is_floating_point() and x.shape != y.shape]
    targets = torch.cat([y.reshape(len(y), -1) for _, y in pairs]).cpu().double() if pairs else torch.zeros(0)
    return _components(targets) if len(targets) >= FEWEST_ROWS else 0


def _components(targets: Tensor) -> int:
    """The principal components with nearly all of the variance of standardised columns."""
    centred = targets - targets.mean(0)
    spread = centred.square().mean(0).sqrt()
    varied = centred[:, spread > 0] / spread[spread > 0]
    if not varied.numel() or not bool(torch.isfinite(varied).all()):
        return 0
    shares = torch.linalg.svdvals(varied).square().cumsum(0)
    return int((shares < NEARLY_ALL * shares[-1]).sum()) + 1
