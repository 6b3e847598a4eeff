"""WaveGlow (Prenger et al., 2019, arXiv 1811.00002): mel spectrogram to waveform."""
