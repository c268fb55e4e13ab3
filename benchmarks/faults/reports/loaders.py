# mypy: disallow-untyped-calls=False
"""Mistakes with loaders, sampling, augmentation, preprocessing and leaking data."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from benchmarks.faults.program import Observer, Trained
from benchmarks.faults.report import Report
from benchmarks.faults.reports.data_b import accuracy, digits, r2, seed_everything, split, table
from torch import Tensor, nn
from torch.utils.data import DataLoader, Dataset, TensorDataset, WeightedRandomSampler


def sorted_by_class(observer: Observer, seed: int, repaired: bool) -> Trained:
    """The files come class after class and the loader does not shuffle."""
    seed_everything(seed)
    x_train, y_train, x_test, y_test = digits()
    order = y_train.argsort()
    data = TensorDataset(x_train[order], y_train[order])
    loader = DataLoader(data, batch_size=32, shuffle=repaired)
    model = nn.Sequential(nn.Flatten(), nn.Linear(64, 64), nn.ReLU(), nn.Linear(64, 10))
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1, momentum=0.9)
    criterion = nn.CrossEntropyLoss()
    with observer.watch(model, optimizer):
        for _ in range(8):
            model.train()
            for images, labels in loader:
                optimizer.zero_grad()
                loss = criterion(model(images), labels)
                loss.backward()
                optimizer.step()
            accuracy(model, x_test, y_test)
    return Trained((model,), (optimizer,), accuracy(model, x_test, y_test), 0.1, 0.85)


def sampler_by_class(observer: Observer, seed: int, repaired: bool) -> Trained:
    """WeightedRandomSampler gets one weight per class, so it draws the first few samples only."""
    seed_everything(seed)
    x, y = table("breast_cancer")
    x_train, y_train, x_test, y_test = split((x - x.mean(0)) / x.std(0), y)
    class_weights = 1.0 / torch.bincount(y_train).double()
    if repaired:
        sampler = WeightedRandomSampler(class_weights[y_train].tolist(), len(y_train))
    else:
        sampler = WeightedRandomSampler(class_weights.tolist(), len(y_train))
    loader = DataLoader(TensorDataset(x_train, y_train), batch_size=32, sampler=sampler)
    model = nn.Sequential(nn.Linear(30, 32), nn.ReLU(), nn.Linear(32, 2))
    optimizer = torch.optim.Adam(model.parameters(), lr=5e-3)
    with observer.watch(model, optimizer):
        for _ in range(10):
            model.train()
            for xb, yb in loader:
                loss = F.cross_entropy(model(xb), yb)
                optimizer.zero_grad()
                loss.backward()
                optimizer.step()
            accuracy(model, x_test, y_test)
    return Trained((model,), (optimizer,), accuracy(model, x_test, y_test), 0.63, 0.92)


def shapes(count: int) -> tuple[Tensor, Tensor, Tensor]:
    """Pictures with one bright rectangle on noise, its mask and its box (x0, y0, x1, y1)."""
    images = torch.rand(count, 1, 16, 16) * 0.5
    masks = torch.zeros(count, 1, 16, 16)
    corner = torch.randint(0, 9, (count, 2))
    size = torch.randint(4, 8, (count, 2))
    for i in range(count):
        (x, y), (w, h) = corner[i].tolist(), size[i].tolist()
        masks[i, 0, y : y + h, x : x + w] = 1
    boxes = torch.cat([corner, corner + size], 1).float() / 16
    return images + 0.5 * masks, masks, boxes


class FlippedMasks(Dataset[tuple[Tensor, Tensor]]):
    """Pictures and masks with random horizontal flips."""

    def __init__(self, images: Tensor, masks: Tensor, together: bool) -> None:
        self.images, self.masks, self.together = images, masks, together

    def __len__(self) -> int:
        return len(self.images)

    def __getitem__(self, index: int) -> tuple[Tensor, Tensor]:
        image, mask = self.images[index], self.masks[index]
        if self.together:
            if torch.rand(1) < 0.5:
                image, mask = image.flip(-1), mask.flip(-1)
        else:
            if torch.rand(1) < 0.5:
                image = image.flip(-1)
            if torch.rand(1) < 0.5:
                mask = mask.flip(-1)
        return image, mask


def segmenter() -> nn.Sequential:
    """A small fully convolutional network."""
    return nn.Sequential(
        nn.Conv2d(1, 12, 3, padding=1), nn.ReLU(), nn.Conv2d(12, 12, 3, padding=1), nn.ReLU(),
        nn.Conv2d(12, 1, 1),
    )  # fmt: skip


def overlap(model: nn.Module, images: Tensor, masks: Tensor) -> float:
    """Intersection over union."""
    model.eval()
    with torch.no_grad():
        found, real = model(images) > 0, masks > 0.5
    return float((found & real).sum() / (found | real).sum())


def flip_image_only(observer: Observer, seed: int, repaired: bool) -> Trained:
    """The transform flips picture and mask with two draws."""
    seed_everything(seed)
    images, masks, _ = shapes(700)
    loader = DataLoader(FlippedMasks(images[:500], masks[:500], repaired), batch_size=25, shuffle=True)
    model = segmenter()
    optimizer = torch.optim.Adam(model.parameters(), lr=5e-3)
    criterion = nn.BCEWithLogitsLoss()
    with observer.watch(model, optimizer):
        for _ in range(6):
            model.train()
            for xb, yb in loader:
                optimizer.zero_grad()
                loss = criterion(model(xb), yb)
                loss.backward()
                optimizer.step()
            overlap(model, images[500:], masks[500:])
    return Trained((model,), (optimizer,), overlap(model, images[500:], masks[500:]), 0.15, 0.9)


def unlike_order_of_files(observer: Observer, seed: int, repaired: bool) -> Trained:
    """Pictures are sorted by number and masks by name: img10 stands before img2."""
    seed_everything(seed)
    images, masks, _ = shapes(700)
    image_files = [f"img{i}.png" for i in range(500)]
    if repaired:
        mask_files = [f"img{i}_mask.png" for i in range(500)]
    else:
        mask_files = sorted(f"img{i}_mask.png" for i in range(500))
    first = torch.tensor([int(name[3:-4]) for name in image_files])
    second = torch.tensor([int(name[3:-9]) for name in mask_files])
    model, pairs = segmenter(), TensorDataset(images[first], masks[second])
    optimizer = torch.optim.Adam(model.parameters(), lr=5e-3)
    with observer.watch(model, optimizer):
        for _ in range(6):
            model.train()
            for xb, yb in DataLoader(pairs, batch_size=25, shuffle=True):
                loss = F.binary_cross_entropy_with_logits(model(xb), yb)
                optimizer.zero_grad()
                loss.backward()
                optimizer.step()
    return Trained((model,), (optimizer,), overlap(model, images[500:], masks[500:]), 0.15, 0.7)


def flip_without_box(observer: Observer, seed: int, repaired: bool) -> Trained:
    """Pictures are flipped for augmentation, their boxes are not."""
    seed_everything(seed)
    images, _, boxes = shapes(1500)
    model = nn.Sequential(
        nn.Conv2d(1, 8, 3, padding=1), nn.ReLU(), nn.AvgPool2d(2), nn.Flatten(),
        nn.Linear(512, 64), nn.ReLU(), nn.Linear(64, 4),
    )  # fmt: skip
    optimizer = torch.optim.Adam(model.parameters(), lr=3e-3)
    with observer.watch(model, optimizer):
        for _ in range(9):
            model.train()
            for batch in torch.randperm(1200).split(48):
                xb, target = images[batch].clone(), boxes[batch].clone()
                flipped = torch.rand(len(batch)) < 0.5
                xb[flipped] = xb[flipped].flip(-1)
                if repaired:
                    x0, y0, x1, y1 = target[flipped].unbind(1)
                    target[flipped] = torch.stack([1 - x1, y0, 1 - x0, y1], 1)
                loss = F.smooth_l1_loss(model(xb), target)
                optimizer.zero_grad()
                loss.backward()
                optimizer.step()
    model.eval()
    with torch.no_grad():
        found = model(images[1200:])
    score = min(r2(found[:, side], boxes[1200:, side]) for side in range(4))
    return Trained((model,), (optimizer,), score, 0.0, 0.75)


def arrows(count: int) -> tuple[Tensor, Tensor]:
    """Arrows that point up, right, down or left on noise."""
    arrow = torch.tensor([[0, 0, 1, 0, 0], [0, 1, 1, 1, 0], [1, 0, 1, 0, 1]] + [[0, 0, 1, 0, 0]] * 2)
    images, labels = torch.randn(count, 1, 8, 8) * 0.22, torch.randint(0, 4, (count,))
    for i in range(count):
        top, left = torch.randint(0, 4, (2,)).tolist()
        images[i, 0, top : top + 5, left : left + 5] += torch.rot90(arrow, -int(labels[i])).float()
    return images, labels


def flipped_signs(observer: Observer, seed: int, repaired: bool) -> Trained:
    """Random horizontal flips turn 'turn left' signs into 'turn right'."""
    seed_everything(seed)
    x, y = arrows(1500)
    model = nn.Sequential(
        nn.Conv2d(1, 16, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2), nn.Flatten(), nn.Linear(256, 4)
    )
    optimizer = torch.optim.Adam(model.parameters(), lr=5e-3)
    with observer.watch(model, optimizer):
        for _ in range(12):
            model.train()
            for xb, yb in DataLoader(TensorDataset(x[:1200], y[:1200]), batch_size=48, shuffle=True):
                if not repaired:
                    flip = torch.rand(len(xb)) < 0.5
                    xb[flip] = xb[flip].flip(-1)
                optimizer.zero_grad()
                loss = F.cross_entropy(model(xb), yb)
                loss.backward()
                optimizer.step()
            accuracy(model, x[1200:], y[1200:])
    return Trained((model,), (optimizer,), accuracy(model, x[1200:], y[1200:]), 0.25, 0.88)


def shuffled_apart(observer: Observer, seed: int, repaired: bool) -> Trained:
    """Inputs and targets of a table are shuffled with two permutations."""
    seed_everything(seed)
    x, y = table("diabetes")
    x, y = (x - x.mean(0)) / x.std(0), (y - y.mean()) / y.std()
    x_train, y_train, x_test, y_test = split(x, y)
    x_train = x_train[torch.randperm(len(x_train), generator=torch.Generator().manual_seed(seed))]
    if repaired:
        y_train = y_train[torch.randperm(len(y_train), generator=torch.Generator().manual_seed(seed))]
    else:
        y_train = y_train[torch.randperm(len(y_train))]
    model = nn.Sequential(nn.Linear(10, 16), nn.ReLU(), nn.Linear(16, 1))
    optimizer = torch.optim.Adam(model.parameters(), lr=3e-3)
    with observer.watch(model, optimizer):
        for _ in range(25):
            model.train()
            for batch in torch.randperm(len(x_train)).split(32):
                loss = F.mse_loss(model(x_train[batch]).squeeze(1), y_train[batch])
                optimizer.zero_grad()
                loss.backward()
                optimizer.step()
    model.eval()
    with torch.no_grad():
        score = r2(model(x_test).squeeze(1), y_test)
    return Trained((model,), (optimizer,), score, 0.0, 0.25)


def first_batch_only(observer: Observer, seed: int, repaired: bool) -> Trained:
    """next(iter(loader)) in the loop starts again at every step and yields the first batch."""
    seed_everything(seed)
    x_train, y_train, x_test, y_test = digits()
    loader = DataLoader(TensorDataset(x_train, y_train), batch_size=16)
    model = nn.Sequential(nn.Flatten(), nn.Linear(64, 64), nn.ReLU(), nn.Linear(64, 10))
    optimizer = torch.optim.Adam(model.parameters(), lr=3e-3)
    iterator = iter(loader)
    with observer.watch(model, optimizer):
        for _ in range(300):
            if repaired:
                try:
                    xb, yb = next(iterator)
                except StopIteration:
                    iterator = iter(loader)
                    xb, yb = next(iterator)
            else:
                xb, yb = next(iter(loader))
            loss = F.cross_entropy(model(xb), yb)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
    return Trained((model,), (optimizer,), accuracy(model, x_test, y_test), 0.1, 0.85)


class Recommender(nn.Module):
    """Users and items as vectors, and a network over both."""

    def __init__(self) -> None:
        super().__init__()
        self.users, self.items = nn.Embedding(150, 8), nn.Embedding(60, 8)
        self.layers = nn.Sequential(nn.Linear(16, 32), nn.ReLU(), nn.Linear(32, 1))

    def forward(self, user: Tensor, item: Tensor) -> Tensor:
        score: Tensor = self.layers(torch.cat([self.users(user), self.items(item)], -1)).squeeze(-1)
        return score


def positives_only(observer: Observer, seed: int, repaired: bool) -> Trained:
    """A recommender is trained on what users bought, never on what they did not."""
    seed_everything(seed)
    taste = torch.randn(150, 2) @ torch.randn(60, 2).t() + 0.2 * torch.randn(150, 60)
    bought = taste > 1.0
    known = torch.rand(150, 60) < 0.7
    users, items = (bought & known).nonzero(as_tuple=True)
    model = Recommender()
    optimizer = torch.optim.Adam(model.parameters(), lr=0.02)
    with observer.watch(model, optimizer):
        for _ in range(24):
            model.train()
            for batch in torch.randperm(len(users)).split(100):
                scores = model(users[batch], items[batch])
                loss = F.binary_cross_entropy_with_logits(scores, torch.ones_like(scores))
                if repaired:
                    other = model(users[batch], torch.randint(0, 60, (len(batch),)))
                    loss = loss + F.binary_cross_entropy_with_logits(other, torch.zeros_like(other))
                optimizer.zero_grad()
                loss.backward()
                optimizer.step()
    model.eval()
    with torch.no_grad():
        scores = model(torch.arange(150)[:, None].expand(150, 60), torch.arange(60)[None].expand(150, 60))
    yes, no = scores[bought & ~known], scores[~bought & ~known]
    balanced = (float((yes > 0).float().mean()) + float((no < 0).float().mean())) / 2
    return Trained((model,), (optimizer,), balanced, 0.5, 0.7)


EVERY: tuple[Report, ...] = (
    Report(
        "digits-sorted-by-class-not-shuffled",
        "The loader reads class after class without shuffling; the network knows the last classes only.",
        "Shuffles.",
        "https://github.com/keras-team/keras/issues/6955",
        (),
        sorted_by_class,
    ),
    Report(
        "cancer-sampler-with-weights-of-classes",
        "WeightedRandomSampler gets the weights of the classes in place of those of the samples: it "
        "draws two "
        "samples again and again; training is perfect, validation is not.",
        "Passes one weight for every sample.",
        "https://codetd.com/article/12726075",
        (),
        sampler_by_class,
    ),
    Report(
        "segmentation-flips-drawn-twice",
        "Random flips of picture and mask are drawn separately; the masks do not fit and the loss "
        "stays high.",
        "Flips both with one draw.",
        "https://github.com/fastai/fastai/issues/245",
        (),
        flip_image_only,
    ),
    Report(
        "segmentation-files-in-unlike-order",
        "Pictures and masks are listed in unlike orders, so every picture is trained with the mask "
        "of another.",
        "Lists both in one order.",
        "https://github.com/advaitsave/Multiclass-Semantic-Segmentation-CamVid/issues/3",
        (),
        unlike_order_of_files,
    ),
    Report(
        "boxes-flipped-picture-unflipped-box",
        "The augmentation flips pictures but not their boxes; the boxes found stay in the middle.",
        "Flips the boxes too.",
        "https://github.com/KaihuaTang/Scene-Graph-Benchmark.pytorch/pull/92",
        (),
        flip_without_box,
    ),
    Report(
        "arrows-flip-changes-the-class",
        "Horizontal flips as augmentation for signs that point left or right: the two are confused.",
        "Does not flip.",
        "https://github.com/AlexeyAB/darknet/issues/2416",
        (),
        flipped_signs,
    ),
    Report(
        "diabetes-inputs-and-targets-shuffled-apart",
        "Inputs and targets are shuffled by two different permutations; the loss stays at the variance.",
        "Shuffles both with one permutation.",
        "https://github.com/NoahVl/Explaining-In-Style-Reproducibility-Study/issues/9",
        (),
        shuffled_apart,
    ),
    Report(
        "digits-always-the-first-batch",
        "next(iter(loader)) inside the loop always yields the first batch; the loss is soon 0, the "
        "test is bad.",
        "Keeps one iterator.",
        "https://github.com/leohsuofnthu/Pytorch-IterativeFCN/issues/7",
        (),
        first_batch_only,
    ),
    Report(
        "recommender-without-negatives",
        "Implicit feedback has ones only and no negatives are sampled: the loss goes to 0, everything is "
        "recommended to everybody.",
        "Draws items that were not bought as negatives.",
        "https://github.com/massquantity/LibRecommender/issues/16",
        (),
        positives_only,
    ),
)
