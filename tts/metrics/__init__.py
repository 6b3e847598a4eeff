"""Measures speech and attention, to tell what a network has learned beyond its loss."""

from tts.metrics.alignment import AlignmentHealth, alignment_health, diagonality, mean_health
from tts.metrics.gate import gate_delay
from tts.metrics.mel_distance import aligned_mel_distance, mel_distance
from tts.metrics.recognition import Whisper, word_error_rate

__all__ = [
    "AlignmentHealth",
    "Whisper",
    "aligned_mel_distance",
    "alignment_health",
    "diagonality",
    "gate_delay",
    "mean_health",
    "mel_distance",
    "word_error_rate",
]
