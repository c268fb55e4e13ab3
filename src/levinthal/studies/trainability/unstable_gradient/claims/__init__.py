"""The claims: early layers learn slower, as in the book's own figures, and depth does not help."""

from __future__ import annotations

from levinthal.studies.trainability.unstable_gradient.claims import accuracies, published, speeds

CLAIMS = tuple(sorted((*speeds.CLAIMS, *published.CLAIMS, *accuracies.CLAIMS), key=lambda claim: claim.id))
