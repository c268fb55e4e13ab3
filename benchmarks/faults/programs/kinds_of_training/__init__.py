"""Healthy programs of many kinds of training."""

from benchmarks.faults.program import Program

from . import (
    autoencoders,
    contrastive,
    dense,
    diffusion,
    flows,
    games,
    gans,
    grown,
    items,
    learning_to_learn,
    masked,
    orders,
    ppo,
    reinforcement,
    science,
    score_matching,
    sequences,
    tables,
    targets,
    without_negatives,
)

MODULES = (
    autoencoders,
    contrastive,
    dense,
    diffusion,
    flows,
    games,
    gans,
    grown,
    items,
    learning_to_learn,
    masked,
    orders,
    ppo,
    reinforcement,
    science,
    score_matching,
    sequences,
    tables,
    targets,
    without_negatives,
)

EVERY: tuple[Program, ...] = tuple(program for module in MODULES for program in module.PROGRAMS)
