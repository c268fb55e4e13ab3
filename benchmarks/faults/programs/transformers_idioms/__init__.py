"""Programs in the idiom of Transformers, PEFT and Accelerate: models from configuration, data made by code."""

from __future__ import annotations

from benchmarks.faults.program import Program
from benchmarks.faults.programs.transformers_idioms import (
    adapters,
    alignment,
    audio,
    captioning,
    causal_lm,
    contrastive,
    custom_loss,
    decoders,
    dense_vision,
    encoders,
    forecasting,
    image_classes,
    seq2seq,
    spans,
)

EVERY: tuple[Program, ...] = (
    *adapters.PROGRAMS,
    *alignment.PROGRAMS,
    *audio.PROGRAMS,
    *captioning.PROGRAMS,
    *causal_lm.PROGRAMS,
    *contrastive.PROGRAMS,
    *custom_loss.PROGRAMS,
    *decoders.PROGRAMS,
    *dense_vision.PROGRAMS,
    *encoders.PROGRAMS,
    *forecasting.PROGRAMS,
    *image_classes.PROGRAMS,
    *seq2seq.PROGRAMS,
    *spans.PROGRAMS,
)
