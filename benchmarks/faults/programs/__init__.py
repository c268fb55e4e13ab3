"""Healthy programs in the idioms of libraries, written by others who did not know the rules."""
