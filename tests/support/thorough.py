"""Says how often tests of chance repeat: THOROUGH=1 in the environment asks for many times."""

import os


def repeats(few, many):
    """Return ``few``, or ``many`` where the environment asks for a thorough test."""
    return many if os.environ.get("THOROUGH") == "1" else few
