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

ALL: tuple[Program, ...] = (
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

PENDING = frozenset(
    {
        "peft_ia3_loop",
        "peft_lora_trainer",
        "peft_prompt_tuning",
        "transformers_bert_masked",
        "transformers_embedding_negatives",
        "transformers_gpt2_trainer",
        "transformers_llama_loop",
        "transformers_mamba_loop",
        "transformers_masked_images",
        "transformers_neox_reentrant",
        "transformers_opt_long_schedule",
        "transformers_patch_forecast",
        "transformers_segformer_scenes",
        "transformers_spectrogram",
        "transformers_vit_smoothed",
        "transformers_wav2vec_ctc",
    }
)
"""Names of programs that have not yet passed for the seeds 0, 1 and 2 in their present form: they stay out."""

PROGRAMS: tuple[Program, ...] = tuple(program for program in ALL if program.name not in PENDING)
