"""Processes, devices and run folders: where and how a training runs."""
