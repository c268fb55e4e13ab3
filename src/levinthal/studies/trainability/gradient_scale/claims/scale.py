"""The claims at initial weights: exploding gradients persist, skips tame them, batch norm has its law."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping

import numpy as np

from levinthal.lab.analysis import Reading, compare, described, each, evidence, mapped, value
from levinthal.lab.analysis.contrasts import Parts
from levinthal.lab.storage.rows import Rows
from levinthal.probes.depth_scale import batchnorm_rate
from levinthal.studies.trainability.gradient_scale.design import LAWS, PHILIPP, YANG
from levinthal.vocabulary import Basis, Claim

DOUBLED = 1 / 50  # log2 ratio per layer that makes a factor of two over fifty layers
TENFOLD = math.log2(10) / 50  # log2 ratio per layer that makes a factor of ten over fifty layers
JUDGED = 50
"""The depth, in layers, at which skips are judged: that of the paper's networks, and in every preset."""
WITHOUT = {"batch norm, ReLU": "ReLU", "batch norm, tanh": "tanh"}
"""A network with batch norm -> the same without."""


def growth(read: Mapping[str, str]) -> Parts:
    """The growth of GSC in each depth and network, read in the network that stands for it."""
    return each(
        "depth",
        "network",
        make=lambda depth, network: value("growth", network=read[network], depth=depth),
        label=lambda depth, network: f"{network}, depth {depth}",
        name="growth",
        network=tuple(read),
    )


def lowered(
    prefix: str, which: Callable[[int], bool] = lambda depth: depth == JUDGED
) -> Callable[[Rows], dict[str, Reading]]:
    """log10 of the GSC over the whole depth over that of the networks with a prefix: skips, orthogonal."""

    def whole(network: str, depth: int) -> Reading:
        found = value("gradient_scale", layer="0", network=network, depth=depth)
        return mapped(found, lambda scale: math.log10(scale) if scale > 0 else math.nan)

    return each(
        "depth",
        "network",
        make=lambda depth, network: compare(whole(network, depth), whole(prefix + network, depth)),
        label=lambda depth, network: f"{network}, depth {depth}",
        name="gradient_scale",
        network=tuple(WITHOUT),
        depth=which,
    )


def other_depths(rows: Rows) -> Iterator[str]:
    """A note: what skips do at the depths that are not judged, because it grows with depth."""
    parts = lowered("residual ", lambda depth: depth != JUDGED)(rows)
    found = {name: list(read(rows).by_seed.values()) for name, read in parts.items()}
    words = [f"{np.mean(numbers):.2f} ({name})" for name, numbers in found.items() if numbers]
    if words:
        yield f"At other depths it is {', '.join(words)}."


def share_of_law(*, bare: bool) -> Parts:
    """1 less the relative error of the predicted growth; or that of the network without batch norm."""

    def share(network: str, batch: int) -> Reading:
        law, without = LAWS[network]
        exact = math.log2(float(batchnorm_rate(law, int(batch))))
        where = {"network": without} if bare else {"network": network, "batch": batch}
        found = mapped(value("rate", **where), lambda rate: 1 - abs(rate / exact - 1))
        return described(found, within=(-math.inf, 1))

    label = "{}, batch {}".format
    return each("network", "batch", make=share, label=label, name="rate", network=tuple(LAWS))


EXPLODE = "in a range of popular MLP architectures, exploding gradients exist"
TENFOLD_WHY = "chosen by us: a factor of ten over fifty layers, the depth of the paper's networks"

CLAIMS = (
    Claim(
        id="G1",
        says="Exploding gradients persist with batch norm: GSC grows exponentially with depth.",
        source=f"{PHILIPP}, abstract",
        effect="growth of GSC a layer, at initial weights",
        unit="log2 ratio per layer",
        smallest_effect=TENFOLD,
        why_smallest=TENFOLD_WHY,
        control="the same network without batch norm",
        evidence=evidence(growth({name: name for name in WITHOUT}), control=growth(WITHOUT)),
        quote=EXPLODE,
    ),
    Claim(
        id="G2",
        says="They persist with SELU: GSC grows exponentially with depth.",
        source=f"{PHILIPP}, abstract",
        effect="growth of GSC a layer, at initial weights",
        unit="log2 ratio per layer",
        smallest_effect=DOUBLED,
        why_smallest="chosen by us, after a growth of 0.055 had been seen: a factor of two over fifty "
        "layers, the depth of the paper's networks. The paper says that they explode, and not by how much",
        basis=Basis.SEEN,
        control="a linear network",
        evidence=evidence(growth({"SELU": "SELU"}), control=growth({"SELU": "linear"})),
        quote="Whereas it is believed that techniques such as Adam, batch normalization and, more recently, "
        'SeLU nonlinearities "solve" the exploding gradient problem, we show that this is not the case in '
        "general",
    ),
    Claim(
        id="G2b",
        says="With SELU they grow tenfold in fifty layers, the size that G1 asks of batch norm.",
        source="ours: the paper gives no size in its sentence",
        effect="growth of GSC a layer, at initial weights",
        unit="log2 ratio per layer",
        smallest_effect=TENFOLD,
        why_smallest=TENFOLD_WHY,
        control="a linear network",
        evidence=evidence(growth({"SELU": "SELU"}), control=growth({"SELU": "linear"})),
    ),
    Claim(
        id="G3",
        says="Residual networks have far smaller gradients: GSC of the whole network of 50 layers is a "
        "hundredth or less.",
        source=f"{PHILIPP}, abstract",
        effect="GSC of the whole network without skips over that with skips",
        unit="log10 ratio",
        smallest_effect=2,
        why_smallest="chosen by us after a pilot: a hundredth; the paper says significantly lower",
        basis=Basis.PILOT,
        control="",
        why_no_control="the arms share inputs and the way weights are drawn, and differ in the skips alone",
        rival="orthogonal weights instead of skips",
        evidence=evidence(lowered("residual "), rival=lowered("orthogonal "), notes=other_depths),
        quote="ResNets have significantly lower gradients",
    ),
    Claim(
        id="G4",
        says="Batch norm multiplies the squared gradient by a known rate a layer that depends on the batch.",
        source=f"{YANG}, abstract and Theorem 8",
        effect="share of the predicted growth (log2 ratio per layer) that is found, less any excess; 0 is no "
        "growth, and 1 the most",
        unit="",
        smallest_effect=2 / 3,
        why_smallest="chosen by us, after a share of 0.93 had been seen: two thirds of the predicted growth. "
        "Nine tenths would need 29 seeds, because a share is 1 at most",
        basis=Basis.SEEN,
        control="the same network without batch norm",
        evidence=evidence(share_of_law(bare=False), control=share_of_law(bare=True)),
        quote="we provide a precise characterization of signal propagation and gradient backpropagation in "
        "wide batch-normalized networks at initialization",
    ),
)
