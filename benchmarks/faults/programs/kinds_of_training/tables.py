"""Tables: rare classes and entity embeddings."""

from __future__ import annotations

import logging
import warnings

import torch
import torch.nn.functional as F  # noqa: N812
from benchmarks.faults.program import Observer, Program, Trained
from sklearn.datasets import make_classification
from sklearn.metrics import average_precision_score
from torch import Tensor, nn
from torch.utils.data import DataLoader, TensorDataset, WeightedRandomSampler

from .common import explained, seed_everything


def rare(seed: int) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """A table with 4 % of positives, 3200 rows to train on and 1600 to test."""
    X, y = make_classification(
        4800,
        20,
        n_informative=8,
        n_redundant=4,
        n_clusters_per_class=2,
        weights=[0.96],
        class_sep=1.5,
        flip_y=0.005,
        random_state=seed,
    )
    x = torch.tensor(X, dtype=torch.float32)
    x = (x - x[:3200].mean(0)) / x[:3200].std(0)
    label = torch.tensor(y, dtype=torch.float32)
    return x[:3200], label[:3200], x[3200:], label[3200:]


def focal_rare(observer: Observer, seed: int) -> Trained:
    """Rare positives by the focal loss, the last bias set to their prior as in RetinaNet."""
    seed_everything(seed)
    x, y, test_x, test_y = rare(seed)
    model = nn.Sequential(
        nn.Linear(20, 64),
        nn.BatchNorm1d(64),
        nn.ReLU(inplace=True),
        nn.Linear(64, 32),
        nn.BatchNorm1d(32),
        nn.ReLU(inplace=True),
        nn.Linear(32, 1),
    )
    nn.init.constant_(model[-1].bias, -3.0)
    optimizer = torch.optim.Adam(model.parameters(), lr=3e-3)
    schedule = torch.optim.lr_scheduler.StepLR(optimizer, 4, gamma=0.5)
    loader = DataLoader(TensorDataset(x, y), batch_size=128, shuffle=True)
    with observer.watch(model, optimizer):
        for _ in range(12):
            model.train()
            for batch_x, batch_y in loader:
                logits = model(batch_x).squeeze(1)
                entropy = F.binary_cross_entropy_with_logits(logits, batch_y, reduction="none")
                weight = torch.where(batch_y == 1, 0.75, 0.25)
                loss = (weight * (1 - torch.exp(-entropy)) ** 2 * entropy).mean() * 10
                optimizer.zero_grad()
                loss.backward()
                optimizer.step()
            schedule.step()
    model.eval()
    with torch.no_grad():
        logits = model(test_x).squeeze(1)
    score = float(average_precision_score(test_y.numpy(), logits.numpy()))
    before = float(test_y.mean())
    return Trained((model,), (optimizer,), score, before, 0.45, {"loss": loss.detach(), "logits": logits[:8]})


def sampler_rare(observer: Observer, seed: int) -> Trained:
    """Rare positives drawn as often as the others by a WeightedRandomSampler, cross-entropy with smoothed labels."""
    seed_everything(seed)
    x, y, test_x, test_y = rare(seed + 10)
    weights = torch.where(y == 1, 1 / y.sum(), 1 / (1 - y).sum())
    sampler = WeightedRandomSampler(weights.tolist(), len(y))
    loader = DataLoader(TensorDataset(x, y.long()), batch_size=100, sampler=sampler)
    model = nn.Sequential(
        nn.Linear(20, 64),
        nn.GELU(),
        nn.Dropout(0.3),
        nn.Linear(64, 64),
        nn.GELU(),
        nn.Dropout(0.3),
        nn.Linear(64, 2),
    )
    criterion = nn.CrossEntropyLoss(label_smoothing=0.05)
    optimizer = torch.optim.AdamW(model.parameters(), lr=2e-3, weight_decay=0.05)
    with observer.watch(model, optimizer):
        for _ in range(8):
            model.train()
            for batch_x, batch_y in loader:
                loss = criterion(model(batch_x), batch_y)
                optimizer.zero_grad()
                loss.backward()
                optimizer.step()
    model.eval()
    with torch.no_grad():
        logits = model(test_x)
    score = float(average_precision_score(test_y.numpy(), (logits[:, 1] - logits[:, 0]).numpy()))
    before = float(test_y.mean())
    return Trained((model,), (optimizer,), score, before, 0.4, {"loss": loss.detach(), "logits": logits[:8]})


def shop_sales(n: int) -> tuple[Tensor, Tensor, Tensor]:
    """Sales by shop, weekday, product and promotion, with two numbers beside."""
    sizes = (30, 7, 50, 2)
    codes = torch.stack([torch.randint(0, size, (n,)) for size in sizes], dim=1)
    with torch.random.fork_rng():
        torch.manual_seed(1)
        effects = [torch.randn(size) for size in sizes]
    numbers = torch.randn(n, 2)
    log_sales = 0.7 * effects[0][codes[:, 0]] + 0.4 * effects[1][codes[:, 1]] + 0.7 * effects[2][codes[:, 2]]
    log_sales = (
        log_sales
        + 0.5 * codes[:, 3] * effects[2][codes[:, 2]].abs()
        - 0.4 * numbers[:, 0]
        + 0.2 * torch.randn(n)
    )
    return codes, numbers, log_sales


def entity_embeddings_lightning(observer: Observer, seed: int) -> Trained:
    """Entity embeddings of categories with batch normalisation, one-cycle schedule, a LightningModule."""
    import pytorch_lightning as pl

    class Sales(pl.LightningModule):
        def __init__(self) -> None:
            super().__init__()
            self.embeddings = nn.ModuleList(
                nn.Embedding(n, d) for n, d in ((30, 8), (7, 4), (50, 10), (2, 2))
            )
            self.drop, self.norm = nn.Dropout(0.05), nn.BatchNorm1d(2)
            self.layers = nn.Sequential(
                nn.Linear(26, 96),
                nn.ReLU(inplace=True),
                nn.BatchNorm1d(96),
                nn.Linear(96, 48),
                nn.ReLU(inplace=True),
                nn.BatchNorm1d(48),
                nn.Linear(48, 1),
            )

        def forward(self, codes: Tensor, numbers: Tensor) -> Tensor:
            embedded = torch.cat([e(codes[:, i]) for i, e in enumerate(self.embeddings)], dim=1)
            out: Tensor = self.layers(torch.cat((self.drop(embedded), self.norm(numbers)), dim=1)).squeeze(1)
            return out

        def training_step(self, batch: list[Tensor], _: int) -> Tensor:
            loss = F.mse_loss(self(batch[0], batch[1]), batch[2])
            self.log("train_loss", loss)
            return loss

        def validation_step(self, batch: list[Tensor], _: int) -> None:
            self.log("val_loss", F.mse_loss(self(batch[0], batch[1]), batch[2]))

        def configure_optimizers(self) -> dict[str, object]:
            optimizer = torch.optim.AdamW(self.parameters(), lr=1e-2, weight_decay=0.01)
            steps = int(self.trainer.estimated_stepping_batches)
            schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, 1e-2, total_steps=steps)
            return {"optimizer": optimizer, "lr_scheduler": {"scheduler": schedule, "interval": "step"}}

    seed_everything(seed)
    train, val, test = TensorDataset(*shop_sales(4000)), TensorDataset(*shop_sales(500)), shop_sales(1000)
    model = Sales()
    logging.getLogger("pytorch_lightning").setLevel(logging.ERROR)
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", ".*does not have many workers.*")
        trainer = pl.Trainer(
            max_epochs=8,
            accelerator="cpu",
            gradient_clip_val=1.0,
            logger=False,
            enable_checkpointing=False,
            enable_progress_bar=False,
            enable_model_summary=False,
            callbacks=observer.lightning_callbacks(),
        )
        trainer.fit(model, DataLoader(train, batch_size=128, shuffle=True), DataLoader(val, batch_size=500))
    model.eval()
    with torch.no_grad():
        predicted = model(test[0], test[1])
    extra = {"val_loss": trainer.callback_metrics["val_loss"], "predicted": predicted[:8]}
    return Trained((model,), tuple(trainer.optimizers), explained(predicted, test[2]), 0.0, 0.75, extra)


PROGRAMS = (
    Program("focal-rare-positives", "imbalanced classes, focal loss", (), focal_rare),
    Program("weighted-sampler-rare", "imbalanced classes, weighted sampler", (), sampler_rare),
    Program(
        "entity-embeddings-lightning",
        "Lightning, entity embeddings",
        ("pytorch_lightning",),
        entity_embeddings_lightning,
    ),
)
