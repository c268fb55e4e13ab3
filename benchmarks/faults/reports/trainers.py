# mypy: disallow-untyped-calls=False
"""Mistakes with trainers of libraries, fine-tuning and transfer."""

from __future__ import annotations

import logging
import tempfile
import warnings
from typing import Any

import torch
import torch.nn.functional as F
from benchmarks.faults.program import Observer, Trained
from benchmarks.faults.report import Report
from benchmarks.faults.reports.data_b import accuracy, digits, seed_everything
from torch import Tensor, nn
from torch.utils.data import DataLoader, TensorDataset


def train_with_transformers(observer: Observer, model: Any, data: list[Any], **options: Any) -> None:
    """A Trainer of transformers, as small as it gets."""
    from transformers import Trainer, TrainingArguments

    collator = options.pop("data_collator", None)
    with tempfile.TemporaryDirectory() as folder:
        arguments = TrainingArguments(
            output_dir=folder, per_device_train_batch_size=32, save_strategy="no", report_to=[], use_cpu=True,
            logging_strategy="no", disable_tqdm=True, seed=torch.initial_seed() % 1000, **options,
        )  # fmt: skip
        trainer = Trainer(
            model=model, args=arguments, train_dataset=data, data_collator=collator,
            callbacks=observer.transformers_callbacks(),
        )  # fmt: skip
        trainer.train()


def tiny_gpt(vocabulary: int) -> Any:
    """A GPT-2 with two small layers."""
    from transformers import GPT2Config, GPT2LMHeadModel

    return GPT2LMHeadModel(
        GPT2Config(
            vocab_size=vocabulary, n_positions=32, n_embd=32, n_layer=2, n_head=2,
            resid_pdrop=0.0, embd_pdrop=0.0, attn_pdrop=0.0, bos_token_id=0, eos_token_id=0,
        )
    )  # fmt: skip


def labels_shifted_twice(observer: Observer, seed: int, repaired: bool) -> Trained:
    """The user shifts the labels, and GPT2LMHeadModel shifts them again."""
    seed_everything(seed)
    text = torch.randint(0, 20, (1000, 16))
    for t in range(1, 16):
        rule = (text[:, t - 1] * 3 + 1) % 20
        text[:, t] = torch.where(torch.rand(1000) < 0.95, rule, text[:, t])
    train, test = text[:900], text[900:]
    if repaired:
        data = [{"input_ids": row, "labels": row} for row in train]
    else:
        data = [{"input_ids": row[:-1], "labels": row[1:]} for row in train]
    model = tiny_gpt(20)
    train_with_transformers(observer, model, data, num_train_epochs=4, learning_rate=5e-3)
    model.eval()
    with torch.no_grad():
        score = float((model(input_ids=test[:, :-1]).logits.argmax(-1) == test[:, 1:]).float().mean())
    return Trained((model,), (None,), score, 0.05, 0.85)


def end_is_padding(observer: Observer, seed: int, repaired: bool) -> Trained:
    """pad_token = eos_token: the collator hides all padding from the loss, and with it every end."""
    seed_everything(seed)
    end = 0
    pad = 1 if repaired else end

    def collate(rows: list[dict[str, list[int]]]) -> dict[str, Tensor]:
        longest = max(len(row["input_ids"]) for row in rows)
        ids = torch.tensor([row["input_ids"] + [pad] * (longest - len(row["input_ids"])) for row in rows])
        lengths = torch.tensor([len(row["input_ids"]) for row in rows])
        mask = (torch.arange(longest)[None, :] < lengths[:, None]).long()
        labels = ids.clone()
        labels[labels == pad] = -100
        return {"input_ids": ids, "attention_mask": mask, "labels": labels}

    starts = torch.randint(4, 20, (900,)).tolist()
    data = [{"input_ids": [*range(start, 1, -1), end]} for start in starts]
    model = tiny_gpt(20)
    train_with_transformers(
        observer, model, data, num_train_epochs=4, learning_rate=5e-3, data_collator=collate,
        remove_unused_columns=False,
    )  # fmt: skip
    model.eval()
    right = []
    with torch.no_grad():
        for start in range(4, 20):
            ids = torch.tensor([[start]])
            while ids.size(1) < 25 and int(ids[0, -1]) != end:
                ids = torch.cat([ids, model(input_ids=ids).logits[:, -1:].argmax(-1)], 1)
            right.append(ids[0].tolist() == [*range(start, 1, -1), end])
    return Trained((model,), (None,), sum(right) / len(right), 0.0, 0.7)


def tiny_bert(observer: Observer, seed: int, **options: Any) -> Trained:
    """Fine-tune a very small BERT to find one of four words in sentences."""
    from transformers import BertConfig, BertForSequenceClassification

    seed_everything(seed)
    x = torch.randint(8, 40, (1300, 10))
    y = torch.randint(0, 2, (1300,))
    hit = y == 1
    x[hit, torch.randint(1, 10, (int(hit.sum()),))] = torch.randint(2, 6, (int(hit.sum()),))
    x[:, 0] = 1
    model = BertForSequenceClassification(
        BertConfig(
            vocab_size=40, hidden_size=32, num_hidden_layers=2, num_attention_heads=2, intermediate_size=64,
            max_position_embeddings=16, hidden_dropout_prob=0.0, attention_probs_dropout_prob=0.0,
            initializer_range=0.1,
        )
    )  # fmt: skip
    data = [{"input_ids": row, "labels": label} for row, label in zip(x[:1000], y[:1000])]
    train_with_transformers(observer, model, data, num_train_epochs=4, **options)
    model.eval()
    with torch.no_grad():
        score = float((model(input_ids=x[1000:]).logits.argmax(-1) == y[1000:]).float().mean())
    return Trained((model,), (None,), score, 0.53, 0.85)


def warmup_longer_than_training(observer: Observer, seed: int, repaired: bool) -> Trained:
    """The warm-up has 5000 steps, the training a hundred."""
    if repaired:
        return tiny_bert(observer, seed, learning_rate=2e-3, warmup_steps=10)
    return tiny_bert(observer, seed, learning_rate=2e-3, warmup_steps=5000)


def rate_too_high(observer: Observer, seed: int, repaired: bool) -> Trained:
    """A learning rate from networks trained with SGD makes BERT predict one class."""
    if repaired:
        return tiny_bert(observer, seed, learning_rate=2e-3)
    return tiny_bert(observer, seed, learning_rate=0.1)


def train_with_lightning(observer: Observer, network: nn.Module, epochs: int, mistake: str) -> None:
    """Train a classifier of digits with a Trainer of Lightning."""
    import pytorch_lightning as pl

    logging.getLogger("pytorch_lightning").setLevel(logging.ERROR)
    x_train, y_train, x_test, y_test = digits()

    class Classifier(pl.LightningModule):
        """The module of the user."""

        def __init__(self) -> None:
            super().__init__()
            self.network = network
            if mistake == "manual":
                self.automatic_optimization = False

        def training_step(self, batch: tuple[Tensor, Tensor], batch_idx: int) -> Tensor:
            images, labels = batch
            return F.cross_entropy(self.network(images), labels)

        def validation_step(self, batch: tuple[Tensor, Tensor], batch_idx: int) -> None:
            images, labels = batch
            self.log("val_loss", F.cross_entropy(self.network(images), labels))

        def configure_optimizers(self) -> Any:
            optimizer = torch.optim.Adam(self.parameters(), lr=3e-3)
            scheduler = torch.optim.lr_scheduler.StepLR(optimizer, step_size=2, gamma=0.5)
            interval = "step" if mistake == "interval" else "epoch"
            return {"optimizer": optimizer, "lr_scheduler": {"scheduler": scheduler, "interval": interval}}

    with tempfile.TemporaryDirectory() as folder, warnings.catch_warnings():
        warnings.simplefilter("ignore")
        trainer = pl.Trainer(
            max_epochs=epochs, accelerator="cpu", logger=False, enable_checkpointing=False,
            enable_progress_bar=False, enable_model_summary=False, default_root_dir=folder,
            callbacks=observer.lightning_callbacks(),
        )  # fmt: skip
        trainer.fit(
            Classifier(),
            DataLoader(TensorDataset(x_train, y_train), batch_size=64, shuffle=True),
            DataLoader(TensorDataset(x_test, y_test), batch_size=256),
        )


def lightning_digits(observer: Observer, seed: int, mistake: str) -> Trained:
    """A network for digits, trained with Lightning and tested."""
    seed_everything(seed)
    network = nn.Sequential(nn.Flatten(), nn.Linear(64, 64), nn.ReLU(), nn.Linear(64, 10))
    train_with_lightning(observer, network, 7, mistake)
    seed_everything(seed + 100)
    _, _, x_test, y_test = digits()
    return Trained((network,), (None,), accuracy(network, x_test, y_test), 0.1, 0.85)


def manual_without_step(observer: Observer, seed: int, repaired: bool) -> Trained:
    """automatic_optimization is off, training_step only returns the loss."""
    return lightning_digits(observer, seed, "" if repaired else "manual")


def schedule_by_step(observer: Observer, seed: int, repaired: bool) -> Trained:
    """A schedule meant for epochs is stepped after every batch."""
    return lightning_digits(observer, seed, "" if repaired else "interval")


def pretrained_backbone() -> nn.Sequential:
    """A backbone trained on the digits 0 to 4."""
    x, y, _, _ = digits()
    x, y = x[y < 5], y[y < 5]
    backbone = nn.Sequential(nn.Flatten(), nn.Linear(64, 48), nn.ReLU(), nn.Linear(48, 24), nn.ReLU())
    head = nn.Linear(24, 5)
    optimizer = torch.optim.Adam([*backbone.parameters(), *head.parameters()], lr=5e-3)
    for _ in range(8):
        for batch in torch.randperm(len(x)).split(32):
            loss = F.cross_entropy(head(backbone(x[batch])), y[batch])
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
    return backbone


class Transfer(nn.Module):
    """A backbone and a new head."""

    def __init__(self, classes: int) -> None:
        super().__init__()
        layers = [nn.Flatten(), nn.Linear(64, 48), nn.ReLU(), nn.Linear(48, 24), nn.ReLU()]
        self.backbone = nn.Sequential(*layers)
        self.head = nn.Linear(24, classes)

    def forward(self, x: Tensor) -> Tensor:
        logits: Tensor = self.head(self.backbone(x))
        return logits


def head_after_optimizer(observer: Observer, seed: int, repaired: bool) -> Trained:
    """The head is replaced after the optimiser was made, which goes on updating the old one."""
    seed_everything(seed)
    x_train, y_train, x_test, y_test = digits()
    model = Transfer(5)
    model.backbone.load_state_dict(pretrained_backbone().state_dict())
    for parameter in model.backbone.parameters():
        parameter.requires_grad = False
    optimizer = torch.optim.Adam(model.head.parameters(), lr=0.01)
    model.head = nn.Linear(24, 10)
    if repaired:
        optimizer = torch.optim.Adam(model.head.parameters(), lr=0.01)
    with observer.watch(model, optimizer):
        for _ in range(12):
            model.train()
            for batch in torch.randperm(len(x_train)).split(40):
                loss = F.cross_entropy(model(x_train[batch]), y_train[batch])
                optimizer.zero_grad()
                loss.backward()
                optimizer.step()
            accuracy(model, x_test, y_test)
    return Trained((model,), (optimizer,), accuracy(model, x_test, y_test), 0.1, 0.7)


def weights_not_loaded(observer: Observer, seed: int, repaired: bool) -> Trained:
    """The checkpoint of a DataParallel network is loaded with strict=False: not one key fits."""
    seed_everything(seed)
    checkpoint = {f"module.{name}": value for name, value in pretrained_backbone().state_dict().items()}
    x_train, y_train, x_test, y_test = digits()
    chosen, other = y_train < 5, y_test < 5
    x_train, y_train = x_train[chosen][:60], y_train[chosen][:60]
    x_test, y_test = x_test[other], y_test[other]
    model = Transfer(5)
    if repaired:
        names = {name.removeprefix("module."): value for name, value in checkpoint.items()}
        model.backbone.load_state_dict(names)
    else:
        model.backbone.load_state_dict(checkpoint, strict=False)
    for parameter in model.backbone.parameters():
        parameter.requires_grad = False
    optimizer = torch.optim.Adam(model.head.parameters(), lr=0.01)
    with observer.watch(model, optimizer):
        for _ in range(30):
            model.train()
            for batch in torch.randperm(60).split(15):
                loss = F.cross_entropy(model(x_train[batch]), y_train[batch])
                optimizer.zero_grad()
                loss.backward()
                optimizer.step()
            accuracy(model, x_test, y_test)
    return Trained((model,), (optimizer,), accuracy(model, x_test, y_test), 0.2, 0.93)


EVERY: tuple[Report, ...] = (
    Report(
        "counting-gpt2-labels-shifted-twice",
        "Labels are shifted before they go to GPT2LMHeadModel, which shifts them again: it learns "
        "to predict the "
        "token after the next; the loss looks healthy, generated text is wrong.",
        "Passes the inputs as labels.",
        "https://github.com/huggingface/transformers/pull/44642",
        ("transformers", "accelerate"),
        labels_shifted_twice,
    ),
    Report(
        "countdown-gpt2-end-token-is-padding",
        "The padding token is the end token, so all ends are hidden from the loss; generation never stops.",
        "Uses a token of its own for padding.",
        "https://github.com/huggingface/transformers/issues/23530",
        ("transformers", "accelerate"),
        end_is_padding,
    ),
    Report(
        "sentences-bert-warmup-longer-than-training",
        "Thousands of warm-up steps in a training of a hundred: the learning rate stays next to 0 "
        "and so does "
        "the progress.",
        "Warms up for ten steps.",
        "https://github.com/coqui-ai/TTS/issues/1611",
        ("transformers", "accelerate"),
        warmup_longer_than_training,
    ),
    Report(
        "sentences-bert-rate-too-high",
        "The learning rate is far too high for fine-tuning: every sentence gets the same class, loss 0.69.",
        "Lowers the rate.",
        "https://github.com/huggingface/transformers/issues/735",
        ("transformers", "accelerate"),
        rate_too_high,
    ),
    Report(
        "digits-lightning-manual-optimization-never-steps",
        "automatic_optimization was set to False and training_step only returns its loss: no weight changes.",
        "Leaves optimisation to Lightning.",
        "https://github.com/Lightning-AI/pytorch-lightning/issues/13674",
        ("pytorch_lightning",),
        manual_without_step,
    ),
    Report(
        "digits-lightning-schedule-stepped-per-batch",
        "StepLR counts epochs but its interval is step: after some batches the learning rate is nearly 0.",
        "Steps it after an epoch.",
        "https://github.com/Lightning-AI/pytorch-lightning/issues/5631",
        ("pytorch_lightning",),
        schedule_by_step,
    ),
    Report(
        "digits-head-replaced-after-optimizer",
        "The optimiser was made with the parameters of the old head: the new one never changes.",
        "Makes the optimiser after the head.",
        "https://github.com/microsoft/nni/issues/4521",
        (),
        head_after_optimizer,
    ),
    Report(
        "digits-pretrained-weights-not-loaded",
        "load_state_dict(strict=False) with keys that begin with module. loads nothing; the frozen "
        "backbone is "
        "random and the accuracy stays low.",
        "Strips the prefix.",
        "https://github.com/pytorch/examples/issues/1029",
        (),
        weights_not_loaded,
    ),
)
