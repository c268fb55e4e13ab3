"""Does momentum speed up the training of a small network?"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from functools import partial

import torch
from torch import nn

from levinthal.lab import Rows
from levinthal.lab import analysis as an
from levinthal.probes import proportion
from levinthal.training import train
from levinthal.vocabulary import (
    Axis,
    Basis,
    Claim,
    Dataset,
    Figure,
    Measurement,
    Preset,
    Study,
    Task,
    Verdict,
)

ARMS = {"plain": 0.0, "momentum": 0.9, "plain, other order": 0.0}
RATES = (0.003, 0.01, 0.03, 0.1, 0.3, 1.0, 3.0)
STEPS = (0, 25, 50, 100, 200)


def measure(task: Task, *, data: Dataset, device: str) -> Iterator[Measurement]:
    """One cell: for each seed and learning rate a network, and its test error at a few steps of training."""
    images, labels = torch.as_tensor(data.train_inputs), torch.as_tensor(data.train_labels)
    test, truth = torch.as_tensor(data.test_inputs), torch.as_tensor(data.test_labels)
    arm = str(task.cell["arm"])
    for seed in task.seeds:
        order = seed + 1000 * (
            "other" in arm
        )  # the arms share the batches of a seed, the control has its own
        for rate in RATES:
            torch.manual_seed(seed)  # all arms share the initial weights of a seed
            net = nn.Sequential(nn.Linear(test.shape[1], 30), nn.Tanh(), nn.Linear(30, data.classes))
            sgd = partial(torch.optim.SGD, lr=rate, momentum=ARMS[arm])
            snapshots = train(
                net, images, labels, optimizer=sgd, steps=STEPS[-1], batch_size=32,
                order_seeds=order, snapshots=STEPS, device=device,
            )  # fmt: skip
            for snapshot in snapshots:
                with torch.no_grad():
                    wrong = int((net(test.to(device)).argmax(1).cpu() != truth).sum())
                error = proportion(wrong, len(truth))  # with the interval that this many images leave
                yield Measurement("error", error, seed, snapshot.step, condition=f"rate={rate:g}")


def early(arm: str) -> an.Reading:
    """The error at step 50 and learning rate .03, seed by seed."""
    return an.value("error", arm=arm, step=50, rate=0.03)


def final(arm: str) -> an.Reading:
    """The error after the last step, at the arm's best learning rate."""
    return an.at_best_rate("error", arm=arm)


def claim(id: str, says: str, error: Callable[[str], an.Reading], smallest_effect: float) -> Claim:
    """How many times momentum halves an error; the control is plain SGD with another order of the batches."""
    return Claim(
        id=id,
        says=says,
        source="Polyak 1964",
        quote="",  # the sentence of the source, word by word; this one is ours
        effect="log2 ratio of the test errors, plain SGD over momentum",
        unit="log2 ratio",
        null=0.0,  # where the claim is empty: both errors are equal
        smallest_effect=smallest_effect,
        why_smallest="the source gives no number",
        basis=Basis.CHOSEN,  # before the first run
        control="plain SGD with another order of the batches in place of momentum",
        evidence=an.evidence(
            an.compare(error("plain"), error("momentum"), an.log2_ratio),
            control=an.compare(error("plain"), error("plain, other order"), an.log2_ratio),
        ),
    )


def figures(rows: Rows) -> Iterator[Figure]:
    """The error along training at each arm's best learning rate, and at the end against the learning rate."""
    arms, error = an.By("arm", {arm: arm for arm in ARMS}), Axis("test error", "%")
    panels = an.facets(rows, an.STEPS, error, arms, narrow=an.at_best("error"), reduce=an.percent, seeds=8)
    yield Figure("training", "The error along training", an.caption(rows), panels)
    end = rows.where(step=STEPS[-1])
    panels = an.facets(end, an.LEARNING_RATES, error, arms, reduce=an.percent)
    yield Figure("rates", "The error at every learning rate", an.caption(end), panels)


def answer(verdicts: Mapping[str, Verdict]) -> str:
    """The answer in one sentence."""
    first, last = verdicts["P1"].outcome, verdicts["P2"].outcome
    return f"Early, at a small learning rate: {first}. At the end, each at its best learning rate: {last}."


study = Study(
    name="momentum-speed",
    chapter="my-own",
    question="Does momentum speed up the training of a small network?",
    source="Polyak, Some methods of speeding up the convergence of iteration methods (1964)",
    version=1,
    presets={
        "quick": Preset(
            about="digits, three arms, 7 learning rates, 8 seeds: about half a minute",
            data="digits",
            tasks=tuple(Task({"arm": arm}, seeds=tuple(range(8))) for arm in ARMS),
        ),
    },
    measure=measure,
    claims=(
        claim("P1", "Momentum lowers the error early, at a small learning rate.", early, 0.5),
        claim("P2", "Momentum lowers the final error, each arm at its best learning rate.", final, 0.1),
        Claim(
            id="P3",
            says="The error with momentum.",
            source="this study",
            effect="test error",
            unit="",
            smallest_effect=None,  # a number that is reported, and never judged
            control="",
            evidence=an.evidence(final("momentum")),
        ),
    ),
    figures=figures,
    answer=answer,
)
