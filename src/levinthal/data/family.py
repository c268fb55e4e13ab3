"""From the four IDX files of a data set of the MNIST family to checked arrays."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from pathlib import Path

import numpy as np
from jaxtyping import Float32, Int64, UInt8

from levinthal.data.idx import parse_idx, read_content
from levinthal.data.sources import SOURCES, SPLITS, Source, SourceFile
from levinthal.errors import DataError
from levinthal.vocabulary import Dataset


def load_family(source: Source, paths: Mapping[SourceFile, Path]) -> Dataset:
    """Read, check and scale the four files of `source`.

    Inputs are (n, rows * columns) in [0, 1] (pixel / 255), labels (n,). The checksum is the SHA-256 of
    the four uncompressed files: train images, train labels, test images, test labels.

    Raises:
        DataError: an error that `parse_idx` finds, images and labels that differ in number, an empty split,
            labels out of range, splits whose images differ in size, or a file of the published size without
            the published content.
    """
    digest = hashlib.sha256()
    arrays = {}
    for split in SPLITS:
        files = source.splits[split]
        image_content, images = _read(source, files.images, paths[files.images], 3)
        label_content, labels = _read(source, files.labels, paths[files.labels], 1)
        digest.update(image_content)
        digest.update(label_content)
        _check_split(f"{source.name}'s {split} split", images, labels, source.classes)
        arrays[split] = (images, labels)
    _check_sizes(source.name, arrays["train"][0], arrays["test"][0])
    return Dataset(
        name=source.name,
        train_inputs=_scaled(arrays["train"][0]),
        train_labels=_as_int64(arrays["train"][1]),
        test_inputs=_scaled(arrays["test"][0]),
        test_labels=_as_int64(arrays["test"][1]),
        classes=source.classes,
        checksum=digest.hexdigest(),
    )


def _read(source: Source, file: SourceFile, path: Path, axes: int) -> tuple[bytes, UInt8[np.ndarray, "..."]]:
    content = read_content(path, axes=axes)
    array = parse_idx(content, axes=axes, where=str(path))
    check_content(source, file, path, content)
    return content, array


def check_content(source: Source, file: SourceFile, path: Path, content: bytes) -> None:
    """Raise a DataError if content of the published size is corrupted, or is a file of another data set.

    Content of another size is a subset or the user's own set. Its checksum identifies it.
    """
    published = file.checksum
    if len(content) != file.size or (published.of == "content" and published.matches(content)):
        return
    owner = next((other.name for other in SOURCES.values() if other.publishes(content)), None)
    way_out = f"move it away, then `levinthal data get {source.name}`"
    if owner is not None:
        raise DataError(f"{path} is a file of {owner}, not of {source.name}: {way_out}")
    if published.of == "content":
        raise DataError(f"{path} is corrupted: {published.disagreement(content)}: {way_out}")


def _check_split(
    what: str, images: UInt8[np.ndarray, "n rows columns"], labels: UInt8[np.ndarray, " m"], classes: int
) -> None:
    if len(images) != len(labels):
        raise DataError(
            f"{what} has {len(images):,} images and {len(labels):,} labels: they are not from one set"
        )
    if images.size == 0:
        raise DataError(f"{what} is empty: {' x '.join(map(str, images.shape))} pixels, {len(labels)} labels")
    if labels.max() >= classes:
        row = int(labels.argmax())
        raise DataError(f"{what} has label {labels[row]} at row {row:,}; labels go from 0 to {classes - 1}")


def _check_sizes(name: str, train: UInt8[np.ndarray, "n r c"], test: UInt8[np.ndarray, "m h w"]) -> None:
    if train.shape[1:] != test.shape[1:]:
        ours, theirs = (" x ".join(map(str, images.shape[1:])) for images in (train, test))
        raise DataError(
            f"{name}'s train images are {ours}, its test images {theirs}: they are not from one set"
        )


def _scaled(images: UInt8[np.ndarray, "n rows columns"]) -> Float32[np.ndarray, "n d"]:
    # One pass, no array in between; division, unlike a product with 1/255, is rounded only once.
    scaled: np.ndarray = np.divide(images.reshape(len(images), -1), np.float32(255), dtype=np.float32)
    return scaled


def _as_int64(labels: UInt8[np.ndarray, " n"]) -> Int64[np.ndarray, " n"]:
    return labels.astype(np.int64)
