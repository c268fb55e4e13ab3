"""Verdicts and figures -> one self-contained page."""
