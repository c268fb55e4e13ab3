"""What is written down of a training: hooks on the step, samples, rows, layers, detailed statistics."""
