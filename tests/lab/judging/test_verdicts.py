from __future__ import annotations

import dataclasses
import math
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Mapping

import numpy as np
import pytest

from levinthal.errors import InputError
from levinthal.lab.judging.verdicts import judge
from levinthal.vocabulary import Claim, Evidence, Outcome, Trust, Verdict

Draw = Callable[[np.random.Generator, int], np.ndarray]

BIG = [2.1, 1.9, 2.3, 1.8, 2.0, 2.2, 1.9, 2.1]
NIL = [0.1, -0.1, 0.2, -0.2, 0.05, -0.05, 0.1, -0.1]
WEAK = [0.5, 0.6, 0.4, 0.5, 0.55, 0.45, 0.5, 0.5]
NOISY = [4.0, -3.0, 2.0, -2.5, 5.0, -4.0, 3.0, 1.0]


def claim(smallest: float | None = 1.0, control: str = "shuffled labels") -> Claim:
    return Claim("X1", "it rises", "a book", "rise", "bits", smallest, control, lambda rows: Evidence({}))


def seeds(values: list[float]) -> dict[int, float]:
    return dict(enumerate(values))


def ruled(
    effects: Mapping[str, list[float]] | list[float], control: list[float] | None = None, **more
) -> Verdict:
    parts = effects if isinstance(effects, Mapping) else {"all": effects}
    arms = {part: seeds(values) for part, values in parts.items()}
    return judge(claim(), Evidence(arms, {"": seeds(NIL if control is None else control)}, **more))


def test_replicates_beyond_the_smallest_size_with_a_clean_control() -> None:
    verdict = ruled(BIG)
    assert verdict.outcome is Outcome.REPLICATES
    assert verdict.effect is not None
    assert verdict.effect.value == pytest.approx(np.mean(BIG))
    assert verdict.effect.trust is Trust.CALIBRATED
    assert verdict.effect.interval is not None
    assert "bootstrap-t" in verdict.effect.interval.method
    assert (verdict.seeds, verdict.seeds_needed) == (8, None)
    assert verdict.reasons[-1].startswith("Rise: 2.04 bits [")
    assert "over 8 seeds, 8 of them positive (sign test: p = 0.0039)" in verdict.reasons[-1]
    assert verdict.reasons[-1].endswith("; the smallest effect size of interest is 1 bits.")
    assert "no such effect" in verdict.reasons[-2]


def test_partially_when_only_beyond_zero() -> None:
    assert ruled([0.9, 1.1, 1.0, 1.3, 0.8, 0.9, 1.2, 1.0]).outcome is Outcome.PARTIALLY


@pytest.mark.parametrize(
    ("values", "why"),
    [
        ([-v for v in BIG], "opposite"),
        (NIL, "excludes an effect of 1 bits, in either direction"),
        ([-2.0, -1.5, 0.5, -1.0, 0.3, -1.8, 0.2, -0.1], "excludes an effect of 1 bits."),
    ],
)
def test_does_not_replicate_with_the_wrong_sign_or_without_an_effect(values: list[float], why: str) -> None:
    verdict = ruled(values)
    assert verdict.outcome is Outcome.DOES_NOT_REPLICATE
    assert why in verdict.reasons[-2]


def test_weaker_than_claimed_when_surely_between_zero_and_the_smallest_size() -> None:
    verdict = ruled(WEAK)
    assert verdict.outcome is Outcome.WEAKER
    assert verdict.seeds_needed is None
    assert verdict.reasons[-2] == (
        "The interval lies above zero and below 1 bits, the smallest effect size of interest."
    )
    assert verdict.plan == ""
    assert not any("direction" in reason for reason in verdict.reasons)


@pytest.mark.parametrize(
    ("control", "why"),
    [
        (WEAK, "does not surely exceed that of the control: 0.5 bits"),
        (NOISY, "does not surely exceed that of the control"),
        (NIL[:4], "open: the control arm has 4 of 5 seeds"),
        ([], "open: the control arm has 0 of 5 seeds"),
    ],
)
def test_a_weak_effect_that_the_control_may_share_does_not_replicate(control: list[float], why: str) -> None:
    verdict = ruled(WEAK, control)
    assert verdict.outcome is Outcome.DOES_NOT_REPLICATE
    assert why in verdict.reasons[0]
    assert verdict.reasons[1] == "The interval excludes an effect of 1 bits."


def test_a_weak_effect_is_held_against_its_control_seed_by_seed() -> None:
    shared = [0.1, -0.1, 0.3, -0.3, 0.2, -0.2, 0.1, -0.1]
    verdict = ruled([0.3 + v for v in shared], shared)
    assert verdict.outcome is Outcome.WEAKER
    assert judge(claim(control=""), Evidence({"all": seeds(WEAK)})).outcome is Outcome.WEAKER


def test_parts_of_a_weak_effect() -> None:
    assert ruled({"a": WEAK, "b": WEAK}).outcome is Outcome.WEAKER
    mixed = ruled({"a": WEAK, "b": NIL})
    assert mixed.outcome is Outcome.WEAKER
    assert "It is not beyond zero in b (" in mixed.reasons[0]
    held = ruled({"a": BIG, "b": [-1.2 * v / 2 for v in BIG]})
    assert held.outcome is Outcome.PARTIALLY
    assert "It holds in a (" in held.reasons[0]


def test_lost_seeds_of_a_weak_effect() -> None:
    assert ruled([*WEAK, *WEAK, math.nan]).outcome is Outcome.WEAKER
    below = ruled([*WEAK, *[math.nan] * 2])  # two seeds at twice the size are not excluded
    assert below.outcome is Outcome.INCONCLUSIVE
    assert "would read 'weaker than claimed'" in below.reasons[1]


def test_inconclusive_names_the_seeds_that_would_settle_it() -> None:
    verdict = ruled(NOISY)
    assert verdict.outcome is Outcome.INCONCLUSIVE
    assert verdict.seeds_needed is not None
    assert verdict.seeds_needed > 8
    assert verdict.plan == f"About {verdict.seeds_needed} seeds would settle it."
    assert verdict.plan in verdict._repr_html_()
    assert verdict.reasons[0] == "The interval holds both zero and 1, the smallest effect size."
    assert not any("would settle" in reason for reason in verdict.reasons)


def test_part_of_the_grid_is_partial() -> None:
    verdict = ruled({"width 20": BIG, "width 50": BIG, "width 200": NIL})
    assert verdict.outcome is Outcome.PARTIALLY
    assert any("not beyond zero in width 200" in reason for reason in verdict.reasons)
    assert set(verdict.parts) == {"width 20", "width 50", "width 200"}


def test_one_part_of_many_may_carry_a_partial_verdict_by_holm() -> None:
    verdict = ruled({"a": BIG, "b": NIL, "c": NIL, "d": NIL})
    assert verdict.outcome is Outcome.PARTIALLY
    assert any(
        "holds in a (" in reason and "by Holm's procedure over 4 conditions" in reason
        for reason in verdict.reasons
    )


def test_a_part_that_lost_its_seeds_does_not_hold() -> None:
    nil = {"b": NIL, "c": NIL, "d": NIL}
    assert ruled({"a": BIG, **nil}).outcome is Outcome.PARTIALLY
    lost = ruled({"a": [*BIG[:5], *[math.nan] * 3], **nil})
    assert lost.outcome is Outcome.INCONCLUSIVE
    assert not any("Holm" in reason for reason in lost.reasons)


def test_a_reversed_whole_is_not_saved_by_one_part() -> None:
    verdict = ruled({"a": BIG, "b": [-9 * v for v in BIG]})
    assert verdict.outcome is Outcome.DOES_NOT_REPLICATE
    assert any("holds in a (" in reason for reason in verdict.reasons)


@pytest.mark.parametrize(
    ("control", "why"),
    [
        (BIG, "shows the same effect"),
        (NOISY, "does not exclude"),
        ([], "has no runs"),
        (NIL[:4], "too few seeds to decide: 4, not 5"),
        ([math.nan] * 8, "has no finite seed"),
    ],
)
def test_without_a_clean_control_nothing_replicates(control: list[float], why: str) -> None:
    verdict = ruled([v * 1.5 for v in BIG], control)
    assert verdict.outcome is Outcome.INCONCLUSIVE
    assert any(why in reason for reason in verdict.reasons)


def test_a_noisy_control_is_cleared_seed_by_seed() -> None:
    verdict = ruled([20 + v for v in NOISY], NOISY)
    assert verdict.outcome is Outcome.REPLICATES
    assert "seed by seed" in verdict.reasons[-2]


def test_a_part_whose_own_control_shows_the_effect_is_set_aside() -> None:
    arms = {"running": seeds(BIG), "batch": seeds(BIG)}
    verdict = judge(claim(), Evidence(arms, {"running": seeds(BIG), "batch": seeds(NIL)}))
    assert verdict.outcome is Outcome.PARTIALLY
    assert verdict.reasons[0].startswith("Excluded, because the control shows the same there: running (2.04")
    everywhere = judge(claim(), Evidence(arms, {"running": seeds(BIG), "batch": seeds(BIG)}))
    assert everywhere.outcome is Outcome.INCONCLUSIVE
    clean = judge(claim(), Evidence(arms, {"running": seeds(NIL), "batch": seeds(NIL)}))
    assert clean.outcome is Outcome.REPLICATES


def test_what_is_left_after_setting_aside_is_judged_alone() -> None:
    arms = {"running": seeds(BIG), "batch": seeds(NIL)}
    verdict = judge(claim(), Evidence(arms, {"running": seeds(BIG), "batch": seeds(NIL)}))
    assert verdict.outcome is Outcome.DOES_NOT_REPLICATE


def test_a_claim_may_name_no_control() -> None:
    assert judge(claim(control=""), Evidence({"all": seeds(BIG)})).outcome is Outcome.REPLICATES


def test_the_edge_of_the_grid_decides_nothing() -> None:
    for values in (BIG, NIL, NOISY):
        verdict = ruled(values, grid_edge=True)
        assert verdict.outcome is Outcome.INCONCLUSIVE
        assert verdict.seeds_needed is None
        assert "edge of its grid" in verdict.reasons[0]


@pytest.mark.parametrize("n", [1, 2, 4])
def test_fewer_than_five_seeds_decide_nothing(n: int) -> None:
    for values in (BIG[:n], [2.0] * n, [-v for v in BIG[:n]]):
        verdict = ruled(values)
        assert verdict.outcome is Outcome.INCONCLUSIVE
        assert verdict.seeds_needed is not None
        assert verdict.seeds_needed >= 5
        assert verdict.effect is not None
        assert verdict.effect.trust is Trust.UNRELIABLE


def test_seeds_that_agree_are_exact_only_where_nothing_is_random() -> None:
    def of(value: float, control: float = 0.0, **more) -> Verdict:
        agreed = Evidence({"all": seeds([value] * 5)}, {"": seeds([control] * 5)})
        return judge(dataclasses.replace(claim(), **more), agreed)

    exact = of(1.0, deterministic=True)
    assert exact.outcome is Outcome.REPLICATES  # exactly the smallest size counts
    assert exact.effect is not None
    assert exact.effect.trust is Trust.EXACT
    random = of(1.0)
    assert random.outcome is Outcome.PARTIALLY
    assert random.effect is not None
    assert random.effect.trust is Trust.ORDINAL
    assert random.effect.reasons == (
        "all 5 seeds agree: at most 45 % of seeds may behave otherwise (95 %, one-sided)",
    )
    assert of(0.999).outcome is Outcome.WEAKER
    assert of(0.0).outcome is Outcome.DOES_NOT_REPLICATE
    assert of(1.0, 1.0).outcome is Outcome.INCONCLUSIVE


def test_failed_seeds_are_counted_and_counted_against() -> None:
    few = ruled([*BIG, *BIG, math.nan])
    assert (few.outcome, few.seeds) == (Outcome.REPLICATES, 16)
    assert few.reasons[0] == (
        "1 of 17 seeds failed: no finite effect, or a target never reached; "
        "of the others the effect is 2.04 bits [1.95, 2.12]."
    )
    assert few.failed is not None
    assert few.failed.value == 1 / 17
    many = ruled([*BIG, *[math.nan] * 4])
    assert many.outcome is Outcome.PARTIALLY
    assert any("they weaken it" in reason for reason in many.reasons)
    against = ruled([*NIL, *[math.nan] * 7])
    assert against.outcome is Outcome.INCONCLUSIVE
    assert "would read 'does not replicate'" in against.reasons[1]
    assert ruled([*NIL, *NIL, math.inf]).outcome is Outcome.DOES_NOT_REPLICATE
    assert "More seeds failed" in ruled([*BIG, *[math.nan] * 9]).reasons[1]
    none = ruled([math.nan] * 6)
    assert none.reasons == ("None of 6 seeds has a finite effect.",)
    assert none.failed is not None
    assert none.failed.value == 1
    assert ruled(BIG).failed is None


def test_seeds_that_have_not_run_everywhere_are_left_out_openly() -> None:
    verdict = ruled({"a": [*BIG, 2.0, 2.0], "b": BIG})
    assert (verdict.outcome, verdict.seeds) == (Outcome.REPLICATES, 8)
    assert "2 of 10 seeds have not run in every condition" in verdict.reasons[-1]
    halfway = ruled({"a": BIG, "b": []})
    assert halfway.outcome is Outcome.INCONCLUSIVE
    assert "No seed has run in every condition" in halfway.reasons[0]


@pytest.mark.parametrize("effects", [{}, {"all": []}])
def test_no_runs_yet(effects: Mapping[str, list[float]]) -> None:
    verdict = ruled(effects, notes=("the store is empty",))
    assert (verdict.outcome, verdict.effect, verdict.seeds) == (Outcome.INCONCLUSIVE, None, 0)
    assert verdict.reasons == ("No seed has a number for this claim yet.", "the store is empty")


def test_a_claim_without_a_size_is_reported() -> None:
    verdict = judge(claim(smallest=None), Evidence({"all": seeds(BIG)}))
    assert verdict.outcome is Outcome.REPORTED
    assert verdict.effect is not None


@pytest.mark.parametrize("smallest", [0.0, -1.0, math.nan])
def test_the_smallest_size_must_be_positive(smallest: float) -> None:
    with pytest.raises(InputError, match="the smallest effect must lie above the null"):
        judge(claim(smallest=smallest), Evidence({}))


def test_the_order_of_seeds_and_parts_is_immaterial() -> None:
    arms = {"a": seeds(BIG), "b": seeds(NOISY)}
    turned = {part: dict(reversed(arms[part].items())) for part in ("b", "a")}
    first, second = judge(claim(), Evidence(arms)), judge(claim(), Evidence(turned))
    assert (first.outcome, first.effect) == (second.outcome, second.effect)


NOISE: dict[str, Draw] = {
    "normal": lambda rng, n: rng.normal(size=n),
    "heavy tails": lambda rng, n: rng.standard_t(2, n),
    "skewed up": lambda rng, n: rng.exponential(size=n) - 1,
    "skewed down": lambda rng, n: 1 - rng.exponential(size=n),
}


def simulate(draw: Draw, *, n: int, parts: int, effect: float, spread: float, runs: int) -> Counter[Outcome]:
    rng = np.random.default_rng(n + parts)
    found: Counter[Outcome] = Counter()
    for _ in range(runs):
        arms = {f"part {p}": seeds((effect + spread * draw(rng, n)).tolist()) for p in range(parts)}
        found[judge(claim(), Evidence(arms, {"": seeds((spread * draw(rng, n)).tolist())})).outcome] += 1
    return found


@pytest.mark.parametrize("parts", [1, 4])
@pytest.mark.parametrize(("n", "spread"), [(8, 0.45), (12, 0.6)])
def test_twice_the_smallest_size_replicates(n: int, spread: float, parts: int) -> None:
    found = simulate(NOISE["normal"], n=n, parts=parts, effect=2.0, spread=spread, runs=200)
    assert found[Outcome.REPLICATES] >= 0.9 * 200


@pytest.mark.parametrize("parts", [1, 6])
@pytest.mark.parametrize("n", [5, 8])
@pytest.mark.parametrize("noise", NOISE)
def test_a_nil_effect_does_not_replicate(noise: str, n: int, parts: int) -> None:
    found = simulate(NOISE[noise], n=n, parts=parts, effect=0.0, spread=2.0, runs=100)
    assert found[Outcome.REPLICATES] <= 0.05 * 100
    assert found[Outcome.REPLICATES] + found[Outcome.PARTIALLY] + found[Outcome.WEAKER] <= 0.05 * 100


def test_a_true_effect_is_rarely_denied() -> None:
    found = simulate(NOISE["heavy tails"], n=8, parts=1, effect=1.0, spread=1.0, runs=300)
    assert found[Outcome.DOES_NOT_REPLICATE] + found[Outcome.WEAKER] <= 0.05 * 300


def test_half_the_smallest_size_is_weaker_than_claimed() -> None:
    found = simulate(NOISE["normal"], n=8, parts=1, effect=0.5, spread=0.25, runs=200)
    assert found[Outcome.WEAKER] >= 0.8 * 200
    assert found[Outcome.REPLICATES] == 0


def test_judging_is_quick() -> None:
    rng = np.random.default_rng(0)
    arms = {f"part {p}": seeds(rng.normal(size=12).tolist()) for p in range(12)}
    evidence = Evidence(arms, {"": seeds(NIL)})
    judge(claim(), evidence)
    start = time.process_time()
    for _ in range(5):
        judge(claim(), evidence)
    assert (time.process_time() - start) / 5 < 0.06


def test_beyond_zero_is_beyond_the_null_value() -> None:
    share = dataclasses.replace(claim(0.7, ""), null=0.5, unit="")

    def of(values: list[float]) -> Verdict:
        return judge(share, Evidence({"": seeds(values)}))

    waves = [0.01, -0.01, 0.02, -0.02, 0.0, 0.01, -0.02, 0.01]
    high = of([0.9 + wave for wave in waves])
    assert high.outcome is Outcome.REPLICATES
    assert "8 of them beyond 0.5 (sign test: p = 0.0039)" in high.reasons[-1]
    weak = of([0.6 + wave for wave in waves])
    assert weak.outcome is Outcome.WEAKER
    assert (
        weak.reasons[0] == "The interval lies above 0.5 and below 0.7, the smallest effect size of interest."
    )
    nil = of([0.5 + wave for wave in waves])
    assert nil.outcome is Outcome.DOES_NOT_REPLICATE
    assert nil.reasons[0].startswith("The interval excludes an effect of 0.7, in either direction from 0.5")
    wrong = of([0.3 + wave for wave in waves])
    assert wrong.reasons[0] == "The effect lies below 0.5, opposite to the claim."
    some = of([0.7 + 4 * wave for wave in waves])
    assert some.outcome is Outcome.PARTIALLY
    assert "beyond 0.5, but not surely beyond 0.7" in some.reasons[0]


@pytest.mark.parametrize("smallest", [0.4, 0.5])
def test_a_size_that_does_not_lie_beyond_the_null_is_refused(smallest: float) -> None:
    one = dataclasses.replace(claim(smallest), null=0.5)
    with pytest.raises(InputError, match=f"smallest_effect={smallest} and null=0.5") as caught:
        judge(one, Evidence({}))
    assert "\n" not in str(caught.value)


def test_a_rival_is_shown_beside_the_effect_and_decides_nothing() -> None:
    one = dataclasses.replace(claim(control=""), rival="orthogonal initialisation")
    effect, rival = {"a": seeds(BIG), "b": seeds(BIG)}, {"": seeds([3 * value for value in BIG])}
    verdict = judge(one, Evidence(effect, rival=rival))
    assert verdict.outcome is Outcome.REPLICATES
    assert verdict.rival is not None
    assert verdict.rival.value == pytest.approx(3 * np.mean(BIG))
    assert verdict.reasons[-1].startswith(
        "The rival treatment, orthogonal initialisation, reaches 6.11 bits [5.69, 6.56] over 8 seeds; "
        "the effect less the rival's, seed by seed, is -4.07 bits ["
    )
    assert judge(one, Evidence(effect)).reasons[-1] == (
        "The rival treatment, orthogonal initialisation, has no runs."
    )
    unnamed = judge(claim(control=""), Evidence(effect, rival={"a": seeds(BIG[:3])}))
    assert unnamed.reasons[-1].startswith("The rival treatment reaches 2.1 bits")


def test_a_rival_is_compared_over_the_conditions_that_both_ran_in() -> None:
    """The effect is 2.04 in a and 6.11 in b; the rival ran in a alone, where it is 1 lower."""
    effect = {"a": seeds(BIG), "b": seeds([3 * value for value in BIG])}
    rival = {"a": seeds([value - 1 + wave / 10 for value, wave in zip(BIG, NIL, strict=True)])}
    verdict = judge(claim(control=""), Evidence(effect, rival=rival))
    assert verdict.effect is not None
    assert verdict.effect.value == pytest.approx(2 * np.mean(BIG))
    assert (
        "over 8 seeds, in a only; the effect there less the rival's, seed by seed, is 1 bits ["
        in (verdict.reasons[-1])
    )
    everywhere = judge(claim(control=""), Evidence(effect, rival={**rival, "b": effect["b"]}))
    assert "seed by seed, is 0.5 bits [" in everywhere.reasons[-1]
    assert "only" not in everywhere.reasons[-1]


def test_the_effect_of_a_binary_claim_has_the_interval_of_a_share() -> None:
    one = dataclasses.replace(claim(0.6, ""), binary=True, unit="", null=0.1)
    verdict = judge(one, Evidence({"": seeds([1.0] * 11 + [0.0])}))
    assert verdict.effect is not None
    assert verdict.effect.interval is not None
    assert verdict.effect.interval.method == "Clopper and Pearson"
    assert verdict.outcome is Outcome.REPLICATES
    assert "11 of them yes (binomial test against 0.1: p = 1.1e-10)" in verdict.reasons[-1]
    all_of_eight = judge(one, Evidence({"": seeds([1.0] * 8)}))
    assert all_of_eight.outcome is Outcome.REPLICATES  # 0.025 ** (1 / 8) = 0.63
    assert judge(one, Evidence({"": seeds([1.0] * 5)})).outcome is Outcome.PARTIALLY
    several = judge(one, Evidence({"a": seeds([1.0] * 8), "b": seeds([1.0] * 6 + [0.0] * 2)}))
    assert several.effect is not None
    assert several.effect.interval is not None
    assert several.effect.interval.method == "Gaffke's bound"


@pytest.mark.parametrize("side", ["effects", "control", "rival"])
def test_a_binary_claim_refuses_what_is_neither_0_nor_1(side: str) -> None:
    arms = {"effects": {"a": {0: 1.0, 1: math.nan}}, side: {"a": {0: 1.0, 7: 0.5}}}
    with pytest.raises(InputError, match=r"claim X1 is binary, and its .* of a, seed 7 is 0\.5"):
        judge(dataclasses.replace(claim(), binary=True), Evidence(**arms))


def test_from_the_second_analysis_on_every_interval_is_at_99_per_cent() -> None:
    evidence = Evidence({"all": seeds(BIG)}, {"": seeds(NIL)})
    first, second = judge(claim(), evidence), judge(claim(), evidence, analyses=2)
    for verdict, level in ((first, 0.95), (second, 0.99)):
        for one in (verdict.effect, verdict.control, verdict.parts["all"]):
            assert one is not None
            assert one.interval is not None
            assert one.interval.level == level
    assert (first.analyses, second.analyses) == (1, 2)
    assert "This is analysis 2 of this claim: its intervals are at 99 %." in second.reasons
    assert any("] at 99 % over 8 seeds" in reason for reason in second.reasons)
    with pytest.raises(InputError, match="analyses=0"):
        judge(claim(), evidence, analyses=0)


def test_a_claim_declared_deterministic_whose_seeds_differ_says_so() -> None:
    verdict = judge(
        dataclasses.replace(claim(control=""), deterministic=True), Evidence({"": seeds(BIG[:5])})
    )
    assert verdict.outcome is Outcome.REPLICATES
    assert verdict.effect is not None
    assert verdict.effect.trust is Trust.CALIBRATED
    assert verdict.reasons[-1].startswith(
        "The claim is declared an identity or not random; its seeds differ by sd"
    )


def test_a_claim_without_control_that_does_not_say_why_is_marked() -> None:
    missing = "The claim has no control arm."
    bare = judge(claim(control=""), Evidence({"": seeds(BIG)}))
    assert bare.outcome is Outcome.REPLICATES
    assert bare.reasons.count(missing) == 1
    explained = dataclasses.replace(claim(control=""), why_no_control="an identity has none")
    assert missing not in judge(explained, Evidence({"": seeds(BIG)})).reasons
    assert missing not in ruled(BIG).reasons


def test_six_seeds_beside_two_failed_ones_would_be_too_few_to_replicate() -> None:
    verdict = ruled([*BIG[:6], math.nan, math.nan])
    alone = ruled(BIG[:6])
    assert alone.outcome is Outcome.PARTIALLY
    assert verdict.reasons[1] == (
        "Without them the interval lies beyond 1 bits, but 6 seeds would be too few to replicate; "
        "counted against it, they weaken it."
    )


def test_infinities_of_both_signs_are_one_failed_seed() -> None:
    verdict = judge(claim(control=""), Evidence({"a": {0: math.inf, 1: 1.0}, "b": {0: -math.inf, 1: 1.0}}))
    assert verdict.failed is not None
    assert verdict.failed.value == 0.5


def test_judging_imports_no_scipy_stats() -> None:
    code = "import sys, levinthal.lab.judging.blocks; sys.exit('scipy.stats' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_one_seed_is_counted_in_the_singular() -> None:
    eight = {seed: 1.0 + 0.1 * seed for seed in range(8)}
    failed = judge(claim(), Evidence({"all": {**eight, 8: math.nan}}))
    assert failed.effect is not None
    assert "1 of 9 seeds failed and is left out" in failed.effect.reasons
    uneven = judge(claim(), Evidence({"a": {**eight, 8: 1.0}, "b": eight}))
    assert "1 of 9 seeds has not run in every condition and is left out." in uneven.reasons
    single = judge(claim(), Evidence({"all": {0: 1.0}}))
    assert any("over 1 seed," in reason for reason in single.reasons)
    assert "1 seed<" in single._repr_html_()


def test_the_sign_is_that_of_the_claims_effect_and_not_of_the_mean_of_the_conditions() -> None:
    """Condition a has more seeds than b; among the seeds that ran in both the mean lies below zero."""
    more = [1.6 + 0.1 * v for v in NIL] + [6.0 + v for v in NIL] * 6
    verdict = ruled({"a": more, "b": [-3.0 + v for v in NIL]})
    assert verdict.effect is not None
    assert verdict.effect.value == pytest.approx(-0.7, abs=0.05)
    assert verdict.outcome is Outcome.DOES_NOT_REPLICATE


def test_one_good_condition_does_not_hold_where_more_seeds_failed_than_have_an_effect() -> None:
    fine = [5.0 + v for v in NIL] * 2 + [5.1] * 4
    verdict = ruled({"a": fine, "b": [*NIL, *[math.nan] * 12]})
    assert verdict.outcome is Outcome.INCONCLUSIVE
    assert verdict.reasons[1] == "More seeds failed than have an effect, and that decides nothing."
    assert not any("holds in" in reason for reason in verdict.reasons)


def test_seeds_that_only_an_excluded_condition_lacks_are_not_left_out() -> None:
    arms = {"a": seeds(BIG), "b": seeds(BIG[:5])}
    verdict = judge(claim(), Evidence(arms, {"a": seeds(NIL), "b": seeds(BIG[:5])}))
    assert (verdict.outcome, verdict.seeds) == (Outcome.PARTIALLY, 8)
    assert not any("left out" in reason for reason in verdict.reasons)
