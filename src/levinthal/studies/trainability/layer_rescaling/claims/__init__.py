"""The claims: a warning of reading notes on Nielsen, what of it is exact, and a form that can be defended."""

from __future__ import annotations

from levinthal.studies.trainability.layer_rescaling.claims import losses, speeds

CLAIMS = tuple(sorted((*losses.CLAIMS, *speeds.CLAIMS), key=lambda claim: claim.id))
