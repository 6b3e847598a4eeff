"""This package holds the vocoders, which turn a mel spectrogram into a wave, whole or in pieces."""
