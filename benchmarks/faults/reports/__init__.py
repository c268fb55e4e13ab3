"""Mistakes that people report in public, written by others without sight of the rules."""
