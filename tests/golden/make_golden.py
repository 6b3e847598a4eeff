"""Computes the numbers in this folder with NVIDIA's code, for `tests/models/test_golden.py`.

    python tests/golden/make_golden.py

It fetches NVIDIA's packages (see `bench/reference.py`). Weights and inputs come from `formula.py`,
and the dropout of the pre-net is switched off, so nothing depends on a random generator. The files
change only if the formula changes.
"""

from __future__ import annotations

import contextlib
import io
import sys
from collections.abc import Iterator
from pathlib import Path
from unittest import mock

import numpy as np
import torch
from torch import Tensor

FOLDER = Path(__file__).parent
sys.path[:0] = [str(FOLDER), str(FOLDER.parents[1])]

import formula  # noqa: E402

from bench.reference import NvidiaPackages, fetch  # noqa: E402


def main() -> None:
    torch.set_grad_enabled(False)
    packages = NvidiaPackages(fetch())
    write("tacotron2.npz", tacotron2(packages))
    write("waveglow.npz", waveglow(packages))
    write("mel.npz", mel(packages))
    write("text_ids.npz", text_ids(packages))


def write(name: str, arrays: dict[str, Tensor]) -> None:
    path = FOLDER / name
    np.savez_compressed(path, **{key: value.numpy() for key, value in arrays.items()})
    sys.stdout.write(f"{path}: {path.stat().st_size} bytes, {', '.join(arrays)}\n")


def filled(network: torch.nn.Module) -> torch.nn.Module:
    shapes = {name: tuple(value.shape) for name, value in network.state_dict().items()}
    network.load_state_dict(formula.weights(shapes))
    return network


@contextlib.contextmanager
def running(packages: NvidiaPackages) -> Iterator[None]:
    """Run NVIDIA's code without dropout, and discard what it prints."""
    no_dropout = mock.patch.object(torch.nn.functional, "dropout", lambda x, *_, **__: x)
    with packages.active(), no_dropout, contextlib.redirect_stdout(io.StringIO()):
        yield


def tacotron2(packages: NvidiaPackages) -> dict[str, Tensor]:
    network = filled(
        packages.tacotron2(
            **formula.TACOTRON2,
            max_decoder_steps=formula.MAX_STEPS,
            gate_threshold=formula.GATE_THRESHOLD,
        )
    )
    text = formula.text()
    arrays: dict[str, Tensor] = {}
    with running(packages):
        for kind, (text_lengths, mel_lengths) in formula.LENGTHS.items():
            mel = formula.log_mel(formula.TACOTRON2["n_mel_channels"], max(mel_lengths))
            for row, length in enumerate(mel_lengths):
                mel[row, :, length:] = 0.0
            lengths = torch.tensor(text_lengths), torch.tensor(mel_lengths)
            outputs = network((text, lengths[0], mel, max(text_lengths), lengths[1]))
            arrays |= named(kind, outputs)
        for row in range(len(text)):
            arrays |= named(f"generated{row}", network.inference(text[row : row + 1]))
    return arrays


def named(kind: str, outputs: list[Tensor]) -> dict[str, Tensor]:
    mel, mel_post, gate, alignments = outputs
    gate = gate.reshape(gate.shape[:2])  # inference returns one more axis of size 1
    parts = {"mel": mel, "mel_post": mel_post, "gate": gate, "alignments": alignments}
    return {f"{kind}_{name}": value.clone() for name, value in parts.items()}


class Noise:
    """Replaces ``torch.cuda.FloatTensor(...)``, so that its ``normal_()`` follows the formula."""

    def __init__(self) -> None:
        self.shapes: list[tuple[int, ...]] = []

    def __call__(self, *shape: int) -> Noise:
        self.shapes.append(shape)
        return self

    def normal_(self) -> Tensor:
        return formula.numbers(f"noise{len(self.shapes) - 1}", *self.shapes[-1])


def waveglow(packages: NvidiaPackages) -> dict[str, Tensor]:
    network = filled(packages.waveglow(**formula.WAVEGLOW))
    mel = formula.log_mel(formula.WAVEGLOW["n_mel_channels"], 3)
    with running(packages):
        z, log_s, log_det = network((mel, formula.wave(768)))
        with mock.patch.object(torch.cuda, "FloatTensor", Noise()):
            generated = network.infer(mel, sigma=0.7)
    return {
        "z": z,
        **{f"log_s{k}": value for k, value in enumerate(log_s)},
        "log_det": torch.stack(log_det),
        "generated": generated,
    }


def mel(packages: NvidiaPackages) -> dict[str, Tensor]:
    with packages.active():
        front_end = packages.module("tacotron2.layers").TacotronSTFT()
        return {"mel": front_end.mel_spectrogram(formula.wave(4000, n_waves=1))}


def text_ids(packages: NvidiaPackages) -> dict[str, Tensor]:
    ids = packages.text_ids(*sentences())
    return {
        "ids": torch.tensor([i for row in ids for i in row], dtype=torch.uint8),
        "lengths": torch.tensor([len(row) for row in ids], dtype=torch.int16),
    }


def sentences() -> list[str]:
    lines = (FOLDER / "ljspeech_200.txt").read_text(encoding="utf-8").splitlines()
    return [line for line in lines if not line.startswith("#")]


if __name__ == "__main__":
    main()
