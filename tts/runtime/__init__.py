"""Starts the processes of a training, and names their devices and run folders."""
