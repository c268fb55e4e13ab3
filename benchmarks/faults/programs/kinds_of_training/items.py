"""Items and words: a recommender and word vectors by negative sampling."""

from __future__ import annotations

import torch
import torch.nn.functional as F  # noqa: N812
from benchmarks.faults.program import Observer, Program, Trained
from torch import Tensor, nn

from .common import seed_everything


class Factors(nn.Module):
    """Matrix factorisation with sparse gradients."""

    def __init__(self, users: int, items: int, dim: int = 16) -> None:
        super().__init__()
        self.user, self.item = nn.Embedding(users, dim, sparse=True), nn.Embedding(items, dim, sparse=True)
        self.popularity = nn.Embedding(items, 1, sparse=True)
        nn.init.normal_(self.user.weight, std=0.1)
        nn.init.normal_(self.item.weight, std=0.1)
        nn.init.zeros_(self.popularity.weight)

    def forward(self, user: Tensor, item: Tensor) -> Tensor:
        """How much users like items."""
        return (self.user(user) * self.item(item)).sum(-1) + self.popularity(item).squeeze(-1)


def bpr_recommender(observer: Observer, seed: int) -> Trained:
    """A recommender by Bayesian personalised ranking with sampled negatives and SparseAdam."""
    seed_everything(seed)
    taste, kind = torch.randn(300, 4), torch.randn(200, 4)
    liked = (
        (taste @ kind.T + 0.5 * torch.randn(200)[None] + 0.5 * torch.randn(300, 200)).topk(30, dim=1).indices
    )
    liked = liked.gather(1, torch.rand(300, 30).argsort(1))
    train, test = liked[:, :24], liked[:, 24:]
    seen = torch.zeros(300, 200, dtype=torch.bool).scatter_(1, train, True)
    pairs = torch.stack((torch.arange(300).repeat_interleave(24), train.flatten()), dim=1)
    model = Factors(300, 200)
    optimizer = torch.optim.SparseAdam(list(model.parameters()), lr=1e-2)

    @torch.no_grad()
    def hits() -> float:
        scores = model.user.weight @ model.item.weight.T + model.popularity.weight.T
        best = scores.masked_fill(seen, -torch.inf).topk(20, dim=1).indices
        return float((test[:, :, None] == best[:, None]).any(2).float().mean())

    before = max(hits(), 20 / 176)
    with observer.watch(model, optimizer):
        for _ in range(13):
            for batch in pairs[torch.randperm(len(pairs))].split(256):
                user, positive = batch.unbind(1)
                negative = torch.randint(0, 200, (len(user),))
                wrong = seen[user, negative]
                negative[wrong] = torch.randint(0, 200, (int(wrong.sum()),))
                loss = -F.logsigmoid(model(user, positive) - model(user, negative)).mean()
                optimizer.zero_grad()
                loss.backward()
                optimizer.step()
    extra = {"loss": loss.detach(), "user": model.user.weight[:4].detach()}
    return Trained((model,), (optimizer,), hits(), before, 0.3, extra)


def word2vec(observer: Observer, seed: int) -> Trained:
    """Skip-gram with negative sampling on a corpus of topics; words of a topic become neighbours."""
    seed_everything(seed)
    topics, each, length = 10, 20, 12
    topic = torch.randint(0, topics, (1500, 1)).expand(-1, length)
    common = torch.rand(1500, length) < 0.3
    within = (torch.rand(1500, length) ** 2 * each).long()
    text = torch.where(common, topics * each + torch.randint(0, 20, (1500, length)), topic * each + within)
    counts = torch.bincount(text.flatten(), minlength=220).float()
    shifts = [(text[:, :-k].flatten(), text[:, k:].flatten()) for k in (1, 2)]
    centre = torch.cat([a for a, _ in shifts] + [b for _, b in shifts])
    context = torch.cat([b for _, b in shifts] + [a for a, _ in shifts])
    words, contexts = nn.Embedding(220, 32), nn.Embedding(220, 32)
    nn.init.uniform_(words.weight, -0.5 / 32, 0.5 / 32)
    nn.init.zeros_(contexts.weight)
    optimizer = torch.optim.Adam([*words.parameters(), *contexts.parameters()], lr=1e-2)

    @torch.no_grad()
    def neighbours() -> float:
        z = F.normalize(words.weight[: topics * each], dim=1)
        near = (z @ z.T).fill_diagonal_(-2).topk(5, dim=1).indices
        return float((near // each == torch.arange(topics * each)[:, None] // each).float().mean())

    before = max(neighbours(), 19 / 199)
    noise = counts**0.75
    with observer.watch([words, contexts], optimizer):
        for batch in torch.randperm(len(centre)).split(200)[:320]:
            negatives = torch.multinomial(noise, len(batch) * 5, replacement=True).view(-1, 5)
            v = words(centre[batch])
            positive = F.logsigmoid((v * contexts(context[batch])).sum(1))
            negative = F.logsigmoid(-torch.einsum("bd,bkd->bk", v, contexts(negatives))).sum(1)
            loss = -(positive + negative).mean()
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
    extra = {"loss": loss.detach(), "vectors": words.weight[:4].detach()}
    return Trained((words, contexts), (optimizer,), neighbours(), before, 0.6, extra)


PROGRAMS = (
    Program("bpr-recommender-sparse", "recommender, negative sampling, SparseAdam", (), bpr_recommender),
    Program("word2vec-skip-gram", "skip-gram with negative sampling", (), word2vec),
)
