"""Compares the speed of this code with that of NVIDIA's packages: ``python -m bench``."""
