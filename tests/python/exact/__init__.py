"""Operators in reduced types against their documented steps: see exact/numbers.py and tests/python/test_exact.py."""
