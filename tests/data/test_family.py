from __future__ import annotations

import hashlib
from dataclasses import replace

import numpy as np
import pytest

from levinthal.data.family import load_family
from levinthal.data.places import locate, present
from levinthal.data.sources import FASHION_MNIST, KMNIST, MNIST, SOURCES
from levinthal.errors import DataError


def load(small, folder):
    return load_family(small.source, present(small.source, folder))


@pytest.mark.parametrize("gzipped", [True, False])
def test_arrays_are_the_files_scaled(small, tmp_path, gzipped) -> None:
    data = load(small, small.write(tmp_path, gzipped=gzipped))
    for split, inputs, labels in (
        ("train", data.train_inputs, data.train_labels),
        ("test", data.test_inputs, data.test_labels),
    ):
        pixels = small.arrays[f"{split}_images"].reshape(-1, 784)
        assert inputs.dtype == np.float32
        assert labels.dtype == np.int64
        assert np.array_equal(inputs, (pixels / 255.0).astype(np.float32))
        assert np.array_equal(labels, small.arrays[f"{split}_labels"])
    assert data.checksum == hashlib.sha256(b"".join(small.contents.values())).hexdigest()


def test_a_subset_is_taken_and_has_its_own_checksum(small, tmp_path, write_idx) -> None:
    whole = load(small, small.write(tmp_path / "whole"))
    fewer = {f"test_{kind}": write_idx(small.arrays[f"test_{kind}"][:7]) for kind in ("images", "labels")}
    part = load(small, small.write(tmp_path / "part", **fewer))
    assert len(part.test_labels) == 7
    assert part.checksum != whole.checksum


@pytest.mark.parametrize(
    ("images", "labels", "message"),
    [
        ((5, 28, 28), (4,), "mnist's test split has 5 images and 4 labels: they are not from one set"),
        ((0, 28, 28), (0,), "mnist's test split is empty: 0 x 28 x 28 pixels, 0 labels"),
        ((3, 28, 0), (3,), "mnist's test split is empty: 3 x 28 x 0 pixels, 3 labels"),
        ((3, 20, 30), (3,), "mnist's train images are 28 x 28, its test images 20 x 30"),
    ],
)
def test_parts_that_do_not_fit_name_both_numbers(small, tmp_path, write_idx, images, labels, message) -> None:
    made = {"test_images": np.zeros(images, np.uint8), "test_labels": np.zeros(labels, np.uint8)}
    folder = small.write(tmp_path, **{name: write_idx(array) for name, array in made.items()})
    with pytest.raises(DataError, match=message):
        load(small, folder)


def test_labels_out_of_range_are_named_with_their_row(small, tmp_path, write_idx) -> None:
    labels = small.arrays["test_labels"][:99].copy()
    labels[42] = 10
    images = small.arrays["test_images"][:99]
    folder = small.write(tmp_path, test_images=write_idx(images), test_labels=write_idx(labels))
    with pytest.raises(DataError, match="mnist's test split has label 10 at row 42; labels go from 0 to 9"):
        load(small, folder)


def test_swapped_files_are_refused(small, tmp_path) -> None:
    folder = small.write(tmp_path, test_images=small.contents["test_labels"])
    with pytest.raises(DataError, match="begins with 0x00000801, not with 0x00000803"):
        load(small, folder)


def test_a_flipped_bit_in_a_plain_file_is_seen(small, tmp_path) -> None:
    content = bytearray(small.contents["train_images"])
    content[5000] ^= 1
    folder = small.write(tmp_path, gzipped=False, train_images=bytes(content))
    with pytest.raises(DataError, match=r"idx3-ubyte is corrupted: its md5 is \w{32}, published is"):
        load(small, folder)


def test_without_a_checksum_of_the_content_any_content_is_taken(small_kmnist, tmp_path) -> None:
    changed = bytearray(small_kmnist.contents["train_images"])
    changed[5000] ^= 1
    whole = load(small_kmnist, small_kmnist.write(tmp_path / "whole"))
    other = load(small_kmnist, small_kmnist.write(tmp_path / "other", train_images=bytes(changed)))
    assert whole.name == other.name == "kmnist"
    assert whole.checksum != other.checksum


def test_files_of_another_set_are_named(small, small_kmnist, tmp_path) -> None:
    paths = present(small.source, small.write(tmp_path)).values()
    for asked in (small_kmnist.source, FASHION_MNIST):
        sized = replace(asked, splits=resized(asked.splits, small.source.splits))
        with pytest.raises(DataError, match=f"is a file of mnist, not of {asked.name}"):
            load_family(sized, dict(zip(sized.files(), paths, strict=True)))


def resized(splits, like):
    """`splits` with the sizes of `like`, so that only the checksums tell them apart."""
    return {
        name: replace(
            files,
            images=replace(files.images, size=like[name].images.size),
            labels=replace(files.labels, size=like[name].labels.size),
        )
        for name, files in splits.items()
    }


def test_the_real_mnist(real_data) -> None:
    data = load_family(MNIST, locate(MNIST, real_data).paths)
    assert data.train_inputs.shape == (60_000, 784)
    assert data.test_inputs.shape == (10_000, 784)
    assert data.train_inputs.max() == 1
    # the mean and deviation of the training pixels that everyone normalises MNIST with
    assert data.train_inputs.mean(dtype=np.float64) == pytest.approx(0.1307, abs=5e-5)
    assert data.train_inputs.std(dtype=np.float64) == pytest.approx(0.3081, abs=5e-5)
    assert np.bincount(data.train_labels).tolist() == [
        5923,
        6742,
        5958,
        6131,
        5842,
        5421,
        5918,
        6265,
        5851,
        5949,
    ]
    assert data.checksum == "b2d8f5bf39174ee5ffeefa97e42d673c35432b411bb5d1f74fbbeddae7f1690a"


def test_the_real_mnist_is_not_taken_for_another_of_the_family(real_data) -> None:
    paths = present(MNIST, real_data / "mnist")
    for source in (SOURCES["fashion-mnist"], KMNIST):
        with pytest.raises(DataError, match=f"is a file of mnist, not of {source.name}"):
            load_family(source, dict(zip(source.files(), paths.values(), strict=True)))
