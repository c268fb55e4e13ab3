"""PyTorch Geometric: whole graphs, links, graphs of several kinds."""

from __future__ import annotations

import torch
from benchmarks.faults.program import Observer, Program, Trained
from benchmarks.faults.programs.torch_idioms.data import seed_all
from benchmarks.faults.programs.torch_idioms.graph_nodes import communities
from torch import Tensor, nn
from torch.nn import functional
from torch_geometric.data import Data, HeteroData
from torch_geometric.loader import DataLoader
from torch_geometric.nn import (
    GAE,
    BatchNorm,
    GCNConv,
    GINConv,
    HeteroConv,
    SAGEConv,
    global_add_pool,
)
from torch_geometric.transforms import RandomLinkSplit
from torch_geometric.utils import negative_sampling, to_undirected

NEEDS = ("torch_geometric",)


class GIN(nn.Module):
    """Isomorphism layers with batch norm, then the sum over the nodes of each graph."""

    def __init__(self, features: int, hidden: int, classes: int) -> None:
        super().__init__()
        self.convs, self.norms = nn.ModuleList(), nn.ModuleList()
        for width in (features, hidden, hidden):
            mlp = nn.Sequential(nn.Linear(width, hidden), nn.ReLU(), nn.Linear(hidden, hidden))
            self.convs.append(GINConv(mlp, train_eps=True))
            self.norms.append(BatchNorm(hidden))
        self.head = nn.Sequential(
            nn.Linear(hidden, hidden), nn.ReLU(), nn.Dropout(0.2), nn.Linear(hidden, classes)
        )

    def forward(self, x: Tensor, edge_index: Tensor, batch: Tensor) -> Tensor:
        """The forward pass."""
        for conv, norm in zip(self.convs, self.norms, strict=True):
            x = norm(conv(x, edge_index)).relu()
        return self.head(global_add_pool(x, batch))


def molecule() -> Data:
    """A ring or a chain of two kinds of nodes with random branches; the class: is there a ring, of both kinds."""
    size, ring, mixed = int(torch.randint(5, 9, ())), int(torch.randint(2, ())), int(torch.randint(2, ()))
    nodes = torch.arange(size)
    edges = torch.stack([nodes, (nodes + 1) % size])[:, : size if ring else size - 1]
    branches = int(torch.randint(2, 5, ()))
    leaves = torch.stack([torch.randint(size, (branches,)), size + torch.arange(branches)])
    kinds = torch.zeros(size + branches, dtype=torch.long)
    if mixed:
        kinds = (torch.rand(size + branches) < 0.5).long()
        kinds[0], kinds[1] = 0, 1
    x = functional.one_hot(kinds, 2).float()
    return Data(
        x=x, edge_index=to_undirected(torch.cat([edges, leaves], dim=1)), y=torch.tensor([2 * ring + mixed])
    )


def whole_graphs(observer: Observer, seed: int) -> Trained:
    """A graph isomorphism network classifies small graphs by a ring and the kinds of nodes, in mini-batches."""
    seed_all(seed)
    graphs = [molecule() for _ in range(700)]
    loader, test = (
        DataLoader(graphs[:500], batch_size=25, shuffle=True),
        DataLoader(graphs[500:], batch_size=200),
    )
    model = GIN(2, 32, 4)
    optimizer = torch.optim.Adam(model.parameters(), lr=5e-3)
    scheduler = torch.optim.lr_scheduler.StepLR(optimizer, step_size=4, gamma=0.5)

    @torch.no_grad()
    def graph_accuracy() -> float:
        model.eval()
        right = sum(int((model(b.x, b.edge_index, b.batch).argmax(1) == b.y).sum()) for b in test)
        return right / 200

    before, losses = graph_accuracy(), []
    with observer.watch(model, optimizer):
        for _epoch in range(10):
            model.train()
            for batch in loader:
                optimizer.zero_grad()
                loss = functional.cross_entropy(model(batch.x, batch.edge_index, batch.batch), batch.y)
                loss.backward()
                optimizer.step()
                losses.append(loss.item())
            scheduler.step()
            graph_accuracy()
    score, fixed = graph_accuracy(), next(iter(test))
    with torch.no_grad():
        extra = {"losses": losses[-10:], "outputs": model(fixed.x, fixed.edge_index, fixed.batch)[:8]}
    return Trained((model,), (optimizer,), score, max(before, 0.25), 0.7, extra)


class LinkEncoder(nn.Module):
    """Two graph convolutions that place the nodes."""

    def __init__(self, features: int) -> None:
        super().__init__()
        self.conv1, self.conv2 = GCNConv(features, 32), GCNConv(32, 16)

    def forward(self, x: Tensor, edge_index: Tensor) -> Tensor:
        """The forward pass."""
        return self.conv2(self.conv1(x, edge_index).relu(), edge_index)


def link_prediction(observer: Observer, seed: int) -> Trained:
    """A graph autoencoder predicts held-out links of a block model, with negatives drawn anew each epoch."""
    seed_all(seed)
    data = communities([60] * 6, 0.2, 0.01, 32, 0.3)
    train, _, test = RandomLinkSplit(0.05, 0.15, is_undirected=True, add_negative_train_samples=False)(data)
    model = GAE(LinkEncoder(32))
    optimizer = torch.optim.Adam(model.parameters(), lr=0.01)
    positive = train.edge_label_index
    held_out = test.edge_label_index[:, test.edge_label == 1], test.edge_label_index[:, test.edge_label == 0]

    @torch.no_grad()
    def auc() -> float:
        model.eval()
        return float(model.test(model.encode(test.x, test.edge_index), *held_out)[0])

    before, losses = auc(), []
    with observer.watch(model, optimizer):
        for epoch in range(120):
            model.train()
            optimizer.zero_grad()
            z = model.encode(train.x, train.edge_index)
            negative = negative_sampling(train.edge_index, train.num_nodes, positive.size(1))
            logits = torch.cat(
                [model.decode(z, positive, sigmoid=False), model.decode(z, negative, sigmoid=False)]
            )
            labels = torch.cat([torch.ones(positive.size(1)), torch.zeros(negative.size(1))])
            loss = functional.binary_cross_entropy_with_logits(logits, labels)
            loss.backward()
            optimizer.step()
            losses.append(loss.item())
            if epoch % 20 == 19:
                auc()
    score = auc()
    with torch.no_grad():
        extra = {"losses": losses[-10:], "outputs": model.encode(test.x, test.edge_index)[:8]}
    return Trained((model,), (optimizer,), score, max(before, 0.5), 0.75, extra)


def library_graph() -> HeteroData:
    """Papers and authors: an author has a field, a paper's topic is mostly that of its authors."""
    data, topics = HeteroData(), 4
    field, topic = torch.randint(topics, (150,)), torch.randint(topics, (400,))
    wrote = torch.rand(150, 400) < torch.where(field.unsqueeze(1) == topic, 0.05, 0.006)
    cited = torch.rand(400, 400) < torch.where(topic.unsqueeze(1) == topic, 0.02, 0.004)
    data["author"].x = functional.one_hot(field, topics).float() + torch.randn(150, topics)
    data["paper"].x = 0.3 * torch.randn(topics, 24)[topic] + torch.randn(400, 24)
    data["paper"].y = topic
    data["author", "wrote", "paper"].edge_index = wrote.nonzero().t()
    data["paper", "of", "author"].edge_index = wrote.nonzero().t().flip(0)
    data["paper", "cites", "paper"].edge_index = cited.nonzero().t()
    data["paper"].train_mask = torch.rand(400) < 0.4
    return data


class HeteroNetwork(nn.Module):
    """Two layers with a convolution for each kind of edge, of lazy widths, and a head for the papers."""

    def __init__(self, edge_types: list[tuple[str, str, str]], classes: int) -> None:
        super().__init__()
        self.convs = nn.ModuleList(
            [HeteroConv({edge: SAGEConv((-1, -1), 24) for edge in edge_types}, aggr="sum") for _ in range(2)]
        )
        self.head = nn.Linear(24, classes)

    def forward(
        self, x_dict: dict[str, Tensor], edge_index_dict: dict[tuple[str, str, str], Tensor]
    ) -> Tensor:
        """The forward pass."""
        for conv in self.convs:
            x_dict = {
                kind: functional.dropout(functional.leaky_relu(x), 0.3, self.training)
                for kind, x in conv(x_dict, edge_index_dict).items()
            }
        return self.head(x_dict["paper"])


def heterogeneous(observer: Observer, seed: int) -> Trained:
    """Papers of a heterogeneous graph of authors and papers are classified by `HeteroConv` of lazy SAGE layers."""
    seed_all(seed)
    data = library_graph()
    model, mask, y = HeteroNetwork(data.edge_types, 4), data["paper"].train_mask, data["paper"].y

    @torch.no_grad()
    def paper_accuracy() -> float:
        model.eval()
        return (model(data.x_dict, data.edge_index_dict).argmax(1) == y)[~mask].float().mean().item()

    before, losses = paper_accuracy(), []  # the first pass makes the lazy parameters
    optimizer = torch.optim.AdamW(model.parameters(), lr=5e-3, weight_decay=1e-2)
    with observer.watch(model, optimizer):
        for epoch in range(100):
            model.train()
            optimizer.zero_grad()
            out = model(data.x_dict, data.edge_index_dict)
            loss = functional.cross_entropy(out[mask], y[mask])
            loss.backward()
            optimizer.step()
            losses.append(loss.item())
            if epoch % 20 == 19:
                paper_accuracy()
    score = paper_accuracy()
    with torch.no_grad():
        extra = {"losses": losses[-10:], "outputs": model(data.x_dict, data.edge_index_dict)[:8]}
    return Trained((model,), (optimizer,), score, max(before, 0.25), 0.7, extra)


PROGRAMS = (
    Program("gin-graph-classification", "torch_geometric, GIN in mini-batches", NEEDS, whole_graphs),
    Program("gae-link-prediction", "torch_geometric, graph autoencoder", NEEDS, link_prediction),
    Program("hetero-sage-papers", "torch_geometric, HeteroConv, lazy layers", NEEDS, heterogeneous),
)
