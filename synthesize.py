"""Turns text into speech.

    python synthesize.py text="hello world" acoustic=A.ckpt vocoder=B.ckpt output=audio.wav
    python synthesize.py text_file=lines.txt acoustic=A.ckpt vocoder=griffin_lim output=wavs/

`python synthesize.py --help` lists the choices; the recipe is in tts/synthesize.py.
"""

from tts.commands.cli import synthesize_command

if __name__ == "__main__":
    synthesize_command()
