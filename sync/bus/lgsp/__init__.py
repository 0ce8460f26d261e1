"""A province's LGSP, /v1: log-in for a token, multipart, days as the cursor (bus-link A.8)."""
