"""Hooks of all optimisers that come and go, also within a step."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
import torch.optim.optimizer as of_torch

from levinthal.clinic.recording.step_hooks import StepHooks, nothing


def hooks_of_torch() -> int:
    return len(of_torch._global_optimizer_pre_hooks) + len(of_torch._global_optimizer_post_hooks)


def test_a_follower_may_come_and_go_within_a_step_while_another_one_holds_the_pair() -> None:
    hooks, calls, before = StepHooks(), list[str](), hooks_of_torch()
    inner: list[Callable[[], None]] = []

    def begins(*_: Any) -> None:
        calls.append("outer")
        if inner:
            inner.pop()()
        else:
            inner.append(hooks.hold(lambda *_: calls.append("inner"), nothing))

    let_go = hooks.hold(begins, nothing)
    optimizer = torch.optim.SGD([torch.zeros(1, requires_grad=True)], 0.1)
    for _ in range(3):
        optimizer.step()
    assert calls.count("outer") == 3
    assert hooks_of_torch() == before + 2
    inner.pop()()
    let_go()
    assert hooks_of_torch() == before
    optimizer.step()
    assert calls.count("outer") == 3
