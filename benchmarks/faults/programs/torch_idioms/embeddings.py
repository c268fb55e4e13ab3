"""Embeddings: skip-gram with negative samples by SparseAdam, a bag of words beside a dense network."""

from __future__ import annotations

import torch
from benchmarks.faults.program import Observer, Program, Trained
from benchmarks.faults.programs.torch_idioms.data import seed_all
from torch import Tensor, nn
from torch.nn import functional


class SkipGram(nn.Module):
    """Two sparse tables: words, and words as context."""

    def __init__(self, words: int, dim: int = 24) -> None:
        super().__init__()
        self.words = nn.Embedding(words, dim, sparse=True)
        self.contexts = nn.Embedding(words, dim, sparse=True)
        nn.init.uniform_(self.words.weight, -0.5 / dim, 0.5 / dim)
        nn.init.zeros_(self.contexts.weight)

    def forward(self, word: Tensor, context: Tensor, negatives: Tensor) -> Tensor:
        """The forward pass."""
        v = self.words(word)
        near = (v * self.contexts(context)).sum(-1)
        far = torch.einsum("bd,bkd->bk", v, self.contexts(negatives))
        return -(functional.logsigmoid(near) + functional.logsigmoid(-far).sum(-1)).mean()


def topic_pairs(topics: int, size: int, count: int) -> tuple[Tensor, Tensor]:
    """Pairs of words that stand together: mostly of one topic, common words more often."""
    odds = 1 / torch.arange(1, size + 1).float()
    topic = torch.randint(topics, (count,))
    word, context = torch.multinomial(odds, 2 * count, replacement=True).view(2, count)
    other = torch.where(torch.rand(count) < 0.8, topic, torch.randint(topics, (count,)))
    return topic * size + word, other * size + context


@torch.no_grad()
def neighbours(model: SkipGram, topics: int, size: int) -> float:
    """The share of words whose nearest five are of their topic, on average."""
    v = functional.normalize(model.words.weight, dim=1)
    nearest = (v @ v.t() - 2 * torch.eye(len(v))).topk(5, dim=1).indices
    own = torch.arange(topics).repeat_interleave(size)
    return (own[nearest] == own.unsqueeze(1)).float().mean().item()


def skip_gram(observer: Observer, seed: int) -> Trained:
    """Skip-gram with negative sampling over words of ten topics: sparse gradients, SparseAdam."""
    seed_all(seed)
    topics, size = 10, 30
    model = SkipGram(topics * size)
    optimizer = torch.optim.SparseAdam(list(model.parameters()), lr=1e-2)
    before, losses = neighbours(model, topics, size), []
    with observer.watch(model, optimizer):
        for _step in range(300):
            word, context = topic_pairs(topics, size, 512)
            negatives = torch.randint(topics * size, (512, 5))
            loss = model(word, context, negatives)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            losses.append(loss.item())
    score = neighbours(model, topics, size)
    extra = {"losses": losses[-10:], "outputs": model.words.weight[:8].detach().clone()}
    return Trained((model,), (optimizer,), score, max(before, 0.1), 0.6, extra)


class WideAndDeep(nn.Module):
    """A sparse bag of words for the wide part, dense features for the deep part."""

    def __init__(self, words: int, features: int) -> None:
        super().__init__()
        self.bag = nn.EmbeddingBag(words, 16, mode="mean", sparse=True)
        self.deep = nn.Sequential(nn.Linear(features, 32), nn.ReLU(), nn.BatchNorm1d(32))
        self.head = nn.Sequential(nn.Linear(48, 32), nn.ReLU(), nn.Dropout(0.1), nn.Linear(32, 1))

    def forward(self, words: Tensor, offsets: Tensor, features: Tensor) -> Tensor:
        """The forward pass."""
        return self.head(torch.cat([self.bag(words, offsets), self.deep(features)], dim=1)).squeeze(1)


Documents = tuple[Tensor, Tensor, Tensor, Tensor]


def documents(count: int, taste: Tensor, slopes: Tensor) -> Documents:
    """Bags of words of different length with dense features, and whether somebody liked them."""
    lengths = torch.randint(3, 12, (count,))
    owner = torch.repeat_interleave(torch.arange(count), lengths)
    words, features = torch.randint(len(taste), (len(owner),)), torch.randn(count, len(slopes))
    liking = torch.zeros(count).index_add(0, owner, taste[words]) / lengths.sqrt() + features @ slopes
    offsets = torch.cat([torch.zeros(1, dtype=torch.long), lengths.cumsum(0)[:-1]])
    return words, offsets, features, (liking > 0).float()


def wide_and_deep(observer: Observer, seed: int) -> Trained:
    """A wide-and-deep click model: a sparse EmbeddingBag by SparseAdam, the rest by Adagrad, two optimisers."""
    seed_all(seed)
    taste, slopes = torch.randn(300), torch.randn(6) / 3
    model, test = WideAndDeep(300, 6), documents(1000, taste, slopes)
    dense = [p for name, p in model.named_parameters() if not name.startswith("bag")]
    sparse_optimizer = torch.optim.SparseAdam(list(model.bag.parameters()), lr=2e-2)
    dense_optimizer = torch.optim.Adagrad(dense, lr=2e-2)

    @torch.no_grad()
    def right() -> float:
        model.eval()
        share = ((model(*test[:3]) > 0).float() == test[3]).float().mean().item()
        model.train()
        return share

    before, losses = right(), []
    with observer.watch(model, [sparse_optimizer, dense_optimizer]):
        for step in range(250):
            words, offsets, features, y = documents(128, taste, slopes)
            sparse_optimizer.zero_grad()
            dense_optimizer.zero_grad()
            loss = functional.binary_cross_entropy_with_logits(model(words, offsets, features), y)
            loss.backward()
            sparse_optimizer.step()
            dense_optimizer.step()
            losses.append(loss.item())
            if step % 50 == 49:
                right()
    score = right()
    model.eval()
    with torch.no_grad():
        extra = {"losses": losses[-10:], "outputs": model(*test[:3])[:8]}
    majority = max(test[3].mean().item(), 1 - test[3].mean().item())
    return Trained((model,), (sparse_optimizer, dense_optimizer), score, max(before, majority), 0.7, extra)


PROGRAMS = (
    Program("skip-gram-sparse-adam", "sparse embeddings, SparseAdam", (), skip_gram),
    Program("wide-and-deep-two-optimisers", "sparse EmbeddingBag, SparseAdam and Adagrad", (), wide_and_deep),
)
