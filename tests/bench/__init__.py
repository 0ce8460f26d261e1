"""Benchmarks: ``python -m tests.bench signing`` (``make bench``). No part of the tests; one of them runs it small."""
