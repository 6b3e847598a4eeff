"""Benchmarks against NVIDIA's packages: ``python -m bench``."""
