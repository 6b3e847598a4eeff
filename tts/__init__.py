"""Tacoglow: Tacotron 2 and WaveGlow, trained with PyTorch Lightning, configured by Hydra.

Importing this package costs nothing; torch comes in with the sub-packages that need it.
"""

__version__ = "0.1.0"
