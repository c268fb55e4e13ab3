"""`watch` as a callback of external trainers, and its writers for logs; each an optional extra.

lightning      `LevinthalCallback` for a Lightning `Trainer`
transformers   `LevinthalCallback` for a Transformers `Trainer`
tensorboard    `write`: findings and curves into a TensorBoard log
wandb          `write`: the same into a run of Weights & Biases
mlflow         `write`: the same into a run of MLflow
attending      the base class of the callbacks
logged         what every log gets
trainer_rows   the rows and the loss of a Transformers `Trainer`
"""
