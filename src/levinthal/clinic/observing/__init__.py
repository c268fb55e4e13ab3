"""Observe whatever a program trains, without a line in it: every optimiser that steps, and its models."""
