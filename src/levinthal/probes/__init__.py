"""Moment in, Measurements out."""
