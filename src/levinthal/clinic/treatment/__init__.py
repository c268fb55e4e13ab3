"""Remedies, each an edit of a Problem, compared in paired trials."""
