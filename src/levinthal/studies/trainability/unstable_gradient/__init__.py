"""Nielsen, chapter 5: do the early layers of a deep network learn slower, and does depth then not help?"""

from __future__ import annotations

from collections.abc import Mapping

from levinthal.studies.trainability.unstable_gradient import accuracies, published, speeds
from levinthal.studies.trainability.unstable_gradient.figures import figures
from levinthal.studies.trainability.unstable_gradient.measure import measure
from levinthal.studies.trainability.unstable_gradient.plan import Size, book, preset
from levinthal.vocabulary import Study, Verdict

RATES = (0.01, 0.03, 0.1, 0.3, 1, 3)
QUICK = Size(pixels=64, images=1190, epochs=30, rates=(*RATES, 10))
STANDARD = Size(pixels=784, images=10_000, epochs=30, rates=RATES)
LONG = Size(pixels=784, images=50_000, epochs=30, rates=RATES)


CLAIMS = tuple(sorted((*speeds.CLAIMS, *published.CLAIMS, *accuracies.CLAIMS), key=lambda claim: claim.id))


def answer(verdicts: Mapping[str, Verdict]) -> str:
    """How much slower the early layers are, whether that lasts, and what depth does to accuracy."""
    first, lasting, depth = (verdicts[name].effect for name in ("U1", "U3", "U6"))
    if first is None or lasting is None:
        return "No runs yet."
    slower = f"Each layer back has {10**first.value:.1f} times less gradient before training"
    later = f"{10**lasting.value:.1f} times less after 499 epochs"
    if depth is None:
        return f"{slower} and {later}."
    more = "loses" if depth.value > 0 else "gains"
    points = f"going from two to four layers {more} {abs(depth.value):.2g} points of accuracy"
    return f"{slower} and {later}; {points}."


study = Study(
    name="unstable-gradient",
    chapter="trainability",
    question="Do early layers learn slower, throughout training, and is that why depth does not help?",
    source=f"{speeds.SOURCE}: its text, code and the data of its figures",
    version=1,
    presets={
        "quick": preset("digits, embedded; under a minute on two cores", "digits", QUICK),
        "standard": preset(
            "MNIST, accuracies with 10,000 images; about ten minutes on two cores", "mnist", STANDARD
        ),
        "book": book("MNIST, the speeds of 1 to 4 hidden layers as in the book, 32 seeds; four minutes", 32),
        "long": preset("MNIST, accuracies with 50,000 images as in the book; hours", "mnist", LONG),
    },
    measure=measure,
    claims=CLAIMS,
    figures=figures,
    answer=answer,
)
