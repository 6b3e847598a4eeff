"""``python -m tts.evaluation``: judge a voice; ``--help`` tells how."""

from tts.commands.cli import evaluate

if __name__ == "__main__":
    evaluate()
