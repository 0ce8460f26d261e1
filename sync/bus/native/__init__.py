"""The native profile: mutual TLS, a message id for life, digests, resumable fetch."""
