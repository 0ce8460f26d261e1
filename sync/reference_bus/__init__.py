"""A real document bus in small: the provincial "trục liên thông văn bản" for demos, tests and conformance.

``main.main(config)`` runs it: the API over mutual TLS (``api``), a faulty line in front of it (``line``), virtual
organs (``players``) and a page to play them (``operator``).
"""
