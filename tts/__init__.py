"""Tacoglow trains Tacotron 2 and WaveGlow with PyTorch Lightning and Hydra, and speaks with them.

Importing this package takes no time, because only the subpackages that need torch import it.
"""

__version__ = "0.1.0"
