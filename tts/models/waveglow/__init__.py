"""Holds WaveGlow (Prenger et al., 2019, arXiv 1811.00002), which turns spectrograms into waves."""
