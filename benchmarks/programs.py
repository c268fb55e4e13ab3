"""Healthy programs in the idioms of libraries, each run alone and inside `levinthal.watch` with its defaults.

Every program runs in a process of its own. Bit-identical: weights, buffers, optimiser state, outputs,
random states, hooks left behind and the size of the pickled model are equal with and without the watch.
Accused: a finding that follows from no other is a warning or worse. Seen: a step was sampled, and the
watch reported no trouble. Only programs that learn alone with the seed are counted. Single failures are
listed only for the split that the rules may be learnt from. Run by `python benchmarks/programs.py
[--split SPLIT] [--seed N] [--only NAME] [--workers N] [--keep FILE] [--write NAME]`; `--keep` stores a
line of JSON for each program and goes on where it stopped; `--write` stores the tables in
benchmarks/results/NAME.md. The programs need transformers, accelerate, peft, pytorch-lightning,
torch-geometric, diffusers and gymnasium beside the locked packages.
"""

from __future__ import annotations

import argparse
import json
import multiprocessing
import os
import re
import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from importlib.metadata import version
from pathlib import Path
from typing import Any

os.environ.setdefault("OMP_NUM_THREADS", "1")

import _root  # noqa: F401  # isort: skip

import torch
from benchmarks.faults.case import SPLITS
from benchmarks.faults.observed import attempted, observe
from benchmarks.faults.program import Observer, Program
from benchmarks.faults.registry import ALL, PROGRAMS

RESULTS = Path(__file__).parent / "results"
SECONDS = 400
"""A program that takes longer in all its runs is stopped and counted as not run."""
LIBRARIES = ("transformers", "accelerate", "peft", "pytorch-lightning", "torch-geometric", "diffusers")
Row = dict[str, Any]
FORK = multiprocessing.get_context("fork")


def both(program: Program, seed: int) -> Row:
    """Alone and watched."""
    return observe(program, seed).as_json()


def alone(program: Program, seed: int) -> Row:
    """Alone: whether the program learnt, and how it failed."""
    bits, failed, seconds = attempted(program, Observer(), seed)
    return {"learnt": bool(bits and bits["learnt"]), "alone_failed": failed, "seconds": (seconds, 0.0)}


def child(what: Callable[[Program, int], Row], program: Program, seed: int, sender: Any) -> None:
    torch.set_num_threads(1)
    sender.send(what(program, seed))


def in_its_own_process(program: Program, seed: int) -> Row:
    """What `observe` finds. Where the watched run kills its process, and the program alone does not, the
    program counts as broken; where both do, it counts as not run.
    """
    row, died = from_child(both, program, seed)
    if row is not None:
        return row
    row, died_alone = from_child(alone, program, seed)
    about: Row = {"name": program.name, "split": program.split, "seed": seed, "not_run": died_alone}
    nothing: Row = {"learnt": False, "alone_failed": died_alone, "seconds": (0.0, 0.0)}
    return about | (row or nothing) | {"watched_failed": died, "changed": [], "repeats": True, "answers": []}


def from_child(what: Callable[[Program, int], Row], program: Program, seed: int) -> tuple[Row | None, str]:
    """What a process of its own returns, or None and how it ended."""
    receiver, sender = FORK.Pipe(duplex=False)
    process = FORK.Process(target=child, args=(what, program, seed, sender))
    process.start()
    sender.close()
    try:
        if receiver.poll(SECONDS):
            return dict(receiver.recv()), ""
        return None, f"stopped after {SECONDS} s"
    except EOFError:
        process.join()
        return None, f"the process died with exit code {process.exitcode}"
    finally:
        process.kill()
        process.join()


def observed(programs: Sequence[Program], seed: int, workers: int, keep: Path | None) -> Iterator[Row]:
    """A row for each program, those of `keep` first."""
    old = [json.loads(line) for line in keep.read_text().splitlines()] if keep and keep.exists() else []
    stored = {row["name"]: row for row in old if row["seed"] == seed}
    yield from (stored[program.name] for program in programs if program.name in stored)
    todo = [program for program in programs if program.name not in stored]
    with ThreadPoolExecutor(workers) as pool:
        for row in pool.map(lambda program: in_its_own_process(program, seed), todo):
            if keep:
                with keep.open("a") as file:
                    file.write(json.dumps(row) + "\n")
            print(f"{row['name']}: {verdict(row)}", flush=True)
            yield row


def verdict(row: Row) -> str:
    """One line for the progress."""
    return "; ".join(name for name, holds in COUNTED.items() if holds(row)) or "as it should be"


def answers(row: Row) -> list[Mapping[str, Any]]:
    return list(row.get("answers", ()))


def accusations(row: Row) -> list[tuple[str, str]]:
    """(code, severity) of the findings that are a warning or worse and follow from no other."""
    found = (finding for answer in answers(row) for finding in answer["findings"])
    return [(code, severity) for code, severity, _, follows in found if severity != "info" and not follows]


def unseen(row: Row) -> bool:
    return any(not answer["samples"] or answer["trouble"] for answer in answers(row)) or not answers(row)


def called_healthy(row: Row) -> bool:
    return any(answer["state"] == "healthy" for answer in answers(row))


COUNTED: dict[str, Callable[[Row], bool]] = {
    "broken: it raised with the watch alone": lambda row: bool(row["watched_failed"]),
    "changed: not bit-identical": lambda row: bool(row["changed"]) and row["repeats"],
    "accused: a warning or worse": lambda row: bool(accusations(row)),
    "accused: critical": lambda row: any(severity == "critical" for _, severity in accusations(row)),
    "not seen: no sample, or trouble": unseen,
    "called healthy though not seen": lambda row: unseen(row) and called_healthy(row),
    "a rule failed": lambda row: any(answer["failed_rules"] for answer in answers(row)),
    "called healthy": called_healthy,
}


def counts(rows: Sequence[Row]) -> Iterator[str]:
    yield "| of healthy programs that learnt | programs | share |"
    yield "|---|--:|--:|"
    for name, holds in COUNTED.items():
        number = sum(map(holds, rows))
        yield f"| {name} | {number} of {len(rows)} | {number / max(len(rows), 1):.1%} |"


def codes(rows: Iterable[Row]) -> Iterator[str]:
    found = Counter(accusation for row in rows for accusation in set(accusations(row)))
    yield "\n| accused of | severity | programs |"
    yield "|---|---|--:|"
    yield from (f"| {code} | {severity} | {number} |" for (code, severity), number in found.most_common())


def failures(rows: Iterable[Row]) -> Iterator[str]:
    yield "\n| program | failure | detail |"
    yield "|---|---|---|"
    for row in rows:
        for name, holds in list(COUNTED.items())[:-1]:
            if holds(row):
                yield f"| {row['name']} | {name} | {detail(row)} |"


def detail(row: Row) -> str:
    said = [row["watched_failed"], ", ".join(row["changed"])]
    said += [f"{code} ({severity})" for code, severity in accusations(row)]
    said += [answer["trouble"] for answer in answers(row)]
    text = "; ".join(filter(None, said)).replace("|", "/").replace("\n", " ")
    return re.sub(r"/\S*/(?:site-packages|src)/", "", text)[:200]


def tables(rows: Sequence[Row], split: str) -> Iterator[str]:
    chosen = [row for row in rows if split in (ALL, row["split"])]
    learnt = [row for row in chosen if row["learnt"]]
    yield f"\n## {'Both splits' if split == ALL else split.capitalize()}: {len(learnt)} programs\n"
    yield f"{PROGRAMS.line(split)}\n"
    not_run = [row["name"] for row in chosen if row.get("not_run")]
    left_out = len(chosen) - len(learnt) - len(not_run)
    yield f"{left_out} of {len(chosen)} programs are left out: alone, with this seed, they did not learn.\n"
    if not_run:
        yield f"{len(not_run)} more could not be run, alone neither: {', '.join(not_run)}.\n"
    yield from counts(learnt)
    yield from codes(learnt)
    if split == PROGRAMS.may_be_learnt_from:
        yield from failures(learnt)


def head(rows: Sequence[Row], seed: int) -> str:
    alone, watched = (sum(row["seconds"][k] for row in rows if "seconds" in row) for k in (0, 1))
    libraries = ", ".join(f"{name} {version(name)}" for name in LIBRARIES)
    what = f"{len(rows)} programs, seed {seed}, torch {torch.__version__}, {libraries}"
    cost = f"{alone:.0f} s of CPU alone and {watched:.0f} s watched; {time.strftime('%Y-%m-%d')}"
    about = (__doc__ or "").partition(" Run by")[0]
    return f"# Healthy programs inside the watch\n\n{what}; {cost}.\n\n{about}\n"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--split", choices=(*SPLITS, ALL), default=ALL)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--only", default="", help="a part of the names")
    parser.add_argument("--workers", type=int, default=1)
    parser.add_argument("--keep", type=Path)
    parser.add_argument("--write", default="")
    options = parser.parse_args()
    torch.set_num_threads(1)
    programs = [program for program in PROGRAMS.programs(options.split) if options.only in program.name]
    rows = list(observed(programs, options.seed, options.workers, options.keep))
    splits = (ALL, *SPLITS) if options.split == ALL else (options.split,)
    lines = [head(rows, options.seed), *(line for split in splits for line in tables(rows, split))]
    print("\n".join(lines))
    if options.write:
        (RESULTS / f"{options.write}.md").write_text("\n".join(lines) + "\n")


if __name__ == "__main__":
    main()
