"""The store: runs and one long table of measurements in one SQLite file."""
