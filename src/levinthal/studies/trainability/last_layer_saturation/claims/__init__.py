"""The claims on saturation and on the normalised initialisation, at the best learning rate of each arm."""

from __future__ import annotations

from levinthal.studies.trainability.last_layer_saturation.claims import initial, trained

CLAIMS = tuple(sorted((*trained.CLAIMS, *initial.CLAIMS), key=lambda claim: claim.id))
