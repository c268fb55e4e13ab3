"""The claims: exploding gradients persist, skips tame them, batch norm has its law, NLC predicts error."""

from __future__ import annotations

from levinthal.studies.trainability.gradient_scale.claims import errors, growth, scale

CLAIMS = tuple(sorted((*growth.CLAIMS, *scale.CLAIMS, *errors.CLAIMS), key=lambda claim: claim.id))
