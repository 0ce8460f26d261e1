"""Time stamps, revocation lists and OCSP: the only room that fetches them, and the broker that the pages ask."""
