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

PROGRAMS: tuple[Program, ...] = (
    *autoencoders.PROGRAMS,
    *contrastive.PROGRAMS,
    *dense.PROGRAMS,
    *diffusion.PROGRAMS,
    *flows.PROGRAMS,
    *games.PROGRAMS,
    *gans.PROGRAMS,
    *grown.PROGRAMS,
    *items.PROGRAMS,
    *learning_to_learn.PROGRAMS,
    *masked.PROGRAMS,
    *orders.PROGRAMS,
    *ppo.PROGRAMS,
    *reinforcement.PROGRAMS,
    *science.PROGRAMS,
    *score_matching.PROGRAMS,
    *sequences.PROGRAMS,
    *tables.PROGRAMS,
    *targets.PROGRAMS,
    *without_negatives.PROGRAMS,
)
