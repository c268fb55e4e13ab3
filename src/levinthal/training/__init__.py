"""One loop that is a generator of moments."""
