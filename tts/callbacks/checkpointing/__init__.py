"""This room holds all that concerns checkpoints: content, time of saving, and resuming a run."""
