"""Skips and dynamics: what connections across layers do to training."""
