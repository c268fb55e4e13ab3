"""Reinforcement learning in gymnasium's environments: DQN and REINFORCE."""

from __future__ import annotations

import copy
import random
from collections import deque
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import torch
import torch.nn.functional as F  # noqa: N812
from benchmarks.faults.program import Observer, Program, Trained
from torch import nn
from torch.distributions import Categorical

from .common import seed_everything

if TYPE_CHECKING:
    import gymnasium as gym


class Transition(NamedTuple):
    """One step of an episode."""

    state: np.ndarray
    action: int
    reward: float
    after: np.ndarray
    done: bool


def play(env: gym.Env[Any, Any], policy: nn.Module, seed: int, episodes: int = 20) -> float:
    """The mean return of the greedy policy."""
    total = 0.0
    for episode in range(episodes):
        state, _ = env.reset(seed=10_000 + 100 * seed + episode)
        over = False
        while not over:
            with torch.no_grad():
                action = int(policy(torch.as_tensor(state).unsqueeze(0)).argmax(1))
            state, reward, terminated, truncated, _ = env.step(action)
            total += float(reward)
            over = terminated or truncated
    return total / episodes


def dqn_corridors(observer: Observer, seed: int) -> Trained:
    """Double DQN with replay, a target network and an epsilon that falls, on a grid world."""
    from gymnasium.wrappers import TimeLimit

    from .corridors import Corridors

    seed_everything(seed)
    env = TimeLimit(Corridors(), 40)
    q = nn.Sequential(nn.Linear(25, 64), nn.ReLU(), nn.Linear(64, 64), nn.ReLU(), nn.Linear(64, 4))
    target = copy.deepcopy(q)
    optimizer = torch.optim.AdamW(q.parameters(), lr=2e-3, amsgrad=True)
    memory: deque[Transition] = deque(maxlen=5000)
    chance = float(np.mean([_random_return(env, seed + i) for i in range(20)]))
    before = max(chance, play(env, q, seed))
    state, _ = env.reset(seed=seed)
    with observer.watch(q, optimizer):
        for step in range(1600):
            if random.random() < max(0.1, 1 - step / 800):
                action = random.randrange(4)
            else:
                with torch.no_grad():
                    action = int(q(torch.as_tensor(state)[None]).argmax(1))
            after, reward, terminated, truncated, _ = env.step(action)
            memory.append(Transition(state, action, float(reward), after, terminated))
            state = env.reset()[0] if terminated or truncated else after
            if step < 200 or step % 4:
                continue
            batch = Transition(*zip(*random.sample(memory, 128), strict=True))
            states, afters = torch.tensor(np.array(batch.state)), torch.tensor(np.array(batch.after))
            actions, rewards = torch.tensor(batch.action), torch.tensor(batch.reward)
            with torch.no_grad():
                best = q(afters).argmax(1, keepdim=True)
                goal = rewards + 0.95 * target(afters).gather(1, best).squeeze(1) * ~torch.tensor(batch.done)
            loss = F.smooth_l1_loss(q(states).gather(1, actions[:, None]).squeeze(1), goal)
            optimizer.zero_grad()
            loss.backward()
            nn.utils.clip_grad_value_(q.parameters(), 100)
            optimizer.step()
            for slow, fast in zip(target.parameters(), q.parameters(), strict=True):
                slow.data.lerp_(fast.data, 0.05)
    score = play(env, q, seed)
    extra = {"loss": loss.detach(), "values": q(torch.eye(25)).detach()}
    return Trained((q, target), (optimizer,), score, before, 0.5, extra)


def _random_return(env: gym.Env[Any, Any], seed: int) -> float:
    generator, total, over = random.Random(seed), 0.0, False
    env.reset(seed=seed)
    while not over:
        _, reward, terminated, truncated, _ = env.step(generator.randrange(4))
        total += float(reward)
        over = terminated or truncated
    return total


def reinforce_cartpole(observer: Observer, seed: int) -> Trained:
    """REINFORCE on CartPole, as in PyTorch's examples: returns standardised within an episode."""
    import gymnasium as gym

    seed_everything(seed)
    env = gym.make("CartPole-v1")
    policy = nn.Sequential(nn.Linear(4, 64), nn.Dropout(0.1), nn.ReLU(), nn.Linear(64, 2))
    optimizer = torch.optim.Adam(policy.parameters(), lr=1e-2)
    policy.eval()
    before = max(22.0, play(env, policy, seed))
    policy.train()
    state, _ = env.reset(seed=seed)
    running, kept = 10.0, []
    with observer.watch(policy, optimizer):
        for _ in range(250):
            log_probs, rewards = [], []
            state, _ = env.reset()
            over = False
            while not over:
                choice = Categorical(logits=policy(torch.from_numpy(state)[None]))
                action = choice.sample()
                log_probs.append(choice.log_prob(action))
                state, reward, terminated, truncated, _ = env.step(int(action))
                rewards.append(float(reward))
                over = terminated or truncated or len(rewards) >= 200
            returns, g = deque[float](), 0.0
            for r in reversed(rewards):
                g = r + 0.99 * g
                returns.appendleft(g)
            weights = torch.tensor(returns)
            weights = (weights - weights.mean()) / (weights.std() + 1e-8)
            loss = -(torch.cat(log_probs) * weights).sum()
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            running = 0.95 * running + 0.05 * len(rewards)
            kept.append(loss.item())
            if running > 150:
                break
    policy.eval()
    score = play(env, policy, seed)
    env.close()
    extra = {"losses": torch.tensor(kept[-5:]), "running": running, "logits": policy(torch.eye(4)).detach()}
    return Trained((policy,), (optimizer,), score, before, 80.0, extra)


PROGRAMS = (
    Program("dqn-corridors", "double DQN, replay, target network", ("gymnasium",), dqn_corridors),
    Program("reinforce-cartpole", "REINFORCE, gymnasium", ("gymnasium",), reinforce_cartpole),
)
