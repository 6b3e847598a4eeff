"""Runs ``python -m tts.evaluation``, which judges a voice; ``--help`` lists its options."""

from tts.commands.cli import evaluate_command

if __name__ == "__main__":
    evaluate_command()
