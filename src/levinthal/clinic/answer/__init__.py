"""The answer of a run: one of four states, the sentence that says it, and its grounds in numbers."""
