"""Provides what ``torch.hub.load(REPO, "tacotron2" | "waveglow" | "tts_utils")`` returns.

The interface is that of NVIDIA's DeepLearningExamples on the hub, so that notebooks written for it
keep working: ``tacotron2.infer``, ``waveglow.infer``, ``waveglow.remove_weightnorm``,
``utils.prepare_input_sequence``. Results come in the order of the texts, and lengths include the
last frame. Everything runs on the device of the network.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, cast

import torch
from torch import Tensor, nn
from torch.nn.utils.rnn import pad_sequence

from tts.core.errors import InputError
from tts.models import Tacotron2, WaveGlow
from tts.pretrained.convert import complete_description
from tts.pretrained.files import load, read_checkpoint
from tts.text import Tokenizer

#: Value of `model_math` -> the published file that `pretrained=True` loads.
TACOTRON2 = {"fp32": "dle_tacotron2_fp32", "fp16": "dle_tacotron2_fp16"}
WAVEGLOW = {"fp32": "dle_waveglow_fp32", "fp16": "dle_waveglow_fp16"}


class HubTacotron2(nn.Module):
    """Wraps a Tacotron 2 in the hub's interface.

    Args:
        network: the network.
    """

    def __init__(self, network: Tacotron2) -> None:
        super().__init__()
        self.network = network

    @torch.no_grad()
    def infer(
        self, inputs: Tensor, input_lengths: Tensor, max_steps: int = 1000
    ) -> tuple[Tensor, Tensor, Tensor]:
        """Decode texts into log-mel spectrograms.

        Args:
            inputs: ``(B, T_text)`` symbol ids.
            input_lengths: ``(B,)``.
            max_steps: decoder steps after which an utterance is cut off.

        Returns:
            Log-mels ``(B, n_mels, T_mel)``, their lengths ``(B,)`` in frames, and alignments
            ``(B, T_mel, T_text)``.
        """
        device = self.network.embedding.weight.device
        generated = self.network.generate(
            inputs.to(device), input_lengths.to(device), max_steps=max_steps
        )
        tensors = (generated.mel_post, generated.mel_lengths, generated.alignments)
        # clones, because training cannot use tensors that were made in inference mode
        mel, mel_lengths, alignments = (tensor.clone() for tensor in tensors)
        return mel, mel_lengths, alignments


class HubWaveGlow(nn.Module):
    """Wraps a WaveGlow in the hub's interface.

    Args:
        network: the network.
    """

    def __init__(self, network: WaveGlow) -> None:
        super().__init__()
        self.network = network

    @torch.no_grad()
    def infer(self, spect: Tensor, sigma: float = 1.0) -> Tensor:
        """Turn log-mels ``(B, n_mels, T_mel)`` into samples ``(B, T_wave)``."""
        return self.network.inverse(spect.to(next(self.network.parameters())), sigma=sigma)

    @staticmethod
    def remove_weightnorm(model: HubWaveGlow) -> HubWaveGlow:
        """Fold the weight norm of a model and return it; it sounds the same, and is faster."""
        model.network.remove_weight_norm()
        return model


class HubUtils:
    """Turns texts into the input of a Tacotron 2.

    Args:
        tokenizer: tokenizer with the symbols of the network; by default the published table of
            148.
    """

    def __init__(self, tokenizer: Tokenizer | None = None) -> None:
        self.tokenizer = tokenizer or Tokenizer()

    def prepare_input_sequence(
        self, texts: str | Sequence[str], cpu_run: bool = False
    ) -> tuple[Tensor, Tensor]:
        """Encode texts as ids ``(B, T_text)`` and lengths ``(B,)``, in the order of the texts.

        Args:
            texts: one utterance each; a string is one text.
            cpu_run: leave the tensors on the CPU even where there is CUDA.

        Raises:
            InputError: there is no text, one is no string, or nothing in one can be pronounced.
        """
        texts = [texts] if isinstance(texts, str) else list(texts)
        if not texts or not all(isinstance(text, str) for text in texts):
            raise InputError("texts: must be a list of strings, one or more")
        ids = [torch.tensor(self.tokenizer.encode(text)) for text in texts]
        device = "cuda" if torch.cuda.is_available() and not cpu_run else "cpu"
        lengths = torch.tensor([len(sequence) for sequence in ids])
        return pad_sequence(ids, batch_first=True).to(device), lengths.to(device)


def tacotron2(
    pretrained: bool = True, checkpoint: str | None = None, model_math: str = "fp32", **sizes: Any
) -> HubTacotron2:
    """Return a Tacotron 2 with the hub's interface.

    Args:
        pretrained: load NVIDIA's published weights, which are downloaded once; if False, make a
            new network.
        checkpoint: a file or a published name to load instead; anything that `tts.pretrained.load`
            reads.
        model_math: "fp32" or "fp16", which chooses between the published files; the weights of the
            network are always float32.
        **sizes: fields of `tts.models.Tacotron2Config`, for a new network.
    """
    source = checkpoint or (_named(TACOTRON2, model_math) if pretrained else None)
    if source is None:
        return HubTacotron2(Tacotron2(**sizes))
    return HubTacotron2(cast(Tacotron2, load(source, network="Tacotron2")))


def waveglow(
    pretrained: bool = True, checkpoint: str | None = None, model_math: str = "fp32", **sizes: Any
) -> HubWaveGlow:
    """Return a WaveGlow with the hub's interface; the arguments are those of `tacotron2`."""
    source = checkpoint or (_named(WAVEGLOW, model_math) if pretrained else None)
    if source is None:
        return HubWaveGlow(WaveGlow(**sizes))
    return HubWaveGlow(cast(WaveGlow, load(source, network="WaveGlow")))


def tts_utils(checkpoint: str | None = None) -> HubUtils:
    """Return the object that turns texts into the input of a Tacotron 2.

    Args:
        checkpoint: a Tacotron 2, by file or by published name, whose symbols the texts are written
            in; by default the published table of 148.

    Raises:
        InputError: see `tts.pretrained.load`.
    """
    if checkpoint is None:
        return HubUtils()
    file, loaded = read_checkpoint(checkpoint)
    if loaded.description["network"] != "Tacotron2":
        raise InputError(f"{file}: holds no Tacotron 2, and so no symbols; name a Tacotron 2")
    if loaded.problem is not None:
        raise InputError(f"{file}: {loaded.problem}")
    return HubUtils(
        Tokenizer.from_dict(complete_description(file, loaded.description)[0]["tokenizer"])
    )


def _named(published: dict[str, str], model_math: str) -> str:
    if model_math not in published:
        raise ValueError(f"model_math={model_math!r}: choose from {', '.join(published)}")
    return published[model_math]
