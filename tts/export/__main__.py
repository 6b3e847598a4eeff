"""``python -m tts.export``: write networks for other runtimes; ``--help`` tells how."""

from tts.commands.cli import export_command

if __name__ == "__main__":
    export_command()
