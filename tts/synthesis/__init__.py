"""Holds the parts of ``synthesize.py``: texts, jobs, partial output, streaming and results."""
