"""The four states of an answer: on histories whose numbers are known, and on small trainings."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Callable
from typing import Any

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from tests.clinic.histories import finding, history, setup
from torch import Tensor, nn
from torch.nn import functional

from levinthal.clinic import Answer, State, Watch, watch
from levinthal.clinic.answer.decision import answer_of_checkup, answer_of_run
from levinthal.clinic.answer.seen import LOOKED_FOR
from levinthal.clinic.answer.states import EXIT_CODES, Reason
from levinthal.clinic.answer.unjudged import MOSTLY_THE_CAUSE
from levinthal.clinic.recording.history import History
from levinthal.clinic.rules.loss_trend import AT_CHANCE
from levinthal.vocabulary import Estimate, Finding, Severity

FALLING = [2.0 * 0.9**k for k in range(20)]
X = torch.randn(1000, 16, generator=torch.Generator().manual_seed(0))
Y = X[:, :4].argmax(1)
BATCH = torch.Generator()


def answer(losses: list[float], findings: tuple[Finding, ...] = (), **more: Any) -> Answer:
    return answer_of_run(findings, history(losses), setup(), **more)


def network(last: nn.Module | None = None) -> nn.Sequential:
    torch.manual_seed(0)
    return nn.Sequential(nn.Linear(16, 32), nn.ReLU(), nn.Linear(32, 4), *([last] if last else []))


def trained(
    loss: Callable[[nn.Module, Tensor], Tensor], rate: float = 3e-3, steps: int = 200, **more: Any
) -> Watch:
    """A training of `network` on the rows of X with Adam; `loss(model, rows)` is minimised."""
    model = more.pop("model", None) or network()
    optimizer = torch.optim.Adam(model.parameters(), rate)
    BATCH.manual_seed(0)
    with watch(model, optimizer, every=5, **more) as w:
        for _ in range(steps):
            optimizer.zero_grad()
            loss(model, torch.randint(0, len(X), (32,), generator=BATCH)).backward()
            optimizer.step()
    return w


def classified(model: nn.Module, rows: Tensor) -> Tensor:
    return functional.cross_entropy(model(X[rows]), Y[rows])


@pytest.mark.parametrize("code", ["STUCK_BATCH", "DATA_LEAKAGE", "OVERFIT"])
def test_a_low_loss_that_the_data_put_in_doubt_is_not_healthy(code: str) -> None:
    info = dataclasses.replace(finding(code, "data", 0, {}), severity=Severity.INFO)
    run = trained(classified).history
    assert answer_of_run([], run, setup()).state is State.HEALTHY
    said = answer_of_run([info], run, setup())
    assert (said.state, said.reason) == (State.NOT_JUDGED, Reason.DOUBTED)
    assert code in said.headline


@pytest.mark.parametrize(("code", "is_doubt"), [("INPUT_SCALE", True), ("DEAD_RELU", False)])
def test_info_that_was_mostly_the_cause_in_examined_runs_puts_a_low_loss_in_doubt(
    code: str, is_doubt: bool
) -> None:
    info = finding(code, "input", 0, {}, severity=Severity.INFO)
    assert ((info.confidence or 0) > MOSTLY_THE_CAUSE) == is_doubt
    assert answer(FALLING, (info,)).is_healthy != is_doubt


def test_targets_that_neither_network_nor_reference_predicts_are_no_grounds() -> None:
    def noisy(model: nn.Module, rows: Tensor) -> Tensor:
        noise = torch.randn(len(X), generator=torch.Generator().manual_seed(1))
        return functional.mse_loss(model(X[rows])[:, 0], (0.3 * X[:, 0] + noise)[rows])

    said = trained(noisy).answer()
    assert (said.state, said.reason) == (State.NOT_JUDGED, Reason.HARDLY_PREDICTABLE)
    assert "may be noise, or an input that they depend on may be missing" in said.because


def test_the_difference_of_two_scores_is_no_prediction_and_its_target() -> None:
    def ranked(model: nn.Module, rows: Tensor) -> Tensor:
        scores, values = model(X[rows])[:, 0], X[rows, 0] + X[rows, 1]
        further = (scores[:16] - scores[16:]) * (values[:16] - values[16:]).sign()
        return functional.softplus(-further).mean()

    said = trained(ranked).answer()
    assert (said.state, said.reason) == (State.NOT_JUDGED, Reason.NO_REFERENCE)
    assert not said.grounds or math.isnan(said.ground("chance level"))


def test_a_named_cause_is_the_answer_and_other_causes_are_named() -> None:
    causes = (finding("DOUBLE_SOFTMAX", "loss", 0, {}), finding("STUCK_BATCH", "input", 0, {}))
    symptom = dataclasses.replace(finding("UNDERFIT", "loss", 0, {}), follows="DOUBLE_SOFTMAX")
    said = answer([2.0] * 20, (*causes, symptom))
    assert (said.state, said.reason, said.exit_code) == (State.CAUSE, Reason.NAMED, 1)
    assert said.headline.startswith("The cross-entropy is given probabilities")
    assert said.because.startswith("Another cause: STUCK_BATCH. The loss has plateaued")


def test_a_run_below_chance_level_is_healthy_with_its_numbers() -> None:
    noted = finding("DEAD_RELU", "1", 0, {}, severity=Severity.INFO)
    said = answer(FALLING, (noted,))
    assert (said.state, said.reason, said.exit_code) == (State.HEALTHY, Reason.BELOW_CHANCE, 0)
    assert said.headline == "Healthy: the loss fell to 0.319, 23 % of the chance level."
    assert said.because == "Held against: chance level 1.39 (the best constant prediction) and floor 0."
    assert said.ground("chance level") == pytest.approx(math.log(4))


@pytest.mark.parametrize(
    ("losses", "state", "reason", "head"),
    [
        ([], State.NOT_JUDGED, Reason.NOTHING_SEEN, "Nothing was seen"),
        ([2.0, 1.0], State.NOT_JUDGED, Reason.FEW_SAMPLES, "Not judged: only 2 steps sampled"),
        ([1.39] * 20, State.NO_CAUSE, Reason.AT_CHANCE, "Does not train: the loss, 1.39, is at chance level"),
        ([90.0] * 20, State.NO_CAUSE, Reason.AT_CHANCE, "Does not train: the loss, 90.0, is above chance"),
        ([math.nan] * 20, State.NO_CAUSE, Reason.NOT_FINITE, "Does not train: the loss was never finite"),
        ([1.0] * 9 + [math.inf] * 9, State.NO_CAUSE, Reason.NOT_FINITE, "Does not train: the loss is not"),
        ([-(10.0**k) for k in range(16)], State.NO_CAUSE, Reason.BELOW_FLOOR, "The loss means nothing"),
        ([0.5] * 10 + [1.0] * 10, State.NO_CAUSE, Reason.RISES, "Trains badly: the loss rises"),
        ([0.6] * 20, State.NOT_JUDGED, Reason.NO_REFERENCE, "Not judged: the loss was low from the start"),
        ([2.0, 1.5, *[1.2] * 18], State.NOT_JUDGED, Reason.NO_REFERENCE, "Not judged: the loss ends at 87 %"),
    ],
)
def test_what_is_not_known_to_have_done_well_is_not_healthy(
    losses: list[float], state: State, reason: Reason, head: str
) -> None:
    said = answer(losses)
    assert (said.state, said.reason) == (state, reason)
    assert said.headline.startswith(head)
    assert said.exit_code == EXIT_CODES[state] > 1


def test_a_first_loss_at_chance_level_that_falls_at_once_was_not_low() -> None:
    assert answer([1.38] + [0.3] * 29).state is State.HEALTHY
    assert answer([0.3] * 30).state is State.NOT_JUDGED


def test_a_slow_descent_is_unfinished_and_its_steps_are_counted() -> None:
    said = answer([2.0 - 0.01 * k for k in range(20)])
    assert (said.state, said.reason) == (State.NO_CAUSE, Reason.UNFINISHED)
    # 0.01 per sample of 10 steps, and from 1.825 to 80 % of ln 4: 716 steps
    assert "at this pace at least 720 more steps to well below chance level" in said.headline
    assert f"No cause was found; {LOOKED_FOR} kinds of cause are known." in said.because


def test_underfit_names_no_cause() -> None:
    said = answer([1.39] * 20, (finding("UNDERFIT", "loss", 190, {}),))
    assert (said.state, said.reason) == (State.NO_CAUSE, Reason.AT_CHANCE)


def test_a_watch_that_ended_early_or_missed_something_says_so_and_is_not_healthy() -> None:
    ended = "the watch ended early: RuntimeError: x"
    said = answer(FALLING, trouble="RuntimeError: x", unseen=(ended,))
    assert (said.state, said.reason) == (State.NOT_JUDGED, Reason.ENDED_EARLY)
    assert said.not_seen == ("The watch ended early: RuntimeError: x",)
    assert answer(FALLING, (finding("DEAD_RELU", "1", 0, {}),), trouble="x", unseen=(ended,)).not_seen


def test_steps_that_change_no_weight_are_not_judged() -> None:
    seen = history(FALLING)
    for sample in seen:
        assert sample.tensors is not None
        sample.tensors[:, 2] = 0.0
    assert answer_of_run([], seen, setup()).reason is Reason.NOTHING_MOVED


def test_an_error_in_a_decision_is_reported_and_not_raised(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(History, "calls", property(lambda _: 1 / 0))
    monkeypatch.setattr(History, "task_losses", property(lambda _: 1 / 0))
    said = answer(FALLING)
    assert (said.state, said.reason) == (State.NOT_JUDGED, Reason.FAILED)
    assert "ZeroDivisionError" in said.because


def test_a_checkup_is_never_healthy() -> None:
    good = answer_of_checkup([], {"first loss / ln K": Estimate.exact(1.02)})
    assert (good.state, good.reason) == (State.NOT_JUDGED, Reason.BEFORE_TRAINING)
    assert good.because.endswith("The first loss is 102 % of the chance level ln K.")
    bad = answer_of_checkup([finding("GRAPH_BROKEN", "0.weight", 0, {})], {})
    assert (bad.state, bad.because) == (State.CAUSE, "")


@given(
    losses=st.lists(st.floats(-5, 50), min_size=1, max_size=40),
    last=st.sampled_from([0.94, 0.96, 1.0, 1.5]),
)
def test_no_run_at_chance_level_is_healthy(losses: list[float], last: float) -> None:
    ends = [*losses, *[last * math.log(4)] * (len(losses) // 4 + 2)]
    said = answer(ends)
    if said.is_healthy:
        assert said.ground("loss at the end") < AT_CHANCE * said.ground("chance level")
        assert last < AT_CHANCE


def test_a_healthy_training_is_held_against_a_reference_learner() -> None:
    said = trained(classified).answer()
    assert (said.state, said.reason) == (State.HEALTHY, Reason.AS_GOOD_AS_REFERENCE)
    assert "the reference (ridge regression) reaches" in said.headline
    assert 0 < said.ground("ridge regression") < 0.3


def test_a_training_that_is_far_slower_than_the_reference_is_unfinished() -> None:
    said = trained(classified, rate=5e-4, steps=150).answer()
    assert (said.state, said.reason) == (State.NO_CAUSE, Reason.UNFINISHED)
    assert "more steps to the reference (ridge regression" in said.headline


def test_a_training_that_is_worse_than_the_reference_did_badly() -> None:
    def hidden(model: nn.Module, rows: Tensor) -> Tensor:
        return functional.cross_entropy(model(X[rows] * (torch.arange(16) > 1)), Y[rows])

    w = trained(hidden, rate=1e-2, steps=600)
    w.history.rows.chunks = trained(classified, steps=50).history.rows.chunks
    assert w.answer().reason in (Reason.WORSE_THAN_REFERENCE, Reason.UNFINISHED)
    assert w.answer().state is State.NO_CAUSE


@pytest.mark.parametrize(("passes", "reason"), [(10, Reason.NOTHING_SEEN), (50, Reason.NAMED)])
def test_a_loop_without_steps_was_not_seen_unless_many_passes_tell_why(passes: int, reason: Reason) -> None:
    model = network()
    optimizer = torch.optim.Adam(model.parameters(), 1e-3)
    with watch(model, optimizer, every=5) as w:
        for _ in range(passes):
            classified(model, torch.arange(32)).backward()
    assert w.answer().reason is reason
    assert ("Nothing was seen" in str(w)) == (reason is Reason.NOTHING_SEEN)


@pytest.mark.parametrize("last", [None, nn.Softmax(1)])
def test_a_likelihood_of_numbers_that_are_no_logarithms_means_nothing(last: nn.Module | None) -> None:
    w = trained(lambda m, r: functional.nll_loss(m(X[r]), Y[r]), model=network(last))
    assert w.answer().state is not State.HEALTHY
    assert "Healthy" not in str(w)


@pytest.mark.parametrize(
    "loss",
    [
        lambda z, y: (z - y).square().mean(),
        lambda z, y: (z - y).abs().mean(),
        lambda z, y: (z - y).cosh().log().mean(),
        lambda z, y: ((z - y).square().mean() + 1e-6).sqrt(),
    ],
)
def test_a_loss_written_by_hand_has_its_chance_level_from_the_targets(loss: Any) -> None:
    def squares(model: nn.Module, rows: Tensor) -> Tensor:
        value: Tensor = loss(model(X[rows])[:, 0], X[rows, 0] + X[rows, 1])
        return value

    said = trained(squares).answer()
    assert said.is_healthy
    assert said.ground("chance level") > 4 * said.ground("loss at the end")
    w = trained(squares, rate=1e-9)
    still = answer_of_run([], w.history, w.setup)
    assert (still.state, still.reason) == (State.NO_CAUSE, Reason.AT_CHANCE)


def test_a_cross_entropy_written_by_hand_is_held_against_equal_probabilities() -> None:
    def by_hand(model: nn.Module, rows: Tensor) -> Tensor:
        return -model(X[rows]).log_softmax(1)[torch.arange(32), Y[rows]].mean()

    assert trained(by_hand).answer().ground("chance level") == pytest.approx(math.log(4))
    w = trained(by_hand, rate=1e-9)
    assert answer_of_run([], w.history, w.setup).reason is Reason.AT_CHANCE


def test_a_loss_without_targets_is_not_judged() -> None:
    def energy(model: nn.Module, rows: Tensor) -> Tensor:
        return (model(X[rows]).exp().mean() - model(X[rows]).mean()).clone()

    said = trained(energy).answer()
    assert (said.state, said.reason) == (State.NOT_JUDGED, Reason.NO_REFERENCE)
    assert "nothing to hold it against is known" in said.headline


def test_dropout_is_no_reason_to_say_that_a_run_did_badly() -> None:
    torch.manual_seed(0)
    model = nn.Sequential(nn.Dropout(0.6), nn.Linear(16, 8), nn.ReLU(), nn.Dropout(0.6), nn.Linear(8, 4))
    said = trained(classified, model=model, rate=1e-2, steps=800).answer()
    assert (said.state, said.reason) == (State.NOT_JUDGED, Reason.DROPOUT)
    held = torch.randn(256, 16, generator=torch.Generator().manual_seed(1))
    validated = trained(
        classified, model=model, rate=1e-2, steps=400, validation=(held, held[:, :4].argmax(1))
    )
    assert validated.answer().reason is not Reason.DROPOUT


def test_rows_that_are_learnt_by_heart_are_not_healthy() -> None:
    labels = torch.randint(0, 4, (64,), generator=torch.Generator().manual_seed(0))

    def by_heart(model: nn.Module, rows: Tensor) -> Tensor:
        return functional.cross_entropy(model(X[rows % 64]), labels[rows % 64])

    other = torch.randint(0, 4, (600,), generator=torch.Generator().manual_seed(1))
    w = trained(by_heart, rate=1e-2, steps=400, validation=(X[400:], other))
    assert w.answer().state is not State.HEALTHY


def test_the_answer_is_computed_once_for_the_steps_that_were_sampled(monkeypatch: pytest.MonkeyPatch) -> None:
    w = trained(classified, steps=60)
    first, found = w.answer(), w.findings()
    monkeypatch.setattr("levinthal.clinic.watching.answer_of_run", None)
    monkeypatch.setattr("levinthal.clinic.watching.diagnose", None)
    assert w.answer() is first
    assert w.findings() == found
    assert str(w).startswith(first.headline)


def test_weights_that_are_not_finite_at_the_end_are_seen_between_two_samples() -> None:
    """The last sampled step comes before step 198, in which the loss is nan."""
    steps = iter(range(1000))

    def late(model: nn.Module, rows: Tensor) -> Tensor:
        return classified(model, rows) * (math.nan if next(steps) == 198 else 1.0)

    w = trained(late, steps=200)
    assert w.history.samples[-1].step < 198
    said = w.answer()
    assert (said.state, said.reason) == (State.NO_CAUSE, Reason.NOT_FINITE)
    assert said.headline == "Does not train: 4 parameters, 0.weight first, not finite at the end."


def broken_off(w: Watch, model: nn.Module, optimizer: torch.optim.Optimizer) -> None:
    """A loop that an error ends in step 150."""
    with w:
        for _ in range(150):
            optimizer.zero_grad()
            classified(model, torch.randint(0, len(X), (32,))).backward()
            optimizer.step()
        raise RuntimeError("out of memory")


def test_a_loop_that_an_error_ended_is_not_judged() -> None:
    torch.manual_seed(0)
    model = network()
    optimizer = torch.optim.Adam(model.parameters(), 3e-3)
    w = watch(model, optimizer, every=5)
    with pytest.raises(RuntimeError, match="memory"):
        broken_off(w, model, optimizer)
    said = w.answer()
    assert (said.state, said.reason) == (State.NOT_JUDGED, Reason.ENDED_EARLY)
    assert said.headline == "Not judged: the loop was ended by RuntimeError in step 150."


def test_the_last_validation_loss_counts_too() -> None:
    """The weights are spoilt after the last step."""
    torch.manual_seed(0)
    model = network()
    optimizer = torch.optim.Adam(model.parameters(), 3e-3)
    held = torch.randn(256, 16, generator=torch.Generator().manual_seed(1))
    with watch(model, optimizer, every=5, validation=(held, held[:, :4].argmax(1))) as w:
        for _ in range(300):
            optimizer.zero_grad()
            classified(model, torch.randint(0, len(X), (32,))).backward()
            optimizer.step()
        for p in model.parameters():
            p.data.normal_()
    said = answer_of_run([], w.history, w.setup)
    assert (said.state, said.reason) == (State.NO_CAUSE, Reason.VALIDATION_AT_CHANCE)
    assert "at the end, is at chance level" in said.headline


def test_a_loss_that_only_looks_like_a_cross_entropy_has_to_fall_by_half() -> None:
    """A focal loss of labels drawn at random begins below ln K and does not fall."""
    drawn = torch.randint(0, 10, (len(X),), generator=torch.Generator().manual_seed(2))

    def focal(model: nn.Module, rows: Tensor) -> Tensor:
        logs = model(X[rows]).log_softmax(1)[torch.arange(32), drawn[rows]]
        return -((1 - logs.exp()).square() * logs).mean()

    w = trained(focal, model=nn.Sequential(nn.Linear(16, 32), nn.ReLU(), nn.Linear(32, 10)), rate=1e-2)
    assert 0.5 < w.answer().ground("loss at the end") / math.log(10) < 0.8
    assert not w.answer().is_healthy


def test_a_large_first_loss_puts_a_low_last_one_in_no_doubt() -> None:
    info = finding("FIRST_LOSS_TOO_LARGE", "loss", 0, {}, severity=Severity.INFO)
    assert answer(FALLING, (info,)).is_healthy


@pytest.mark.parametrize("fresh", [False, True])
def test_labels_at_random_that_are_memorised_are_no_grounds(fresh: bool) -> None:
    """Of 64 rows, again and again; the parity of four signs on rows that never come again is learnt."""
    generator = torch.Generator().manual_seed(3)
    drawn = torch.randint(0, 2, (64,), generator=generator)
    torch.manual_seed(0)
    model = nn.Sequential(nn.Linear(16, 128), nn.ReLU(), nn.Linear(128, 2))

    def loss(model: nn.Module, rows: Tensor) -> Tensor:
        if not fresh:
            return functional.cross_entropy(model(X[rows % 64]), drawn[rows % 64])
        x = torch.randn(64, 16, generator=generator)
        return functional.cross_entropy(model(x), (x[:, 0] * x[:, 1] > 0).long())

    w = trained(loss, model=model, rate=1e-2, steps=1000)
    said = answer_of_run([], w.history, w.setup)
    assert said.ground("loss at the end") < 0.2
    assert said.is_healthy == fresh
    assert fresh or said.reason is Reason.MEMORISED


def test_of_a_loss_by_hand_the_squares_are_named_where_they_are_judged() -> None:
    def absolute(model: nn.Module, rows: Tensor) -> Tensor:
        return (model(X[rows])[:, 0] - (X[rows, 0] + X[rows, 1])).abs().mean()

    assert "the squared error of the output fell to" in trained(absolute).answer().headline
    assert "Healthy: the loss fell to" in trained(classified).answer().headline
