"""A Problem of the user: its batches, its scores, one training of it."""
