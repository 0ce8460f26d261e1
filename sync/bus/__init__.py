"""Clients of the buses: one interface, one folder per dialect."""
