"""The codes that are right for each mistake, written before the clinic was run on it; empty where it has none.

A code is right if its meaning is the mistake, or the direct effect by which a user would find it. A code of a
general symptom (`UNDERFIT`, a gradient that vanishes behind another fault) is not.
"""

from __future__ import annotations

from collections.abc import Mapping

_BY_CODES = {
    "FUTURE_SEEN": """
        characters-gpt-without-causal-mask characters-gpt-targets-not-shifted
        series-attention-mask-value-too-small characters-bidirectional-language-model
        reversing-decoder-input-not-shifted additions-decoder-without-causal-mask
        spelling-labels-not-shifted""",
    "ROWS_MIXED": """
        sentences-attention-softmax-over-batch wells-mixture-weights-over-batch
        series-lstm-batch-first-forgotten text-hidden-state-viewed-not-transposed
        ranking-transformer-batch-first-forgotten opinions-mean-over-padding digits-lstm-without-batch-first
        reviews-transformer-without-batch-first sentences-hidden-state-view
        series-attention-softmax-over-batch""",
    "INPUT_IGNORED": "sentences-key-padding-mask-inverted topics-attention-mask-inverted",
    "INPUT_IGNORED RANK_COLLAPSE": """
        digits-vae-divergence-summed-error-averaged digits-vae-kl-sum-against-mean""",
    "RANDOM_EVALUATION": """
        regression-functional-dropout-always-on autoencoder-dropout-made-in-forward""",
    "UNREGISTERED_PARAMETERS": "spirals-hidden-layers-in-a-python-list ratings-factors-in-a-python-dict",
    "UNREGISTERED_PARAMETERS RANDOM_EVALUATION": "nodes-linear-made-in-forward",
    "TARGET_OUT_OF_RANGE": """
        scans-masks-of-0-and-255 answers-cosine-loss-with-labels-0-and-1 cancer-labels-coded-two-and-four
        digits-autoencoder-sigmoid-for-standardised""",
    "TARGET_OUT_OF_RANGE DEAD_RELU": "mixtures-relu-after-the-regression-layer",
    "TARGET_SCALE": "boxes-not-scaled-with-the-image",
    "TARGET_SCALE INPUT_SCALE": "cubes-targets-not-scaled prices-lstm-on-raw-values",
    "LOSS_MAXIMISED": """
        wine-vae-divergence-with-the-sign-of-the-bound treatments-policy-gradient-without-the-minus
        blobs-dice-coefficient-as-loss""",
    "LOSS_INPUT_MISMATCH": "clouds-nll-loss-on-scores lists-kl-divergence-of-probabilities",
    "SOFTMAX_OVER_ONE": "cancer-cross-entropy-with-one-output rings-softmax-on-one-output",
    "SEVERAL_LABELS LOSS_INPUT_MISMATCH": "moods-softmax-for-several-tags",
    "DATA_DRIFT": "digits-augmented-in-place",
    "DOUBLE_SOFTMAX": "words-softmax-before-cross-entropy blobs-sigmoid-before-bce-with-logits",
    "RELU_ON_LOGITS": "digits-relu-on-scores",
    "LOSS_BROADCAST": "houses-mse-column-against-row corridor-q-values-column-against-row",
    "LABELS_UNRELATED": """
        blobs-flipped-image-not-assigned segmentation-flips-drawn-twice segmentation-files-in-unlike-order
        boxes-flipped-picture-unflipped-box arrows-flip-changes-the-class
        diabetes-inputs-and-targets-shuffled-apart tagging-outputs-and-tags-flattened-in-unlike-orders
        reviews-sorted-for-packing-labels-not""",
    "UNSHUFFLED": "digits-sorted-by-class-not-shuffled cancer-batchnorm-with-one-class-per-batch",
    "STUCK_BATCH": "cancer-sampler-with-weights-of-classes digits-always-the-first-batch",
    "CLASS_IMBALANCE": """
        lanes-background-index-is-the-class recommender-without-negatives findings-weight-for-pos-weight
        essays-scores-cast-to-long""",
    "PADDING_IN_LOSS CLASS_IMBALANCE": """
        reversing-padding-counts-in-the-loss tags-padding-counted-in-the-loss""",
    "GRAPH_BROKEN": """
        digits-distillation-of-the-teacher-itself points-gan-judgement-detached-for-the-generator
        walk-critic-loss-made-of-numbers recall-hidden-state-detached-each-step wine-argmax-in-the-loss
        patterns-triplet-infinite-negative""",
    "GRAPH_BROKEN VANISHING_GRADIENT": "digits-codes-by-sign-without-a-gradient",
    "BN_EVAL_IN_TRAIN": "cancer-evaluated-first-never-back-to-train",
    "TRAIN_MODE_IN_EVAL": "digits-batchnorm-without-eval",
    "EXCESS_DROPOUT": "digits-dropout-rate-is-keep-probability",
    "OPTIMIZER_DETACHED": "names-network-built-again-after-the-optimiser digits-head-replaced-after-optimizer",
    "FROZEN_PARAMS": "digits-pretrained-weights-not-loaded",
    "NON_FINITE_LOSS": """
        sentences-empty-sentence-masked-to-nan digit-pairs-root-of-a-zero-distance
        tumours-log-of-a-softmax sets-where-after-a-division-by-zero""",
    "NON_FINITE_LOSS NON_FINITE_INPUT": "three-targets-missing-ones-masked-after-the-loss",
    "NON_FINITE_LOSS UPDATE_LOST_TO_ROUNDING": "digits-half-precision-with-the-default-eps-of-adam",
    "UPDATE_LOST_TO_ROUNDING": "sensors-bfloat16-weights-lose-every-update",
    "EXPLODING_GRADIENT NON_FINITE_LOSS LR_TOO_HIGH": """
        sums-gradients-clipped-after-the-step letters-clipping-an-exhausted-generator
        sums-gradient-clipped-before-backward""",
    "SYMMETRIC_INIT": "spirals-all-weights-start-at-one-number",
    "VANISHING_GRADIENT": "waves-many-layers-with-tiny-weights",
    "GRADIENT_CLEARED": """
        digits-zero-grad-between-backward-and-step masked-waves-zero-grad-in-every-micro-batch""",
    "MISSING_ZERO_GRAD": "waves-without-zero-grad clusters-gan-critic-without-zero-grad",
    "LR_TOO_HIGH": """
        digits-freeze-by-a-misspelt-attribute sentences-bert-rate-too-high
        wine-accumulated-loss-not-divided""",
    "LR_TOO_HIGH RANK_COLLAPSE": "digits-hardest-triplets-collapse",
    "LR_DECAYED": """
        small-images-scheduler-stepped-at-every-batch names-plateau-scheduler-waits-for-accuracy-to-fall
        digits-lightning-schedule-stepped-per-batch""",
    "LR_TOO_LOW": """
        tumours-lambda-returns-the-rate-itself letters-warm-up-longer-than-the-training
        waves-lightning-steps-the-warm-up-per-epoch sentences-bert-warmup-longer-than-training""",
    "OVER_CLIPPING": "digits-scaled-gradients-clipped-before-unscaling",
    "EXCESS_WEIGHT_DECAY": "waves-decay-of-adamw-given-to-adam",
    "TRAIN_VAL_SHIFT": """
        wine-scaler-fitted-again-to-new-data fruits-channels-swapped-in-use digits-validation-not-normalised
        texts-vocabulary-built-anew-for-the-test sales-encoder-fitted-again""",
    "LABEL_LEAK_FEATURE": "trips-target-among-the-inputs series-window-holds-its-target",
    "LABEL_LEAK_FEATURE DATA_LEAKAGE": "sensors-centred-average-reads-the-future",
    "": """
        order-transformer-without-positions characters-masked-model-loss-on-all-tokens
        boxes-flip-without-swapping-corners boxes-width-height-for-second-corner roads-masks-resized-bilinear
        ring-wasserstein-gan-without-clipping hall-q-learning-ignores-done
        box-equation-with-the-trivial-solution corridor-seeded-at-every-reset
        digits-contrastive-label-inverted melodies-gpt2-labels-shifted-twice landmarks-heat-map-all-zero
        tones-view-after-convolution wine-average-model-without-batchnorm-buffers
        digits-best-weights-kept-by-reference digits-overfitted-weights-kept-by-reference
        digits-second-head-shifts-the-frozen-batch-norms digits-denoiser-seeded-at-every-epoch
        friedman-backward-by-hand-without-grad-output digits-new-optimiser-in-every-epoch
        load-forecast-sigma-as-variance numbers-gan-fake-labelled-real folders-sorted-as-text
        points-gan-average-generator-without-buffers digits-averaged-weights-without-batch-norm-statistics
        reviews-lstm-output-after-padding graphs-batched-without-node-offset questions-last-output-is-padding
        strokes-ctc-labels-from-zero walk-q-targets-without-done counting-gpt2-labels-shifted-twice
        countdown-gpt2-end-token-is-padding digits-lightning-manual-optimization-never-steps""",
}
_MADE_LATER = {
    "NEVER_STEPPED": "digits-lightning-manual-optimization-never-steps",
    "LABELS_SHIFTED_TWICE": "melodies-gpt2-labels-shifted-twice counting-gpt2-labels-shifted-twice",
    "VISIBLE_TOKENS_IN_LOSS": "characters-masked-model-loss-on-all-tokens",
    "ORDER_IGNORED": "order-transformer-without-positions",
    "PADDING_READ": "reviews-lstm-output-after-padding questions-last-output-is-padding",
    "TARGET_OUT_OF_RANGE": "strokes-ctc-labels-from-zero",
    "OPTIMIZER_REMADE": "digits-new-optimiser-in-every-epoch",
    "FROZEN_NORM_MOVES": "digits-second-head-shifts-the-frozen-batch-norms",
    "CLASS_IMBALANCE CONSTANT_TARGETS": "essays-scores-cast-to-long",
    "LR_TOO_HIGH ACCUMULATION_UNDIVIDED": "wine-accumulated-loss-not-divided",
}
"""Codes -> mistakes for which one of them did not exist, or did not have this meaning, at the first run. The codes
were made from the programs of the development split and from the names of the mistakes.
"""


def _named(by_codes: Mapping[str, str]) -> dict[str, tuple[str, ...]]:
    return {name: tuple(codes.split()) for codes, names in by_codes.items() for name in names.split()}


CAUSES = _named(_BY_CODES) | _named(_MADE_LATER)
"""Name of a mistake -> its right codes."""
