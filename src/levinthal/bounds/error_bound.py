"""An upper limit of the true error from held-out rows: a sentence, a table and a picture."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from levinthal.arguments import flag, number, whole
from levinthal.bounds.limits import KAWAGUCHI, ORDER_SEED, Certificate, limits_of
from levinthal.bounds.outcomes import WEIGHTED, Outcomes, outcomes_of
from levinthal.bounds.page import write_page
from levinthal.bounds.wording import above, at_most, confidence, many, percent, picture, units
from levinthal.certificates.checked import MOST_MODELS, chance, for_each
from levinthal.errors import InputError
from levinthal.vocabulary import Estimate, Interval, Trust

CHOSEN_HERE = (
    "if the model was chosen with these rows (early stopping, tuning, the best of several), every model that "
    "could have been chosen is a model tried: count them"
)
WITHIN = ", averaged within each cluster,"


@dataclass(frozen=True, slots=True)
class ErrorBound:
    """How wrong a model can be: the certificate of the kind of data, and the others beside it.

    Attributes:
        mean: The measured error rate or mean loss.
        samples: The number of held-out rows, or of clusters of rows.
        delta: The chance that the limit does not hold, for all models tried together.
        models_tried: For how many models the limit holds at once.
        certificates: The limits, the chosen one first. It is never chosen by its limit, which would cost
            confidence: Clopper-Pearson where each loss is 0 or 1, betting for losses in between.
        what: What is limited, in words: "error" or "mean loss".
        unit: What is independent, in words: "rows" or "clusters".
        notes: What a reader has to know beside the assumptions, a sentence each.
    """

    mean: float
    samples: int
    delta: float
    models_tried: int
    certificates: tuple[Certificate, ...]
    what: str = "error"
    unit: str = "rows"
    notes: tuple[str, ...] = ()

    @property
    def assumes(self) -> tuple[str, ...]:
        """What it needs to hold."""
        return (
            f"the {self.unit} are independent draws of what the model will meet",
            "no row was used to train, and the models tried were fixed before any row was seen",
            *(("no loss can lie outside of [0, 1]",) if self.what.startswith("mean loss") else ()),
        )

    @property
    def limit(self) -> float:
        """The upper limit of the chosen certificate."""
        return self.certificates[0].limit

    @property
    def estimate(self) -> Estimate:
        """Rate and limit with their trust."""
        chosen = self.certificates[0]
        interval = Interval(0.0, min(chosen.limit, 1.0), 1 - self.delta, f"{chosen.name}, one-sided")
        reasons = (*(f"if {each}" for each in self.assumes), *self.notes)
        details = {"n": self.samples, "models_tried": str(self.models_tried)}
        return Estimate(self.mean, "", interval, trust=Trust.CALIBRATED, reasons=reasons, details=details)

    @property
    def sentence(self) -> str:
        """The answer in words."""
        tried, sure = self.models_tried, confidence(self.delta)
        after = f", even after choosing among {many(tried)} models" if tried > 1 else ""
        if at_most(self.limit) in (at_most(1.0), at_most(2.0)):
            held = f"{units(self.samples, self.unit)} do not bound"
            return f"{held} the true {self.what} with {sure}{after}"
        other = next((one for one in self.certificates if one.name == KAWAGUCHI), None)
        beside = f"; the bound of {KAWAGUCHI} gives {at_most(other.limit)}" if other else ""
        return f"true {self.what} at most {at_most(self.limit)} with {sure}{after}{beside}"

    def report(self, path: str | Path, *, title: str = "the model") -> Path:
        """Write the answer, the certificates and their assumptions as one self-contained page.

        Args:
            path: The HTML file to write.
            title: The name of the model.

        Returns:
            The path.

        Raises:
            InputError: `path` is a folder, or no path.
            StoreError: `path` cannot be written.
        """
        return write_page(path, self, title=title)

    def __str__(self) -> str:
        """The sentence, the table with its picture, and what it assumes."""
        return "\n".join(self._lines())

    def _lines(self) -> Iterator[str]:
        yield f"{self.sentence[0].upper()}{self.sentence[1:]}."
        yield ""
        width = max(len(one.name) for one in self.certificates)
        largest = max(one.limit for one in self.certificates)
        yield f"{'certificate':<{width}}  {'limit':>11}  {'above':>12}"
        for one in self.certificates:
            drawn = picture(self.mean, one.limit, min(largest, 1.0))
            numbers = f"{at_most(one.limit):>11}  {above(self.mean, one.limit):>12}"
            yield f"{one.name:<{width}}  {numbers}  {drawn}"
        yield ""
        yield f"Measured: {percent(self.mean)} of {units(self.samples, self.unit)}."
        yield f"It holds if {'; and if '.join(self.assumes)}."
        yield from (f"{note[0].upper()}{note[1:]}." for note in self.notes)

    def to_json(self) -> dict[str, Any]:
        """Everything, for a program.

        Returns:
            A dictionary of plain values: answer, limit, measured, samples, unit, confidence, delta,
            models_tried, certificates by name, assumes, notes. Shares, not percent.
        """
        return {
            "answer": self.sentence,
            "limit": self.limit,
            "measured": self.mean,
            "samples": self.samples,
            "unit": self.unit,
            "confidence": 1 - self.delta,
            "delta": self.delta,
            "models_tried": self.models_tried,
            "certificates": {one.name: one.limit for one in self.certificates},
            "assumes": list(self.assumes),
            "notes": list(self.notes),
        }


def error_bound(
    losses: Any = None,
    *,
    errors: int | None = None,
    samples: int | None = None,
    predictions: Any = None,
    labels: Any = None,
    clusters: Any = None,
    weights: Any = None,
    models_tried: int = 1,
    bits_seen: float = 0.0,
    delta: float = 0.05,
    anytime: bool = False,
) -> ErrorBound:
    """An upper limit of the true error of a model, from rows that were held out.

    Args:
        losses: One loss in [0, 1] for each row, in the order in which they were drawn. Losses of 0 and 1
            alone are counted.
        errors: Instead of losses, how many rows are wrong...
        samples: ...of how many.
        predictions: Instead of losses, one class for each row...
        labels: ...and the true one.
        clusters: What each row belongs to, where rows are not independent (crops of one image, questions of
            one document). The limit is then that of the loss averaged within each cluster. Not with anytime=.
        weights: Are refused: no certificate here holds for weighted rows.
        models_tried: How many models were compared on these rows, this one among them: every checkpoint,
            seed and setting that could have been chosen. They were fixed before the rows were seen.
        bits_seen: What the search has learnt from these rows, in bits, where models were made one after the
            other: b bits tell 2^b models apart.
        delta: The chance that the limit does not hold.
        anytime: Whether the limit is read again and again while rows arrive. It then holds at all times at
            once, and is wider.

    Returns:
        The limit with 1 - delta confidence, by each certificate.

    Raises:
        InputError: Arguments that disagree, or numbers out of their range.

    >>> found = error_bound(errors=250, samples=10_000, models_tried=10**9)
    >>> print(found.sentence.partition(";")[0])
    true error at most 3.653 % with 95 % confidence, even after choosing among a billion models
    """
    delta, anytime = chance(delta), flag("anytime", anytime)
    tried = whole("models_tried", models_tried, least=1, most=MOST_MODELS)
    bits = number("bits_seen", bits_seen, least=0, most=300)
    if weights is not None:
        raise InputError(WEIGHTED)
    if anytime and clusters is not None:
        raise InputError(
            "anytime= and clusters=: the mean of a cluster changes while its rows arrive; pass one loss for "
            "each finished cluster, in the order in which they were drawn"
        )
    tried = tried if bits == 0 else math.ceil(tried * 2**bits)
    seen = outcomes_of(
        losses, errors=errors, samples=samples, predictions=predictions, labels=labels, clusters=clusters
    )
    found = tuple(limits_of(seen, for_each(delta, tried), anytime=anytime))
    return ErrorBound(
        seen.mean,
        seen.units,
        delta,
        tried,
        found,
        ("error" if seen.losses is None else "mean loss") + (WITHIN if clusters is not None else ""),
        "clusters" if clusters is not None else "rows",
        tuple(_notes(seen, tried, clusters is not None, anytime)),
    )


def _notes(seen: Outcomes, tried: int, is_clustered: bool, anytime: bool) -> Iterator[str]:
    if tried == 1:
        yield CHOSEN_HERE
    if is_clustered:
        yield (
            f"rows of one cluster count as one: the loss is the mean over {seen.units:,} clusters of the "
            f"mean within each ({seen.rows:,} rows, at most {seen.largest:,} in one cluster)"
        )
    if seen.losses is not None and not anytime:
        unit = "clusters" if is_clustered else "rows"
        yield f"betting reads the {unit} in a random order (seed {ORDER_SEED})"
    if anytime:
        yield "it holds at all numbers of rows at once, so that it may end the collection of rows"
