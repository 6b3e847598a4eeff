"""The ground floor: errors, files, locks, signals, downloads, threads and random state."""
