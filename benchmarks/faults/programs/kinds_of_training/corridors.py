"""A grid world as an environment of gymnasium."""

from __future__ import annotations

from typing import Any

import gymnasium as gym
import numpy as np


class Corridors(gym.Env[np.ndarray, int]):
    """A 5 x 5 grid with walls: go from anywhere to the goal in the corner; each step costs a little."""

    WALLS = frozenset({(1, 1), (1, 2), (1, 3), (3, 1), (3, 2), (3, 3)})
    MOVES = ((-1, 0), (1, 0), (0, -1), (0, 1))

    def __init__(self) -> None:
        self.observation_space = gym.spaces.Box(0, 1, (25,), np.float32)
        self.action_space = gym.spaces.Discrete(4)
        self.place = (0, 0)

    def _observe(self) -> np.ndarray:
        view = np.zeros(25, np.float32)
        view[self.place[0] * 5 + self.place[1]] = 1
        return view

    def reset(
        self, *, seed: int | None = None, options: dict[str, Any] | None = None
    ) -> tuple[np.ndarray, dict[str, Any]]:
        """Start at a free place that is not the goal."""
        super().reset(seed=seed, options=options)
        free = [(r, c) for r in range(5) for c in range(5) if (r, c) not in self.WALLS and (r, c) != (4, 4)]
        self.place = free[self.np_random.integers(len(free))]
        return self._observe(), {}

    def step(self, action: int) -> tuple[np.ndarray, float, bool, bool, dict[str, Any]]:
        """Move unless a wall or the border is there."""
        row, column = self.place[0] + self.MOVES[action][0], self.place[1] + self.MOVES[action][1]
        if 0 <= row < 5 and 0 <= column < 5 and (row, column) not in self.WALLS:
            self.place = (row, column)
        done = self.place == (4, 4)
        return self._observe(), 1.0 if done else -0.05, done, False, {}
