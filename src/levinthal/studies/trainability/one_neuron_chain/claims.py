"""The claims: a product of terms, which vanishes or explodes, and the window in which a term reaches 1."""

from __future__ import annotations

import math
from typing import Any

from levinthal.lab.analysis import Reading, compare, each, evidence, mapped, mean_by_seed, value
from levinthal.lab.analysis.contrasts import Parts
from levinthal.lab.storage.rows import Rows
from levinthal.studies.trainability.one_neuron_chain.design import SHORT, SOURCE
from levinthal.vocabulary import Basis, Claim


def by_length(name: str, case: str) -> Parts:
    """A number in a case, length by length."""
    return each(
        "length",
        make=lambda length: value(name, step=None, case=case, length=length),
        label="length {}".format,
        name=name,
        case=case,
    )


def over_lengths(name: str, case: str) -> Reading:
    """The same in a control, averaged over lengths."""
    return value(name, step=None, reduce=mean_by_seed, case=case)


def least_loss(case: str) -> Reading:
    """The loss of gradient a layer in a case, at the length at which it is least."""
    return signed(value("growth", step=None, reduce=most_by_seed, case=case), -1)


def most_by_seed(rows: Rows) -> dict[int, float]:
    """Seed -> the largest of its numbers, of the seeds that have run at every length."""
    groups, lengths = rows.group_by("seed").items(), len(rows.distinct("length"))
    return {seed: float(group.values().max()) for (seed,), group in groups if len(group) == lengths}


def signed(read: Reading, sign: int) -> Reading:
    """A reading, or its negative."""
    return mapped(read, lambda number: sign * number)


def is_the_books(width: float, weight: float) -> float:
    """1 if both numbers are the book's, to its digits: 6.85 is the mean of a tie of 6.8 and 6.9.

    >>> is_the_books(0.4477, 6.9), is_the_books(0.4477, 6.85), is_the_books(0.4477, 6.8)
    (1.0, 1.0, 0.0)
    """
    return float(round(width, 2) == 0.45 and abs(weight - 6.9) < 0.05 + 1e-9)


def widest(case: str) -> Reading:
    """Whether the widest window of a scan is the book's."""
    where: dict[str, Any] = {"step": None, "case": case}
    return compare(value("widest", **where), value("widest_at", **where), is_the_books)


CLAIMS = (
    Claim(
        id="N1",
        says="The gradient of the output with respect to a bias is s'(z) times the term w s'(z) of every "
        "later layer.",
        source=SOURCE,
        effect="digits to which the product is autograd's gradient (0: it is wrong by its own size)",
        unit="digits",
        smallest_effect=12,
        why_smallest="chosen by us: what float64 leaves of its 16 digits after a product of many factors",
        control="the product with one factor left out",
        evidence=evidence(by_length("agreement", "gaussian"), over_lengths("agreement", SHORT)),
        deterministic=True,
        quote="the gradient in early layers is the product of terms from all the later layers",
    ),
    Claim(
        id="N2",
        says="With gaussian weights the gradient falls exponentially towards the input: by a factor of 4 or "
        "more a layer, at every length.",
        source=SOURCE,
        effect="loss of gradient towards the input in a typical chain (geometric mean), at the length at "
        "which it is least a layer; 0.88, a factor of 7.5, follows from the law of the weights and s' ≤ 1/4, "
        "so that a factor of 4 could not fail",
        unit="log10 ratio per layer",
        smallest_effect=None,
        control="weights of ±4 and z = 0: every term has size 1",
        evidence=evidence(least_loss("gaussian"), least_loss("balanced")),
        quote="And when we take a product of many such terms, the product will tend to exponentially "
        "decrease: the more terms, the smaller the product will be.",
    ),
    Claim(
        id="N2b",
        says="With gaussian weights and biases the terms |w s'(z)| are usually below 1/4.",
        source=SOURCE,
        effect="share of the terms of the product that are below 1/4; 68 % follow from |w| < 1 alone, so "
        "that no size could fail",
        unit="",
        smallest_effect=None,
        control="",
        why_no_control="reported: no size is set",
        evidence=evidence(by_length("small_terms", "gaussian")),
        quote="we see that the terms w_j σ′(z_j) will usually satisfy |w_j σ′(z_j)| < 1/4",
    ),
    Claim(
        id="N3",
        says="It can explode: weights of 100 and biases that hold z = 0 make every term 25.",
        source=SOURCE,
        effect="gain of gradient towards the input",
        unit="log10 ratio per layer",
        smallest_effect=math.log10(25) - 1e-12,
        why_smallest="from the source: weights of 100 and slopes of 1/4 make terms of 25, less rounding",
        basis=Basis.SOURCE,
        control="gaussian weights and biases",
        evidence=evidence(by_length("growth", "contrived"), over_lengths("growth", "gaussian")),
        deterministic=True,
        quote="With these choices we get an exploding gradient.",
    ),
    Claim(
        id="N4",
        says="A term of size 1 needs |w| ≥ 4 and an input in a window, whose width has a closed form: for "
        "|w| from 1.1 to 12.",
        source=f"{SOURCE}, a problem on the unstable gradient",
        effect="digits to which the closed form is the width found by a scan, at every |w| (0: it is wrong "
        "by the largest width)",
        unit="digits",
        smallest_effect=3,
        why_smallest="chosen by us: one part in a thousand",
        control="the scan of a tanh neuron",
        evidence=evidence(by_length("agreement", "window"), over_lengths("agreement", "tanh window")),
        deterministic=True,
        quote="(1) Argue that this can only ever occur if |w|≥4. (2) Supposing that |w|≥4, consider the set "
        "of input activations a for which |wσ′(wa+b)|≥1. Show that the set of a satisfying that constraint "
        "can range over an interval no greater in width than 2/|w| ln(|w|(1+√(1−4/|w|))/2 − 1).",
    ),
    Claim(
        id="N4b",
        says="Of |w| from 1.1 to 12, the window is widest at |w| = 6.9, where it is 0.45 wide.",
        source=f"{SOURCE}, a problem on the unstable gradient",
        effect="1 if the widest window of a scan, and the |w| at which it is found, are the book's numbers "
        "to its digits; the mean where two |w| tie",
        unit="",
        smallest_effect=1.0,
        why_smallest="from the source: both numbers",
        basis=Basis.SOURCE,
        control="the scan of a tanh neuron",
        evidence=evidence(widest("window"), widest("tanh window")),
        deterministic=True,
        binary=True,
        quote="the above expression bounding the width of the range is greatest at |w|≈6.9, where it takes a "
        "value ≈0.45",
    ),
)
