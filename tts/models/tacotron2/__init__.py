"""Holds Tacotron 2 (Shen et al., 2018, arXiv 1712.05884), which turns text into spectrograms."""
