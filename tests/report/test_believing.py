from __future__ import annotations

from levinthal.lab.storage.rows import Rows
from levinthal.report.believing import beliefs
from levinthal.vocabulary import Estimate, Measurement, Row, Trust


def row(name: str, trust: Trust, *reasons: str, seed: int = 0, unit: str = "bits") -> Row:
    return Row({"width": 20}, Measurement(name, Estimate(1.0, unit, trust=trust, reasons=reasons), seed))


def test_no_rows_no_beliefs() -> None:
    assert beliefs(Rows.of([])) == []


def test_trust_is_counted_by_name_from_best_to_worst() -> None:
    many = [row("mi", Trust.UNRELIABLE), *(row("mi", Trust.ORDINAL, seed=s) for s in range(3))]
    error, information = beliefs(Rows.of([*many, row("error", Trust.EXACT, unit="%")]))
    assert (error.name, error.unit, error.rows, error.trusts) == ("error", "%", 1, (("exact", 1, 1.0),))
    assert information.trusts == (("ordinal", 3, 0.75), ("unreliable", 1, 0.25))


def test_reasons_that_differ_in_their_numbers_count_as_one() -> None:
    rows = [row("mi", Trust.ORDINAL, f"its ceiling is {s}.5 bits", "k is small", seed=s) for s in range(4)]
    rows.append(row("mi", Trust.ORDINAL, "k is small"))
    (belief,) = beliefs(Rows.of(rows))
    assert belief.reasons == (("k is small", 5), ("its ceiling is 0.5 bits", 4))
    assert belief.others <= 0


def test_the_commonest_reasons_are_shown_and_the_others_counted() -> None:
    rows = [
        row("mi", Trust.ORDINAL, *[f"reason {'abcde'[i]}" for i in range(s + 1)], seed=s) for s in range(5)
    ]
    (belief,) = beliefs(Rows.of(rows))
    assert [reason for reason, _ in belief.reasons] == ["reason a", "reason b", "reason c"]
    assert belief.others == 2
