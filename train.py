"""Trains Tacotron 2 or WaveGlow.

    python train.py experiment=demo                                       no corpus needed
    python train.py model=tacotron2 data.root=/path/LJSpeech-1.1
    python train.py model=waveglow  data.root=/path/LJSpeech-1.1
    python train.py model=tacotron2 trainer.gpus=4
    python train.py -m model.optimizer.lr=1e-3,5e-4 trainer.max_epochs=1
    python train.py ckpt_path=last                                        resume

`python train.py --help` lists the choices; the recipe is in tts/train.py.
"""

from tts.commands.cli import train_command

if __name__ == "__main__":
    train_command()
