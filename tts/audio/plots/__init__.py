"""Pictures of sound, of mel spectrograms, of alignments and of gates."""
