"""``python -m tts.audio.plot``; see :mod:`tts.audio.plots.recording`."""

import sys

from tts.audio.plots.recording import main

if __name__ == "__main__":
    sys.exit(main())
