"""`levinthal.watch` compared with its peers: torchmortem and torch-audit on the same cases, in one run.

Every case of the own suite is trained alone and with each tool around it, used as its README says. Each
tool has a process of its own, in an environment outside this repository, which is made at the first run.
Run by `python benchmarks/peers.py [--seeds N] [--only NAME] [--environment FOLDER] [--rows FOLDER]
[--write]`; `--rows` stores the rows, and continues from those that are there. `--write` puts the tables
into benchmarks/results/peers.md, below the text above the marked line.
"""

from __future__ import annotations

import argparse
import os
import platform
import subprocess
import sys
import tempfile
import time
import venv
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

os.environ.setdefault("OMP_NUM_THREADS", "1")

import _root  # noqa: F401  # isort: skip

from benchmarks.peers_in.scores import drop_unfinished, read
from benchmarks.peers_in.tables import (
    Runs,
    by_cause,
    by_split,
    causes_found,
    errors,
    false_alarms,
    messages,
    on_covered_faults,
    side_effects_and_cost,
)
from benchmarks.peers_in.tools import PINS, TOOLS, Tool

ROOT = Path(__file__).resolve().parent.parent
RESULTS = ROOT / "benchmarks" / "results" / "peers.md"
LINE = "<!-- below this line: written by benchmarks/peers.py -->"


def environment(folder: Path) -> Path:
    """The Python of an environment with the pinned peers and levinthal; made if it is not there yet."""
    python = folder / ("Scripts/python.exe" if os.name == "nt" else "bin/python")
    stamp, wanted = folder / "peers-stamp", "\n".join((*PINS, str(ROOT)))
    if not stamp.exists() or stamp.read_text() != wanted:
        venv.create(folder, clear=True)
        pip = (sys.executable, "-m", "pip", "--python", str(python), "install", "--quiet")
        lock = ("-c", str(ROOT / "requirements.lock"))
        subprocess.run([*pip, *lock, *PINS, "-e", str(ROOT)], check=True)
        stamp.write_text(wanted)
    return python


def collect(tool: Tool, python: Path, rows: Path, options: argparse.Namespace) -> str:
    """Let the tool's process fill its file; if it dies, another one continues after that case.

    Returns the last line of the process's errors, if it finished no case at all.
    """
    command = [str(python), __file__, "--child", tool.name, "--rows", str(rows)]
    command += ["--seeds", str(options.seeds), "--only", options.only]
    while True:
        before = rows.stat().st_size
        done = subprocess.run(
            command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True, check=False
        )
        if done.returncode == 0:
            return ""
        if rows.stat().st_size == before:
            return (done.stderr.strip() or f"exit {done.returncode}").splitlines()[-1]


def versions(python: Path) -> str:
    """The versions in the environment."""
    ask = "import importlib.metadata as m, sys; print('Python', sys.version.split()[0]); "
    ask += "[print(n, m.version(n)) for n in ('torch', 'numpy', 'torchmortem', 'torch-audit', 'levinthal')]"
    found = subprocess.run([str(python), "-c", ask], capture_output=True, text=True, check=True).stdout
    commit = ("git", "-C", str(ROOT), "describe", "--always", "--dirty")
    at = subprocess.run(commit, capture_output=True, text=True, check=False).stdout.strip()
    return f"{', '.join(found.split(chr(10))).strip(', ')}" + (f" (commit {at})" if at else "")


def suite_line(python: Path) -> str:
    """What a reader has to know of the cases; asked of the environment, since the registry needs torch."""
    ask = "from benchmarks.faults.registry import find; print(find('own').line())"
    return subprocess.run(
        [str(python), "-c", ask], capture_output=True, text=True, check=True, cwd=ROOT
    ).stdout.strip()


def tables(runs: Runs) -> Iterator[str]:
    """All tables."""
    for part in (causes_found, on_covered_faults, false_alarms, side_effects_and_cost, by_split, by_cause):
        yield from part(runs)
    yield "## Errors\n"
    yield from errors(runs) if any(errors(runs)) else ("None.",)
    yield "\n## The messages of the peers, and the causes each is counted for\n"
    yield from messages(runs)


def compare(options: argparse.Namespace, folder: Path) -> Iterator[str]:
    """Run every tool, then make the tables."""
    python = environment(options.environment)

    def run(tool: Tool) -> tuple[Path, str]:
        rows = folder / f"{tool.name.replace(', ', '-')}.jsonl"
        rows.touch()
        drop_unfinished(rows)
        print(f"{tool.name}: running", flush=True)
        return rows, collect(tool, python, rows, options)

    with ThreadPoolExecutor(options.at_once) as pool:
        ended = dict(zip(TOOLS, pool.map(run, TOOLS), strict=True))
    for tool, (_, failed) in ended.items():
        if failed:
            yield f"{tool.name} could not be run: `{failed}`\n"
    runs = {tool: read(rows) for tool, (rows, failed) in ended.items() if not failed}
    seconds = sum(row.bare + row.cost for rows in runs.values() for row in rows)
    about = f"{platform.machine()}, {os.cpu_count()} cores, one thread a process, {options.at_once} at once"
    known = f"{versions(python)}; {about}, {seconds:.0f} s of CPU in the loops; {options.seeds} seeds"
    yield f"{time.strftime('%Y-%m-%d')}; {known}.\n"
    yield f"{suite_line(python)}\n"
    yield from tables(runs)


def main() -> int:
    """Print the tables; with `--child`, be one tool's process instead."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--only", default="", help="a part of the names of faulty cases")
    parser.add_argument("--environment", type=Path, default=Path(tempfile.gettempdir()) / "levinthal-peers")
    parser.add_argument("--rows", type=Path, help="a folder to store the rows in")
    parser.add_argument("--at-once", type=int, default=1, help="how many tools at the same time")
    parser.add_argument("--write", action="store_true")
    parser.add_argument("--child", default="", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.child:
        from benchmarks.peers_in.running import run_tool  # torch and the peers are in the child's environment

        run_tool(next(t for t in TOOLS if t.name == options.child), options.seeds, options.rows, options.only)
        return 0
    with tempfile.TemporaryDirectory() as passing:
        folder = options.rows or Path(passing)
        folder.mkdir(parents=True, exist_ok=True)
        lines = list(compare(options, folder))
    print(*lines, sep="\n")
    if options.write:
        text = RESULTS.read_text().partition(LINE)[0] if RESULTS.exists() else ""
        RESULTS.write_text("\n".join((text.rstrip() + "\n", LINE, "", *lines, "")))
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
