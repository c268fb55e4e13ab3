"""Hodas & Stinis (2018): does first-last information explain why networks can be trained?"""

from __future__ import annotations

from collections.abc import Mapping

from levinthal.lab.analysis.units import LOG2_RATIO
from levinthal.studies.skips_and_dynamics.first_last_information.claims import CLAIMS
from levinthal.studies.skips_and_dynamics.first_last_information.design import PRESETS, SOURCE
from levinthal.studies.skips_and_dynamics.first_last_information.figures import figures
from levinthal.studies.skips_and_dynamics.first_last_information.measure import measure
from levinthal.vocabulary import Study, Verdict


def answer(verdicts: Mapping[str, Verdict]) -> str:
    """Whether a shortcut is faster, whether initial information is the cause, and the paper's picture."""
    faster, cause, picture = verdicts["C3"], verdicts["C11"], verdicts["C2"]
    if faster.effect is None:
        return "No runs yet."
    speed = f"Shortcuts reach 10 % error {2**faster.effect.value:.1f} times as fast"
    if faster.control is not None:
        speed += f", orthogonal initialisation without them {2**faster.control.value:.1f} times"
    speed += f" ({faster.outcome})"
    more = f"plain networks with more initial information are faster too ({cause.outcome})"
    return f"{speed}; {more}. High information that falls, as the paper draws it: {picture.outcome}."


study = Study(
    name="first-last-information",
    chapter="skips-and-dynamics",
    question="Do shortcuts make networks trainable by raising the information between first and last layer?",
    source=SOURCE,
    version=1,
    presets=PRESETS,
    measure=measure,
    claims=CLAIMS,
    figures=figures,
    answer=answer,
    terms={
        "first-last information": "mutual information of the first and the last hidden layer",
        "CKA": "centred kernel alignment: similarity of two layers, 0 to 1",
        **LOG2_RATIO,
    },
)
