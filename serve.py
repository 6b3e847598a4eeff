"""Serves speech over HTTP.

    python serve.py
    python serve.py voices=voices.yaml port=8080

`python serve.py --help` lists the choices; the recipe is in tts/serve.py.
"""

from tts.commands.cli import serve_command

if __name__ == "__main__":
    serve_command()
