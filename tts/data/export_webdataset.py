"""``python -m tts.data.export_webdataset``; see :mod:`tts.commands.export_webdataset`."""

from tts.commands.export_webdataset import main

if __name__ == "__main__":
    main()
