"""`treat`: proofs on problems whose cure is known, and none where there is nothing to prove."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import partial

import numpy as np
import pytest
import torch
from torch import nn
from torch.nn import functional

import levinthal
from levinthal.clinic.examination import examine
from levinthal.clinic.problem.training import Trial, trained
from levinthal.clinic.treatment import search
from levinthal.clinic.treatment.comparison import NO_EFFECT, PROVED, WORSE, judged, paired_gain
from levinthal.clinic.treatment.remedies import REMEDIES, Remedy, scaled_rate
from levinthal.clinic.treatment.treatment import treat
from levinthal.errors import InputError

RATE = scaled_rate(10)


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
    """The optimiser with ten times the rate."""

    def made(model: nn.Module) -> torch.optim.Optimizer:
        optimizer = p.optimizer(model)
        optimizer.param_groups[0]["lr"] *= 10
        return optimizer

    return made


def test_a_healthy_problem_is_told_healthy_and_left_alone() -> None:
    found = treat(problem())
    assert found.examination.is_healthy
    assert not found.arms
    assert str(found).startswith("Healthy.")


def test_a_rate_that_is_too_high_is_lowered_and_the_gain_is_proved() -> None:
    sick = problem(optimizer=lambda model: torch.optim.SGD(model.parameters(), 50.0))
    found = treat(sick, seeds=4)
    assert found.findings[0].code == "LR_TOO_HIGH"
    assert found.findings[0].proof.startswith(PROVED)
    assert found.cure[0].remedy.name.startswith("rate /")
    assert np.mean(found.after) > 0.9 > np.mean(found.scores) + 0.3
    assert "lr = lr * " in str(found)
    again = [trained(found.cured, seed, "accuracy").score for seed in range(4)]
    assert again == list(found.after)  # the cured problem is what was measured, to the bit


def test_the_saturated_network_is_cured_by_its_weights() -> None:
    def saturated() -> nn.Module:
        net = mlp(nn.Tanh, nn.Tanh, nn.Tanh)
        for layer in net[::2]:
            layer.weight.data.mul_(50)
        return net

    found = treat(problem(model=saturated), seeds=3)
    assert found.findings[0].code == "SATURATED_ACTIVATION"
    assert found.cure
    assert np.mean(found.after) > 0.9


def test_what_cannot_be_changed_from_outside_is_told_as_a_line_of_ones_own() -> None:
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
    assert found.findings[0].proof.startswith("a line of your own")
    assert not found.arms


def test_time_that_is_over_is_told_and_nothing_is_begun() -> None:
    sick = problem(optimizer=lambda model: torch.optim.SGD(model.parameters(), 50.0))
    found = treat(sick, seeds=3, seconds=0)
    assert found.left >= 3
    assert not found.arms
    assert "not tried for want of time" in str(found)


def test_ctrl_c_keeps_the_arms_that_are_finished() -> None:
    sick = problem(optimizer=lambda model: torch.optim.SGD(model.parameters(), 50.0))
    notes = list[str]()

    def stop(note: str) -> None:
        notes.append(note)
        if note.startswith("rate / 100,"):
            raise KeyboardInterrupt

    found = treat(sick, seeds=3, on_step=stop)
    assert [arm.remedy.name for arm in found.arms] == ["rate / 10"]
    assert found.is_interrupted
    assert "Interrupted" in str(found)


def test_two_causes_are_cured_one_after_the_other() -> None:
    x, y = blobs()
    x[::50] = float("nan")
    sick = problem(train=(x, y), optimizer=lambda model: torch.optim.SGD(model.parameters(), 50.0))
    found = treat(sick, seeds=5)
    assert found.findings[0].code == "NON_FINITE_INPUT"
    assert {arm.remedy.name for arm in found.cure} == {"numbers for nan", "rate / 100"}
    assert all(arm.outcome == PROVED for arm in found.cure)
    assert np.mean(found.after) > np.mean(found.scores) + 0.3


def test_causes_that_hide_each_other_are_cured_together_and_each_must_be_missed(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Two switches that help only when both are on, and a third that does nothing."""

    def switch(bit: int) -> Remedy:
        def change(p: levinthal.Problem) -> levinthal.Problem:
            return replace(p, steps=p.steps | bit)

        return Remedy(f"{bit}", f"switch({bit})", change)

    def run(p: levinthal.Problem, seed: int, _name: str, **_: object) -> Trial:
        return Trial(nn.Identity(), 0.1 + 0.001 * seed + 0.5 * (p.steps & 3 == 3))

    monkeypatch.setattr(search, "trained", run)
    bench = search.Bench(3, "accuracy", float("inf"), lambda _: None)
    stage = search.Stage(problem(steps=8), bench.scores(problem(steps=8), ""))
    fit = [("A", switch(1)), ("A", switch(16)), ("B", switch(2)), ("C", switch(4))]
    assert search._best(bench, stage, fit) is None
    found = search._together(bench, stage, fit)
    assert found is not None
    assert [arm.remedy.name for arm in found.cure] == ["1", "2"]


def test_a_remark_whose_remedy_is_proved_becomes_a_warning() -> None:
    def half_frozen() -> nn.Module:
        net = mlp(nn.ReLU, nn.ReLU, width=4)
        for layer in net[:3]:
            layer.requires_grad_(False)
        return net

    found = treat(problem(model=half_frozen), seeds=5)
    assert "FROZEN_PARAMS" in [f.code for f in found.examination.findings]
    assert "all parameters thawed" in [arm.remedy.name for arm in found.cure]
    assert not found.is_healthy
    assert found.findings[0].proof.startswith(PROVED)


def test_a_remedy_that_changes_the_loss_is_measured_by_the_loss_that_was_given() -> None:
    """A loss that is a tenth would be a gain of nine tenths, if it were its own yardstick."""

    def pairs(x: torch.Tensor, y: torch.Tensor) -> tuple[torch.Tensor, dict[str, torch.Tensor]]:
        return x, {"y": y}

    def loss(out: torch.Tensor, y: dict[str, torch.Tensor]) -> torch.Tensor:
        return functional.cross_entropy(out, y["y"])

    p = problem(prepare=pairs, loss=loss)
    tenth = replace(p, loss=lambda out, y: loss(out, y) / 10, optimizer=faster(p))
    bench = search.Bench(3, "minus loss", float("inf"), lambda _: None, p.loss)
    assert bench.scores(p, "") == pytest.approx(bench.scores(tenth, ""), rel=1e-3)


@pytest.mark.parametrize(
    ("after", "outcome"),
    [
        ((0.9, 0.91, 0.92), PROVED),
        ((0.1, 0.11, 0.1), WORSE),
        ((0.5, 0.52, 0.49), NO_EFFECT),
        ((0.5, 0.5, 0.5), NO_EFFECT),
        ((0.5, 0.5, 1.0), NO_EFFECT),
    ],
)
def test_a_gain_is_judged_by_its_interval(after: tuple[float, ...], outcome: str) -> None:
    assert judged("UNDERFIT", RATE, "", (0.5, 0.5, 0.5), after).outcome == outcome


def test_no_proof_has_an_interval_that_holds_zero_and_noise_is_hardly_ever_proved() -> None:
    dice, proofs = np.random.default_rng(0), 0
    for _ in range(400):
        before, after = dice.normal(0.8, 0.05, (2, 5))
        arm = judged("UNDERFIT", RATE, "", before, after, arms=4)
        assert arm.gain.interval is not None
        assert (arm.outcome == PROVED) <= (arm.gain.interval.low > 0)
        proofs += arm.outcome == PROVED
    assert proofs <= 8  # of 400; half of 5 % shared among 4 arms would be 2.5


def test_a_score_that_is_no_number_counts_as_the_worst_number() -> None:
    nan = float("nan")
    arm = judged("LR_TOO_HIGH", RATE, "", (nan, 0.2, 0.1), (0.9, nan, 0.9))
    assert arm.gain.value == pytest.approx(((0.9 - 0.1) + (0.1 - 0.2) + (0.9 - 0.1)) / 3)
    assert judged("LR_TOO_HIGH", RATE, "", (nan, nan, nan), (nan, nan, nan)).outcome == NO_EFFECT


def test_more_arms_at_once_widen_the_interval() -> None:
    one, many = (paired_gain([0.1, 0.2, 0.3, 0.1], arms).interval for arms in (1, 10))
    assert one is not None
    assert many is not None
    assert many.low < one.low < one.high < many.high


def test_fewer_than_three_seeds_are_refused_in_a_line() -> None:
    with pytest.raises(InputError, match="seeds=2"):
        treat(problem(), seeds=2)


def test_every_remedy_of_every_finding_can_be_asked_for_on_any_problem() -> None:
    for remedies in REMEDIES.values():
        for remedy in remedies:
            new = remedy.change(problem())
            if new is not None:
                assert 0 <= trained(replace(new, steps=2), 0, "accuracy").score <= 1, remedy.name


def test_arms_of_one_seed_share_the_order_of_the_data() -> None:
    seen = dict[str, list[torch.Tensor]]()

    def noting(name: str) -> levinthal.Problem:
        def loss(out: torch.Tensor, y: torch.Tensor) -> torch.Tensor:
            seen.setdefault(name, []).append(y)
            return functional.cross_entropy(out, y)

        return problem(loss=loss, steps=5)

    trained(noting("plain"), 3, "accuracy")
    other = REMEDIES["VANISHING_GRADIENT"][-1].change(noting("orthogonal"))
    assert other is not None
    trained(other, 3, "accuracy")
    assert all(torch.equal(a, b) for a, b in zip(seen["plain"][:5], seen["orthogonal"][:5], strict=True))


def test_training_is_the_same_to_the_bit_under_watch() -> None:
    plain, watched = trained(problem(), 1, "accuracy"), trained(problem(), 1, "accuracy", every=3)
    for a, b in zip(plain.model.parameters(), watched.model.parameters(), strict=True):
        assert torch.equal(a, b)
    assert plain.score == watched.score


def test_the_examination_leaves_the_random_state_alone() -> None:
    torch.manual_seed(5)
    before = torch.get_rng_state()
    examine(problem(steps=3))
    assert torch.equal(before, torch.get_rng_state())
