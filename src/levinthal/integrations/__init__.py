"""`watch` as a callback of external trainers, each an optional extra.

lightning      `LevinthalCallback` for a Lightning `Trainer`
transformers   `LevinthalCallback` for a Transformers `Trainer`
tensorboard    `write`: findings and curves into a TensorBoard log
attending      the base class of the callbacks
"""
