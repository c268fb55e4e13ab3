"""Simulated studies with a known truth, for `benchmarks/verdicts.py`."""
