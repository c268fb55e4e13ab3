"""Store, sweep, statistics, verdicts."""
