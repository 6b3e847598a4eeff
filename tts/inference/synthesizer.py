"""``Synthesizer``: text to speech with what was trained, in input order and repeatable.

Tokenizer, acoustic model and vocoder must agree on symbols and on the mel contract; that is checked
when they meet, not heard afterwards. Every utterance starts from the same seed, and the pre-net's
dropout is shared within a batch, so that a sentence sounds the same alone and in any company (up to
rounding).

Shapes: ``T_text`` symbols, ``T_mel`` frames, ``T_wave`` samples.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple, cast

import torch
from torch import Tensor
from torch.nn import functional as F
from torch.nn.utils.rnn import pad_sequence

from tts.audio import MelConfig, write_wave
from tts.errors import InputError, listed
from tts.evaluation import AlignmentHealth, alignment_health
from tts.inference.bridge import find_bridge
from tts.inference.vocoders import GriffinLimVocoder, Vocoder, WaveGlowVocoder, load_waveglow
from tts.models import Tacotron2
from tts.text import Tokenizer

#: What ``vocoder`` may say instead of a path.
GRIFFIN_LIM = "griffin_lim"


@dataclass(frozen=True, eq=False)
class Speech:
    """One spoken utterance; all tensors are float32 on the CPU.

    Attributes:
        wave: ``(T_wave,)`` samples, which may leave [-1, 1] a little.
        sample_rate: of ``wave``, Hz.
        mel: ``(n_mels, T_mel)`` log-mel spectrogram that was vocoded.
        alignments: ``(T_mel, T_text)`` attention weights.
        gate_logits: ``(T_mel,)``.
        stop_reason: ``"gate"``, or ``"max_steps"`` if it had to be cut off.
        text: as it was given.
        compute_seconds: time of its vocoding, and its share (by frames) of its batch's decoding.
        health: whether the attention followed the text.
    """

    wave: Tensor
    sample_rate: int
    mel: Tensor
    alignments: Tensor
    gate_logits: Tensor
    stop_reason: str
    text: str
    compute_seconds: float
    health: AlignmentHealth

    @property
    def seconds(self) -> float:
        """Length of the sound."""
        return len(self.wave) / self.sample_rate

    @property
    def rtf(self) -> float:
        """Real-time factor: time to compute over time to play; below 1 is faster than speech."""
        return self.compute_seconds / self.seconds

    def save(self, path: str | Path) -> None:
        """Write a ``.wav``, ``.flac`` or ``.ogg`` file.

        Raises:
            InputError: another ending, or a place that cannot be written.
        """
        write_wave(path, self.wave.numpy(), self.sample_rate)


class _Decoded(NamedTuple):
    """One utterance of a decoded batch, cut to its length; ``mel`` still on the device."""

    mel: Tensor
    alignments: Tensor
    gate_logits: Tensor
    stop_reason: str
    seconds: float


class Synthesizer:
    """Text to speech.

    Args:
        acoustic: trained network; its device is where decoding is done.
        vocoder: for spectrograms of the same contract.
        tokenizer: with the symbols that ``acoustic`` was trained on.
        mel: contract of the spectrograms of ``acoustic``.
        bridge: where the vocoder has another contract, convert if that is exact.
        speakers: names of the speakers, by their numbers; numbers are names if there are none.

    Attributes:
        speakers: names, empty if the acoustic model has one voice.
        corpora: names of the corpora that the networks were trained on, where known.

    Raises:
        InputError: the parts do not fit each other.
    """

    def __init__(
        self,
        acoustic: Tacotron2,
        vocoder: Vocoder,
        tokenizer: Tokenizer,
        mel: MelConfig,
        bridge: bool = False,
        speakers: Sequence[str] | None = None,
    ) -> None:
        n_symbols, n_mels = acoustic.config.n_symbols, acoustic.config.n_mels
        if n_symbols != tokenizer.n_symbols:
            raise InputError(
                f"the acoustic model knows {n_symbols} symbols, the tokenizer has "
                f"{tokenizer.n_symbols}; use the symbol table that it was trained with"
            )
        if n_mels != mel.n_mels:
            raise InputError(
                f"the acoustic model makes {n_mels} mel bands, the mel contract has {mel.n_mels}"
            )
        self._bridge = None
        if differences := mel.differences(vocoder.mel):
            exact = find_bridge(mel, vocoder.mel)
            if exact is None or not bridge:
                raise InputError(
                    "acoustic model and vocoder were trained on different mels: "
                    f"{'; '.join(differences)} (here: acoustic, there: vocoder)"
                    + ("; bridge=true converts them exactly" if exact else "")
                )
            self._bridge = exact
        n_speakers = acoustic.config.n_speakers
        self.speakers = tuple(speakers or map(str, range(n_speakers))) if n_speakers > 1 else ()
        self.acoustic = acoustic.eval()
        self.vocoder = vocoder
        self.tokenizer = tokenizer
        self.mel = mel
        self.corpora: tuple[str, ...] = ()

    @classmethod
    def from_pretrained(
        cls,
        acoustic: str | Path,
        vocoder: str | Path = GRIFFIN_LIM,
        device: str | torch.device = "auto",
        bridge: bool = False,
    ) -> Synthesizer:
        """Load checkpoints, this project's or published ones.

        Args:
            acoustic: a Tacotron 2: a file, or the name of a published one. Where the file does not
                say, the mel contract and the table of 148 symbols are NVIDIA's.
            vocoder: a WaveGlow, or ``"griffin_lim"``, which needs no file.
            bridge: where the vocoder has another mel contract, convert if that is exact.
            device: ``"auto"`` (CUDA, then MPS, then CPU) or any name that torch knows.

        Raises:
            InputError: a file that is not what it should be, files that do not fit each other, or
                a device that is not there.
        """
        from tts import pretrained
        from tts.pretrained.convert import complete

        device = pick_device(device)
        network = cast(Tacotron2, pretrained.load(acoustic, device, network="Tacotron2"))
        known, _ = complete(acoustic, cast(dict[str, Any], network.description))
        mel = MelConfig.from_dict(known["mel"])
        tokenizer = Tokenizer.from_dict(known["tokenizer"])
        corpora, speakers = [known["corpus"]], known["speakers"]
        if str(vocoder) == GRIFFIN_LIM:
            synthesizer = cls(network, GriffinLimVocoder(mel), tokenizer, mel, speakers=speakers)
            return synthesizer._trained_on(corpora)
        spoken, corpus = load_waveglow(vocoder, device)
        corpora.append(corpus)
        return cls(network, spoken, tokenizer, mel, bridge, speakers)._trained_on(corpora)

    def _trained_on(self, corpora: Sequence[str | None]) -> Synthesizer:
        self.corpora = tuple(dict.fromkeys(name for name in corpora if name))
        return self

    def speaker_number(self, name: str | int | None) -> int:
        """Number of a speaker; 0 for None, if there is only one.

        Raises:
            InputError: nobody of this name, none is named where there are several, or the
                acoustic model has one voice.
        """
        if not self.speakers:
            if name is not None:
                raise InputError(f"speaker={name}: the acoustic model has one voice; name none")
            return 0
        if str(name) not in self.speakers:
            known = listed(self.speakers, 40)
            what = "which one speaks is not said" if name is None else f"there is no {name!r}"
            raise InputError(f"speaker={name}: {what}; the acoustic model knows {known}")
        return self.speakers.index(str(name))

    def speak(self, text: str, **options: Any) -> Speech:
        """Speak one utterance; the options of ``speak_batch``."""
        return self.speak_batch([text], **options)[0]

    @torch.no_grad()
    def speak_batch(
        self,
        texts: Sequence[str],
        batch_size: int = 8,
        *,
        seed: int = 0,
        max_steps: int = 1000,
        gate_threshold: float = 0.5,
        sigma: float | None = None,
        denoiser: float | None = None,
        speaker: str | int | Sequence[str | int] | None = None,
    ) -> list[Speech]:
        """Speak utterances; all are read before the first is spoken.

        Args:
            texts: one utterance each.
            batch_size: utterances that are decoded together; those of like length are.
            seed: of dropout and noise; every utterance starts from it.
            max_steps: decoder steps after which an utterance is cut off.
            gate_threshold: stop probability that ends an utterance.
            sigma: of a WaveGlow's noise; None is the vocoder's own.
            denoiser: strength; None is the vocoder's own.
            speaker: name of who speaks, or a name for each text.

        Returns:
            One for each text, in the order of the texts.

        Raises:
            InputError: a text of which nothing can be pronounced, a speaker whom nobody knows, an
                option that is not legal, or one that the vocoder does not have.
        """
        _check_options(batch_size, max_steps, gate_threshold)
        speakers = self._numbers(speaker, len(texts))
        vocoder = self._vocoder(sigma, denoiser)
        ids = [torch.tensor(self.tokenizer.encode(text)) for text in texts]
        order = sorted(range(len(texts)), key=lambda i: len(ids[i]))
        spoken: dict[int, Speech] = {}
        for start in range(0, len(order), batch_size):
            chunk = order[start : start + batch_size]
            decoded = self._decode(
                [ids[i] for i in chunk],
                [speakers[i] for i in chunk],
                seed,
                max_steps,
                gate_threshold,
            )
            for i, utterance in zip(chunk, decoded, strict=True):
                spoken[i] = self._voice(utterance, texts[i], vocoder, seed)
        return [spoken[i] for i in range(len(texts))]

    def _numbers(self, speaker: str | int | Sequence[str | int] | None, n_texts: int) -> list[int]:
        if speaker is None or isinstance(speaker, (str, int)):
            return [self.speaker_number(speaker)] * n_texts
        if len(speaker) != n_texts:
            raise InputError(f"speaker: {len(speaker)} names for {n_texts} texts")
        return [self.speaker_number(name) for name in speaker]

    def _decode(
        self,
        ids: list[Tensor],
        speakers: list[int],
        seed: int,
        max_steps: int,
        gate_threshold: float,
    ) -> list[_Decoded]:
        """Decode a batch on the acoustic model's device, and take it apart."""
        begin = time.perf_counter()
        device = self.acoustic.embedding.weight.device
        n_text = torch.tensor([len(sequence) for sequence in ids])
        generated = self.acoustic.generate(
            pad_sequence(ids, batch_first=True).to(device),
            n_text.to(device),
            max_steps=max_steps,
            gate_threshold=gate_threshold,
            # on the CPU, so that a seed means the same on every device
            generator=torch.Generator().manual_seed(seed),
            speakers=torch.tensor(speakers, device=device),
        )
        n_mel = generated.mel_lengths.tolist()  # waits for the device
        per_frame = (time.perf_counter() - begin) / sum(n_mel)
        return [
            _Decoded(
                mel=generated.mel_post[row, :, :frames],
                alignments=generated.alignments[row, :frames, :symbols].float().cpu(),
                gate_logits=generated.gate_logits[row, :frames].float().cpu(),
                stop_reason=generated.stop_reason[row],
                seconds=per_frame * frames,
            )
            for row, (frames, symbols) in enumerate(zip(n_mel, n_text.tolist(), strict=True))
        ]

    def _voice(self, decoded: _Decoded, text: str, vocoder: Vocoder, seed: int) -> Speech:
        """Make one utterance sound."""
        begin = time.perf_counter()
        # a vocoder that goes through a short-time spectrum needs two frames
        missing = max(0, 2 - decoded.mel.shape[1])
        audible = F.pad(decoded.mel, (0, missing), value=self.mel.silence)
        if self._bridge is not None:
            audible = self._bridge(audible)
        wave = vocoder(audible, generator=torch.Generator().manual_seed(seed)).float().cpu()
        return Speech(
            wave=wave,
            sample_rate=vocoder.mel.sample_rate,
            mel=decoded.mel.float().cpu(),
            alignments=decoded.alignments,
            gate_logits=decoded.gate_logits,
            stop_reason=decoded.stop_reason,
            text=text,
            compute_seconds=decoded.seconds + time.perf_counter() - begin,
            health=alignment_health(decoded.alignments),
        )

    def _vocoder(self, sigma: float | None, denoiser: float | None) -> Vocoder:
        """The vocoder, with other settings if any are asked for."""
        if sigma is None and denoiser is None:
            return self.vocoder
        current = self.vocoder
        if not isinstance(current, WaveGlowVocoder):
            raise InputError("sigma and denoiser are settings of WaveGlow; this vocoder has none")
        if denoiser is None:
            denoiser = current.denoiser.strength if current.denoiser is not None else 0.0
        sigma = current.sigma if sigma is None else sigma
        return WaveGlowVocoder(current.network, current.mel, sigma, denoiser)


def pick_device(name: str | torch.device) -> torch.device:
    """Give the device of a name; ``"auto"`` is CUDA, then MPS, then CPU.

    Raises:
        InputError: no such device here.
    """
    if str(name) == "auto":
        name = "cpu"
        if torch.cuda.is_available():
            name = "cuda"
        elif torch.backends.mps.is_available():
            name = "mps"
    try:
        device = torch.device(name)
        torch.empty(1, device=device)
    except (RuntimeError, AssertionError, NotImplementedError) as error:
        reason = str(error).splitlines()[0]
        raise InputError(f"device {str(name)!r} cannot be used here ({reason}); try cpu") from None
    return device


def _check_options(batch_size: int, max_steps: int, gate_threshold: float) -> None:
    for name, value in (("batch_size", batch_size), ("max_steps", max_steps)):
        if value < 1:
            raise InputError(f"{name} is {value}; it must be 1 or more")
    if not 0 < gate_threshold < 1:
        raise InputError(f"gate_threshold is {gate_threshold}; it must be between 0 and 1")
