"""Networks in and out of checkpoint files, this project's and NVIDIA's."""

from tts.pretrained.files import describe, load, save

__all__ = ["describe", "load", "save"]
