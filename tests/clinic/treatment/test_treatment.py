"""`treat`: a confirmed remedy for each problem with a known cause, and none for a healthy problem."""

from __future__ import annotations

import textwrap
from collections.abc import Callable
from dataclasses import replace
from functools import partial

import numpy as np
import pytest
import torch
from tests.clinic.treatment.pasting import pasted
from torch import nn
from torch.nn import functional

import levinthal
from levinthal.clinic.examination import examine
from levinthal.clinic.problem.scores import score
from levinthal.clinic.problem.training import TrainedRun, trained
from levinthal.clinic.treatment import search
from levinthal.clinic.treatment.comparison import (
    CONFIRMED,
    NO_EFFECT,
    STILL_AT_CHANCE,
    WORSE,
    compared,
    paired_gain,
)
from levinthal.clinic.treatment.problem_code import always
from levinthal.clinic.treatment.remedies import REMEDIES, Remedy, scaled_learning_rate
from levinthal.clinic.treatment.remedy_code import Place
from levinthal.clinic.treatment.same_training import different
from levinthal.clinic.treatment.treatment import treat
from levinthal.clinic.treatment.undecided import seeds_that_decide
from levinthal.errors import InputError

FASTER = scaled_learning_rate(10)


def blobs(count: int = 256, classes: int = 4, seed: int = 1) -> tuple[torch.Tensor, torch.Tensor]:
    draw = torch.Generator().manual_seed(seed)
    centres = 2 * torch.randn(classes, 8, generator=torch.Generator().manual_seed(0))
    labels = torch.arange(count) % classes
    return centres[labels] + torch.randn(count, 8, generator=draw), labels


def mlp(*activations: type[nn.Module], width: int = 16) -> nn.Sequential:
    layers: list[nn.Module] = [nn.Linear(8, width)]
    for activation in activations:
        layers += [activation(), nn.Linear(width, width)]
    return nn.Sequential(*layers[:-1], nn.Linear(width, 4))


def problem(**changes: object) -> levinthal.Problem:
    healthy = levinthal.Problem(
        model=partial(mlp, nn.ReLU, nn.ReLU),
        loss=functional.cross_entropy,
        train=blobs(),
        validation=blobs(128, seed=2),
        optimizer=lambda model: torch.optim.SGD(model.parameters(), 0.1),
        steps=60,
    )
    return replace(healthy, **changes)  # type: ignore[arg-type]


def faster(p: levinthal.Problem) -> Callable[[nn.Module], torch.optim.Optimizer]:
    """The optimiser with ten times the learning rate."""

    def made(model: nn.Module) -> torch.optim.Optimizer:
        optimizer = p.optimizer(model)
        optimizer.param_groups[0]["lr"] *= 10
        return optimizer

    return made


def test_a_healthy_problem_is_reported_healthy_and_not_treated() -> None:
    found = treat(problem())
    assert found.examination.is_healthy
    assert not found.comparisons
    assert str(found).startswith("Healthy: the loss fell to ")


def test_a_learning_rate_that_is_too_high_is_lowered_and_the_gain_is_confirmed() -> None:
    faulty = problem(optimizer=lambda model: torch.optim.SGD(model.parameters(), 50.0))
    found = treat(faulty, seeds=4)
    assert found.findings[0].code == "LR_TOO_HIGH"
    assert found.findings[0].confirmation.startswith(CONFIRMED)
    assert found.remedies[0].remedy.name.startswith("learning rate /")
    assert np.mean(found.improved_scores) > 0.9 > np.mean(found.scores) + 0.3
    assert 'group["lr"] = group["lr"] * 0.01' in str(found)
    again = [trained(found.improved, seed, "accuracy").score for seed in range(4)]
    assert again == list(found.improved_scores)  # the improved problem is what was measured, to the bit


def test_the_initialisation_is_the_remedy_of_a_saturated_network() -> None:
    def saturated() -> nn.Module:
        net = mlp(nn.Tanh, nn.Tanh, nn.Tanh)
        for layer in net[::2]:
            layer.weight.data.mul_(50)
        return net

    found = treat(problem(model=saturated), seeds=3)
    assert found.findings[0].code == "SATURATED_ACTIVATION"
    assert found.remedies
    assert np.mean(found.improved_scores) > 0.9


def test_the_printed_code_gives_the_printed_scores_and_a_page_shows_no_tensors() -> None:
    """Units that are dead from the start, by their biases."""

    def biased() -> nn.Module:
        net = mlp(nn.ReLU, nn.ReLU)
        for layer in net[:-1:2]:
            nn.init.constant_(layer.bias, -9.0)
        return net

    faulty = problem(model=biased, steps=40)
    found = treat(faulty, seeds=3)
    code = textwrap.dedent(str(found).partition("as it was run: ")[2].partition("\n")[2])
    scores = [score(faulty, pasted(faulty, code, seed), "accuracy") for seed in range(3)]
    assert scores == list(found.improved_scores)
    assert np.mean(scores) > np.mean(found.scores) + 0.3
    for shown in (found._repr_html_(), found.examination._repr_html_(), repr(found), repr(faulty)):
        assert "tensor(" not in shown
    assert "<pre><code>" in found._repr_html_()
    assert "train=(Tensor(256, 8), Tensor(256,))" in repr(faulty)
    assert len(repr(found)) < 300


def test_a_gain_that_stays_at_chance_level_is_no_cure() -> None:
    before, after = (-0.9, -0.8, -0.9), (-0.3, -0.2, -0.25)
    assert compared("UNDERFIT", FASTER, "", before, after).outcome == CONFIRMED
    assert compared("UNDERFIT", FASTER, "", before, after, chance=0.0).outcome == STILL_AT_CHANCE
    assert compared("UNDERFIT", FASTER, "", before, (0.5, 0.6, 0.5), chance=0.0).outcome == CONFIRMED


def test_more_seeds_are_asked_for_only_where_the_gain_counts() -> None:
    scores, noise = (0.5, 0.5, 0.5, 0.5), (0.0, 0.0, 0.003, 0.001)
    small = compared("UNDERFIT", FASTER, "", scores, [0.5 + n for n in noise])
    large = compared("UNDERFIT", FASTER, "", scores, [0.5 + 100 * n for n in noise])
    assert small.outcome == large.outcome == NO_EFFECT
    assert seeds_that_decide("accuracy", scores, [small]) == ""
    assert "seeds would decide about: learning rate x 10" in seeds_that_decide("accuracy", scores, [large])


def test_remedies_that_make_the_same_training_are_tried_once() -> None:
    """The loss of logarithms of probabilities is that of the logits; a smaller step is another training."""
    faulty = problem(model=lambda: nn.Sequential(*mlp(nn.ReLU), nn.Softmax(1)))
    arms = [("DOUBLE_SOFTMAX", remedy) for remedy in REMEDIES["DOUBLE_SOFTMAX"]]
    kept = [remedy.name for _, remedy in different(faulty, [*arms, ("LR_TOO_HIGH", FASTER)])]
    assert kept == ["no output softmax or sigmoid", "learning rate x 10"]


def test_an_activation_that_all_networks_share_stays_as_it_was() -> None:
    shared = nn.Tanh()
    faulty = problem(
        model=lambda: nn.Sequential(*[part for _ in "123" for part in (nn.Linear(8, 8), shared)])
    )
    for remedy in REMEDIES["VANISHING_GRADIENT"]:
        new = remedy.edit(faulty)
        if new is not None:
            new.model()
    assert not shared._forward_hooks
    assert not shared._forward_pre_hooks


def test_a_finding_that_no_edit_can_repair_names_the_line_to_change() -> None:
    class Cut(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.body, self.head = nn.Linear(8, 16), nn.Linear(16, 4)

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            with torch.no_grad():
                hidden = torch.relu(self.body(x))
            return self.head(hidden)

    found = treat(problem(model=Cut), seeds=3)
    assert found.findings[0].code == "GRAPH_BROKEN"
    assert found.findings[0].confirmation.startswith("change your own code")
    assert not found.comparisons


def test_out_of_time_is_reported_and_no_training_begins() -> None:
    faulty = problem(optimizer=lambda model: torch.optim.SGD(model.parameters(), 50.0))
    found = treat(faulty, seeds=3, seconds=1e-9)
    assert found.untried >= 3
    assert not found.comparisons
    assert "not tried, out of time" in str(found)


def test_ctrl_c_keeps_the_finished_comparisons() -> None:
    faulty = problem(optimizer=lambda model: torch.optim.SGD(model.parameters(), 50.0))
    notes = list[str]()

    def stop(note: str) -> None:
        notes.append(note)
        if note.startswith("learning rate / 100,"):
            raise KeyboardInterrupt

    found = treat(faulty, seeds=3, on_step=stop)
    assert [one.remedy.name for one in found.comparisons] == ["learning rate / 10"]
    assert found.is_interrupted
    assert "Interrupted" in str(found)


def test_two_causes_are_treated_one_after_the_other() -> None:
    x, y = blobs()
    x[::50] = float("nan")
    faulty = problem(train=(x, y), optimizer=lambda model: torch.optim.SGD(model.parameters(), 50.0))
    found = treat(faulty, seeds=5)
    assert found.findings[0].code == "NON_FINITE_INPUT"
    assert {one.remedy.name for one in found.remedies} == {"nan and infinity set to 0", "learning rate / 100"}
    assert all(one.outcome == CONFIRMED for one in found.remedies)
    assert np.mean(found.improved_scores) > np.mean(found.scores) + 0.3


def test_a_pair_is_tried_where_no_remedy_helps_alone_and_each_of_it_is_needed(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Two switches that help only when both are on, and a third that does nothing."""

    def switch(bit: int) -> Remedy:
        return Remedy(f"{bit}", always((Place.SETTING, f"steps = steps | {bit}")))

    def run(p: levinthal.Problem, seed: int, _name: str, **_: object) -> TrainedRun:
        return TrainedRun(nn.Identity(), 0.1 + 0.001 * seed + 0.5 * (p.steps & 3 == 3))

    monkeypatch.setattr(search, "trained", run)
    trainer = search.Trainer(3, "accuracy", float("inf"), lambda _: None)
    stage = search.Stage(problem(steps=8), trainer.scores(problem(steps=8), ""))
    fit = [("A", switch(1)), ("A", switch(16)), ("B", switch(2)), ("C", switch(4))]
    assert search._best(trainer, stage, fit) is None
    found = search._best_pair(trainer, stage, fit)
    assert found is not None
    assert [one.remedy.name for one in found.remedies] == ["1", "2"]


def test_an_info_whose_remedy_is_confirmed_becomes_a_warning() -> None:
    def half_frozen() -> nn.Module:
        net = mlp(nn.ReLU, nn.ReLU, width=4)
        for layer in net[:3]:
            layer.requires_grad_(False)
        return net

    found = treat(problem(model=half_frozen), seeds=5)
    assert "FROZEN_PARAMS" in [f.code for f in found.examination.findings]
    assert "all parameters trainable" in [one.remedy.name for one in found.remedies]
    assert not found.is_healthy
    assert found.findings[0].confirmation.startswith(CONFIRMED)


def test_a_remedy_that_changes_the_loss_is_scored_by_the_original_loss() -> None:
    """A tenth of the loss would count as a gain of nine tenths if it scored itself."""

    def pairs(x: torch.Tensor, y: torch.Tensor) -> tuple[torch.Tensor, dict[str, torch.Tensor]]:
        return x, {"y": y}

    def loss(out: torch.Tensor, y: dict[str, torch.Tensor]) -> torch.Tensor:
        return functional.cross_entropy(out, y["y"])

    p = problem(prepare=pairs, loss=loss)
    tenth = replace(p, loss=lambda out, y: loss(out, y) / 10, optimizer=faster(p))
    trainer = search.Trainer(3, "minus loss", float("inf"), lambda _: None, p.loss)
    assert trainer.scores(p, "") == pytest.approx(trainer.scores(tenth, ""), rel=1e-3)


@pytest.mark.parametrize(
    ("after", "outcome"),
    [
        ((0.9, 0.91, 0.92), CONFIRMED),
        ((0.1, 0.11, 0.1), WORSE),
        ((0.5, 0.52, 0.49), NO_EFFECT),
        ((0.5, 0.5, 0.5), NO_EFFECT),
        ((0.5, 0.5, 1.0), NO_EFFECT),
    ],
)
def test_a_gain_is_judged_by_its_interval(after: tuple[float, ...], outcome: str) -> None:
    assert compared("UNDERFIT", FASTER, "", (0.5, 0.5, 0.5), after).outcome == outcome


def test_no_confirmed_gain_has_an_interval_that_holds_zero_and_noise_is_rarely_confirmed() -> None:
    generator, confirmed = np.random.default_rng(0), 0
    for _ in range(400):
        before, after = generator.normal(0.8, 0.05, (2, 5))
        comparison = compared("UNDERFIT", FASTER, "", before, after, at_once=4)
        assert comparison.gain.interval is not None
        assert (comparison.outcome == CONFIRMED) <= (comparison.gain.interval.low > 0)
        confirmed += comparison.outcome == CONFIRMED
    assert confirmed <= 8  # of 400; half of 5 % divided by 4 comparisons would be 2.5


def test_a_score_that_is_not_finite_counts_as_the_lowest_score() -> None:
    nan = float("nan")
    comparison = compared("LR_TOO_HIGH", FASTER, "", (nan, 0.2, 0.1), (0.9, nan, 0.9))
    assert comparison.gain.value == pytest.approx(((0.9 - 0.1) + (0.1 - 0.2) + (0.9 - 0.1)) / 3)
    assert compared("LR_TOO_HIGH", FASTER, "", (nan, nan, nan), (nan, nan, nan)).outcome == NO_EFFECT


def test_more_comparisons_at_once_widen_the_interval() -> None:
    one, many = (paired_gain([0.1, 0.2, 0.3, 0.1], at_once).interval for at_once in (1, 10))
    assert one is not None
    assert many is not None
    assert many.low < one.low < one.high < many.high


def test_fewer_than_three_seeds_are_refused_in_one_line() -> None:
    with pytest.raises(InputError, match="seeds=2"):
        treat(problem(), seeds=2)


def test_every_remedy_of_every_finding_can_be_asked_for_on_any_problem() -> None:
    for remedies in REMEDIES.values():
        for remedy in remedies:
            new = remedy.edit(problem())
            if new is not None:
                assert 0 <= trained(replace(new, steps=2), 0, "accuracy").score <= 1, remedy.name


def test_trainings_of_one_seed_share_the_order_of_the_data() -> None:
    seen = dict[str, list[torch.Tensor]]()

    def noting(name: str) -> levinthal.Problem:
        def loss(out: torch.Tensor, y: torch.Tensor) -> torch.Tensor:
            seen.setdefault(name, []).append(y)
            return functional.cross_entropy(out, y)

        return problem(loss=loss, steps=5)

    trained(noting("plain"), 3, "accuracy")
    other = REMEDIES["VANISHING_GRADIENT"][-1].edit(noting("orthogonal"))
    assert other is not None
    trained(other, 3, "accuracy")
    assert all(torch.equal(a, b) for a, b in zip(seen["plain"][:5], seen["orthogonal"][:5], strict=True))


def test_a_watched_training_is_identical_to_the_bit() -> None:
    plain, watched = trained(problem(), 1, "accuracy"), trained(problem(), 1, "accuracy", every=3)
    for a, b in zip(plain.model.parameters(), watched.model.parameters(), strict=True):
        assert torch.equal(a, b)
    assert plain.score == watched.score


def test_the_examination_leaves_the_random_state_alone() -> None:
    torch.manual_seed(5)
    before = torch.get_rng_state()
    examine(problem(steps=3))
    assert torch.equal(before, torch.get_rng_state())
