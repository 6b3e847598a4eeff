"""Runs ``python -m tts.data.doctor``; see :mod:`tts.commands.doctor`."""

from tts.commands.doctor import main

if __name__ == "__main__":
    main()
