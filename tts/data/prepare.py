"""``python -m tts.data.prepare``; see :mod:`tts.commands.prepare`."""

from tts.commands.prepare import main

if __name__ == "__main__":
    main()
