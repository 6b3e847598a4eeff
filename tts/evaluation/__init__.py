"""Judges how good a voice is, by comparing it with recordings and with other engines."""
