"""The bus's side of the native profile: mutual TLS, resumable uploads, one inbox per organ, signed receipts."""
