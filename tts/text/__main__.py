"""Runs ``python -m tts.text``; see :mod:`tts.commands.text`."""

import sys

from tts.commands.text import main

if __name__ == "__main__":
    sys.exit(main())
