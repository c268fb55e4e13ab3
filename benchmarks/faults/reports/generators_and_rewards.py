"""Autoencoders, adversaries, rewards, distances, equations: losses of several parts and their plumbing."""

from __future__ import annotations

import copy
import math
import random
from typing import Any

import torch
from benchmarks.faults.program import Observer, Trained
from benchmarks.faults.report import Report
from benchmarks.faults.reports.data_c import digits, energy_distance, loader, r2, seed_everything, table
from sklearn.metrics import roc_auc_score
from torch import Tensor, nn
from torch.nn import functional as F


class Vae(nn.Module):
    """A variational autoencoder for vectors."""

    def __init__(self, inputs: int, latent: int, width: int = 64) -> None:
        super().__init__()
        self.enc = nn.Sequential(nn.Linear(inputs, width), nn.ReLU())
        self.mu, self.logvar = nn.Linear(width, latent), nn.Linear(width, latent)
        self.dec = nn.Sequential(nn.Linear(latent, width), nn.ReLU(), nn.Linear(width, inputs))

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Encode, sample, decode."""
        h = self.enc(x)
        mu, logvar = self.mu(h), self.logvar(h)
        z = mu + torch.exp(0.5 * logvar) * torch.randn_like(mu)
        return self.dec(z), mu, logvar


def kl_summed(observer: Observer, seed: int, repaired: bool) -> Trained:
    """Digits by a VAE: the divergence is summed over everything, the error is a mean."""
    seed_everything(seed)
    x, _, x_test, _ = digits(seed)
    model = Vae(64, 8)
    optimizer = torch.optim.Adam(model.parameters(), lr=3e-3)
    with observer.watch(model, optimizer):
        for _ in range(10):
            model.train()
            for xb, _ in loader(x, x[:, 0]):
                out, mu, logvar = model(xb)
                kl = -0.5 * torch.sum(1 + logvar - mu.pow(2) - logvar.exp())
                if repaired:
                    loss = F.mse_loss(out, xb, reduction="sum") + 0.1 * kl
                    loss = loss / len(xb)
                else:
                    loss = F.mse_loss(out, xb) + 0.1 * kl
                optimizer.zero_grad()
                loss.backward()
                optimizer.step()
    model.eval()
    with torch.no_grad():
        score = r2(model(x_test)[0] - x.mean(0), x_test - x.mean(0))
    return Trained((model,), (optimizer,), score, 0.0, 0.3)


def kl_with_plus(observer: Observer, seed: int, repaired: bool) -> Trained:
    """Wines by a VAE: the divergence is added with the sign it has in the paper's lower bound."""
    seed_everything(seed)
    x, _, x_test, _ = table("wine", seed)
    model = Vae(13, 4, 32)
    optimizer = torch.optim.Adam(model.parameters(), lr=5e-3)
    with observer.watch(model, optimizer):
        for _ in range(40):
            for xb, _ in loader(x, x[:, 0], 16):
                out, mu, logvar = model(xb)
                bound = 0.5 * torch.sum(1 + logvar - mu.pow(2) - logvar.exp())
                kld = -bound if repaired else bound
                loss = (F.mse_loss(out, xb, reduction="sum") + kld) / len(xb)
                optimizer.zero_grad()
                loss.backward()
                optimizer.step()
    model.eval()
    with torch.no_grad():
        score = -energy_distance(model.dec(torch.randn(200, 4)), x_test)
        score = max(score, -10.0) if math.isfinite(score) else -10.0
    return Trained((model,), (optimizer,), score, -2.0, -0.9)


def no_weight_clipping(observer: Observer, seed: int, repaired: bool) -> Trained:
    """A Wasserstein GAN on a ring whose critic is bound by nothing."""
    seed_everything(seed)
    angle = torch.rand(1200) * 2 * math.pi
    real = torch.stack([angle.cos(), angle.sin()], 1) * 1.5 + 1.0
    g = nn.Sequential(nn.Linear(4, 64), nn.ReLU(), nn.Linear(64, 64), nn.ReLU(), nn.Linear(64, 2))
    d = nn.Sequential(nn.Linear(2, 64), nn.ReLU(), nn.Linear(64, 64), nn.ReLU(), nn.Linear(64, 1))
    opt_g = torch.optim.RMSprop(g.parameters(), lr=1e-3)
    opt_d = torch.optim.RMSprop(d.parameters(), lr=5e-3)
    with torch.no_grad():
        before = -energy_distance(g(torch.randn(500, 4)), real)
    with observer.watch([g, d], [opt_g, opt_d]):
        for _ in range(15):
            for i, xb in enumerate(real[torch.randperm(1200)].split(50)):
                opt_d.zero_grad()
                loss_d = d(g(torch.randn(50, 4)).detach()).mean() - d(xb).mean()
                loss_d.backward()
                opt_d.step()
                if repaired:
                    with torch.no_grad():
                        for p in d.parameters():
                            p.clamp_(-0.1, 0.1)
                if i % 3 == 0:
                    opt_g.zero_grad()
                    loss_g = -d(g(torch.randn(50, 4))).mean()
                    loss_g.backward()
                    opt_g.step()
    with torch.no_grad():
        score = -energy_distance(g(torch.randn(500, 4)), real)
    return Trained((g, d), (opt_g, opt_d), score, before, -0.25)


def step_in_hall(place: Tensor, action: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """A hall of places 0 to 8: a small reward at the left end, a large one at the right."""
    nxt = place + 2 * action - 1
    reward = torch.where(nxt == 0, 0.4, torch.where(nxt == 8, 1.0, 0.0))
    return nxt, reward, (nxt == 0) | (nxt == 8)


def done_ignored(observer: Observer, seed: int, repaired: bool) -> Trained:
    """Q-learning in a hall: the state after the end, which is the next start, still counts."""
    seed_everything(seed)
    q = nn.Sequential(nn.Linear(9, 64), nn.ReLU(), nn.Linear(64, 2))
    target = copy.deepcopy(q)
    optimizer = torch.optim.Adam(q.parameters(), lr=3e-3)
    gamma = 0.9
    place, action = torch.randint(1, 8, (2000,)), torch.randint(0, 2, (2000,))
    nxt, reward, done = step_in_hall(place, action)
    nxt = torch.where(done, 2, nxt)
    eye = torch.eye(9)
    with observer.watch(q, optimizer):
        for step in range(380):
            rows = torch.randint(0, 2000, (64,))
            with torch.no_grad():
                value = target(eye[nxt[rows]]).max(1).values
                if repaired:
                    value = value * (1 - done[rows].float())
                expected = reward[rows] + gamma * value
            loss = F.smooth_l1_loss(q(eye[place[rows]]).gather(1, action[rows, None]).squeeze(1), expected)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            if step % 10 == 0:
                target.load_state_dict(q.state_dict())
    position, total, alive = torch.tensor([2]), torch.zeros(1), torch.ones(1)
    for t in range(20):
        with torch.no_grad():
            nxt, reward, done = step_in_hall(position, q(eye[position]).argmax(1))
        total += alive * reward * gamma**t
        alive = alive * (~done).float()
        position = torch.where(done, 2, nxt)
    return Trained((q, target), (optimizer,), float(total / gamma**5), 0.61, 0.9)


def reward_minimised(observer: Observer, seed: int, repaired: bool) -> Trained:
    """A policy for four treatments: the loss is log p times the reward, without the minus."""
    seed_everything(seed)
    rule = torch.randn(4, 6)
    policy = nn.Sequential(nn.Linear(6, 32), nn.Tanh(), nn.Linear(32, 4))
    optimizer = torch.optim.Adam(policy.parameters(), lr=0.01)
    trial = torch.randn(1000, 6)

    def gain() -> float:
        """How often the best treatment is chosen."""
        with torch.no_grad():
            return float((policy(trial).argmax(1) == (trial @ rule.T).argmax(1)).float().mean())

    before = max(0.25, gain())
    with observer.watch(policy, optimizer):
        for _ in range(300):
            state = torch.randn(64, 6)
            chosen = torch.distributions.Categorical(logits=policy(state))
            action = chosen.sample()
            reward = ((state @ rule.T).argmax(1) == action).float()
            advantage = reward - reward.mean()
            loss = (chosen.log_prob(action) * advantage).mean()
            if repaired:
                loss = -loss
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
    return Trained((policy,), (optimizer,), gain(), before, 0.7)


def verified(points: Tensor, labels: Tensor) -> float:
    """The area under the curve of telling pairs of one class from pairs of two by their distance."""
    d, same = torch.cdist(points, points), labels[:, None] == labels[None]
    upper = torch.ones_like(same).triu(1).bool()
    return float(roc_auc_score(same[upper].numpy(), -d[upper].numpy()))


def collapse(observer: Observer, seed: int, repaired: bool) -> Trained:
    """Digits with the hardest triplets: at a large rate all embeddings fall into one point."""
    seed_everything(seed)
    x, y, x_test, y_test = digits(seed)
    net = nn.Sequential(nn.Linear(64, 128), nn.ReLU(), nn.Linear(128, 128), nn.ReLU(), nn.Linear(128, 16))
    optimizer = torch.optim.Adam(net.parameters(), lr=5e-4 if repaired else 0.05)
    with torch.no_grad():
        before = verified(net(x_test), y_test)
    with observer.watch(net, optimizer):
        for _ in range(20):
            for xb, yb in loader(x, y, 64):
                e = net(xb)
                d = ((e[:, None] - e[None]).pow(2).sum(2) + 1e-12).sqrt()
                same = yb[:, None] == yb[None]
                positive = d.masked_fill(~same, 0.0).max(1).values
                negative = d.masked_fill(same, 1e9).min(1).values
                loss = F.relu(positive - negative + 0.5).mean()
                optimizer.zero_grad()
                loss.backward()
                optimizer.step()
    with torch.no_grad():
        score = verified(net(x_test), y_test)
    return Trained((net,), (optimizer,), score, max(0.5, before), 0.92)


def trivial(observer: Observer, seed: int, repaired: bool) -> Trained:
    """A particle in a box by Schroedinger's equation and the walls alone, which zero satisfies too."""
    seed_everything(seed)
    net = nn.Sequential(nn.Linear(1, 32), nn.Tanh(), nn.Linear(32, 32), nn.Tanh(), nn.Linear(32, 1))
    optimizer = torch.optim.Adam(net.parameters(), lr=5e-3)
    energy = math.pi**2 / 2
    walls = torch.tensor([[0.0], [1.0]])
    with observer.watch(net, optimizer):
        for _ in range(400):
            x = torch.rand(64, 1, requires_grad=True)
            psi = net(x)
            first: Any = torch.autograd.grad(psi.sum(), x, create_graph=True)[0]
            second: Any = torch.autograd.grad(first.sum(), x, create_graph=True)[0]
            residual = 0.5 * second + energy * psi
            loss = residual.pow(2).mean() + 10 * net(walls).pow(2).mean()
            if repaired:
                loss = loss + 10 * (net(torch.linspace(0, 1, 65)[:, None]).pow(2).mean() - 1) ** 2
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
    grid = torch.linspace(0, 1, 101)[:, None]
    truth = math.sqrt(2) * torch.sin(math.pi * grid)
    with torch.no_grad():
        out = net(grid)
    return Trained((net,), (optimizer,), max(r2(out, truth), r2(-out, truth)), 0.0, 0.8)


class Corridor:
    """Eleven places; the goal is shown beside the place, and both are drawn at every reset."""

    def __init__(self, seed: int, seeded_once: bool) -> None:
        self.seed, self.seeded_once = seed, seeded_once
        self.rng = random.Random(seed)
        self.place, self.goal = 0, 0

    def reset(self) -> Tensor:
        """A new episode."""
        if not self.seeded_once:
            self.rng = random.Random(self.seed)
        self.place, self.goal = self.rng.sample(range(11), 2)
        return self.observe()

    def observe(self) -> Tensor:
        """The place and the goal."""
        seen = torch.zeros(22)
        seen[self.place] = seen[11 + self.goal] = 1.0
        return seen

    def step(self, action: int) -> tuple[Tensor, float, bool]:
        """One place to the left or to the right."""
        self.place = min(10, max(0, self.place + 2 * action - 1))
        done = self.place == self.goal
        return self.observe(), 1.0 if done else 0.0, done


def seeded_resets(observer: Observer, seed: int, repaired: bool) -> Trained:
    """Q-learning in a corridor which seeds its generator at every reset: one episode for ever."""
    seed_everything(seed)
    env = Corridor(seed, seeded_once=repaired)
    q = nn.Sequential(nn.Linear(22, 64), nn.ReLU(), nn.Linear(64, 2))
    target = copy.deepcopy(q)
    optimizer = torch.optim.Adam(q.parameters(), lr=5e-3)
    memory: list[tuple[Tensor, int, float, Tensor, bool]] = []
    steps = 0
    with observer.watch(q, optimizer):
        while steps < 1600:
            state, done, length = env.reset(), False, 0
            while not done and length < 25:
                with torch.no_grad():
                    action = random.randint(0, 1) if random.random() < 0.5 else int(q(state).argmax())
                new, reward, done = env.step(action)
                memory.append((state, action, reward, new, done))
                state, length, steps = new, length + 1, steps + 1
                if steps % 4 == 0 and len(memory) > 64:
                    s, a, r, n, d = zip(*random.sample(memory, 64), strict=True)
                    with torch.no_grad():
                        value = target(torch.stack(n)).max(1).values * (1 - torch.tensor(d).float())
                    guess = q(torch.stack(s)).gather(1, torch.tensor(a)[:, None]).squeeze(1)
                    loss = F.smooth_l1_loss(guess, torch.tensor(r) + 0.9 * value)
                    optimizer.zero_grad()
                    loss.backward()
                    optimizer.step()
                if steps % 40 == 0:
                    target.load_state_dict(q.state_dict())
    pairs = [(p, g) for p in range(11) for g in range(11) if p != g]
    seen = torch.zeros(len(pairs), 22)
    for i, (p, g) in enumerate(pairs):
        seen[i, p] = seen[i, 11 + g] = 1.0
    with torch.no_grad():
        right = q(seen).argmax(1)
    score = float((right == torch.tensor([int(g > p) for p, g in pairs])).float().mean())
    return Trained((q, target), (optimizer,), score, 0.5, 0.85)


GITHUB = "https://github.com/"
EVERY: tuple[Report, ...] = (
    Report(
        "digits-vae-divergence-summed-error-averaged",
        "The divergence is a sum, the error a mean: the divergence drops to 0 and every output is "
        "the mean image.",
        "Both are sums, divided by the batch.",
        GITHUB + "zdebruine/MMVAE/pull/19",
        (),
        kl_summed,
    ),
    Report(
        "wine-vae-divergence-with-the-sign-of-the-bound",
        "The term of the paper's lower bound, -KL, is added to the loss: it becomes negative and "
        "falls for ever.",
        "The divergence itself is added.",
        GITHUB + "pytorch/examples/issues/824",
        (),
        kl_with_plus,
    ),
    Report(
        "ring-wasserstein-gan-without-clipping",
        "The critic's parameters are not clipped: its outputs grow without bound and the samples run about.",
        "They are clamped to 0.1 after each step.",
        GITHUB + "torchgan/torchgan/pull/42",
        (),
        no_weight_clipping,
    ),
    Report(
        "hall-q-learning-ignores-done",
        "The target is r + gamma * max Q even at the end of an episode: the near small reward seems better.",
        "The value after the end is masked by done.",
        GITHUB + "navneet-nmk/pytorch-rl/issues/2",
        (),
        done_ignored,
    ),
    Report(
        "treatments-policy-gradient-without-the-minus",
        "The loss is log p * advantage: descent makes good actions rarer and the reward falls to nothing.",
        "The loss has a minus sign.",
        GITHUB + "KanishJebaMathewM/Truxify/pull/11885",
        (),
        reward_minimised,
    ),
    Report(
        "digits-hardest-triplets-collapse",
        "Triplet loss with the hardest pairs at a large rate: the loss stays at the margin, all "
        "embeddings are one.",
        "A rate a hundred times smaller.",
        GITHUB + "omoindrot/tensorflow-triplet-loss/issues/6",
        (),
        collapse,
    ),
    Report(
        "box-equation-with-the-trivial-solution",
        "The residual and the walls alone are solved by zero, which the network finds: the loss is "
        "next to nothing.",
        "A term demands that the square integrates to one.",
        GITHUB + "lululxvi/deepxde/issues/356",
        (),
        trivial,
    ),
    Report(
        "corridor-seeded-at-every-reset",
        "reset() seeds the environment's generator again: all episodes begin alike, other starts "
        "are never learnt.",
        "The generator is seeded once.",
        GITHUB + "weipu-zhang/STORM/issues/8",
        (),
        seeded_resets,
    ),
)
