"""Proves and measures the networks on an NVIDIA GPU: ``python -m bench.gpu``."""
