"""Runs ``python -m tts.data.stats``; see :mod:`tts.commands.stats`."""

from tts.commands.stats import main

if __name__ == "__main__":
    main()
