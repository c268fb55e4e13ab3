"""How often a verdict is right: simulated studies with a known truth, judged by the public judge.

Run by `python benchmarks/verdicts.py [--draws N] [--workers N] [--only WORD] [--write]`. The counts of a run
are stored cell by cell in a temporary folder, under the fingerprint of the judge: a run that was stopped goes
on, and a run with more draws adds those that are missing. `--write` writes benchmarks/results/verdicts.md and
verdicts.json. The default draws take a few minutes on one core. The stored table has `--draws 200`, and 800
or more for an effect of twice the smallest size beside a control of nil or of that size (`--only`).
"""

from __future__ import annotations

import argparse
import os
import tempfile
import time
from pathlib import Path

os.environ.setdefault("OMP_NUM_THREADS", "1")
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

import _root  # noqa: F401  # isort: skip

from benchmarks.simulated.cells import all_cells
from benchmarks.simulated.page import page
from benchmarks.simulated.store import Store, fingerprint, measure, packed

RESULTS = Path(__file__).parent / "results"
BEFORE = RESULTS / "verdicts-before.json"
QUICK = 50


def main() -> None:
    """Measure, print, and write if asked to."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--draws", type=int, default=QUICK)
    parser.add_argument("--workers", type=int, default=1)
    parser.add_argument("--only", default="", help="cells whose name holds this")
    parser.add_argument("--write", action="store_true")
    options = parser.parse_args()
    judge = fingerprint()
    store = Store(Path(tempfile.gettempdir()) / f"levinthal-verdicts-{judge}.json")
    start = time.monotonic()
    cells = [cell for cell in all_cells() if options.only in cell.key]
    measure(
        cells,
        store,
        options.draws,
        options.workers,
        lambda line: print(f"{time.monotonic() - start:.0f} s: {line}", flush=True),
    )
    text = page(Store(BEFORE).of, store.of, judge)
    print(text)
    if options.write:
        (RESULTS / "verdicts.md").write_text(text)
        (RESULTS / "verdicts.json").write_text(packed(store.counts))


if __name__ == "__main__":
    main()
