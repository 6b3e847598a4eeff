"""Vocoders: from a mel spectrogram to a waveform, whole or in pieces."""
