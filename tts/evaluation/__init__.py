"""Judging what comes out: whether the attention followed the text."""

from tts.evaluation.alignment import AlignmentHealth, alignment_health

__all__ = ["AlignmentHealth", "alignment_health"]
