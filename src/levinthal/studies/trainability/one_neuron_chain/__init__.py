"""One neuron a layer: the gradient of the first bias is a product, and products vanish or explode.

The chain a_l = s(w_l a_{l-1} + b_l), s the sigmoid, has dC/db_l = s'(z_l) prod_{k>l} w_k s'(z_k) dC/da_L.
Nothing is trained: seeds draw weights, biases and inputs, and float64 does the rest.
"""

from __future__ import annotations

from collections.abc import Mapping

from levinthal.lab.analysis.units import DIGITS, LOG10_RATIO
from levinthal.studies.trainability.one_neuron_chain.claims import CLAIMS
from levinthal.studies.trainability.one_neuron_chain.design import PRESETS, SOURCE
from levinthal.studies.trainability.one_neuron_chain.figures import figures
from levinthal.studies.trainability.one_neuron_chain.measure import measure
from levinthal.vocabulary import Outcome, Study, Verdict


def answer(verdicts: Mapping[str, Verdict]) -> str:
    """The factor of the product per layer, or the claims that are open."""
    settled = (Outcome.REPLICATES, Outcome.REPORTED)
    open_ = [name for name, verdict in verdicts.items() if verdict.outcome not in settled]
    if open_:
        return f"Not settled here: see {', '.join(open_)}."
    less, more = (10 ** float(verdicts[name].effect or 0) for name in ("N2", "N3"))
    gaussian = f"gaussian terms divide it by about {less:.0f} a layer"
    return f"It is a product: {gaussian}; terms of 100 times 1/4 multiply it by {more:.0f}."


study = Study(
    name="one-neuron-chain",
    chapter="trainability",
    question="Why does the gradient of an early layer vanish or explode?",
    source=SOURCE,
    version=1,
    presets=PRESETS,
    measure=measure,
    claims=CLAIMS,
    figures=figures,
    answer=answer,
    terms=DIGITS | LOG10_RATIO,
)
