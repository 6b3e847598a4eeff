"""Offers entry points to ``torch.hub.load``, under our names and under those of NVIDIA's hub.

tacotron2 = torch.hub.load(REPO, "tacotron2", source="local")
"""

from tts.pretrained.hub import tacotron2, tts_utils, waveglow

dependencies = ["torch", "safetensors", "unidecode"]

nvidia_tacotron2 = tacotron2
nvidia_waveglow = waveglow
nvidia_tts_utils = tts_utils

__all__ = [
    "nvidia_tacotron2",
    "nvidia_tts_utils",
    "nvidia_waveglow",
    "tacotron2",
    "tts_utils",
    "waveglow",
]
