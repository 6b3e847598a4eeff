"""Arithmetic that computes the same as torch's own, faster on processors."""
