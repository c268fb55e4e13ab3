"""A claim on a run holds as long as its process lives, and not longer."""

from __future__ import annotations

import logging
import os
import signal
import sqlite3
import threading
import time
from dataclasses import replace
from pathlib import Path

import pytest

from levinthal.lab.storage import leases
from levinthal.lab.storage.leases import Owner
from levinthal.lab.storage.runs import Run
from levinthal.lab.storage.store import Store
from levinthal.vocabulary import Estimate, Measurement

RUNS = [Run("toy", 1, {"width": 20}, seed) for seed in (0, 1)]
ONE, OTHER = Owner(), Owner()


def test_what_one_has_nobody_else_gets_until_it_is_stored(store: Store) -> None:
    assert store.claim(RUNS, ONE) == (RUNS, "")
    assert store.claim(RUNS, ONE) == (RUNS, "")
    assert store.claim(RUNS[:1], OTHER) == ([], f"process {os.getpid()}")
    store.write(RUNS[:1], [Measurement("error", Estimate.exact(0.5), seed=0)])
    assert store.holder(RUNS, OTHER) == f"process {os.getpid()}"
    assert store.claim(RUNS[:1], OTHER) == ([], "")
    store.release(ONE)
    assert store.claim(RUNS, OTHER) == (RUNS[1:], "")


def test_the_claim_of_a_killed_process_is_free_at_once(store: Store) -> None:
    child = os.fork()
    if not child:
        signal.pause()
    there = replace(Owner(), pid=child, begun=leases._begun(child))
    store.claim(RUNS, there)
    assert store.claim(RUNS, ONE) == ([], f"process {child}")
    os.kill(child, signal.SIGKILL)
    os.waitid(os.P_PID, child, os.WEXITED | os.WNOWAIT)
    assert store.claim(RUNS, ONE) == (RUNS, "")  # also while nobody has waited for it
    os.waitpid(child, 0)


def test_a_process_of_the_same_number_is_another_one(store: Store) -> None:
    store.claim(RUNS, replace(Owner(), begun="1"))
    assert store.claim(RUNS, ONE) == (RUNS, "")


def test_the_claim_of_another_machine_ends_with_its_time(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    store.claim(RUNS, replace(Owner(), host="elsewhere boot space"))
    assert store.claim(RUNS, ONE)[1] == f"process {os.getpid()} on elsewhere"
    now = time.time()
    monkeypatch.setattr(leases.time, "time", lambda: now + leases.SECONDS + 1)
    assert store.claim(RUNS, ONE) == (RUNS, "")


def test_a_claim_from_before_the_machine_was_started_is_free(store: Store) -> None:
    node, _, space = ONE.host.split(" ")
    store.claim(RUNS, replace(Owner(), host=f"{node} before {space}"))
    assert store.claim(RUNS, ONE) == (RUNS, "")


def test_a_lock_of_a_stranger_is_told_of_after_a_second_and_waited_for(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    path = tmp_path / "s.sqlite"
    with Store(path) as store:
        stranger = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
        stranger.execute("BEGIN IMMEDIATE")
        end = threading.Timer(1.6, stranger.rollback)
        end.start()
        with caplog.at_level(logging.WARNING, "levinthal"):
            store.write(RUNS[:1], [Measurement("error", Estimate.exact(0.5), seed=0)])
        end.join()
        stranger.close()
        assert caplog.messages == [f"{path} is locked by another process: waiting up to 60 s"]
        assert len(store.runs()) == 1


def test_a_short_wait_is_silent(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    with Store(tmp_path / "s.sqlite") as store:
        store.claim(RUNS, ONE)
    assert caplog.messages == []
