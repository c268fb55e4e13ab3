"""Hodas & Stinis (2018): does first-last information explain why networks can be trained?"""

from __future__ import annotations

from collections.abc import Mapping

from levinthal.studies.skips_and_dynamics.first_last_information import (
    claims_information,
    claims_speed,
    claims_training,
)
from levinthal.studies.skips_and_dynamics.first_last_information.figures import figures
from levinthal.studies.skips_and_dynamics.first_last_information.measure import measure
from levinthal.studies.skips_and_dynamics.first_last_information.plan import Protocol, Size, preset
from levinthal.vocabulary import Study, Verdict

QUICK = Size(
    main=(Protocol("full", 1197, 120, levels=(20,)), Protocol("64", 1197, 240, levels=(10, 20))),
    fast=(Protocol("64", 1197, 120, levels=(3, 5, 10, 20)),),
    rates=(3e-4, 1e-3, 3e-3, 1e-2, 3e-2, 1e-1),
    rate_depths=(3, 5, 20),
    width=20,
    depth=10,
    deep=20,
    seeds=5,
    few=5,
    images=500,
)
STANDARD = Size(
    main=(
        Protocol("full", 60_000, 40, levels=(20,)),
        Protocol("128", 60_000, 1872, levels=(10, 20, 50)),
    ),
    fast=(
        Protocol("full", 4_000, 100, levels=(3, 5, 10, 20)),
        Protocol("128", 60_000, 468, levels=(3, 5, 10, 20, 40)),
    ),
    rates=(3e-4, 1e-3, 3e-3, 1e-2, 3e-2, 1e-1),
    rate_depths=(3, 5, 10, 20),
    width=20,
    depth=10,
    deep=20,
    seeds=8,
    few=8,
    images=2000,
)
PAPER = Size(
    main=(
        Protocol("full", 60_000, 400, levels=(10, 20, 50, 100, 200)),
        Protocol("512", 60_000, 2340, levels=(10, 20, 50, 100, 200)),
        Protocol("128", 60_000, 4680, levels=(10, 20, 50, 100, 200)),
    ),
    fast=(
        Protocol("full", 4_000, 400, levels=(2, 3, 5, 10, 20, 40)),
        Protocol("128", 60_000, 1400, levels=(2, 3, 5, 10, 20, 40)),
    ),
    rates=(1e-4, 3e-4, 1e-3, 3e-3, 1e-2, 3e-2, 1e-1),
    rate_depths=(3, 5, 10, 20, 40),
    width=50,
    depth=10,
    deep=20,
    seeds=10,
    few=10,
    images=10_000,
)


def answer(verdicts: Mapping[str, Verdict]) -> str:
    """Is a shortcut faster, is information at the start, does the picture of the paper appear?"""
    faster, cause, picture = verdicts["C3"], verdicts["C11"], verdicts["C2"]
    if faster.effect is None:
        return "No runs yet."
    speed = f"Shortcuts reach 10 % error {2**faster.effect.value:.1f} times as fast"
    if faster.control is not None:
        speed += f", an orthogonal start without them {2**faster.control.value:.1f} times"
    speed += f" ({faster.outcome})"
    start = f"plain networks that start with more information are faster too ({cause.outcome})"
    return f"{speed}; {start}. High information that falls, as the paper draws it: {picture.outcome}."


study = Study(
    name="first-last-information",
    chapter="skips-and-dynamics",
    question="Do shortcuts make networks trainable by raising the information between first and last layer?",
    source="Hodas & Stinis, Doing the impossible: why neural networks can be trained at all (2018), "
    "arXiv and Frontiers in Psychology 9:1185",
    version=1,
    presets={
        "quick": preset("digits, embedded; one to two minutes on two cores", "digits", QUICK),
        "standard": preset("MNIST, 60,000 images; about 24 minutes on two cores", "mnist", STANDARD),
        "paper": preset("MNIST, the full grid of Figs. 4 and 5; hours, resumable", "mnist", PAPER),
    },
    measure=measure,
    claims=tuple(
        sorted(
            claims_information.CLAIMS + claims_speed.CLAIMS + claims_training.CLAIMS,
            key=lambda c: (int(c.id[1:].rstrip("b")), c.id),
        )
    ),
    figures=figures,
    answer=answer,
    terms={
        "first-last information": "mutual information of the first and the last hidden layer",
        "CKA": "centred kernel alignment: similarity of two layers, 0 to 1",
    },
)
