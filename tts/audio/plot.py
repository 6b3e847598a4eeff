"""Runs ``python -m tts.audio.plot``, the command of :mod:`tts.audio.plots.recording`."""

import sys

from tts.audio.plots.recording import main

if __name__ == "__main__":
    sys.exit(main())
