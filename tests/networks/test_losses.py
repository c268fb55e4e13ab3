from __future__ import annotations

import numpy as np
import pytest
import torch
from tests import oracles_training as oracle
from torch.nn import functional

from levinthal.errors import InputError
from levinthal.networks.losses import cross_entropy, named_loss, squared_error

OUT = torch.randn(3, 7, 5, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
LABELS = torch.arange(21).reshape(3, 7) % 5


def test_cross_entropy_is_the_slow_twin_and_torch_s():
    losses = cross_entropy(OUT, LABELS)
    for row, out, labels in zip(losses, OUT, LABELS, strict=True):
        assert np.isclose(float(row), oracle.cross_entropy(out.numpy(), labels.numpy()))
        assert torch.isclose(row, functional.cross_entropy(out, labels))


def test_shared_labels_serve_every_network():
    assert torch.equal(cross_entropy(OUT, LABELS[0]), cross_entropy(OUT, LABELS[:1].expand(3, 7)))
    assert torch.equal(squared_error(OUT, LABELS[0]), squared_error(OUT, LABELS[:1].expand(3, 7)))


def test_squared_error_takes_classes_or_targets():
    onehot = functional.one_hot(LABELS, 5).double()
    wanted = torch.stack([functional.mse_loss(out, target) for out, target in zip(OUT, onehot, strict=True)])
    assert torch.allclose(squared_error(OUT, LABELS), wanted)
    assert torch.allclose(squared_error(OUT, onehot), wanted)


def test_names_and_callables():
    assert named_loss("squared_error") is squared_error
    assert named_loss(cross_entropy) is cross_entropy
    with pytest.raises(InputError, match="did you mean 'cross_entropy'"):
        named_loss("crossentropy")
