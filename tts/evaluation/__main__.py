"""``python -m tts.evaluation``: judge a voice; ``--help`` tells how."""

from tts.commands.cli import evaluate_command

if __name__ == "__main__":
    evaluate_command()
