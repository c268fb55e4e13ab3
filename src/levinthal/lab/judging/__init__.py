"""Statistics over seeds, and the one function that judges a claim."""
