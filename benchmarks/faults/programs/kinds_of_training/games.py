"""Many games at once on tensors: an actor-critic and a contextual bandit."""

from __future__ import annotations

import torch
from benchmarks.faults.program import Observer, Program, Trained
from torch import Tensor, nn
from torch.distributions import Categorical

from .common import digits, epochs, seed_everything


class Catch:
    """Many games at once on tensors: a ball falls through 6 rows of 5 columns, a paddle must be below it."""

    def __init__(self, games: int) -> None:
        self.games = games
        self.reset(torch.ones(games, dtype=torch.bool))

    def reset(self, which: Tensor) -> None:
        """New balls where `which`."""
        if not hasattr(self, "row"):
            self.row = torch.zeros(self.games, dtype=torch.long)
            self.ball, self.paddle = torch.zeros_like(self.row), torch.full_like(self.row, 2)
        self.row = torch.where(which, 0, self.row)
        self.ball = torch.where(which, torch.randint(0, 5, (self.games,)), self.ball)
        self.paddle = torch.where(which, torch.randint(0, 5, (self.games,)), self.paddle)

    def observe(self) -> Tensor:
        """The board as `(games, 2, 6, 5)`."""
        board = torch.zeros(self.games, 2, 6, 5)
        every = torch.arange(self.games)
        board[every, 0, self.row, self.ball] = 1
        board[every, 1, 5, self.paddle] = 1
        return board

    def step(self, action: Tensor) -> tuple[Tensor, Tensor]:
        """Rewards and ends."""
        self.paddle = (self.paddle + action - 1).clamp(0, 4)
        self.row = self.row + 1
        done = self.row == 5
        reward = torch.where(done, torch.where(self.paddle == self.ball, 1.0, -1.0), 0.0)
        self.reset(done)
        return reward, done


class ActorCritic(nn.Module):
    """A convolutional trunk shared by the policy and the value."""

    def __init__(self) -> None:
        super().__init__()
        self.trunk = nn.Sequential(
            nn.Conv2d(2, 16, 3, padding=1),
            nn.ReLU(inplace=True),
            nn.Flatten(),
            nn.Linear(480, 64),
            nn.ReLU(inplace=True),
        )
        self.policy, self.value = nn.Linear(64, 3), nn.Linear(64, 1)

    def forward(self, x: Tensor) -> tuple[Categorical, Tensor]:
        """The distribution of actions and the value."""
        h = self.trunk(x)
        return Categorical(logits=self.policy(h)), self.value(h).squeeze(1)


def a2c_catch(observer: Observer, seed: int) -> Trained:
    """A2C with five-step returns and an entropy bonus plays Catch in 32 games at once; RMSprop."""
    seed_everything(seed)
    model = ActorCritic()
    optimizer = torch.optim.RMSprop(model.parameters(), lr=1e-3, alpha=0.99, eps=1e-5)

    @torch.no_grad()
    def quality() -> float:
        with torch.random.fork_rng():
            torch.manual_seed(seed + 1)
            game, total = Catch(200), torch.zeros(200)
            for _ in range(5):
                total += game.step(model(game.observe())[0].probs.argmax(1))[0]
        return float(total.mean())

    before, game = max(-0.6, quality()), Catch(32)
    with observer.watch(model, optimizer):
        for _ in range(400):
            log_probs, values, rewards, alive, entropies = [], [], [], [], []
            for _ in range(5):
                policy, value = model(game.observe())
                action = policy.sample()
                reward, done = game.step(action)
                log_probs.append(policy.log_prob(action))
                entropies.append(policy.entropy())
                values.append(value)
                rewards.append(reward)
                alive.append(~done)
            with torch.no_grad():
                g = model(game.observe())[1]
            returns = []
            for reward, still in zip(reversed(rewards), reversed(alive), strict=True):
                g = reward + 0.99 * g * still
                returns.insert(0, g)
            advantage = torch.cat(returns) - torch.cat(values)
            actor = -(torch.cat(log_probs) * advantage.detach()).mean()
            loss = actor + 0.5 * advantage.pow(2).mean() - 0.01 * torch.cat(entropies).mean()
            optimizer.zero_grad()
            loss.backward()
            nn.utils.clip_grad_norm_(model.parameters(), 0.5)
            optimizer.step()
    extra = {"loss": loss.detach(), "values": model(game.observe())[1][:8].detach()}
    return Trained((model,), (optimizer,), quality(), before, 0.6, extra)


def bandit_digits(observer: Observer, seed: int) -> Trained:
    """A contextual bandit: one of ten buttons for a digit, only the reward of the pressed one is seen."""
    seed_everything(seed)
    train, train_y, test, test_y = digits(seed)
    policy = nn.Sequential(nn.Flatten(), nn.Linear(64, 96), nn.ReLU(), nn.Linear(96, 10))
    optimizer = torch.optim.Adam(policy.parameters(), lr=5e-3)
    baseline = 0.0
    with observer.watch(policy, optimizer):
        for index in epochs(len(train), 128, 400):
            choice = Categorical(logits=policy(train[index]))
            action = choice.sample()
            reward = (action == train_y[index]).float()
            loss = -(choice.log_prob(action) * (reward - baseline)).mean() - 0.01 * choice.entropy().mean()
            baseline = 0.9 * baseline + 0.1 * float(reward.mean())
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
    with torch.no_grad():
        logits = policy(test)
    score = float((logits.argmax(1) == test_y).float().mean())
    extra = {"loss": loss.detach(), "baseline": baseline, "logits": logits[:4]}
    return Trained((policy,), (optimizer,), score, 0.1, 0.7, extra)


PROGRAMS = (
    Program("a2c-catch", "actor-critic, n-step returns", (), a2c_catch),
    Program("bandit-digits", "contextual bandit, policy gradient", (), bandit_digits),
)
