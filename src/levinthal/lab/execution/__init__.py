"""The sweep over a preset's tasks, its executors and its workers."""
