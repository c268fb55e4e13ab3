"""Coverage and width of the certificates of `levinthal bound`, a peer for the anytime ones, and the cost.

Each certificate is computed on 2,000 resamples at four true means and three sizes, of counts of errors and of
losses in between; a share of limits below the true mean above delta would be a fault. The anytime limits are
read after every row. Run by `python benchmarks/bounds.py`; `--write` stores the tables in benchmarks/results
and the table of coverage in docs/bound.md. `--draws` sets the number of resamples. The peer (ville 0.1.0) is
compared where it is installed.
"""

from __future__ import annotations

import argparse
import math
import platform
import tempfile
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path

import numpy as np

from levinthal.bounds import error_bound
from levinthal.bounds.choosing import chosen
from levinthal.bounds.tables import read_table
from levinthal.certificates import (
    bentkus,
    betting,
    clopper_pearson,
    empirical_bernstein,
    hoeffding,
    kawaguchi,
    mixture,
    relative_entropy,
)

RESULTS = Path(__file__).parent / "results" / "bounds.md"
PAGE = Path(__file__).parent.parent / "docs" / "bound.md"
BEGIN, END = "<!-- coverage: begin -->", "<!-- coverage: end -->"
MEANS, SIZES, DELTA, SEED = (0.01, 0.05, 0.2, 0.5), (100, 1_000, 10_000), 0.05, 20261201
ROWS, SIZES_SAID = 10_000_000, ", ".join(f"{n:,}" for n in SIZES)
Row = tuple[str, str, float, int, float, float, int]
"""Kind, certificate, mean, size, share of limits below the mean, mean width, resamples."""
Draw = Callable[[np.random.Generator, float, int], np.ndarray]


def counts(rng: np.random.Generator, mean: float, n: int) -> np.ndarray:
    return (rng.random(n) < mean).astype(np.float64)


def spread(rng: np.random.Generator, mean: float, n: int) -> np.ndarray:
    """Losses of a beta distribution with two degrees of freedom."""
    return rng.beta(2 * mean, 2 * (1 - mean), n)


def of_mean(values: np.ndarray) -> dict[str, float]:
    mean, n = float(values.mean()), len(values)
    variance = float(values.var(ddof=1))
    return {
        "Bentkus": bentkus(mean, n, DELTA),
        "relative entropy": relative_entropy(mean, n, DELTA),
        "empirical Bernstein": empirical_bernstein(mean, variance, n, DELTA),
        "Hoeffding": hoeffding(mean, n, DELTA),
        "Kawaguchi, variance at most 1/4": kawaguchi(mean, n, DELTA, second_moment=0.25),
        "Kawaguchi et al.": kawaguchi(mean, n, DELTA),
    }


def of_counts(values: np.ndarray) -> dict[str, float]:
    errors, n = int(values.sum()), len(values)
    return {"Clopper-Pearson": clopper_pearson(errors, n, DELTA)} | of_mean(values)


def of_losses(values: np.ndarray) -> dict[str, float]:
    return {"betting": betting(values, DELTA)} | of_mean(values)


def lowest_mixture(values: np.ndarray) -> float:
    """The lowest anytime limit over all numbers of rows; exact at the rows at which it can be lowest.

    The limit falls with every right row and rises with every wrong one, so it is lowest before a wrong row,
    or at the end.
    """
    wrong = np.cumsum(values)
    ends = [*(np.flatnonzero(values) - 1), len(values) - 1]
    return min((mixture(int(wrong[end]), int(end) + 1, DELTA) for end in ends if end >= 0), default=1.0)


def anytime_counts(values: np.ndarray) -> dict[str, float]:
    return {"mixture, read after every row": lowest_mixture(values)}


def anytime_losses(values: np.ndarray) -> dict[str, float]:
    return {"betting, read after every row": betting(values, DELTA, anytime=True)}  # no later row raises it


KINDS: tuple[tuple[str, Draw, Callable[[np.ndarray], dict[str, float]]], ...] = (
    ("counts of errors", counts, of_counts),
    ("losses", spread, of_losses),
    ("counts, at any time", counts, anytime_counts),
    ("losses, at any time", spread, anytime_losses),
)


def measured(draws: int) -> Iterator[Row]:
    """All rows of the table."""
    for kind, draw, limits in KINDS:
        for mean in MEANS:
            for n in SIZES:
                slow = kind == "counts, at any time"
                times = max(draws // 10, 1) if slow and n * mean > 100 else draws
                rng = np.random.default_rng((SEED, n, round(1000 * mean)))
                below, width = dict[str, int](), dict[str, float]()
                for _ in range(times):
                    for name, limit in limits(draw(rng, mean, n)).items():
                        below[name] = below.get(name, 0) + (limit < mean)
                        width[name] = width.get(name, 0.0) + limit - mean
                for name in below:
                    yield kind, name, mean, n, below[name] / times, width[name] / times, times


def table(rows: list[Row], draws: int) -> str:
    """Certificate by mean: the largest share of limits below the mean over the sizes, and the mean width."""
    heads = " | ".join(f"{100 * mean:g} %" for mean in MEANS)
    lines = [
        f"| data | certificate | {heads} | above, at 10,000 rows |",
        f"|---|---|{'--:|' * len(MEANS)}--:|",
    ]
    for kind, name in dict.fromkeys((row[0], row[1]) for row in rows):
        own = [row for row in rows if row[:2] == (kind, name)]
        shares = [max(row[4] for row in own if row[2] == mean) for mean in MEANS]
        wide = [100 * row[5] for row in own if row[3] == SIZES[-1] and row[2] == MEANS[1]]
        lines.append(
            f"| {kind} | {name} | {' | '.join(f'{100 * share:.1f}' for share in shares)} | {wide[0]:.2f} pt |"
        )
    faults = [row for row in rows if row[4] > DELTA + 3 * math.sqrt(DELTA * (1 - DELTA) / row[6])]
    said = f"{len(faults) or 'none'} of {len(rows)} shares lies more than three standard errors above 5 %"
    return "\n".join(
        [
            *lines,
            "",
            f"Percent of {draws:,} resamples whose limit was below the true mean (5 are allowed; a tenth of "
            f"the resamples where every row of many is read), the worst of {SIZES_SAID} rows; {said}. The "
            f"last column is the mean distance of limit and true mean at a mean of {100 * MEANS[1]:g} %. "
            f"Seed {SEED}, {datetime.now(UTC):%Y-%m-%d}, {platform.machine()}, numpy {np.__version__}.",
        ]
    )


def peer() -> str:
    """Our anytime limits beside those of ville, on the same rows."""
    try:
        import ville
    except ImportError:
        return "ville is not installed: not compared."
    rng, lines = np.random.default_rng(SEED), ["| rows | mean | ours | ville |", "|--:|--:|--:|--:|"]
    for n in SIZES:
        values = counts(rng, 0.05, n)
        theirs = ville.BernoulliCS(alpha=2 * DELTA, prior=(0.5, 0.5), intersect=False)
        theirs.update(values)
        upper = float(np.ravel(theirs.interval())[-1])
        lines.append(
            f"| {n:,} | {values.mean():.4f} | {mixture(int(values.sum()), n, DELTA):.4f} | {upper:.4f} |"
        )
    lines += ["", "ville 0.1.0: the upper end of its two-sided interval at 10 %, of the same prior, not cut."]
    return "\n".join(lines)


def cost() -> Iterator[str]:
    """CPU time of ten million rows."""
    rng = np.random.default_rng(SEED)
    error_bound(rng.random(100))  # compiled once
    for name, values in {"losses": spread(rng, 0.05, ROWS), "counts": counts(rng, 0.05, ROWS)}.items():
        spent = []
        for _ in range(3):
            start = time.process_time()
            error_bound(values)
            spent.append(time.process_time() - start)
        yield f"{ROWS:,} {name} in memory: {sorted(spent)[1]:.2f} s of CPU (median of 3)."
    try:
        from pyarrow import parquet
        from pyarrow import table as arrow_table
    except ImportError:
        return
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "rows.parquet"
        parquet.write_table(arrow_table({"loss": spread(rng, 0.05, ROWS)}), path)
        start = time.process_time()
        read = parquet.read_table(path).column("loss").to_numpy()
        reading = time.process_time() - start
        del read
        start = time.process_time()
        error_bound(**chosen(read_table(path), {}).arrays)
        yield (
            f"{ROWS:,} losses from Parquet: {time.process_time() - start:.2f} s of CPU, of which reading the "
            f"column takes pyarrow {reading:.2f} s."
        )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--draws", type=int, default=2000)
    parser.add_argument("--write", action="store_true")
    options = parser.parse_args()
    covered = table(list(measured(options.draws)), options.draws)
    text = "\n\n".join(["# Certificates", covered, "## A peer", peer(), "## Cost", *cost()]) + "\n"
    print(text)
    if options.write:
        RESULTS.write_text(text)
        page = PAGE.read_text()
        before, _, rest = page.partition(BEGIN)
        _, _, after = rest.partition(END)
        PAGE.write_text(f"{before}{BEGIN}\n\n{covered}\n\n{END}{after}")


if __name__ == "__main__":
    main()
