"""Holds the ground floor: errors, ranges, files, locks, signals, downloads and random state."""
