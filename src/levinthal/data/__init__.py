"""Data sets in, checked arrays out."""
