# mypy: allow-untyped-calls
"""Reports about segmentation, boxes and landmarks: ranges and sizes of masks, formats and flips of boxes."""

from __future__ import annotations

import torch
from benchmarks.faults.program import Observer, Trained
from benchmarks.faults.report import Report
from benchmarks.faults.reports import data_a as data
from torch import Tensor, nn
from torch.nn import functional as F
from torch.utils.data import DataLoader, Dataset, TensorDataset


def segmenter(classes: int = 1) -> nn.Sequential:
    """Three convolutions from an image to a score for every pixel."""
    return nn.Sequential(
        nn.Conv2d(1, 12, 3, padding=1),
        nn.ReLU(),
        nn.Conv2d(12, 12, 3, padding=1),
        nn.ReLU(),
        nn.Conv2d(12, classes, 3, padding=1),
    )


class BoxNet(nn.Module):
    """An image of 16 by 16 to the corners of one box, as parts of the image."""

    def __init__(self) -> None:
        super().__init__()
        self.body = nn.Sequential(
            nn.Conv2d(1, 16, 3, padding=1),
            nn.ReLU(),
            nn.MaxPool2d(2),
            nn.Conv2d(16, 16, 3, padding=1),
            nn.ReLU(),
        )
        self.head = nn.Sequential(nn.Linear(16 * 64, 64), nn.ReLU(), nn.Linear(64, 4))

    def forward(self, x: Tensor) -> Tensor:
        return self.head(self.body(x).flatten(1))  # type: ignore[no-any-return]


def mean_iou(model: nn.Module, image: Tensor, box: Tensor) -> float:
    """The mean overlap of the predicted boxes, scaled to pixels, with the true ones."""
    model.eval()
    with torch.no_grad():
        return float(data.box_iou(model(image) * 16, box).nan_to_num().mean())


def scans_mask_255(observer: Observer, seed: int, repaired: bool) -> Trained:
    """The masks are read from png files: 0 and 255."""
    data.seed_everything(seed)
    image, mask, _ = data.blobs(400, seed)
    image_test, mask_test, _ = data.blobs(150, seed + 50)
    png = (mask * 255).to(torch.uint8)
    if repaired:
        true_masks = png.float() / 255
    else:
        true_masks = png.float()
    net = segmenter()
    optimizer = torch.optim.RMSprop(net.parameters(), lr=1e-3)
    criterion = nn.BCEWithLogitsLoss()
    loader = DataLoader(TensorDataset(image, true_masks), batch_size=20, shuffle=True)
    with observer.watch(net, optimizer):
        for _epoch in range(8):
            net.train()
            for imgs, masks in loader:
                loss = criterion(net(imgs), masks)
                optimizer.zero_grad()
                loss.backward()
                optimizer.step()
            net.eval()
    with torch.no_grad():
        score = data.mask_iou(torch.sigmoid(net(image_test)) > 0.5, mask_test)
    return Trained((net,), (optimizer,), score, float(mask_test.mean()), 0.75)


class Flipping(Dataset[tuple[Tensor, Tensor]]):
    """Images and masks, mirrored at random in both directions."""

    def __init__(self, image: Tensor, mask: Tensor, repaired: bool) -> None:
        self.image, self.mask, self.repaired = image, mask, repaired

    def __len__(self) -> int:
        return len(self.image)

    def __getitem__(self, i: int) -> tuple[Tensor, Tensor]:
        img, mask = self.image[i], self.mask[i]
        for axis in (1, 2):
            if torch.rand(1) < 0.5:
                if self.repaired:
                    img = torch.flip(img, (axis,))
                else:
                    torch.flip(img, (axis,))
                mask = torch.flip(mask, (axis,))
        return img, mask


def blobs_flip_not_assigned(observer: Observer, seed: int, repaired: bool) -> Trained:
    """The mirrored image is thrown away, the mask is mirrored."""
    data.seed_everything(seed)
    image, mask, _ = data.blobs(400, seed)
    image_test, mask_test, _ = data.blobs(150, seed + 50)
    loader = DataLoader(Flipping(image, mask, repaired), batch_size=20, shuffle=True)
    net = segmenter()
    optimizer = torch.optim.Adam(net.parameters(), lr=4e-3)
    with observer.watch(net, optimizer):
        for _epoch in range(10):
            net.train()
            for imgs, masks in loader:
                loss = F.binary_cross_entropy_with_logits(net(imgs), masks)
                optimizer.zero_grad()
                loss.backward()
                optimizer.step()
            net.eval()
    with torch.no_grad():
        score = data.mask_iou(net(image_test) > 0, mask_test)
    return Trained((net,), (optimizer,), score, float(mask_test.mean()), 0.75)


def boxes_flip_corners(observer: Observer, seed: int, repaired: bool) -> Trained:
    """The mirrored left edge stays where the right edge belongs."""
    data.seed_everything(seed)
    image, _, box = data.blobs(1000, seed)
    image_test, _, box_test = data.blobs(200, seed + 50)
    model = BoxNet()
    optimizer = torch.optim.Adam(model.parameters(), lr=2e-3)

    def mirror(images: Tensor, boxes: Tensor) -> tuple[Tensor, Tensor]:
        images, boxes = images.flip(3), boxes.clone()
        if repaired:
            boxes[:, [0, 2]] = 16 - boxes[:, [2, 0]]
        else:
            boxes[:, 0:4:2] = 16 - boxes[:, 0:4:2]
        return images, boxes

    with observer.watch(model, optimizer):
        for _epoch in range(14):
            model.train()
            for idx in torch.randperm(1000).split(50):
                images, boxes = image[idx], box[idx]
                if torch.rand(1) < 0.5:
                    images, boxes = mirror(images, boxes)
                loss = F.smooth_l1_loss(model(images) * 16, boxes)
                optimizer.zero_grad()
                loss.backward()
                optimizer.step()
            mean_iou(model, image_test, box_test)
    return Trained((model,), (optimizer,), mean_iou(model, image_test, box_test), 0.1, 0.6)


def boxes_not_resized(observer: Observer, seed: int, repaired: bool) -> Trained:
    """Images of many sizes are resized, their boxes are not."""
    data.seed_everything(seed)
    images, boxes, sizes = [], [], []
    for k, size in enumerate((16, 24, 32, 48)):
        image, _, box = data.blobs(300, seed + 7 * k, size)
        small = F.interpolate(image, size=(16, 16), mode="bilinear", antialias=True)
        images.append(small)
        boxes.append(box)
        sizes.append(torch.full((300, 1), float(size)))
    order = torch.randperm(1200)
    image, box, side = torch.cat(images)[order], torch.cat(boxes)[order], torch.cat(sizes)[order]
    target = box * 16 / side if repaired else box
    model = BoxNet()
    optimizer = torch.optim.Adam(model.parameters(), lr=2e-3)
    loader = DataLoader(TensorDataset(image[:1000], target[:1000]), batch_size=50, shuffle=True)
    with observer.watch(model, optimizer):
        for _epoch in range(14):
            model.train()
            for x, y in loader:
                loss = F.smooth_l1_loss(model(x) * 16, y)
                optimizer.zero_grad()
                loss.backward()
                optimizer.step()
            model.eval()
    with torch.no_grad():
        score = float(data.box_iou(model(image[1000:]) * side[1000:], box[1000:]).mean())
    return Trained((model,), (optimizer,), score, 0.1, 0.45)


def giou_loss(a: Tensor, b: Tensor) -> Tensor:
    """One minus the generalised overlap of boxes (x1, y1, x2, y2)."""
    wh = (torch.minimum(a[:, 2:], b[:, 2:]) - torch.maximum(a[:, :2], b[:, :2])).clamp(min=0)
    inter = wh.prod(1)
    union = (a[:, 2:] - a[:, :2]).clamp(min=0).prod(1) + (b[:, 2:] - b[:, :2]).prod(1) - inter
    hull = (torch.maximum(a[:, 2:], b[:, 2:]) - torch.minimum(a[:, :2], b[:, :2])).prod(1)
    return (1 - inter / union + (hull - union) / hull).mean()


def boxes_xywh_for_xyxy(observer: Observer, seed: int, repaired: bool) -> Trained:
    """The annotations give width and height, the loss expects the second corner."""
    data.seed_everything(seed)
    image, _, corners = data.blobs(1000, seed)
    image_test, _, box_test = data.blobs(200, seed + 50)
    annotation = torch.cat([corners[:, :2], corners[:, 2:] - corners[:, :2]], 1)
    if repaired:
        boxes = torch.cat([annotation[:, :2], annotation[:, :2] + annotation[:, 2:]], 1)
    else:
        boxes = annotation
    model = BoxNet()
    optimizer = torch.optim.Adam(model.parameters(), lr=2e-3)
    loader = DataLoader(TensorDataset(image, boxes), batch_size=50, shuffle=True)
    with observer.watch(model, optimizer):
        for _epoch in range(14):
            model.train()
            for x, y in loader:
                predicted = model(x) * 16
                loss = F.l1_loss(predicted, y) + giou_loss(predicted, y)
                optimizer.zero_grad()
                loss.backward()
                optimizer.step()
            mean_iou(model, image_test, box_test)
    return Trained((model,), (optimizer,), mean_iou(model, image_test, box_test), 0.1, 0.6)


def lanes(n: int, seed: int) -> tuple[Tensor, Tensor]:
    """Eight strips of an image with, in some of them, a bright line; and whether it is there."""
    g = torch.Generator().manual_seed(seed + 1300)
    there = torch.rand(n, 8, generator=g) < 0.3
    image = 0.3 * torch.randn(n, 8, 24, generator=g)
    return image + there[:, :, None] * torch.linspace(0.2, 0.7, 24), there


def lanes_background_is_lane(observer: Observer, seed: int, repaired: bool) -> Trained:
    """The index of no object is that of the only class."""
    data.seed_everything(seed)
    image, there = lanes(600, seed)
    image_test, there_test = lanes(200, seed + 50)
    num_classes, category = 1, 1
    background = 0 if repaired else num_classes
    model = nn.Sequential(nn.Linear(24, 32), nn.ReLU(), nn.Linear(32, num_classes + 1))
    optimizer = torch.optim.AdamW(model.parameters(), lr=3e-3)

    def f1() -> float:
        with torch.no_grad():
            found = model(image_test).argmax(2) == category
        return float(2 * (found & there_test).sum() / (found.sum() + there_test.sum()))

    before = f1()
    with observer.watch(model, optimizer):
        for _epoch in range(8):
            for idx in torch.randperm(600).split(30):
                src_logits = model(image[idx])
                target_classes = torch.full(src_logits.shape[:2], background, dtype=torch.int64)
                target_classes[there[idx]] = category
                loss_ce = F.cross_entropy(src_logits.transpose(1, 2), target_classes)
                optimizer.zero_grad()
                loss_ce.backward()
                optimizer.step()
            f1()
    return Trained((model,), (optimizer,), f1(), max(before, 0.47), 0.85)


def roads(n: int, seed: int) -> tuple[Tensor, Tensor]:
    """Images of 32 by 32 with thin bright roads (class 3), dark rivers (1) and grey fields (2)."""
    g = torch.Generator().manual_seed(seed + 1400)
    label = torch.zeros(n, 32, 32, dtype=torch.int64)
    for i in range(n):
        a, b, c = torch.randint(0, 30, (3,), generator=g).tolist()
        label[i, a % 16 : a % 16 + 12, b % 16 : b % 16 + 12] = 2
        label[i, :, b : b + 2] = 3
        label[i, c : c + 2, :] = 1
    shade = torch.tensor([0.4, 0.0, 0.6, 1.0])[label]
    return (shade + 0.05 * torch.randn(n, 32, 32, generator=g)).unsqueeze(1), label


def roads_mask_bilinear(observer: Observer, seed: int, repaired: bool) -> Trained:
    """The class numbers of the masks are averaged when they are made smaller."""
    data.seed_everything(seed)
    image, label = roads(500, seed)

    def smaller(masks: Tensor) -> Tensor:
        wide = masks.unsqueeze(1).float()
        if repaired:
            return F.interpolate(wide, size=(15, 15), mode="nearest").squeeze(1).long()
        return F.interpolate(wide, size=(15, 15), mode="bilinear").squeeze(1).long()

    pictures = F.interpolate(image, size=(15, 15), mode="nearest")
    net = segmenter(4)
    optimizer = torch.optim.Adam(net.parameters(), lr=5e-3)
    loader = DataLoader(TensorDataset(pictures[:400], smaller(label[:400])), batch_size=20, shuffle=True)
    with observer.watch(net, optimizer):
        for _epoch in range(12):
            net.train()
            for x, y in loader:
                loss = F.cross_entropy(net(x), y)
                optimizer.zero_grad()
                loss.backward()
                optimizer.step()
            net.eval()
    truth = F.interpolate(label[400:, None].float(), size=(15, 15), mode="nearest").squeeze(1).long()
    with torch.no_grad():
        guess = net(pictures[400:]).argmax(1)
    score = sum(data.mask_iou(guess == c, truth == c) for c in range(4)) / 4
    return Trained((net,), (optimizer,), score, 0.2, 0.85)


EVERY: tuple[Report, ...] = (
    Report(
        "scans-masks-of-0-and-255",
        "BCE with masks of 0 and 255: the loss is negative and falls for ever, masks are far too large.",
        "Divide by 255.",
        "https://github.com/milesial/Pytorch-UNet/issues/78",
        (),
        scans_mask_255,
    ),
    Report(
        "blobs-flipped-image-not-assigned",
        "flip(img) without assignment: most of the masks are mirrored against their images.",
        "img = flip(img).",
        "https://github.com/Eaphan/NCLR/issues/10",
        (),
        blobs_flip_not_assigned,
    ),
    Report(
        "boxes-flip-without-swapping-corners",
        "bbox[..., 0:4:2] = w - bbox[..., 0:4:2] leaves x1 > x2 in mirrored images: boxes get thin.",
        "Swap the corners.",
        "https://github.com/Nota-NetsPresso/netspresso-trainer/issues/196",
        (),
        boxes_flip_corners,
    ),
    Report(
        "boxes-not-scaled-with-the-image",
        "The images are resized to 16 by 16, the boxes stay in pixels of the original.",
        "Scale the boxes too.",
        "https://github.com/amdegroot/ssd.pytorch/issues/61",
        (),
        boxes_not_resized,
    ),
    Report(
        "boxes-width-height-for-second-corner",
        "Boxes (x, y, w, h) where (x1, y1, x2, y2) is expected: strange losses of boxes, poor overlap.",
        "Convert them.",
        "https://github.com/open-mmlab/mmdetection/issues/3901",
        (),
        boxes_xywh_for_xyxy,
    ),
    Report(
        "lanes-background-index-is-the-class",
        "torch.full(num_classes) for no object with num_classes 1 and lanes labelled 1: the loss is zero.",
        "The index 0 for no object.",
        "https://github.com/liuruijin17/LSTR/issues/50",
        (),
        lanes_background_is_lane,
    ),
    Report(
        "roads-masks-resized-bilinear",
        "Masks with numbers of classes are resized by bilinear interpolation: classes that are not there.",
        "Nearest neighbour.",
        "https://github.com/tensorflow/docs/pull/2159",
        (),
        roads_mask_bilinear,
    ),
)
