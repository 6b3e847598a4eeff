"""Runs ``python -m tts.export``, which writes networks for other runtimes; see ``--help``."""

from tts.commands.cli import export_command

if __name__ == "__main__":
    export_command()
