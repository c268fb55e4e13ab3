"""Compiled inner loops. Arrays in, arrays out; nothing here checks its input."""
