"""PyTorch Geometric: nodes of one graph, on the whole or in random parts."""

from __future__ import annotations

import torch
from benchmarks.faults.program import Observer, Program, Trained
from benchmarks.faults.programs.torch_idioms.data import seed_all
from torch import Tensor, nn
from torch.nn import functional
from torch_geometric.data import Data
from torch_geometric.loader import RandomNodeLoader
from torch_geometric.nn import (
    GATConv,
    GCNConv,
    SAGEConv,
)
from torch_geometric.utils import stochastic_blockmodel_graph

NEEDS = ("torch_geometric",)


def communities(sizes: list[int], within: float, between: float, features: int, signal: float) -> Data:
    """A stochastic block model whose nodes have noisy features of their community, with masks."""
    count = len(sizes)
    edge_probs = torch.full((count, count), between) + torch.eye(count) * (within - between)
    edges = stochastic_blockmodel_graph(sizes, edge_probs)
    y = torch.repeat_interleave(torch.arange(count), torch.tensor(sizes))
    x = signal * torch.randn(count, features)[y] + torch.randn(len(y), features)
    draw = torch.rand(len(y))
    return Data(
        x=x,
        y=y,
        edge_index=edges,
        train_mask=draw < 0.2,
        val_mask=(draw >= 0.2) & (draw < 0.4),
        test_mask=draw >= 0.4,
    )


class GCN(nn.Module):
    """Two graph convolutions with dropout, as in the paper."""

    def __init__(self, features: int, classes: int) -> None:
        super().__init__()
        self.conv1 = GCNConv(features, 16, cached=True)
        self.conv2 = GCNConv(16, classes, cached=True)

    def forward(self, x: Tensor, edge_index: Tensor) -> Tensor:
        """The forward pass."""
        x = functional.dropout(x, p=0.5, training=self.training)
        x = self.conv1(x, edge_index).relu()
        x = functional.dropout(x, p=0.5, training=self.training)
        return self.conv2(x, edge_index)


@torch.no_grad()
def node_accuracy(model: nn.Module, data: Data, mask: Tensor) -> float:
    """The share of the masked nodes that are classified right."""
    model.eval()
    right = model(data.x, data.edge_index).argmax(-1)[mask] == data.y[mask]
    return right.float().mean().item()


def gcn_nodes(observer: Observer, seed: int) -> Trained:
    """A graph convolutional network classifies the nodes of a block model; the best by validation is kept."""
    seed_all(seed)
    data = communities([150] * 5, 0.05, 0.01, 32, 0.35)
    model = GCN(32, 5)
    groups = [
        {"params": model.conv1.parameters(), "weight_decay": 5e-4},
        {"params": model.conv2.parameters(), "weight_decay": 0.0},
    ]
    optimizer = torch.optim.Adam(groups, lr=0.01)
    before, losses, best, test = node_accuracy(model, data, data.test_mask), [], 0.0, 0.0
    with observer.watch(model, optimizer):
        for _epoch in range(200):
            model.train()
            optimizer.zero_grad()
            out = model(data.x, data.edge_index)
            loss = functional.cross_entropy(out[data.train_mask], data.y[data.train_mask])
            loss.backward()
            optimizer.step()
            losses.append(loss.item())
            value = node_accuracy(model, data, data.val_mask)
            if value > best:
                best, test = value, node_accuracy(model, data, data.test_mask)
    with torch.no_grad():
        extra = {"losses": losses[-10:], "outputs": model(data.x, data.edge_index)[:8]}
    return Trained((model,), (optimizer,), test, max(before, 0.2), 0.75, extra)


class GAT(nn.Module):
    """Two layers of attention over the neighbours, dropout of features and of attention."""

    def __init__(self, features: int, classes: int) -> None:
        super().__init__()
        self.conv1 = GATConv(features, 8, heads=4, dropout=0.4)
        self.conv2 = GATConv(32, classes, heads=1, concat=False, dropout=0.4)

    def forward(self, x: Tensor, edge_index: Tensor) -> Tensor:
        """The forward pass."""
        x = functional.dropout(x, p=0.4, training=self.training)
        x = functional.elu(self.conv1(x, edge_index))
        x = functional.dropout(x, p=0.4, training=self.training)
        return self.conv2(x, edge_index)


def gat_nodes(observer: Observer, seed: int) -> Trained:
    """A graph attention network classifies the nodes of a block model from a fifth of the labels."""
    seed_all(seed)
    data = communities([120] * 4, 0.06, 0.01, 24, 0.4)
    model = GAT(24, 4)
    optimizer = torch.optim.Adam(model.parameters(), lr=0.01, weight_decay=5e-4)
    before, losses = node_accuracy(model, data, data.test_mask), []
    with observer.watch(model, optimizer):
        for epoch in range(150):
            model.train()
            optimizer.zero_grad()
            out = functional.log_softmax(model(data.x, data.edge_index), dim=-1)
            loss = functional.nll_loss(out[data.train_mask], data.y[data.train_mask])
            loss.backward()
            optimizer.step()
            losses.append(loss.item())
            if epoch % 10 == 9:
                node_accuracy(model, data, data.val_mask)
    score = node_accuracy(model, data, data.test_mask)
    with torch.no_grad():
        extra = {"losses": losses[-10:], "outputs": model(data.x, data.edge_index)[:8]}
    return Trained((model,), (optimizer,), score, max(before, 0.25), 0.75, extra)


class SAGE(nn.Module):
    """Two layers of GraphSAGE, the second beside a skip."""

    def __init__(self, features: int, hidden: int, classes: int) -> None:
        super().__init__()
        self.conv1, self.conv2 = SAGEConv(features, hidden, normalize=True), SAGEConv(hidden, hidden)
        self.norm, self.head = nn.LayerNorm(hidden), nn.Linear(hidden, classes)

    def forward(self, x: Tensor, edge_index: Tensor) -> Tensor:
        """The forward pass."""
        x = self.conv1(x, edge_index).relu()
        x = x + functional.dropout(self.conv2(self.norm(x), edge_index).relu(), 0.3, self.training)
        return self.head(x)


def batches_of_nodes(observer: Observer, seed: int) -> Trained:
    """GraphSAGE on random parts of a larger block model by `RandomNodeLoader`, scored on the whole graph."""
    seed_all(seed)
    data = communities([400] * 5, 0.02, 0.003, 32, 0.4)
    model = SAGE(32, 48, 5)
    loader = RandomNodeLoader(data, num_parts=8, shuffle=True)
    optimizer = torch.optim.Adam(model.parameters(), lr=5e-3, weight_decay=1e-4)
    before, losses = node_accuracy(model, data, data.test_mask), []
    with observer.watch(model, optimizer):
        for _epoch in range(15):
            model.train()
            for batch in loader:
                optimizer.zero_grad()
                out = model(batch.x, batch.edge_index)
                loss = functional.cross_entropy(out[batch.train_mask], batch.y[batch.train_mask])
                loss.backward()
                optimizer.step()
                losses.append(loss.item())
            node_accuracy(model, data, data.val_mask)
    score = node_accuracy(model, data, data.test_mask)
    with torch.no_grad():
        extra = {"losses": losses[-10:], "outputs": model(data.x, data.edge_index)[:8]}
    return Trained((model,), (optimizer,), score, max(before, 0.2), 0.7, extra)


PROGRAMS = (
    Program("gcn-node-classification", "torch_geometric, GCN", NEEDS, gcn_nodes),
    Program("gat-node-classification", "torch_geometric, GAT", NEEDS, gat_nodes),
    Program("sage-random-node-loader", "torch_geometric, mini-batches of nodes", NEEDS, batches_of_nodes),
)
