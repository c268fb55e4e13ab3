"""Hodas & Stinis (2018): does first-last information explain why networks can be trained?"""

from __future__ import annotations

from collections.abc import Mapping

from levinthal.lab.analysis.units import LOG2_RATIO
from levinthal.studies.skips_and_dynamics.first_last_information.claims import CLAIMS
from levinthal.studies.skips_and_dynamics.first_last_information.claims.bounds import IS_LARGER, IS_SMALLER
from levinthal.studies.skips_and_dynamics.first_last_information.claims.protocols import PROTOCOL
from levinthal.studies.skips_and_dynamics.first_last_information.design import PRESETS, SOURCE
from levinthal.studies.skips_and_dynamics.first_last_information.figures import figures
from levinthal.studies.skips_and_dynamics.first_last_information.measure import measure
from levinthal.vocabulary import Estimate, Study, Verdict


def answer(verdicts: Mapping[str, Verdict]) -> str:
    """Whether a shortcut is faster, how initial information goes with speed, and the paper's picture."""
    faster, goes, picture = verdicts["C3m"], verdicts["C11m"], verdicts["C2"]
    if picture.effect is None:
        return "No runs yet."
    falls = (
        f"High information that falls, as the paper draws it: {picture.effect.value:.1f} bits, the smaller "
    )
    falls += f"of head start and fall ({picture.outcome})."
    return f"{_speed(faster)}. {_correlation(goes)}{falls}"


def _correlation(goes: Verdict) -> str:
    """How initial information and speed go together; a sentence with its space, or nothing."""
    if goes.effect is None:
        return ""
    return (
        "Over plain networks, initial information and speed have a partial rank correlation of "
        f"{goes.effect.value:.2f} ({goes.outcome}). "
    )


def _speed(faster: Verdict) -> str:
    """How many times as fast, beside the control and the rival."""
    if faster.effect is None:
        return f"Whether shortcuts train faster is open ({faster.outcome})"
    bounds = {"at least ": IS_LARGER, "at most ": IS_SMALLER}
    said = [words for words, bound in bounds.items() if any(bound in reason for reason in faster.reasons)]
    bound = said[0] if len(said) == 1 else ""
    words = "With minibatches, on the mean over depths, shortcut networks reach 10 % error "
    words += f"{bound}{_times(faster.effect)} as fast as the MLP"
    arms = {
        "orthogonal initialisation, at 10 layers alone": faster.rival,
        "equally large first logits": faster.control,
    }
    others = [f"with {name}, {_times(arm)}" for name, arm in arms.items() if arm is not None]
    beside = f". The MLP alone: {'; '.join(others)}" if others else ""
    return f"{words} ({faster.outcome}){beside}"


def _times(ratio: Estimate) -> str:
    return f"{2**ratio.value:.1f} times"


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
        "first-last information": "KSG estimate between the first and the last hidden layer, at fixed "
        "images, k and scaling: a similarity score in bits. Unlike mutual information it changes with the "
        "relative size of the layers; z-scored values stand beside it in the figure of estimators",
        "CKA": "centred kernel alignment: similarity of two layers, 0 to 1",
        **LOG2_RATIO,
    },
    protocol=PROTOCOL,
)
