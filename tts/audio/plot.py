"""``python -m tts.audio.plot``; see :mod:`tts.audio.plots.plot`."""

import sys

from tts.audio.plots.plot import main

if __name__ == "__main__":
    sys.exit(main())
