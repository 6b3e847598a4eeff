"""Runs ``python -m tts.publish``, which publishes a voice; ``--help`` lists its options."""

from tts.commands.cli import publish_command

if __name__ == "__main__":
    publish_command()
