"""Runs ``python -m tts.pretrained``; see :mod:`tts.commands.pretrained`."""

import sys

from tts.commands.pretrained import main

if __name__ == "__main__":
    sys.exit(main())
