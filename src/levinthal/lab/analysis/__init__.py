"""From rows to effects: curves, best learning rates, paired effects, bands over seeds."""
