"""One document's whole proof as a zip that a stranger checks with public tools, following the text file inside it."""

from __future__ import annotations

from appliance.office.proof.archive import write
from appliance.office.proof.collect import Proof, incoming_proof, outgoing_proof

__all__ = ["Proof", "incoming_proof", "outgoing_proof", "write"]
