"""Healthy programs in the idioms of today's PyTorch, of Lightning and of PyTorch Geometric."""

from __future__ import annotations

from benchmarks.faults.program import Program
from benchmarks.faults.programs.torch_idioms import (
    attention,
    averaged_weights,
    compiled,
    distributed,
    embeddings,
    functional,
    graph_nodes,
    graph_structures,
    image_networks,
    kept_states,
    lightning_automatic,
    lightning_callbacks,
    lightning_manual,
    optimisers,
    parametrised,
    patch_networks,
    precision,
    recomputed,
    recurrent,
    transfer,
)

EVERY: tuple[Program, ...] = (
    *attention.PROGRAMS,
    *averaged_weights.PROGRAMS,
    *compiled.PROGRAMS,
    *distributed.PROGRAMS,
    *embeddings.PROGRAMS,
    *functional.PROGRAMS,
    *graph_nodes.PROGRAMS,
    *graph_structures.PROGRAMS,
    *image_networks.PROGRAMS,
    *kept_states.PROGRAMS,
    *lightning_automatic.PROGRAMS,
    *lightning_callbacks.PROGRAMS,
    *lightning_manual.PROGRAMS,
    *optimisers.PROGRAMS,
    *parametrised.PROGRAMS,
    *patch_networks.PROGRAMS,
    *precision.PROGRAMS,
    *recomputed.PROGRAMS,
    *recurrent.PROGRAMS,
    *transfer.PROGRAMS,
)
