"""What can be found: the catalogue, the evidence of each code, its measured confidence."""
