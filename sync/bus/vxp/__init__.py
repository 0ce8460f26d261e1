"""The national axis (VXP) as its SDK speaks it: signed headers, no idempotency (bus-link A.7)."""
