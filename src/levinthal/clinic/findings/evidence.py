"""What each finding rests on: the evidence, its threshold, and where the measure is from."""

from __future__ import annotations

from dataclasses import dataclass

AUTOTRAINER = "Zhang et al., AutoTrainer (ICSE 2021), for the kind of threshold"
HUMBATOVA = "Humbatova et al., Taxonomy of real faults in deep learning systems (ICSE 2020)"
GLOROT = "Glorot & Bengio (AISTATS 2010)"
EXACT = "exact: read off"


@dataclass(frozen=True, slots=True)
class Basis:
    """Evidence with its threshold, and the source of the measure."""

    evidence: str
    source: str


BASES: dict[str, Basis] = {
    "NON_FINITE_INPUT": Basis("a batch whose sum is no number", EXACT),
    "OPTIMIZER_DETACHED": Basis("a parameter that requires a gradient is in no parameter group", EXACT),
    "FROZEN_PARAMS": Basis("`requires_grad` is off, or the rate is 0 at every sample", EXACT),
    "MISSING_ZERO_GRAD": Basis(
        "gradients lie there as backward begins, and it adds to them, in half of the samples", EXACT
    ),
    "SYMMETRIC_INIT": Basis(
        "rows of a matrix (of each gate's) equal to 1e-5 of its norm at the start, and to 20 % at the second "
        "sample",
        EXACT,
    ),
    "GRAPH_BROKEN": Basis(
        "no gradient at any sample, two or more of them; or one of exactly 0 at every sample, three or more, "
        "with no layer dead or flat at first",
        EXACT,
    ),
    "DOUBLE_SOFTMAX": Basis(
        "rows into the cross-entropy (or a log-softmax outside the model) are not negative and sum to 1 "
        "within 1e-3, in 80 % of the samples",
        EXACT,
    ),
    "RELU_ON_LOGITS": Basis(
        "no logit below 0 in 80 % of the samples; of two classes or one, more than 5 % of them exactly 0",
        EXACT,
    ),
    "LOSS_BROADCAST": Basis(
        "output and target of a regression loss, or of a difference or product by hand, are (n, 1) and (n,)",
        EXACT,
    ),
    "LOSS_REDUCTION_SUM": Basis(
        '`reduction="sum"` over more than one row; or, with harm, a loss that ends in a sum over rows',
        EXACT,
    ),
    "BN_EVAL_IN_TRAIN": Basis(
        "a batch norm in evaluation mode while its network trains, in the first two samples or most of the "
        "later half",
        EXACT,
    ),
    "TRAIN_MODE_IN_EVAL": Basis(
        "a forward pass without gradients in training mode, of a network with dropout or batch norm", EXACT
    ),
    "MISSING_NONLINEARITY": Basis(
        "a weighted layer reads the very output of the last one, or a copy stretched unit by unit to "
        "1e-10 of its variance",
        EXACT,
    ),
    "STUCK_BATCH": Basis(
        "five or more sampled batches with one fingerprint, or whose rows are nearer than a tenth (squared) "
        "of the distance of two rows of a batch",
        EXACT,
    ),
    "DATA_LEAKAGE": Basis(
        "more than 3 % of validation rows equal, to the bit, to training rows, beyond what equal rows within "
        "each set let one expect; remarked: a tenth of them with a training row thrice as near as any other",
        "Kapoor & Narayanan, Leakage and the reproducibility crisis (Patterns 2023)",
    ),
    "LABEL_LEAK_FEATURE": Basis(
        "one column alone tells 98 % of the labels, the best of the others below 85 %",
        "Kapoor & Narayanan (Patterns 2023), for the fault",
    ),
    "TRAIN_VAL_SHIFT": Basis(
        "a column's Kolmogorov-Smirnov distance above .25 and beyond chance in all columns together (1e-3); "
        "or neighbours that tell the sets apart by a quarter (3 standard deviations); and the model worse",
        "Kolmogorov-Smirnov, bound of Dvoretzky, Kiefer, Wolfowitz and Massart; Bonferroni; Schilling (1986)",
    ),
    "UNSHUFFLED": Basis(
        "half as many classes a batch as a shuffled order gives; or batch means 10 times as far apart",
        "expectation under a random order",
    ),
    "LABELS_UNRELATED": Basis(
        "10 nearest neighbours and a linear rule tell labels no better than under 30 shuffles (3 standard "
        "deviations), and the model no better than a guess",
        "permutation test",
    ),
    "CLASS_IMBALANCE": Basis("one class makes up 80 % of the targets; a warning if stuck, or 99 %", EXACT),
    "INPUT_SCALE": Basis(
        "|mean| above 10, spread above 20 or below .05, and training harmed",
        "LeCun et al., Efficient BackProp (1998), section 4.3",
    ),
    "BN_TINY_BATCH": Basis(
        "four values or fewer to a mean", "Wu & He, Group normalization (ECCV 2018), Fig. 1"
    ),
    "EXCESS_DROPOUT": Basis(
        "p of .8 or more, inside recurrences and attention too; a warning if stuck",
        "Srivastava et al., Dropout (JMLR 2014)",
    ),
    "EXPLODING_GRADIENT": Basis(
        "the signal grows 30-fold over the layers at the first pass, or the gradient 1,000-fold, or a "
        "recurrence's gain to its length is above 1,000, and training harmed",
        f"Pascanu et al. (ICML 2013); {AUTOTRAINER}",
    ),
    "EXCESS_WEIGHT_DECAY": Basis(
        "weights fall to half while the loss stays at a guess, with decay on, a price on them in the loss, "
        "or another hand that shrinks them after the step",
        "Krogh & Hertz (NIPS 1991), for the measure",
    ),
    "FIRST_LOSS_TOO_LARGE": Basis(
        "the first loss above 3 times a guess's (and ln K), inputs of ordinary size, no layer flat; warned "
        "of if training ends above .8 of a guess",
        "a guess loses the entropy of the targets",
    ),
    "LR_TOO_HIGH": Basis(
        "with harm, a step changes a matrix by half of itself; or by a tenth, all along or with the loss "
        "above its start; without, a tenth all along is remarked",
        f"step over weight, about .001 by rule of thumb; {AUTOTRAINER}",
    ),
    "LR_DECAYED": Basis(
        "the rate below a thousandth of its largest for half of what was seen, half the loss unlearnt", EXACT
    ),
    "UPDATE_LOST_TO_ROUNDING": Basis(
        "half of the weights with a gradient are to the bit as before the step, of half precision or 100 "
        "times a fresh weight's size; or are back there before the next one",
        "Micikevicius et al., Mixed precision training (ICLR 2018), section 3.1",
    ),
    "NON_FINITE_LOSS": Basis("the loss is nan or infinite at a sample", EXACT),
    "SATURATED_ACTIVATION": Basis(
        "more than half of a hidden layer's inputs (of a recurrence, its gates) on the flat part of the "
        "function, at three samples, stuck",
        GLOROT,
    ),
    "DEAD_RELU": Basis(
        "more than half of a hidden layer's units zero for every row, at three samples, stuck",
        f"Lu et al., Dying ReLU (2019); {AUTOTRAINER}",
    ),
    "VANISHING_GRADIENT": Basis(
        "first over last matrix's gradient, a weight, below 1e-3; or the error at the biases, or the signal; "
        "and stuck",
        f"{GLOROT}; {AUTOTRAINER}",
    ),
    "RANK_COLLAPSE": Basis(
        "stuck, effective rank of a hidden layer's rows below 1.05 at the first closer look and 1.25 in the "
        "median of all; or, of a loss without targets, fallen from above 2 to below 1.05. Remarked: below "
        "1.05 at every look, or 1.001 at the first",
        "Roy & Vetterli, Effective rank (2007); Dong et al. (ICML 2021)",
    ),
    "ATTENTION_COLLAPSE": Basis(
        "mean entropy below 2 % of its most in the median look and 5 % at every one, or no weight 1 % above "
        "an equal one at every look; unlearnt",
        "Zhai et al., Stabilizing transformer training (ICML 2023)",
    ),
    "OVER_CLIPPING": Basis(
        "with a stuck loss, gradients 10 times as large before clipping, or half of their numbers of the "
        "largest size; 1,000 times for a remark",
        "Pascanu et al. (ICML 2013)",
    ),
    "LR_TOO_LOW": Basis(
        "all steps together change a matrix by less than 5 % of itself, stuck, after 25 steps; remarked with "
        "the loss above .8 of a guess's",
        AUTOTRAINER,
    ),
    "OVERFIT": Basis(
        "validation loss risen from its least by a tenth, beyond 3 standard errors, while training loss "
        "falls; or accuracy 10 (20) points lower, with its binomial interval",
        "Prechelt, Early stopping (1998), for the rise",
    ),
    "UNDERFIT": Basis(
        "the loss no lower than at the start, or than a guess, and not on its way down, after 25 steps; "
        "remarked above .8 of a guess's",
        HUMBATOVA,
    ),
}
