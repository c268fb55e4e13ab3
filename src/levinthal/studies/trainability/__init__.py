"""Trainability: why deep networks are hard to train."""
