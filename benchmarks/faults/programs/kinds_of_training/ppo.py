"""PPO in the manner of CleanRL."""

from __future__ import annotations

import numpy as np
import torch
from benchmarks.faults.program import Observer, Program, Trained
from torch import Tensor, nn
from torch.distributions import Categorical

from .common import seed_everything


def layer(inputs: int, outputs: int, gain: float = 2**0.5) -> nn.Linear:
    linear = nn.Linear(inputs, outputs)
    nn.init.orthogonal_(linear.weight, gain)
    nn.init.zeros_(linear.bias)
    return linear


class Agent(nn.Module):
    """A separate actor and critic with orthogonal weights."""

    def __init__(self) -> None:
        super().__init__()
        self.critic = nn.Sequential(layer(4, 64), nn.Tanh(), layer(64, 64), nn.Tanh(), layer(64, 1, 1.0))
        self.actor = nn.Sequential(layer(4, 64), nn.Tanh(), layer(64, 64), nn.Tanh(), layer(64, 2, 0.01))

    def value(self, x: Tensor) -> Tensor:
        """The value of states."""
        out: Tensor = self.critic(x).squeeze(-1)
        return out

    def act(self, x: Tensor, action: Tensor | None = None) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        """An action, its log probability, the entropy and the value."""
        policy = Categorical(logits=self.actor(x))
        action = policy.sample() if action is None else action
        return action, policy.log_prob(action), policy.entropy(), self.value(x)


def advantages(rewards: Tensor, values: Tensor, dones: Tensor, last: Tensor) -> Tensor:
    """Generalised advantage estimation."""
    out, carried = torch.zeros_like(rewards), torch.zeros_like(last)
    for t in reversed(range(len(rewards))):
        after = last if t == len(rewards) - 1 else values[t + 1]
        delta = rewards[t] + 0.99 * after * (1 - dones[t]) - values[t]
        carried = delta + 0.99 * 0.95 * (1 - dones[t]) * carried
        out[t] = carried
    return out


def mean_return(agent: Agent, seed: int, episodes: int = 10) -> float:
    """The mean return of the policy's own draws, the same ones whenever it is asked."""
    with torch.random.fork_rng():
        torch.manual_seed(seed + 1000)
        return _mean_return(agent, seed, episodes)


def _mean_return(agent: Agent, seed: int, episodes: int) -> float:
    import gymnasium as gym

    env, total = gym.make("CartPole-v1"), 0.0
    for episode in range(episodes):
        state, _ = env.reset(seed=5000 + 100 * seed + episode)
        over = False
        while not over:
            with torch.no_grad():
                action = int(agent.act(torch.as_tensor(state))[0])
            state, reward, terminated, truncated, _ = env.step(action)
            total += float(reward)
            over = terminated or truncated
    env.close()
    return total / episodes


def ppo_cartpole(observer: Observer, seed: int) -> Trained:
    """PPO with a clipped objective and value, GAE and an annealed rate on eight CartPoles."""
    import gymnasium as gym

    seed_everything(seed)
    envs = gym.vector.SyncVectorEnv(
        [lambda: gym.make("CartPole-v1")] * 8, autoreset_mode=gym.vector.AutoresetMode.SAME_STEP
    )
    agent, updates = Agent(), 20
    optimizer = torch.optim.Adam(agent.parameters(), lr=2e-3, eps=1e-5)
    before = max(22.0, mean_return(agent, seed))
    state = torch.as_tensor(envs.reset(seed=seed)[0])
    with observer.watch(agent, optimizer):
        for update in range(updates):
            optimizer.param_groups[0]["lr"] = 2e-3 * (1 - update / updates)
            states, actions, log_probs = torch.zeros(96, 8, 4), torch.zeros(96, 8), torch.zeros(96, 8)
            rewards, dones, values = torch.zeros(96, 8), torch.zeros(96, 8), torch.zeros(96, 8)
            for t in range(96):
                with torch.no_grad():
                    action, log_prob, _, value = agent.act(state)
                states[t], actions[t], log_probs[t], values[t] = state, action, log_prob, value
                after, reward, terminated, truncated, _ = envs.step(action.numpy())
                rewards[t] = torch.as_tensor(reward)
                dones[t] = torch.as_tensor(np.logical_or(terminated, truncated))
                state = torch.as_tensor(after)
            with torch.no_grad():
                advantage = advantages(rewards, values, dones, agent.value(state))
            flat = [
                x.flatten(0, 1) for x in (states, actions, log_probs, advantage, advantage + values, values)
            ]
            for _ in range(4):
                for index in torch.randperm(768).split(192):
                    s, a, old, adv, goal, v = (x[index] for x in flat)
                    _, new, entropy, value = agent.act(s, a)
                    ratio = (new - old).exp()
                    adv = (adv - adv.mean()) / (adv.std() + 1e-8)
                    actor = torch.max(-adv * ratio, -adv * ratio.clamp(0.8, 1.2)).mean()
                    clipped = v + (value - v).clamp(-0.2, 0.2)
                    critic = 0.5 * torch.max((value - goal).pow(2), (clipped - goal).pow(2)).mean()
                    loss = actor - 0.01 * entropy.mean() + 0.5 * critic
                    optimizer.zero_grad()
                    loss.backward()
                    nn.utils.clip_grad_norm_(agent.parameters(), 0.5)
                    optimizer.step()
    envs.close()
    extra = {"loss": loss.detach(), "state": state, "value": agent.value(state).detach()}
    return Trained((agent,), (optimizer,), mean_return(agent, seed), before, 100.0, extra)


PROGRAMS = (Program("ppo-cartpole", "PPO, gymnasium vector environments", ("gymnasium",), ppo_cartpole),)
