"""Arrays in, Estimate out; one a file, named for what the field calls it."""
