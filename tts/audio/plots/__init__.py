"""This package draws waves, mel spectrograms, alignments and stop probabilities."""
