"""What a report says about the time before its run: frozen and registered claims, and earlier analyses."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import TYPE_CHECKING

from levinthal.cli.provenance import to_the_minute
from levinthal.vocabulary import Claim, Evidence

if TYPE_CHECKING:
    from levinthal.cli.selection import Selected
    from levinthal.lab import Run, Store
    from levinthal.lab.judging.changes import Change
    from levinthal.lab.storage.claims import Frozen
    from levinthal.report.record import Record


def record_of(chosen: Selected, store: Store, runs: Sequence[Run], registered: Frozen | None) -> Record:
    """How the claims of now stand to those frozen in the store and to those of a registered file."""
    from levinthal.lab.execution.freezing import frozen_now
    from levinthal.lab.judging.changes import changes, dropped, joined, plan_changes
    from levinthal.lab.storage.claims import first_frozen
    from levinthal.report.record import Record

    study, preset = chosen.defined or chosen.study, chosen.preset_name
    now = frozen_now(study, preset)
    frozen = first_frozen(store.frozen(study.name, study.version, preset))
    found: dict[str, Change] = {}
    notices: list[str] = []
    for before, when in ((registered, "after it was registered"), (frozen, "after the run")):
        if before is not None:
            found = joined(found, changes(before, now, when))
            notices += [*dropped(before, now, when), *plan_changes(before, now, when)]
    notices += _too_late(registered, runs)
    notices += filter(None, [store.damage])
    older = first_frozen(store.frozen(study.name, study.version, preset, before=True))
    state = "; ".join(filter(None, (_registered(registered), _frozen(frozen, runs), _older(older, now))))
    return Record(state, found, tuple(notices), registered or frozen, other_versions(chosen, store))


def other_versions(chosen: Selected, store: Store) -> str:
    """How many runs of other versions of the study the store has; empty where it has none."""
    from levinthal.report.formatting import counted, listed

    version = chosen.study.version
    done = {(run.version, run.id) for run in store.runs(chosen.study.name) if run.status == "done"}
    others = Counter(other for other, _ in done if other != version)
    if not others:
        return ""
    runs = listed([f"{counted(count, 'run')} of version {other}" for other, count in sorted(others.items())])
    are = "is" if others.total() == 1 else "are"
    return f"version {version}; the store also has {runs}, which {are} not used"


def _frozen(frozen: Frozen | None, runs: Sequence[Run]) -> str:
    from levinthal.report.formatting import counted
    from levinthal.report.record import NOT_FROZEN

    if frozen is None:
        return NOT_FROZEN if runs else ""
    when = f"{to_the_minute(frozen.time)}, hash {frozen.hash[:12]}"
    if frozen.finished:
        older = counted(frozen.finished, "run")
        return f"{NOT_FROZEN} ({older} before {when})"
    return f"frozen before the first run ({when})"


def _registered(registered: Frozen | None) -> str:
    if registered is None:
        return ""
    from levinthal.report.formatting import counted

    when = f"registered {to_the_minute(registered.time)} by the file's own clock, hash {registered.hash[:12]}"
    return f"{when}, after {counted(registered.finished, 'run')}" if registered.finished else when


def _too_late(registered: Frozen | None, runs: Sequence[Run]) -> list[str]:
    """That a file was made when there were runs already; its time proves nothing, but it may disprove."""
    first = min((run.started for run in runs if run.started), key=datetime.fromisoformat, default="")
    if registered is None or not first or not _is_later(registered.time, first):
        return []
    made, ran = to_the_minute(registered.time), to_the_minute(first)
    return [f"The claims were registered after the first run: the file is of {made}, the run of {ran}"]


def _is_later(one: str, other: str) -> bool:
    return datetime.fromisoformat(one) > datetime.fromisoformat(other)


def _older(older: Frozen | None, now: Frozen) -> str:
    """How the claims differ from those of the version before, which was run in the same store."""
    from levinthal.lab.judging.changes import changes, dropped

    if older is None:
        return ""
    when = f"since version {older.version}"
    found = changes(older, now, when)
    lines = [
        f"{name} {': '.join(filter(None, (change.label, '; '.join(change.differences))))}"
        for name, change in found.items()
    ]
    words = ". ".join((*lines, *dropped(older, now, when))) or "the same claims"
    return f"version {older.version} was run in this store: {words}"


def analysis(chosen: Selected, store: Store, runs: Sequence[Run], claim: Claim, evidence: Evidence) -> int:
    """The number of this analysis of a claim: how often it was judged on different data, this time included.

    Data that were judged before do not count again: the same seeds of the effect and of its control, from the
    same data set and the same `measure`. Seeds too few to decide, claims that are only reported and claims in
    which nothing is random do not count.
    """
    from levinthal.lab.judging.statistics import FEWEST_SEEDS
    from levinthal.lab.storage.claims import hash_of

    effects, control = _seeds(evidence.effects), _seeds(evidence.control)
    seeds = set.intersection(*map(set, effects.values())) if effects else set()
    if len(seeds) < FEWEST_SEEDS or claim.deterministic or claim.smallest_effect is None:
        return 1
    made = sorted({(run.data, run.source) for run in runs})
    judged = f"{hash_of(effects)[:16]}:{hash_of({'control': control, 'runs': made})[:16]}"
    key = (chosen.study.name, chosen.study.version, chosen.preset_name)
    return store.count_analysis(key, claim.id, judged, len(seeds))


def _seeds(parts: Mapping[str, Mapping[int, float]]) -> dict[str, list[int]]:
    """Condition -> its seeds, of the conditions that have run."""
    return {name: sorted(map(int, seeds)) for name, seeds in parts.items() if seeds}
