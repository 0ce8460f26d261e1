"""The operator's side: a page to play the province or another commune, and JSON switches for tests."""
