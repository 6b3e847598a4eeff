"""Checkpoints of a run: what is written, when, and how a run resumes from it."""
